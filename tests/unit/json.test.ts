// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// One line of JSON for one event: its fields, words and digits.
import { describe, expect, test } from "bun:test";
import type { MineEvent } from "../../src/events/event.ts";
import { commands } from "../../src/ipset/message.ts";
import type { AuditRecord, RunContext } from "../../src/output/record.ts";
import { addition, address, batch, element, setName, u8, u32 } from "../support/ipset-encoder.ts";
import { formatJson } from "../support/lines.ts";
import { attribute, ipsetMessage } from "../support/netlink-encoder.ts";
import { eventWith, recordOf, recordWith } from "../support/records.ts";
import { type JsonEvent, parseEvent } from "../support/schema.ts";

const formatted = (record: AuditRecord): JsonEvent => parseEvent(formatJson(record));

const CREATE = 2;
const ADD = 9;
const TEST = 11;
const ipv4 = Buffer.from([10, 0, 0, 1]);

describe("the fields of a command", () => {
  test("all of it, where all is known", () => {
    const args = Buffer.from("ipset\0add\0white list\0");
    const event = formatted(
      recordOf(addition(address(1, ipv4), u32(6, 300)), {
        timeNs: 1_616_112_119_123_456_789n,
        hostname: "gate",
        userName: (uid) => ({ 1000: "root-by-name", 1001: "someone" })[uid],
        findCgroup: ({ cgroupId }) =>
          cgroupId === 7n
            ? {
                path: "/kubepods.slice/x",
                container: { id: "0f".repeat(32), runtime: "cri-o" },
                podUid: "01234567-89ab-cdef-0123-456789abcdef",
                names: { name: "web\n", image: "a/b:1", pod: { name: "web-1", namespace: "shop" } },
                units: { unit: "user@7.service", slice: "user-7.slice", userUnit: "a.service" },
              }
            : undefined,
        event: {
          ...{ pid: 1, tid: 2, ppid: 3, uid: 1000, gid: 1002, loginUid: 1001, sessionId: 8, netns: 9 },
          cgroupId: 7n,
          comm: Buffer.from("ipset"),
          executable: Buffer.from("/usr/sbin/ipset"),
          arguments: args,
          argumentsLen: args.length + 1,
        },
      }),
    );
    expect(event).toEqual({
      "@timestamp": "2021-03-19T00:01:59.123456789Z",
      event: {
        kind: "event",
        category: ["configuration"],
        type: ["change"],
        action: "ipset-add",
        outcome: "success",
      },
      process: {
        pid: 1,
        thread: { id: 2 },
        parent: { pid: 3 },
        name: "ipset",
        executable: "/usr/sbin/ipset",
        command_line: 'ipset add "white list"',
        command_line_truncated: true,
      },
      user: { id: "1000", name: "root-by-name", audit: { id: "1001", name: "someone" } },
      group: { id: "1002" },
      host: { hostname: "gate" },
      container: { id: "0f".repeat(32), runtime: "cri-o", name: "web\n", image: { name: "a/b:1" } },
      orchestrator: {
        ...{ type: "kubernetes", namespace: "shop" },
        resource: { type: "pod", id: "01234567-89ab-cdef-0123-456789abcdef", name: "web-1" },
      },
      systemd: { unit: "user@7.service", slice: "user-7.slice", user_unit: "a.service" },
      ipset: {
        command: "add",
        set: "a",
        exist: true,
        elements: ["10.0.0.1 timeout 300"],
        element_count: 1,
      },
      linux: { netns: 9, session_id: 8, cgroup_id: "7", cgroup_path: "/kubepods.slice/x" },
      mine: { backend: "kprobe" },
    });
  });

  test("and no more than is known", () => {
    const event = formatted(recordOf(ipsetMessage(CREATE), { userName: () => undefined }));
    expect(Object.keys(event.process)).toEqual(["pid", "thread", "parent", "name"]);
    expect(event.user).toEqual({ id: "0" });
    expect(event.linux).toEqual({ netns: 4026531840 });
    expect(event.ipset).toEqual({ command: "create", exist: true, options: [] });
    expect(event.container).toBeUndefined();
  });

  test("effective ids, where they are not the real ones", () => {
    const userName = (uid: number) => ({ 0: "root", 1000: "someone" })[uid];
    const user = (event: Partial<MineEvent>) =>
      formatted(recordOf(ipsetMessage(CREATE), { userName, event })).user;
    const real = { uid: 1000, gid: 100 };
    const said = { id: "1000", name: "someone" };
    expect(user(real)).toEqual(said);
    expect(user({ ...real, effectiveUid: 0 })).toEqual({ ...said, effective: { id: "0", name: "root" } });
    expect(user({ ...real, effectiveUid: 7 })).toEqual({ ...said, effective: { id: "7" } });
    expect(user({ ...real, effectiveGid: 0 })).toEqual({ ...said, effective: { group: { id: "0" } } });
    expect(user({ ...real, effectiveUid: 0, effectiveGid: 5 })).toEqual({
      ...said,
      effective: { id: "0", name: "root", group: { id: "5" } },
    });
  });

  test("of a process that is not the one which ended the command only ids are known", () => {
    const event = { isByReader: true, comm: new Uint8Array(), tid: 0, ppid: 0 };
    const { process, user, mine } = formatted(recordOf(ipsetMessage(7), { event }));
    expect(process).toEqual({ pid: 17436 } as JsonEvent["process"]);
    expect(user).toEqual({ id: "0", name: "root" });
    expect(mine).toEqual({ backend: "kprobe", ended_by_other_process: true });
    expect(formatted(recordOf(ipsetMessage(7))).mine).toEqual({ backend: "kprobe" });
  });

  test("who logged in as root is told from nobody", () => {
    const event = formatted(recordOf(ipsetMessage(CREATE), { event: { loginUid: 0, sessionId: 0 } }));
    expect(event.user.audit).toEqual({ id: "0", name: "root" });
    expect(event.linux.session_id).toBe(0);
  });

  test.each([
    ["creation", [CREATE]],
    ["deletion", [3]],
    ["change", [4, 5, 6, 9, 10]],
    ["access", [0, 1, 7, 8, 11, 12, 13, 14, 15, 16, 255]],
  ])("%s", (type, numbers) => {
    for (const number of numbers) {
      const { event, ipset } = formatted(recordOf(ipsetMessage(number, setName("a"))));
      const name = commands[number]?.toLowerCase();
      expect(event.type).toEqual([type]);
      expect(event.action).toBe(`ipset-${name?.replace("_", "-") ?? `command-${number}`}`);
      expect(ipset.command).toBe(name ?? String(number));
    }
  });
});

describe("of the command before nothing is kept", () => {
  const cgroups: Record<string, ReturnType<RunContext["findCgroup"]>> = {
    1: { path: "/a", container: { id: "0a".repeat(32) } },
    2: { path: "/b" },
  };
  const findCgroup = ({ cgroupId }: { cgroupId: bigint }) => cgroups[String(cgroupId)];
  const base = {
    ...{ hostname: "host", backend: "kprobe" },
    findCgroup,
    userName: (uid: number) => `u${uid}`,
  };
  const bytes = (text: string) => Buffer.from(text);
  const event = {
    comm: bytes("sh"),
    executable: bytes("/bin/sh"),
    arguments: bytes("sh\0-c\0"),
    argumentsLen: 6,
  };
  /** Differs from all others in all that is said. */
  const stranger = recordOf(ipsetMessage(TEST), {
    ...{ hostname: "x", backend: "y", result: -2, userName: () => "z" },
    event: { comm: bytes("c"), executable: bytes("/x"), uid: 7, gid: 7, loginUid: 7, sessionId: 7, netns: 7 },
  });

  test.each<[string, Partial<Parameters<typeof recordOf>[1] & object>, number?]>([
    ["the command", {}, CREATE],
    ["a command without a name", {}, 16],
    ["another without a name", {}, 17],
    ["the result", { result: -2 }],
    ["the host", { hostname: "other" }],
    ["the backend", { backend: "fexit" }],
    ["the user's name", { userName: () => "other" }],
    ["that the user has a name", { userName: () => undefined }],
    ...(
      [
        "pid",
        "tid",
        "ppid",
        "uid",
        "gid",
        "effectiveUid",
        "effectiveGid",
        "loginUid",
        "sessionId",
        "netns",
      ] as const
    ).map((field): [string, { event: object }] => [field, { event: { ...event, [field]: 4 } }]),
    ["the cgroup", { event: { ...event, cgroupId: 1n } }],
    ["another cgroup", { event: { ...event, cgroupId: 2n } }],
    ["a cgroup that is not known", { event: { ...event, cgroupId: 3n } }],
    ["the name", { event: { ...event, comm: bytes("si") } }],
    ["the executable", { event: { ...event, executable: bytes("/bin/si") } }],
    ["that there is an executable", { event: { ...event, executable: undefined } }],
    ["the arguments", { event: { ...event, arguments: bytes("sh\0-d\0") } }],
    ["that the arguments are cut", { event: { ...event, argumentsLen: 7 } }],
    [
      "where the arguments end",
      { event: { ...event, arguments: bytes("sh\0-c\0/"), argumentsLen: 7, executable: bytes("bin/sh") } },
    ],
  ])("%s", (_, given, command = ADD) => {
    const one = recordOf(ipsetMessage(ADD, setName("a")), { ...base, event });
    const other = recordOf(ipsetMessage(command, setName("a")), { ...base, event, ...given });
    const lines = [stranger, one, stranger, other, one, other, other].map((record) => formatJson(record));
    expect(lines[2]).toBe(lines[0] as string);
    expect(lines.slice(4)).toEqual([lines[1], lines[3], lines[3]] as string[]);
    expect(lines[3]).not.toBe(lines[1] as string);
  });
});

describe("every answer of the kernel to every command", () => {
  const errors = [...Array(135).keys(), ...Array.from({ length: 300 }, (_, n) => 4095 + n), 524, 0x7fffffff];
  test.each([...commands.keys(), 16, 255])("command %d", (command) => {
    for (const error of errors) {
      const message = ipsetMessage(command, setName("a"), element(address(1, ipv4)));
      const { event, ipset } = formatted(recordOf(message, { result: -error }));
      expect(ipset.error?.number).toBe(event.outcome === "failure" ? error : undefined);
    }
  });

  test("a test tells whether the element is in the set", () => {
    const inSet = (result: number) => formatted(recordOf(ipsetMessage(TEST), { result })).ipset.in_set;
    expect([0, -4103, -2].map(inSet)).toEqual([true, false, undefined]);
  });

  test("of a batch the element at fault is told, be it the first", () => {
    const elements = batch(element(address(1, ipv4)), element(address(1, ipv4)));
    const message = ipsetMessage(ADD, setName("a"), elements);
    for (const failedElement of [0, 1]) {
      const { ipset } = formatted(recordOf(message, { result: -4103, failedElement }));
      expect(ipset.failed_element).toBe(failedElement);
      expect(ipset.element_count).toBe(2);
    }
  });

  test("one that was refused before ipset saw it says so", () => {
    const event = { isRefused: true, result: -1 };
    const { ipset } = formatted(recordOf(ipsetMessage(CREATE), { event, result: -1 }));
    expect(ipset.refused).toBe(true);
    expect(ipset.error).toEqual({
      name: "EPERM",
      number: 1,
      message: "Operation not permitted",
    });
  });
});

describe("numbers are exact", () => {
  test.each([
    [0n, "1970-01-01T00:00:00.000000000Z"],
    [1n, "1970-01-01T00:00:00.000000001Z"],
    [999_999_999n, "1970-01-01T00:00:00.999999999Z"],
    [951_782_400_000_000_001n, "2000-02-29T00:00:00.000000001Z"],
    [1_616_112_000_123_456_789n, "2021-03-19T00:00:00.123456789Z"],
    [4_102_444_799_999_999_999n, "2099-12-31T23:59:59.999999999Z"],
  ])("%p nanoseconds", (timeNs, expected) => {
    expect(formatted(recordWith({ timeNs }))["@timestamp"]).toBe(expected);
  });

  test.each([1n, 2n ** 53n + 1n, 2n ** 63n + 1n, 2n ** 64n - 1n])("cgroup %p", (cgroupId) => {
    const asked: bigint[] = [];
    const findCgroup = (event: { cgroupId: bigint }) => {
      asked.push(event.cgroupId);
      return undefined;
    };
    const { linux } = formatted(recordWith({ event: eventWith({ cgroupId }), findCgroup }));
    expect(linux.cgroup_id).toBe(String(cgroupId));
    expect(asked).toEqual([cgroupId]);
  });

  test("ids of 32 bits at their limit", () => {
    const most = 0xfffffffe;
    const ids = { pid: most, tid: most, ppid: most, uid: most, gid: most, netns: most };
    const { process, user, group } = formatted(recordWith({ event: eventWith({ ...ids, loginUid: most }) }));
    expect(process).toMatchObject({ pid: most, thread: { id: most }, parent: { pid: most } });
    expect([user.id, user.audit?.id, group.id]).toEqual(Array(3).fill("4294967294"));
  });

  test("counters of 64 bits", () => {
    const counter = (type: number) => attribute(type, Buffer.alloc(8, 0xff));
    const bytes = addition(address(1, ipv4), counter(24), counter(25));
    expect(formatted(recordOf(bytes)).ipset.elements).toEqual([
      "10.0.0.1 packets 18446744073709551615 bytes 18446744073709551615",
    ]);
  });

  test("revision, family, index and flags", () => {
    const bytes = ipsetMessage(
      8,
      u8(4, 255),
      u8(5, 10),
      attribute(11, Buffer.from([255, 255])),
      u32(6, 2 ** 32 - 1),
    );
    expect(formatted(recordOf(bytes)).ipset).toMatchObject({
      revision: 255,
      family: "inet6",
      index: 65535,
      flags: 4294967295,
    });
    for (const [family, text] of [
      [0, "0"],
      [2, "inet"],
      [255, "255"],
    ] as const) {
      expect(formatted(recordOf(ipsetMessage(CREATE, u8(5, family)))).ipset.family).toBe(text);
    }
  });
});
