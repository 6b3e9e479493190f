// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Reads the offsets of fields from a kernel's BTF with bpftool.

interface BtfType {
  id: number;
  kind: string;
  name: string;
  type_id?: number;
  members?: { name: string; type_id: number; bits_offset: number }[];
}

/** Fields whose number is in a struct of one more level, or that had another name before. */
const paths: Record<string, string[]> = {
  "sock.sk_drops": ["sk_drops"],
  "net.ns": ["ns", "inum"],
  "socket_alloc.vfs_inode": ["vfs_inode", "i_ino"],
};
/** Before 4.19 (2c4704756cab) the struct pid was behind the two pointers of a list node. */
const PID_LINK_BYTES = 16;

/** @param path a file with BTF. @returns a function that returns a field's offset in bytes: "sk_buff.head". */
export async function readKernelOffsets(path: string): Promise<(field: string) => number | null> {
  const { PATH } = process.env;
  const bpftool = Bun.which("bpftool", { PATH: `${PATH}:/usr/sbin` }) ?? "bpftool";
  const { types }: { types: BtfType[] } = await Bun.$`${bpftool} --json btf dump file ${path}`.json();
  const byId = new Map(types.map((type) => [type.id, type]));
  const structs = new Map(types.filter(({ kind }) => kind === "STRUCT").map((type) => [type.name, type]));

  const resolve = (id: number): BtfType | undefined => {
    const type = byId.get(id);
    const isAlias = type && ["TYPEDEF", "CONST", "VOLATILE"].includes(type.kind);
    return isAlias ? resolve(type.type_id ?? 0) : type;
  };
  /** Returns a member's offset in bits, and its type. Members of unnamed structs count as members. */
  const find = (holder: BtfType | undefined, name: string): [number, number] | undefined => {
    for (const member of holder?.members ?? []) {
      if (member.name === name) return [member.bits_offset, member.type_id];
      const inner = member.name === "(anon)" ? find(resolve(member.type_id), name) : undefined;
      if (inner) return [member.bits_offset + inner[0], inner[1]];
    }
    return undefined;
  };
  const offsetOf = (struct: string, names: string[]): number | null => {
    let holder = structs.get(struct);
    let bits = 0;
    for (const name of names) {
      const found = find(holder, name);
      if (!found) return null;
      bits += found[0];
      holder = resolve(found[1]);
    }
    return Math.floor(bits / 8);
  };
  return (field) => {
    const [struct = "", name = ""] = field.split(".");
    // Before 5.5 (cf25e24db61c) it had another name.
    if (field === "task_struct.start_boottime") {
      return offsetOf(struct, [name]) ?? offsetOf(struct, ["real_start_time"]);
    }
    const offset = offsetOf(struct, paths[field] ?? [name]);
    if (offset !== null || field !== "task_struct.thread_pid") return offset;
    const links = offsetOf(struct, ["pids"]);
    return links === null ? null : links + PID_LINK_BYTES;
  };
}
