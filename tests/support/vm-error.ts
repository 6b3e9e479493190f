// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/** The test machine, or what it is made of, failed: nothing was learned about mine. */
export class VmError extends Error {
  override name = "VmError";
}
