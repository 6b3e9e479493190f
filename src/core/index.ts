// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The public interface of this package. All other modules are private.
export { type BtfFault, type BtfParser, type BtfPlace, btfPlaces, SYSFS_BTF, searchBtf } from "./btf.ts";
export { CallError, NoJitError, type Refusal, verifierRefusal } from "./errors.ts";
export {
  type BufferSize,
  type EventBuffer,
  MAP_TYPE,
  openEventBuffer,
  type RecordHandler,
  sizeText,
} from "./event-buffer.ts";
export {
  type Link,
  type LogLevel,
  libbpfVersion,
  loadLibbpf,
  type OpenOptions,
  possibleCpus,
  probeMapType,
  setLog,
} from "./ffi/libbpf.ts";
export { readClocks } from "./ffi/libc.ts";
export {
  isBefore,
  type KernelVersion,
  kernelVersionCode,
  parseKernelVersion,
  runningKernel,
  toldVersion,
} from "./kernel-version.ts";
export { type Decoded, type Layout, structOf } from "./layout.ts";
export { fdValue, type Key, type LoadedMap, type MapShape, type OpenMap, type ValueOf } from "./map.ts";
export { type LoadedObject, type OpenObject, open, type Skeleton } from "./object.ts";
export { PERF_RING_MIN } from "./perf-buffer.ts";
export { type ProbePoint, type Probes, pmuProbes, TracefsProbes } from "./probes.ts";
export type { LoadedProgram, OpenProgram } from "./program.ts";
export { Tracefs, type TracefsLog, type TracefsProbe } from "./tracefs.ts";
