// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/** Failure of the test machine or of its parts. It says nothing about mine. */
export class VmError extends Error {
  override name = "VmError";
}
