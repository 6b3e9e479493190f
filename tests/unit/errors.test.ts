// Every failure says what was tried, what was answered and what to do; the hint follows from all three.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { errnoName, errnoSentence } from "../../src/errno.ts";
import {
  CallError,
  type Circumstances,
  EXIT_DONE,
  EXIT_FAILED,
  EXIT_UNSUPPORTED,
  EXIT_USAGE,
  explain,
  failed,
  MineError,
  unsupported,
  usageError,
} from "../../src/errors.ts";

const EPERM = 1;
const ENOENT = 2;
const E2BIG = 7;
const ENOMEM = 12;
const EACCES = 13;
const EMFILE = 24;
const EINVAL = 22;
const EFBIG = 27;

const plain: Circumstances = { lockdown: "none" };

test("exit codes are those that the manual promises", () => {
  expect([EXIT_DONE, EXIT_FAILED, EXIT_USAGE, EXIT_UNSUPPORTED]).toEqual([0, 1, 2, 3]);
});

const hints: [string, number, Partial<Circumstances>, RegExp][] = [
  ["EPERM", EPERM, {}, /^Root here lacks the right/],
  ["EPERM under lockdown for confidentiality", EPERM, { lockdown: "confidentiality" }, /locked down/],
  ["EINVAL under lockdown for confidentiality", EINVAL, { lockdown: "confidentiality" }, /locked down/],
  [
    "EPERM under lockdown for integrity, which allows it",
    EPERM,
    { lockdown: "integrity" },
    /^Root here lacks/,
  ],
  ["EACCES", EACCES, {}, /^Root here lacks/],
  ["ENOMEM", ENOMEM, {}, /ulimit -l/],
  ["EMFILE", EMFILE, {}, /ulimit -n/],
  ["EFBIG", EFBIG, {}, /ulimit -f/],
  ["EINVAL", EINVAL, {}, /^Run with -v/],
  ["ENOENT", ENOENT, {}, /-v/],
  ["E2BIG", E2BIG, {}, /^Run with -v/],
];

test.each(hints)("%s is answered with what to do about it", (_what, errno, circumstances, hint) => {
  const error = new CallError("bpf_object__load", errno);
  const explained = explain("load the BPF programs", error, { ...plain, ...circumstances });
  expect(explained.hint).toMatch(hint);
  expect(explained.message).toBe(`cannot load the BPF programs: ${error.message}`);
  expect(explained.exitCode).toBe(EXIT_UNSUPPORTED);
  expect(explained.cause).toBe(error);
});

test.each([EACCES, EINVAL, E2BIG])(
  "a refusal of the verifier is told with its last line, errno %d",
  (errno) => {
    const error = new CallError("bpf_object__load", errno);
    const refusal = { program: "mine_enter", complaint: "R3 invalid mem access 'inv'" };
    const told = explain("load the kprobe programs", error, { ...plain, refusal, isWrongVersion: true });
    expect(told.message).toBe(
      `cannot load the kprobe programs: the kernel's verifier refused mine_enter: R3 invalid mem access 'inv' (${error.code})`,
    );
    expect(told.hint).toMatch(/verifier refused .* -v /);
  },
);

test("a failed call is told by its name, the sentence and the name of its errno", () => {
  const error = new CallError("perf_event_open", EACCES);
  expect(error.message).toBe("perf_event_open: Permission denied (EACCES)");
  expect([error.call, error.errno, error.code]).toEqual(["perf_event_open", 13, "EACCES"]);
});

const reasons = [
  "not root",
  "no BTF",
  "unusable BTF",
  "no kprobes",
  "no tracefs",
  "no ip_set",
  "lockdown",
  "EPERM",
  "memory",
  "files",
  "file size",
  "no compiler",
  "kernel version",
  "verifier",
  "self-test",
  "other",
] as const;

test.each(reasons)("'%s' says on one line what to do", (reason) => {
  const error = unsupported(reason, "message");
  expect(error).toBeInstanceOf(MineError);
  expect(error.exitCode).toBe(EXIT_UNSUPPORTED);
  expect(error.hint).toMatch(/^[A-Z][^\n]{20,}$/);
});

test("what fails while running ends with another code than what cannot run", () => {
  const error = failed("stdout", "cannot write to stdout: No space left on device", "cause");
  expect([error.exitCode, error.cause]).toEqual([1, "cause"]);
  expect(error.hint).toMatch(/^What came before is written, .* Make room, or send the output elsewhere\.$/);
});

test("what was typed wrong ends with the code for usage and points to the help", () => {
  const error = usageError("unexpected argument 'x'");
  expect([error.message, error.exitCode]).toEqual(["unexpected argument 'x'", 2]);
  expect(error.hint).toContain("--help");
});

test("errno names are those of the kernel's headers", () => {
  const read = (name: string) => readFileSync(`/usr/include/asm-generic/${name}.h`, "utf8");
  const headers = read("errno-base") + read("errno");
  const numbers = [...headers.matchAll(/^#define\s+(E\w+)\s+(\d+)/gm)].map(
    ([, name = "", number]) => [Number(number), name] as const,
  );
  expect(numbers.length).toBeGreaterThan(120);
  const toPosix: Record<string, string> = { EOPNOTSUPP: "ENOTSUP" }; // glibc has both, with one number
  for (const [number, name] of numbers) {
    expect([toPosix[name] ?? name, `errno ${number}`]).toContain(errnoName(number));
  }
  const needed = { EPERM, ENOENT, E2BIG, ENOMEM, EACCES, EINVAL, EAGAIN: 11, EADDRNOTAVAIL: 99 };
  for (const [name, number] of Object.entries(needed)) expect(errnoName(number)).toBe(name);
});

test("libbpf's own errors have its names (enum libbpf_errno)", () => {
  expect(errnoName(4000)).toBe("LIBELF");
  expect(errnoName(4005)).toBe("RELOC");
  expect(errnoName(4009)).toBe("KVER");
  expect(errnoSentence(4009)).toBe("Incorrect kernel version");
});

test("an errno without a name is told by its number", () => {
  expect(errnoName(524)).toBe("errno 524");
  expect(errnoSentence(524)).toBe("Unknown error 524");
});
