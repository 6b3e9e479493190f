// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Writes times as text. Events come in order and close together, so the text of the last minute and second is
// cached: a Date for each event would cost more than the rest of the line.
import type { ByteWriter } from "./byte-writer.ts";

const NS_PER_SECOND = 1_000_000_000n;
const NS_PER_MINUTE = 60n * NS_PER_SECOND;

/** Forms of the time in a line of text. */
export const timeForms = ["minute", "iso", "relative"] as const;
export type TimeForm = (typeof timeForms)[number];

/**
 * Writes the time of an event.
 * @param timeNs nanoseconds since 1970-01-01 UTC.
 * @param tsNs nanoseconds of CLOCK_MONOTONIC.
 */
export type TimeWriter = (out: ByteWriter, timeNs: bigint, tsNs: bigint) => void;

/**
 * Returns the writer for a form:
 *   minute    2021/03/19_01:01
 *   iso       2021-03-19T01:01:59.123456+01:00, with Z in UTC
 *   relative  12.345678, seconds since the start
 * @param startNs CLOCK_MONOTONIC at the start, in nanoseconds.
 */
export function timeWriter(form: TimeForm, isUtc: boolean, startNs: bigint): TimeWriter {
  switch (form) {
    case "minute": {
      const textOf = cached(NS_PER_MINUTE, (date) => minuteText(shifted(date, isUtc)));
      return (out, timeNs) => out.ascii(textOf(timeNs));
    }
    case "iso": {
      const secondOf = cached(NS_PER_SECOND, (date) => isoSecond(shifted(date, isUtc)));
      const zoneOf = cached(NS_PER_MINUTE, (date) => (isUtc ? "Z" : zoneText(date)));
      return (out, timeNs) => {
        out.ascii(secondOf(timeNs));
        writeMicroseconds(out, timeNs % NS_PER_SECOND);
        out.ascii(zoneOf(timeNs));
      };
    }
    case "relative":
      return (out, _, tsNs) => writeSeconds(out, tsNs - startNs);
  }
}

const utcSecond = cached(NS_PER_SECOND, isoSecond);

/** Writes UTC in RFC 3339: 2021-03-19T00:01:59.123456789Z. @param timeNs nanoseconds since 1970-01-01 UTC. */
export function writeUtcNanoseconds(out: ByteWriter, timeNs: bigint): void {
  out.ascii(utcSecond(timeNs));
  out.ascii(".");
  out.paddedDecimal(Number(timeNs % NS_PER_SECOND), 9);
  out.ascii("Z");
}

/** Returns the local time as syslog(3) writes it: "Nov  5 03:07:04". @param timeNs as above. */
export const syslogTime = cached(NS_PER_SECOND, (date) => {
  const local = shifted(date, false);
  const month = local.toUTCString().slice(8, 11); // Thu, 05 Nov 2026 03:07:04 GMT
  const day = String(local.getUTCDate()).padStart(2);
  return `${month} ${day} ${local.toUTCString().slice(17, 25)}`;
});

/** Remembers the text of the last minute or second. Since 1972 every offset from UTC is a whole number of minutes. */
function cached(lengthNs: bigint, format: (date: Date) => string): (timeNs: bigint) => string {
  let startNs = 0n;
  let text: string | undefined;
  return (timeNs) => {
    const sinceNs = timeNs - startNs;
    if (text === undefined || sinceNs < 0n || sinceNs >= lengthNs) {
      startNs = timeNs - (timeNs % lengthNs);
      text = format(new Date(Number(startNs / 1_000_000n)));
    }
    return text;
  };
}

const two = (value: number): string => String(value).padStart(2, "0");

/** Returns the date whose UTC fields are the local fields of this one. */
const shifted = (date: Date, isUtc: boolean): Date =>
  isUtc ? date : new Date(date.getTime() - date.getTimezoneOffset() * 60_000);

function minuteText(date: Date): string {
  const day = `${date.getUTCFullYear()}/${two(date.getUTCMonth() + 1)}/${two(date.getUTCDate())}`;
  return `${day}_${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`;
}

function isoSecond(date: Date): string {
  return date.toISOString().slice(0, -".000Z".length);
}

/** Returns the offset from UTC: "+01:00". */
function zoneText(date: Date): string {
  const minutes = -date.getTimezoneOffset();
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${two(Math.trunc(size / 60))}:${two(size % 60)}`;
}

/** An event that the kernel reports before the start has a minus sign. */
function writeSeconds(out: ByteWriter, sinceNs: bigint): void {
  const sizeNs = sinceNs < 0n ? -sinceNs : sinceNs;
  if (sinceNs < 0n) out.ascii("-");
  out.decimal(Number(sizeNs / NS_PER_SECOND));
  writeMicroseconds(out, sizeNs % NS_PER_SECOND);
}

function writeMicroseconds(out: ByteWriter, ns: bigint): void {
  out.ascii(".");
  out.paddedDecimal(Number(ns / 1000n), 6);
}
