// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The choice of a BTF file, and the error when there is none. Nothing here needs root. Files that only root
// may write are files of the host, and the injected parser decides whether they hold BTF.
import { afterAll, expect, test } from "bun:test";
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BtfFault, type BtfParser, btfPlaces, searchBtf } from "../../src/core/btf.ts";
import { EXIT_UNSUPPORTED, MineError, unsupported } from "../../src/errors.ts";
import { chooseBtf } from "../../src/host/btf.ts";
import { root } from "../support/compile.ts";

const directory = mkdtempSync(join(tmpdir(), "btf-test-"));
afterAll(() => rmSync(directory, { recursive: true }));

function file(name: string, content: Uint8Array | string, mode = 0o600): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

/** struct btf_header begins with the magic 0xeb9f, then version, flags and its own length. */
const kernels = file("kernels", new Uint8Array([0x9f, 0xeb, 1, 0, 24, 0, 0, 0]));
const notBtf = file("text", "no BTF at all");
const everybodys = file("everybodys", "anything", 0o666);
const missing = join(directory, "missing");
const empty = file("nothing", "");
const fifo = join(directory, "fifo");
Bun.spawnSync(["mkfifo", fifo]);
/** Files that belong to root on every Debian, and that no other user may write. */
const rootsOwn = "/etc/debian_version";
const rootsOther = "/usr/bin/dpkg";

const good = () => undefined;
const unparsable: BtfFault = { reason: "unparsable", message: "the parser says so" };
const bad = () => unparsable;
const none = (missing: string) => {
  throw unsupported("no-btf", missing);
};
const uncalled = () => {
  throw new Error("parsed although there was no need");
};

function refusal(named: string | undefined, places: string[], parse: BtfParser) {
  try {
    chooseBtf("4.15.0-213-generic", named, none, places, parse);
  } catch (error) {
    if (error instanceof MineError) return error;
    throw error;
  }
  throw new Error("not refused");
}

test("the places are those of libbpf, in the order of libbpf", () => {
  expect(btfPlaces("4.15.0-213-generic")).toEqual([
    "/sys/kernel/btf/vmlinux",
    "/boot/vmlinux-4.15.0-213-generic",
    "/lib/modules/4.15.0-213-generic/vmlinux-4.15.0-213-generic",
    "/lib/modules/4.15.0-213-generic/build/vmlinux",
    "/usr/lib/modules/4.15.0-213-generic/kernel/vmlinux",
    "/usr/lib/debug/boot/vmlinux-4.15.0-213-generic",
    "/usr/lib/debug/boot/vmlinux-4.15.0-213-generic.debug",
    "/usr/lib/debug/lib/modules/4.15.0-213-generic/vmlinux",
  ]);
});

test("chooses the kernel's own BTF without parsing it", () => {
  expect(chooseBtf("r", undefined, none, [kernels, rootsOwn], uncalled)).toEqual({ path: kernels });
});

test.each([
  ["is missing", missing],
  ["is empty", file("empty", "")],
  ["holds something else", notBtf],
  ["is BTF of the other byte order", file("swapped", new Uint8Array([0xeb, 0x9f, 1, 0]))],
  ["is a directory", directory],
])("continues the search when the kernel's own %s", (_what, own) => {
  expect(chooseBtf("r", undefined, none, [own, rootsOwn, rootsOther], good)).toEqual({ path: rootsOwn });
});

test("chooses the first file that can be parsed", () => {
  const onlyOther = (path: string) => (path === rootsOther ? undefined : unparsable);
  expect(chooseBtf("r", undefined, none, [missing, missing, rootsOwn, rootsOther], onlyOther)).toEqual({
    path: rootsOther,
  });
});

/** Returns the reason why each place is unusable, or undefined for a usable one. */
const faults = (...search: Parameters<typeof searchBtf>) =>
  searchBtf(...search).map(({ fault }) => fault?.reason);

test("does not trust or parse a file that others may write", () => {
  expect(faults(undefined, [missing, everybodys], uncalled)).toEqual(["missing", "untrusted"]);
});

test("does not trust a file that does not belong to root", () => {
  if (process.getuid?.() === 0) chownSync(notBtf, 1, 1);
  expect(faults(undefined, [missing, notBtf], uncalled)).toEqual(["missing", "untrusted"]);
});

test("the error names every place with its fault, and the hint tells how to get a BTF file", () => {
  const places = [notBtf, missing, join(notBtf, "vmlinux"), everybodys, rootsOwn];
  const error = refusal(undefined, places, bad);
  expect([error.reason, error.exitCode]).toEqual(["no-btf", EXIT_UNSUPPORTED]);
  expect(error.message).toContain("4.15.0-213-generic");
  for (const { path, fault } of searchBtf(undefined, places, bad))
    expect(error.message).toContain(`${path} (${fault?.message})`);
  expect(faults(undefined, places, bad)).toEqual([
    ...(["not-btf", "missing", "missing", "untrusted", "unparsable"] as const),
  ]);
  expect(error.hint).toContain("scripts/build-btf.sh");
  expect(error.hint).toContain("--btf");
});

test("chooses a named file of any owner, and searches no other place", () => {
  expect(chooseBtf("r", everybodys, none, [kernels], good)).toEqual({ path: everybodys });
});

test("refuses a named file that cannot be parsed, although another one exists", () => {
  const error = refusal(notBtf, [kernels], bad);
  expect([error.reason, error.exitCode]).toEqual(["unusable-btf", EXIT_UNSUPPORTED]);
  expect(error.message).toContain(notBtf);
  expect(error.message).toContain(unparsable.message);
});

test.each<[what: string, path: string, fault: BtfFault["reason"]]>([
  ["a FIFO, which would never be opened", fifo, "not-a-file"],
  ["a device, which would never end", "/dev/zero", "not-a-file"],
  ["a directory", directory, "not-a-file"],
  ["an empty file", empty, "empty"],
  ["a file that is missing", missing, "missing"],
])("does not parse %s, whether named or found", (_what, path, fault) => {
  expect(faults(path, [], uncalled)).toEqual([fault]);
  expect(faults(undefined, [notBtf, path], uncalled)).toEqual(["not-btf", fault]);
});

test("the search reports every place that it tries, and stops at the first usable one", () => {
  const onlyOther = (path: string) => (path === rootsOther ? undefined : unparsable);
  expect(searchBtf(undefined, [missing, rootsOwn, rootsOther, everybodys], onlyOther)).toEqual([
    { path: missing, fault: { reason: "missing", message: expect.any(String) } },
    { path: rootsOwn, fault: unparsable },
    { path: rootsOther, fault: undefined },
  ]);
  expect(searchBtf(everybodys, [kernels], bad)).toEqual([{ path: everybodys, fault: unparsable }]);
});

test("libbpf parses the files by default", () => {
  const object = join(root, ".output/bpf/kprobe.legacy.bpf.o");
  expect(searchBtf(object, [])).toEqual([{ path: object, fault: undefined }]);
  expect(faults(notBtf, [])).toEqual(["unparsable"]);
});
