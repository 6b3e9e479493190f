// What this host offers, what mine would use, and a self-test that proves it. Every backend is tried as it would
// be used, and taken away again.
// The trap: trying them changes what is looked at: ip_set is loaded, and libbpf raises the limit on locked memory.
import { machine, release, version } from "node:os";
import { type BackendName, backendNames } from "../backends/backend.ts";
import { btfFault } from "../bpf/btf-file.ts";
import type { BufferSize } from "../bpf/event-buffer.ts";
import { CallError, cannotAudit, MineError, unsupported } from "../errors.ts";
import { libbpfVersion } from "../ffi/libbpf.ts";
import type { Libbpf } from "../ffi/symbols.ts";
import { btfPlaces, searchBtf } from "../kernel/btf.ts";
import { hasIpsetBtf, lockdownMode } from "../kernel/host.ts";
import { ipsetState } from "../kernel/ip-set-module.ts";
import { readPrivileges } from "../kernel/privileges.ts";
import { log } from "../log.ts";
import { commands } from "../netlink/ipset-message.ts";
import { formatDoctorJson } from "../output/doctor-json.ts";
import type { Backend, Btf, DoctorReport, IpSet, Privileges, SelfTest } from "../output/doctor-report.ts";
import { formatDoctorText } from "../output/doctor-text.ts";
import type { Config, HostConfig } from "./config.ts";
import { print } from "./line-writer.ts";
import { selfTest } from "./self-test.ts";
import { openGround, openLibrary, openRung, type Session } from "./session.ts";

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

/** @throws MineError when this host cannot be audited; the report is on stdout then too. */
export function doctor(config: DoctorConfig): void {
  if (config.verbose) log.setVerbose();
  using library = openLibrary(config);
  const { lib } = library;
  const privileges = lookForPrivileges();
  const found = ipsetState();
  const btf = lookForBtf(lib, config.btf);
  const { backends, choice, buffer, refusals } = tryAll(lib, config);
  // Where none can be attached, the last decides: it asks the least of a kernel.
  const refusal = choice === null ? [...refusals.values()].at(-1) : refusals.get(choice);
  const report: DoctorReport = {
    auditable: refusal === undefined,
    reason: refusal?.reason ?? null,
    hint: refusal?.hint ?? null,
    versions: { mine: config.mineVersion, bun: Bun.version, libbpf: libbpfVersion(lib) },
    kernel: { release: release(), version: version(), machine: machine() },
    privileges,
    btf,
    ip_set: lookForIpset(found),
    backends,
    choice,
    buffer,
    confinement: choice === null ? [] : confineAs(choice, lib, config),
  };
  print(config.json ? formatDoctorJson(report) : formatDoctorText(report));
  if (refusal) throw cannotAudit(refusal.reason);
}

function lookForPrivileges(): Privileges {
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

function lookForBtf(lib: Libbpf, named: string | undefined): Btf {
  const looked = searchBtf(named, (path) => btfFault(lib, path), btfPlaces(release()));
  const places = looked.map(({ path, fault }) => ({
    path,
    reason: fault?.reason ?? null,
    message: fault?.message ?? null,
  }));
  return { path: looked.find(({ fault }) => !fault)?.path ?? null, places };
}

function lookForIpset(found: IpSet["found"]): IpSet {
  const state = ipsetState();
  return { found, state, btf: (state === "built in" || state === "loaded") && hasIpsetBtf() };
}

interface Trials {
  backends: Backend[];
  /** What mine takes by itself: it does not test itself then. */
  choice: BackendName | null;
  buffer: BufferSize | null;
  /** Why a backend is not usable. */
  refusals: Map<BackendName, MineError>;
}

/** Tries each by itself, as --backend would. */
function tryAll(lib: Libbpf, config: DoctorConfig): Trials {
  const trials: Trials = { backends: [], choice: null, buffer: null, refusals: new Map() };
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
      using session = openAlone(name, lib, config);
      trials.choice ??= name;
      trials.buffer ??= session.buffer.size;
      backend.caveats = session.caveats;
      backend.self_test = testSession(session);
      const { verdict, message } = backend.self_test;
      if (verdict === "failed") throw unsupported("self-test", `its self-test failed: ${message}`);
      backend.usable = true;
    } catch (error) {
      if (!(error instanceof MineError)) throw error;
      trials.refusals.set(name, error);
      backend.reason = error.reason;
      backend.message = error.message;
      backend.hint = error.hint;
      backend.log = log.takeLibbpfWarnings();
    }
  }
  return trials;
}

/** As mine does once it sees events. The last thing to do: there is no way back. */
function confineAs(choice: BackendName, lib: Libbpf, config: DoctorConfig): readonly string[] {
  try {
    using session = openAlone(choice, lib, config);
    return session.confine();
  } catch (error) {
    if (!(error instanceof MineError)) throw error;
    return [`could not be tried: ${error.message}`];
  }
}

const openAlone = (name: BackendName, lib: Libbpf, config: DoctorConfig): Session =>
  openRung(openGround(lib, config), name, {
    ...config,
    output: "json",
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
      message: isMissing ? "this kernel has no network namespaces to run it in" : error.message,
      commands: [],
    };
  }
}
