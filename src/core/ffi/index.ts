// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Calls of C, for a program that has C functions of its own to call.
export {
  errno,
  isTerminal,
  memoryFile,
  pageSize,
  readClocks,
  realtimeAtBootNs,
  seal,
  waitReadable,
  waitWritable,
} from "./libc.ts";
export { type Address, addressOf, cString, packStruct, textAt, textWithin } from "./memory.ts";
export { openLibc } from "./symbols.ts";
