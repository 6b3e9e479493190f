// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Returns the output of the writers of src/output as strings. Output that is not UTF-8 throws.
import type { Element } from "../../src/ipset/element.ts";
import type { Option } from "../../src/ipset/values.ts";
import { ByteWriter } from "../../src/output/byte-writer.ts";
import { writeHex, writeLossless, writeQuoted, writeWord } from "../../src/output/escape.ts";
import { writeOption, writeParts } from "../../src/output/ipset-text.ts";
import { writeJson } from "../../src/output/json.ts";
import type { AuditRecord, RunContext } from "../../src/output/record.ts";
import { writeText } from "../../src/output/text.ts";
import { context } from "./records.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function written(write: (out: ByteWriter) => void): string {
  const out = new ByteWriter(1); // one byte: the buffer must grow
  write(out);
  return decoder.decode(out.written());
}

type Shown = AuditRecord & Partial<RunContext>;

export const formatText = (record: Shown) =>
  written((out) => writeText(out, record, { ...context, ...record }));
export const formatJson = (record: Shown) =>
  written((out) => writeJson(out, record, { ...context, ...record }));
export const formatParts = ({ parts }: Pick<Element, "parts">) => written((out) => writeParts(out, parts));
export const formatOptions = (options: readonly Option[]) =>
  options.map((option) => written((out) => writeOption(out, option))).join(" ");

export const word = (bytes: Uint8Array) => written((out) => writeWord(out, bytes));
export const quoted = (bytes: Uint8Array) => written((out) => writeQuoted(out, bytes));
export const lossless = (bytes: Uint8Array) => written((out) => writeLossless(out, bytes));
export const hex = (bytes: Uint8Array, limit: number) => written((out) => writeHex(out, bytes, limit));
