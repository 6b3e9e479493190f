// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Finds the fields of tasks, in copies of mine's own task and of the structs that it points to.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { withGroups } from "../host/ffi/credentials.ts";
import type { NetlinkSocket } from "../host/ffi/netlink-socket.ts";
import { effectiveCapabilities } from "../host/privileges.ts";
import { readText } from "../host/sysfs.ts";
import { log } from "../log.ts";
import type { FieldName, Marks, Offsets } from "./fields.ts";
import { BASE, type Copy, type KernelMemory } from "./kernel-memory.ts";
import { firstOf, offsets, only, required, single, UnknownOffset } from "./search.ts";

/** Index of field 22 of proc(5) in statFields(). */
const STARTTIME = 19;
/** The unit of times in /proc: USER_HZ is 100 on every kernel. */
const NS_PER_TICK = 10_000_000n;
const AUDIT_UNSET = 0xffff_ffff;
/** linux/capability.h */
const CAP_AUDIT_CONTROL = 1n << 30n;
/** Bytes from real_parent to group_leader (struct task_struct, 4.14 to 7.x). */
const LEADER = 48;
/** Max tasks that are compared to find the login user. */
const MAX_GENERATIONS = 16;

/** Finds the fields of the struct task_struct of this thread, and of the structs that it points to. */
export function findTask(memory: KernelMemory, socket: NetlinkSocket, marks: Marks): Offsets {
  const copy = (): Copy => required("struct task_struct", memory.copy(socket, BASE.task));
  const task = copy();
  const end = task.length - 16;
  const copies = new Map<bigint, Copy | undefined>();
  /** Returns the first pointer that passes the test of its place, to a struct that passes its own. */
  const findPointer = (
    holder: Copy,
    isStruct: (pointed: Copy) => boolean,
    isPlace: (at: number) => boolean = () => true,
    known = copies,
  ): number | undefined =>
    firstOf(0, end, 8, (at) => {
      const address = holder.u64(at);
      if (!memory.isAddress(address) || !isPlace(at)) return false;
      if (!known.has(address)) known.set(address, memory.copy(socket, address));
      const pointed = known.get(address);
      return pointed !== undefined && isStruct(pointed);
    });
  /** Finds a field whose neighbour has the same value: the task may have this pointer elsewhere too. */
  const findTwin = (
    name: FieldName,
    holder: Copy,
    isStruct: (pointed: Copy) => boolean,
    known = copies,
  ): number =>
    required(
      name,
      findPointer(holder, isStruct, (at) => holder.u64(at) === holder.u64(at + 8), known),
    );
  const { pid, ppid } = process;
  const threads = new Set(readdirSync(`/proc/${ppid}/task`).map(Number));
  const hasId = (one: Copy, at: number, id: number): boolean => one.length > at && one.u32(at) === id;
  // real_parent, parent, children and sibling come before group_leader. last_wakee can have the parent too.
  const isBeforeLeader = (at: number): boolean =>
    at + LEADER <= end && task.u64(at + LEADER) === task.address;
  // A small process id is in other fields too. The parent has its own id at the same place, in one of its threads.
  const [tgid, parent] = single(
    "task_struct.tgid",
    [...offsets(4, end, 4)]
      .filter((at) => hasId(task, at, pid) && hasId(task, at - 4, pid))
      .flatMap((at): [number, number][] => {
        const isParent = (one: Copy): boolean => hasId(one, at, ppid) && threads.has(one.u32(at - 4));
        const found = findPointer(task, isParent, isBeforeLeader);
        return found === undefined ? [] : [[at, found]];
      }),
  );
  let numbers = 0;
  // struct pid { count, level, ..., tasks, ..., numbers }: level is 0, and tasks links to this task.
  const isPid = (one: Copy): boolean => {
    const at = firstOf(16, 256, 8, (nr) => one.u32(nr) === pid && memory.isAddress(one.u64(nr + 8)));
    const isLink = (link: number): boolean => {
      const distance = one.u64(link) - task.address;
      return distance > 0n && distance < BigInt(task.length);
    };
    if (at === undefined || one.u32(4) !== 0 || firstOf(8, at, 8, isLink) === undefined) return false;
    numbers = at;
    return true;
  };
  return {
    "task_struct.tgid": tgid,
    "task_struct.real_parent": parent,
    "task_struct.group_leader": parent + LEADER,
    "task_struct.thread_pid": required("task_struct.thread_pid", findPointer(task, isPid)),
    "pid.numbers": numbers,
    ...findMemory((isStruct) => findTwin("task_struct.mm", task, isStruct)),
    // The struct is new, and may be where another one was.
    ...findCredentials((isStruct) => findTwin("task_struct.cred", copy(), isStruct, new Map()), marks),
    ...findLogin(copy, end, marks, (one) => {
      const address = one.u64(parent);
      const next = memory.isAddress(address) ? memory.copy(socket, address) : undefined;
      return next && [next, next.u32(tgid)];
    }),
    ...ifCertain(() => findName(copy, end, marks)),
    ...ifCertain(() => findStart(task, end)),
  };
}

/** Finds optional fields. */
function ifCertain(find: () => Offsets): Offsets {
  try {
    return find();
  } catch (error) {
    if (error instanceof UnknownOffset) return {};
    throw error;
  }
}

/** Finds the name, with another one for a moment. */
function findName(copy: () => Copy, end: number, { ids: [id] }: Marks): Offsets {
  const path = "/proc/self/comm";
  const before = readFileSync(path);
  const name = Buffer.from(`m-${id}\0`);
  writeFileSync(path, name.subarray(0, -1));
  try {
    const task = copy();
    const isName = (at: number): boolean => name.every((byte, index) => task.u8(at + index) === byte);
    return { "task_struct.comm": only("task_struct.comm", 0, end, 4, isName) };
  } finally {
    writeFileSync(path, before.subarray(0, -1)); // without the newline
  }
}

/** Finds the start by CLOCK_BOOTTIME. The start by CLOCK_MONOTONIC is before it, and equal until the first suspend. */
function findStart(task: Copy, end: number): Offsets {
  const ticks = BigInt(statFields()[STARTTIME] ?? 0);
  const [first, second, ...others] = [...offsets(0, end, 8)].filter(
    (at) => task.u64(at) / NS_PER_TICK === ticks,
  );
  const isPair = second === undefined || (first !== undefined && second === first + 8);
  if (!isPair || others.length > 0)
    throw new UnknownOffset("task_struct.start_boottime has other candidates");
  return { "task_struct.start_boottime": required("task_struct.start_boottime", second ?? first) };
}

/** Returns the fields of /proc/self/stat from field 3 on. The name in field 2 may have spaces. */
function statFields(): string[] {
  const stat = readFileSync("/proc/self/stat", "utf8");
  return stat
    .slice(stat.lastIndexOf(")") + 2)
    .trim()
    .split(" ");
}

/** Finds the struct mm_struct. `active_mm` follows, with the same value in a process. */
function findMemory(findTwin: (isStruct: (pointed: Copy) => boolean) => number): Offsets {
  // Fields 48 to 51 of proc(5): arg_start, arg_end, env_start, env_end.
  const bounds = statFields().slice(45, 49).map(BigInt);
  let start = 0;
  const mm = findTwin((copy) => {
    const at = firstOf(0, copy.length - 32, 8, (offset) =>
      bounds.every((bound, index) => copy.u64(offset + 8 * index) === bound),
    );
    start = at ?? start;
    return at !== undefined;
  });
  return { "task_struct.mm": mm, "mm_struct.arg_start": start, "mm_struct.arg_end": start + 8 };
}

/** Finds the struct cred: a change of the thread's group ids gives it a new one. */
function findCredentials(
  findTwin: (isStruct: (pointed: Copy) => boolean) => number,
  { ids: [real, effective, saved] }: Marks,
): Offsets {
  let gid = 0;
  // uid, gid, suid, sgid, euid, egid
  const isCred = (copy: Copy): boolean => {
    const at = firstOf(
      4,
      64,
      4,
      (offset) =>
        copy.u32(offset) === real && copy.u32(offset + 8) === saved && copy.u32(offset + 16) === effective,
    );
    gid = at ?? gid;
    return at !== undefined;
  };
  // real_cred comes first. cred follows, with the same value, and is the one that decides.
  const cred = withGroups(real, effective, saved, () => findTwin(isCred)) + 8;
  return { "task_struct.cred": cred, "cred.euid": gid + 12, "cred.egid": gid + 16 };
}

/**
 * Finds the login user and the session. Without a login, mine sets one for a moment; audit logs that. A kernel
 * without audit has neither. Where 0 is logged in, other fields have the same numbers; then the ancestors decide.
 * @param parentOf returns the parent of a task, and its process id.
 */
function findLogin(
  copy: () => Copy,
  end: number,
  { ids: [user] }: Marks,
  parentOf: (task: Copy) => [Copy, number] | undefined,
): Offsets {
  const read = (pid: number | "self"): [number, number] | undefined => {
    const [login, session] = [readText(`/proc/${pid}/loginuid`), readText(`/proc/${pid}/sessionid`)];
    return login === undefined || session === undefined ? undefined : [Number(login), Number(session)];
  };
  const find = (): Offsets => {
    let task = copy();
    let found = [...offsets(0, end, 4)];
    let values = read("self");
    for (let generation = 0; values && generation < MAX_GENERATIONS; generation++) {
      const [login, session] = values;
      found = found.filter((at) => task.u32(at) === login && task.u32(at + 4) === session);
      const parent = found.length > 1 ? parentOf(task) : undefined;
      if (parent === undefined || parent[0].length < end + 8) break;
      task = parent[0];
      values = read(parent[1]);
    }
    const at = single("task_struct.loginuid", found);
    return { "task_struct.loginuid": at, "task_struct.sessionid": at + 4 };
  };
  const login = read("self")?.[0];
  if (login === undefined) return {};
  if (login !== AUDIT_UNSET) return find();
  if (!(effectiveCapabilities() & CAP_AUDIT_CONTROL) || !setLogin(user)) return {};
  try {
    return find();
  } finally {
    if (!setLogin(AUDIT_UNSET)) log.warn(`audit does not let mine take back its login uid ${user}`);
  }
}

/** Sets the login uid of this process. @returns false if the kernel refuses it. */
function setLogin(uid: number): boolean {
  try {
    writeFileSync("/proc/self/loginuid", String(uid));
    return true;
  } catch {
    return false;
  }
}
