// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The reason of every error follows from the call, the errno and the circumstances. The hint follows from the
// reason.
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import schema from "../../docs/doctor.schema.json" with { type: "json" };
import { errnoName, errnoSentence } from "../../src/core/errno.ts";
import { CallError } from "../../src/core/errors.ts";
import {
  type Circumstances,
  EXIT_DONE,
  EXIT_FAILED,
  EXIT_UNSUPPORTED,
  EXIT_USAGE,
  explain,
  failed,
  hints,
  MineError,
  noBackend,
  type Reason,
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
const ENOSYS = 38;

const plain: Circumstances = { lockdown: "none" };

test("exit codes equal those of the manual", () => {
  expect([EXIT_DONE, EXIT_FAILED, EXIT_USAGE, EXIT_UNSUPPORTED]).toEqual([0, 1, 2, 3]);
});

const cases: [string, number, Partial<Circumstances>, Reason][] = [
  ["EPERM", EPERM, {}, "no-privileges"],
  ["EPERM under lockdown for confidentiality", EPERM, { lockdown: "confidentiality" }, "lockdown"],
  ["EINVAL under lockdown for confidentiality", EINVAL, { lockdown: "confidentiality" }, "lockdown"],
  ["EPERM under lockdown for integrity, which allows it", EPERM, { lockdown: "integrity" }, "no-privileges"],
  ["EACCES", EACCES, {}, "no-privileges"],
  ["ENOMEM", ENOMEM, {}, "memory-limit"],
  ["EMFILE", EMFILE, {}, "open-files-limit"],
  ["EFBIG", EFBIG, {}, "file-size-limit"],
  ["EINVAL", EINVAL, {}, "call-failed"],
  [
    "EINVAL when the programs have another kernel version",
    EINVAL,
    { isWrongVersion: true },
    "kernel-version",
  ],
  ["ENOENT", ENOENT, {}, "call-failed"],
  ["ENOSYS", ENOSYS, {}, "no-bpf"],
  ["E2BIG", E2BIG, {}, "call-failed"],
];

test.each(cases)("finds the reason of %s", (_what, errno, circumstances, reason) => {
  const error = new CallError("bpf_object__load", errno);
  const explained = explain("load the BPF programs", error, { ...plain, ...circumstances });
  expect([explained.reason, explained.exitCode]).toEqual([reason, EXIT_UNSUPPORTED]);
  expect(explained.message).toContain("load the BPF programs");
  expect(explained.message).toContain(`(${error.code})`);
  expect(explained.cause).toBe(error);
});

test.each([EACCES, EINVAL, E2BIG])(
  "an error of the verifier shows the last line of its log, errno %d",
  (errno) => {
    const [program, complaint] = ["mine_enter", "R3 invalid mem access 'inv'"];
    const error = new CallError("bpf_object__load", errno, [
      `prog '${program}': -- BEGIN PROG LOAD LOG --`,
      complaint,
      "-- END PROG LOAD LOG --",
      `prog '${program}': failed to load: -${errno}`,
    ]);
    const told = explain("load the kprobe programs", error, { ...plain, isWrongVersion: true });
    expect(told.reason).toBe("verifier");
    for (const value of ["kprobe programs", program, complaint, `(${error.code})`])
      expect(told.message).toContain(value);
  },
);

test("a failed call shows its name, the errno's sentence and the errno's name", () => {
  const error = new CallError("perf_event_open", EACCES);
  expect(error.message).toBe("perf_event_open: Permission denied (EACCES)");
  expect([error.call, error.errno, error.code]).toEqual(["perf_event_open", 13, "EACCES"]);
});

const reasons = Object.keys(hints) as Reason[];

test.each(reasons)("'%s' is in kebab case, and its hint is one line", (reason) => {
  const error = unsupported(reason, "message");
  expect(error).toBeInstanceOf(MineError);
  expect([error.reason, error.exitCode]).toEqual([reason, EXIT_UNSUPPORTED]);
  expect(reason).toMatch(/^[a-z]+(-[a-z]+)*$/);
  expect(error.hint).toMatch(/^[A-Z][^\n]{20,}$/);
});

test("docs/doctor.schema.json lists every reason", () => {
  expect(new Set<string | null>(schema.$defs.reason.enum)).toEqual(new Set([...reasons, null]));
});

test("an error during a run has another exit code than an unsupported host", () => {
  const error = failed("stdout", "No space left on device", "cause");
  expect([error.reason, error.exitCode, error.cause]).toEqual(["stdout", EXIT_FAILED, "cause"]);
});

test("a usage error has its own exit code and points to --help", () => {
  const error = usageError("unexpected argument 'x'");
  expect([error.reason, error.message, error.exitCode]).toEqual([
    "usage",
    "unexpected argument 'x'",
    EXIT_USAGE,
  ]);
  expect(error.hint).toContain("--help");
});

describe("no backend", () => {
  const refusals = [
    { backend: "fexit", error: unsupported("no-fexit", "one") },
    { backend: "kprobe", error: unsupported("no-tracefs", "two") },
  ];

  test("takes reason and hint from the last backend, and shows every message", () => {
    const { reason, hint, message, exitCode } = noBackend(refusals);
    expect([reason, exitCode]).toEqual(["no-tracefs", EXIT_UNSUPPORTED]);
    expect(hint).toBe(unsupported("no-tracefs", "").hint);
    for (const value of ["fexit: one", "kprobe: two"]) expect(message).toContain(value);
  });

  test("returns the error of the only backend that was tried", () => {
    expect(noBackend(refusals.slice(0, 1))).toBe(refusals[0]?.error as MineError);
  });
});

test("errno names equal those of the kernel's headers", () => {
  const read = (name: string) => readFileSync(`/usr/include/asm-generic/${name}.h`, "utf8");
  const headers = read("errno-base") + read("errno");
  const numbers = [...headers.matchAll(/^#define\s+(E\w+)\s+(\d+)/gm)].map(
    ([, name = "", number]) => [Number(number), name] as const,
  );
  expect(numbers.length).toBeGreaterThan(120);
  const toPosix: Record<string, string> = { EOPNOTSUPP: "ENOTSUP" }; // glibc has both names for one number
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

test("shows an errno without a name as its number", () => {
  expect(errnoName(999)).toBe("errno 999");
  expect(errnoSentence(999)).toBe("Unknown error 999");
});
