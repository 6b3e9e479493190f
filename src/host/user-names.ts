// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Caches user names, because NSS may have to ask a server for them.
import { userName } from "./ffi/libc.ts";

export class UserNames {
  readonly #names = new Map<number, string | undefined>();

  of(uid: number): string | undefined {
    if (!this.#names.has(uid)) this.#names.set(uid, userName(uid));
    return this.#names.get(uid);
  }
}
