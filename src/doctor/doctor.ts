// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Reports the features of this host and the choices of mine, with a self-test. Every backend is used once, then
// detached. This changes the host: it loads ip_set, and libbpf raises the limit on locked memory. So the report
// collects these facts first.
import { machine, release, version } from "node:os";
import type { BufferSize } from "bun-libbpf";
import { btfPlaces, libbpfVersion, searchBtf } from "bun-libbpf";
import { CallError } from "bun-libbpf/errors";
import { type BackendName, backendNames } from "../backends/backend.ts";
import { cannotAudit, MineError, unsupported } from "../errors.ts";
import { ipsetState } from "../host/ip-set-module.ts";
import { readPrivileges } from "../host/privileges.ts";
import { hasIpsetBtf, lockdownMode } from "../host/sysfs.ts";
import { commands } from "../ipset/message.ts";
import { log } from "../log.ts";
import { evidence, fieldNames, type Offsets } from "../offsets/fields.ts";
import { print } from "../output/stdout.ts";
import type { Config, HostConfig } from "../trace/config.ts";
import { type HostContext, openContext, openLibrary, openOne, type Session } from "../trace/session.ts";
import { formatDoctorJson } from "./json.ts";
import type { Backend, Btf, DoctorReport, IpSet, Offset, Privileges, SelfTest } from "./report.ts";
import { selfTest } from "./self-test.ts";
import { formatDoctorText } from "./text.ts";

export interface DoctorConfig extends HostConfig {
  json: boolean;
  mineVersion: string;
}

const everything: Config["filter"] = {
  commands: new Set(commands),
  denied: new Set(),
  set: undefined,
  uid: undefined,
  pid: undefined,
  comm: undefined,
  failed: false,
};

/** Prints the report. @throws MineError after the report, if this host cannot be audited. */
export function doctor(config: DoctorConfig): void {
  if (config.verbose) log.setVerbose();
  openLibrary(config);
  const privileges = describePrivileges();
  const found = ipsetState();
  const btf = describeBtf(config.btf);
  const { backends, choice, buffer, refusals, context } = tryAll(config);
  // If no backend can be attached, the last one decides: it needs the fewest kernel features.
  const refusal = choice === null ? [...refusals.values()].at(-1) : refusals.get(choice);
  const report: DoctorReport = {
    auditable: refusal === undefined,
    reason: refusal?.reason ?? null,
    hint: refusal?.hint ?? null,
    versions: { mine: config.mineVersion, bun: Bun.version, libbpf: libbpfVersion() },
    kernel: { release: release(), version: version(), machine: machine() },
    privileges,
    btf: { ...btf, offsets: context?.btf.offsets ? describeOffsets(context.btf.offsets) : null },
    ip_set: describeIpset(found),
    backends,
    choice,
    buffer,
    confinement: choice === null || !context ? [] : confineAs(context, choice, config),
  };
  print(config.json ? formatDoctorJson(report) : formatDoctorText(report));
  if (refusal) throw cannotAudit(refusal.reason);
}

function describePrivileges(): Privileges {
  const { uid, capabilities, userNamespace, seccomp, noNewPrivileges, lockedMemory } = readPrivileges();
  return {
    uid,
    capabilities,
    user_namespace: userNamespace,
    seccomp: seccomp ?? null,
    no_new_privs: noNewPrivileges,
    lockdown: lockdownMode() ?? null,
    locked_memory: lockedMemory ?? null,
  };
}

function describeBtf(named: string | undefined): Omit<Btf, "offsets"> {
  const looked = searchBtf(named, btfPlaces(release()));
  const places = looked.map(({ path, fault }) => ({
    path,
    reason: fault?.reason ?? null,
    message: fault?.message ?? null,
  }));
  return { path: looked.find(({ fault }) => !fault)?.path ?? null, places };
}

const describeOffsets = (offsets: Offsets): Offset[] =>
  fieldNames.map((field) => ({ field, offset: offsets[field] ?? null, evidence: evidence[field] }));

function describeIpset(found: IpSet["found"]): IpSet {
  const state = ipsetState();
  return { found, state, btf: (state === "built in" || state === "loaded") && hasIpsetBtf() };
}

interface Trials {
  backends: Backend[];
  /** Backend that mine uses by default. A run has no self-test, so a failed one does not change it. */
  choice: BackendName | null;
  buffer: BufferSize | null;
  /** Errors of the backends that are not usable. */
  refusals: Map<BackendName, MineError>;
  /** undefined if the host lacks a requirement of every backend. */
  context: HostContext | undefined;
}

/** Tries each backend alone, like --backend. */
function tryAll(config: DoctorConfig): Trials {
  const trials: Trials = {
    backends: [],
    choice: null,
    buffer: null,
    refusals: new Map(),
    context: undefined,
  };
  for (const name of backendNames) {
    const backend: Backend = {
      name,
      usable: false,
      reason: null,
      message: null,
      hint: null,
      log: [],
      caveats: [],
      self_test: null,
    };
    trials.backends.push(backend);
    try {
      trials.context ??= openContext(config);
      using session = openAlone(trials.context, name, config);
      trials.choice ??= name;
      trials.buffer ??= session.buffer.size;
      backend.caveats = session.caveats;
      backend.self_test = testSession(session);
      const { verdict, message } = backend.self_test;
      if (verdict === "failed") throw unsupported("self-test", `the self-test failed: ${message}`);
      backend.usable = true;
    } catch (error) {
      if (!(error instanceof MineError)) throw error;
      trials.refusals.set(name, error);
      backend.reason = error.reason;
      backend.message = error.message;
      backend.hint = error.hint;
      backend.log = error.cause instanceof CallError ? error.cause.log : [];
    }
  }
  return trials;
}

/** Drops privileges, as a run does after its start. This must be the last step: they cannot be regained. */
function confineAs(context: HostContext, choice: BackendName, config: DoctorConfig): readonly string[] {
  try {
    using session = openAlone(context, choice, config);
    return session.confine();
  } catch (error) {
    if (!(error instanceof MineError)) throw error;
    return [`cannot try it: ${error.message}`];
  }
}

const openAlone = (context: HostContext, name: BackendName, config: DoctorConfig): Session =>
  openOne(context, name, {
    ...config,
    ancestry: false,
    isDetailed: true,
    bufferBytes: undefined,
    filter: everything,
  });

function testSession(session: Session): SelfTest {
  try {
    return selfTest(session);
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    const isMissing = error.call.startsWith("unshare") && error.code === "EINVAL";
    return {
      verdict: "unknown",
      reason: isMissing ? "no-namespaces" : "call-failed",
      message: isMissing
        ? "this kernel has no network namespaces, and the self-test needs one"
        : error.message,
      commands: [],
    };
  }
}
