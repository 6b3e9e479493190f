// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
const LIMIT_MS = 60_000;
const PAUSE_MS = 20;

/**
 * Asks until the answer is true, or has a value. The limit is for an answer that never comes.
 * @param state returns the state of the test, for the error.
 */
export async function until<Answer>(
  ask: () => Answer | Promise<Answer>,
  state: () => string = () => "",
): Promise<Exclude<Answer, undefined | false>> {
  for (const start = performance.now(); performance.now() - start < LIMIT_MS; await Bun.sleep(PAUSE_MS)) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer as Exclude<Answer, undefined | false>;
  }
  throw new Error(`no answer in ${LIMIT_MS / 1000} s; ${state()}`);
}
