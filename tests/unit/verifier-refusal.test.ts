// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Why the verifier refused a program, from what libbpf logs of it.
import { expect, test } from "bun:test";
import { CallError, verifierRefusal } from "../../src/core/errors.ts";

/** As libbpf 1.7 logs the verifier of 4.15, and that of 6.18. */
const old = `prog 'mine_free': BPF program load failed: -EACCES
prog 'mine_free': -- BEGIN PROG LOAD LOG --
246: (61) r1 = *(u32 *)(r3 +8)
R3 invalid mem access 'inv'
-- END PROG LOAD LOG --
prog 'mine_free': failed to load: -EACCES
failed to load object 'mine'`;
const recent = `prog 'mine_step': -- BEGIN PROG LOAD LOG --
91: (0f) r6 += r1
BPF program is too large. Processed 1000001 insn
processed 1000001 insns (limit 1000000) max_states_per_insn 72
-- END PROG LOAD LOG --
prog 'mine_step': failed to load: -E2BIG`;

const refusalIn = (text: string) => verifierRefusal(text.split("\n"));

test.each([
  ["4.15", old, { program: "mine_free", complaint: "R3 invalid mem access 'inv'" }],
  ["6.18", recent, { program: "mine_step", complaint: "BPF program is too large. Processed 1000001 insn" }],
])("the program and the last line before the statistics, of %s", (_, text, refusal) => {
  expect(refusalIn(text)).toEqual(refusal);
});

test("a failure without a log of the verifier is none of its refusals", () => {
  const log = "prog 'mine_enter': BPF program load failed: -EINVAL\nfailed to load object 'mine'";
  expect(refusalIn(log)).toBeUndefined();
  expect(verifierRefusal([])).toBeUndefined();
});

test("the message of the error names the program and the complaint", () => {
  const { message } = new CallError("bpf_object__load", 13, old.split("\n"));
  expect(message).toBe(
    "bpf_object__load: Permission denied (EACCES); the verifier refused mine_free: R3 invalid mem access 'inv'",
  );
});
