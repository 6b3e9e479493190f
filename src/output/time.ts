// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Writes times as text. Events come in order and close together, so the text of the last minute and second is
// cached: a Date for each event would cost more than the rest of the line.

import type { ByteWriter } from "./byte-writer.ts";

const NS_PER_SECOND = 1_000_000_000n;
const NS_PER_MINUTE = 60n * NS_PER_SECOND;

const two = (value: number): string => String(value).padStart(2, "0");

let minuteStartNs = 0n;
let minuteText = "";

/** Returns local time as 2021/03/19_01:01. @param timeNs nanoseconds since 1970-01-01 UTC. */
export function localMinute(timeNs: bigint): string {
  const sinceNs = timeNs - minuteStartNs;
  if (minuteText !== "" && sinceNs >= 0n && sinceNs < NS_PER_MINUTE) return minuteText;
  // Since 1972 every offset from UTC is a whole number of minutes.
  minuteStartNs = timeNs - (timeNs % NS_PER_MINUTE);
  const time = new Date(Number(minuteStartNs / 1_000_000n));
  const day = `${time.getFullYear()}/${two(time.getMonth() + 1)}/${two(time.getDate())}`;
  minuteText = `${day}_${two(time.getHours())}:${two(time.getMinutes())}`;
  return minuteText;
}

let secondStartNs = 0n;
let secondText = "";

/** Writes UTC in RFC 3339: 2021-03-19T00:01:59.123456789Z. @param timeNs nanoseconds since 1970-01-01 UTC. */
export function writeUtcNanoseconds(out: ByteWriter, timeNs: bigint): void {
  let sinceNs = timeNs - secondStartNs;
  if (secondText === "" || sinceNs < 0n || sinceNs >= NS_PER_SECOND) {
    sinceNs = timeNs % NS_PER_SECOND;
    secondStartNs = timeNs - sinceNs;
    secondText = new Date(Number(secondStartNs / 1_000_000n)).toISOString().slice(0, -".000Z".length);
  }
  out.ascii(secondText);
  out.ascii(".");
  out.paddedDecimal(Number(sinceNs), 9);
  out.ascii("Z");
}
