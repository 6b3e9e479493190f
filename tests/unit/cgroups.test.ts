// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The search for a cgroup by its id, in a hierarchy made here, and the container id in a cgroup's path.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Cgroups, cgroupOf, findHierarchy } from "../../src/host/cgroups.ts";

const find = (cgroups: Cgroups, cgroupId: bigint) => cgroups.find({ cgroupId, cgroupPath: undefined });
const id = "0123456789abcdef".repeat(4);
const other = "fedcba9876543210".repeat(4);
const pod = "pod01234567_89ab_cdef_0123_456789abcdef";

describe("the path contains a container id:", () => {
  test.each<[string, string | undefined, string]>([
    ["docker, systemd", "docker", `/system.slice/docker-${id}.scope`],
    ["docker, cgroupfs", "docker", `/docker/${id}`],
    ["docker, cgroupfs, with a parent", "docker", `/build/docker/${id}`],
    ["containerd, cgroupfs", undefined, `/default/${id}`],
    ["nerdctl, systemd", "containerd", `/system.slice/nerdctl-${id}.scope`],
    [
      "containerd under Kubernetes, systemd",
      "containerd",
      `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-${pod}.slice/cri-containerd-${id}.scope`,
    ],
    [
      "containerd under Kubernetes, its own notation",
      "containerd",
      `/system.slice/containerd.service/kubepods-burstable-${pod}.slice:cri-containerd:${id}`,
    ],
    ["Kubernetes, cgroupfs", undefined, `/kubepods/besteffort/${pod}/${id}`],
    [
      "Kubernetes in docker",
      "docker",
      `/system.slice/docker-${id}.scope/kubelet.slice/${pod}.slice/cri-containerd-${other}.scope`,
    ],
    ["cri-o, systemd", "cri-o", `/kubepods.slice/kubepods-${pod}.slice/crio-${id}.scope`],
    ["cri-o, cgroupfs", "cri-o", `/kubepods/${pod}/crio-${id}`],
    ["podman, systemd", "podman", `/machine.slice/libpod-${id}.scope`],
    ["podman, with the container's own cgroup", "podman", `/machine.slice/libpod-${id}.scope/container`],
    ["podman, cgroupfs", "podman", `/libpod_parent/libpod-${id}`],
    ["podman under systemd", "podman", `/system.slice/web.service/libpod-payload-${id}`],
    [
      "a container of a user inside a container of the system",
      "docker",
      `/docker/${id}/user.slice/docker-${other}.scope`,
    ],
    ["a slice whose name only begins with user.slice", "docker", `/user.slice.d/docker-${id}.scope`],
    ["a service in the container's own cgroups", "docker", `/docker/${id}/system.slice/cron.service`],
  ])("%s", (_, runtime, path) => {
    const container = runtime === undefined ? { id } : { id, runtime };
    expect(cgroupOf(path)).toMatchObject({ path, container });
  });

  test.each([
    ["the root", "/"],
    ["a service", "/system.slice/sshd.service"],
    ["a session", "/user.slice/user-1000.slice/session-1.scope"],
    ["an id that is too short", `/docker/${id.slice(1)}`],
    ["an id that is too long", `/docker/0${id}`],
    ["an id in capitals", `/docker/${id.toUpperCase()}`],
    ["an id that is only a part of a name", `/docker/${id}x`],
    ["an id after another word", `/x${id}`],
    ["a service with such a name", `/system.slice/docker-${id}.service`],
    ["a pod, which is no container", `/kubepods.slice/kubepods-${pod}.slice`],
    ["lxc", "/lxc.payload.web"],
    // Users choose the names in user.slice.
    ["a cgroup of a user", `/user.slice/user-1000.slice/user@1000.service/user.slice/docker-${id}.scope`],
    [
      "a cgroup of a user, with another cgroup in it",
      `/user.slice/user-1000.slice/user@1000.service/libpod-${id}.scope/a`,
    ],
    ["a cgroup right below user.slice", `/user.slice/${id}`],
    ["a cgroup of a user in another system", `/machine.slice/web.scope/user.slice/docker-${id}.scope`],
    // conmon monitors the container from outside.
    ["conmon of podman", `/machine.slice/libpod-conmon-${id}.scope`],
    ["conmon of cri-o", `/kubepods.slice/kubepods-${pod}.slice/crio-conmon-${id}.scope`],
  ])("the path contains no container id: %s", (_, path) => {
    expect(cgroupOf(path)).toMatchObject({ path, container: undefined });
  });
});

describe("the path contains a pod:", () => {
  const uid = "01234567-89ab-cdef-0123-456789abcdef";

  test.each([
    ["systemd", `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-${pod}.slice/crio-${id}.scope`],
    ["systemd, guaranteed", `/kubepods.slice/kubepods-${pod}.slice`],
    ["cgroupfs", `/kubepods/besteffort/pod${uid}/${id}`],
    ["cgroupfs, guaranteed", `/kubepods/pod${uid}`],
    [
      "containerd's notation",
      `/system.slice/containerd.service/kubepods-burstable-${pod}.slice:cri-containerd:${id}`,
    ],
    ["kind", `/docker/${other}/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-${pod}.slice`],
  ])("%s", (_, path) => {
    expect(cgroupOf(path).podUid).toBe(uid);
  });

  test.each([
    ["a user's", `/user.slice/user-1000.slice/user@1000.service/kubepods.slice/kubepods-${pod}.slice`],
    ["not below kubepods", `/system.slice/${pod}.slice`],
    ["too short", `/kubepods/pod${uid.slice(1)}/${id}`],
    ["too long", `/kubepods/pod${uid}0/${id}`],
  ])("none: %s", (_, path) => {
    expect(cgroupOf(path).podUid).toBeUndefined();
  });
});

describe("finds a cgroup by its id", () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "cgroups-test-"));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  /** Creates a hierarchy with these cgroups. @returns its root. */
  function hierarchy(name: string, paths: string[], isUnified = true): string {
    const root = join(dir, name);
    mkdirSync(root);
    if (isUnified) writeFileSync(join(root, "cgroup.controllers"), "");
    for (const path of paths) mkdirSync(join(root, path), { recursive: true });
    return root;
  }

  const idOf = (path: string): bigint => statSync(path, { bigint: true }).ino;

  test("the root, and each cgroup below it", () => {
    const root = hierarchy("cgroup", [`docker/${id}/a b`, "c"]);
    const cgroups = new Cgroups(root);
    const found = (path: string) => find(cgroups, idOf(join(root, path)));
    expect(found("/")).toEqual({ path: "/" });
    expect(found("c")).toEqual({ path: "/c" });
    expect(found(`docker/${id}/a b`)).toEqual({
      path: `/docker/${id}/a b`,
      container: { id, runtime: "docker" },
    });
  });

  test("in the first unified hierarchy", () => {
    const old = hierarchy("old", ["a"], false);
    const unified = hierarchy("unified", ["a"]);
    const roots = [join(dir, "missing"), old, unified];
    expect(findHierarchy(roots, old)).toEqual({ root: unified, isUnified: true });
    expect(find(new Cgroups(unified), idOf(join(unified, "a")))?.path).toBe("/a");
    expect(find(new Cgroups(undefined), idOf(join(unified, "a")))).toBeUndefined();
  });

  test("in systemd's own hierarchy, where there is no unified one", () => {
    const systemd = hierarchy("systemd", ["system.slice/cron.service"], false);
    expect(findHierarchy([join(dir, "missing")], systemd)).toBeUndefined();
    writeFileSync(join(systemd, "cgroup.procs"), "");
    expect(findHierarchy([join(dir, "missing")], systemd)).toEqual({ root: systemd, isUnified: false });
  });

  test("but follows no symbolic link", () => {
    const elsewhere = hierarchy("elsewhere", ["a"]);
    const root = hierarchy("cgroup", []);
    symlinkSync(elsewhere, join(root, "link"));
    expect(find(new Cgroups(root), idOf(join(elsewhere, "a")))).toBeUndefined();
  });

  test("that is gone, or in no hierarchy, when the event has its path", () => {
    const cgroups = new Cgroups(undefined);
    const reported = (path: string) => ({ cgroupId: 7n, cgroupPath: Buffer.from(path, "latin1") });
    const cgroup = { path: `/docker/${id}/a\\xff`, container: { id, runtime: "docker" } };
    expect(cgroups.find(reported(`/docker/${id}/a\xff`))).toMatchObject(cgroup);
    expect(find(cgroups, 7n)).toMatchObject(cgroup);
  });

  test("but none for id 0, which means that the kernel knows none", () => {
    expect(find(new Cgroups(hierarchy("cgroup", ["a"])), 0n)).toBeUndefined();
  });

  test("after its removal, when an earlier search found it", () => {
    const root = hierarchy("cgroup", ["a", "b"]);
    const cgroups = new Cgroups(root);
    const ids = [idOf(join(root, "a")), idOf(join(root, "b"))];
    expect(ids.map((id) => find(cgroups, id)?.path)).toEqual(["/a", "/b"]);
    rmSync(join(root, "a"), { recursive: true });
    expect(ids.map((id) => find(cgroups, id)?.path)).toEqual(["/a", "/b"]);
  });

  test("after its creation, although an earlier search missed it", () => {
    const root = hierarchy("cgroup", ["a"]);
    const cgroups = new Cgroups(root);
    expect(find(cgroups, 1n)).toBeUndefined();
    mkdirSync(join(root, "new"));
    expect(find(cgroups, idOf(join(root, "new")))?.path).toBe("/new");
    expect(find(cgroups, idOf(join(root, "a")))?.path).toBe("/a");
  });

  test.each<[name: number[], shown: string]>([
    [[0x61, 0xff, 0x62], "/a\\xffb"],
    [[0xc3, 0xbc, 0xc3], "/ü\\xc3"],
    [[0x61, 0x5c, 0x78, 0x66, 0x66, 0xfe], "/a\\\\xff\\xfe"],
    [[0x61, 0x5c, 0x78, 0x66, 0x66], "/a\\\\xff"],
    [[0xef, 0xbf, 0xbd], "/\ufffd"],
  ])("when its name is the bytes %j", (name, shown) => {
    const root = hierarchy("cgroup", ["plain"]);
    const directory = Buffer.concat([Buffer.from(`${root}/`), Buffer.from(name)]);
    const below = Buffer.concat([directory, Buffer.from("/below")]);
    mkdirSync(below, { recursive: true });
    const cgroups = new Cgroups(root);
    const idIn = (path: Buffer) => statSync(path, { bigint: true }).ino;
    expect(find(cgroups, idIn(directory))?.path).toBe(shown);
    expect(find(cgroups, idIn(below))?.path).toBe(`${shown}/below`);
    expect(find(cgroups, idOf(join(root, "plain")))?.path).toBe("/plain");
  });
});

describe("the search among thousands of cgroups", () => {
  const GROUPS = 50;
  const IN_GROUP = 40;
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "cgroups-test-"));
    writeFileSync(join(dir, "cgroup.controllers"), "");
    for (let group = 0; group < GROUPS; group++) {
      for (let index = 0; index < IN_GROUP; index++)
        mkdirSync(join(dir, `${group}/${index}`), { recursive: true });
    }
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  /** Returns a clock that each reading advances, so that each visited cgroup takes a millisecond. */
  function clock() {
    const time = { ms: 0, now: () => time.ms++ };
    return time;
  }
  const idOf = (path: string): bigint => statSync(join(dir, path), { bigint: true }).ino;

  test("visits only a few per event, even when many events want the same cgroup", () => {
    const time = clock();
    const cgroups = new Cgroups(dir, time.now);
    const wanted = idOf(`${GROUPS - 1}/${IN_GROUP - 1}`);
    find(cgroups, wanted); // starts the search
    for (let event = 0; event < 100; event++) {
      const startMs = time.ms;
      expect(find(cgroups, wanted)).toBeUndefined();
      expect(time.ms - startMs).toBeLessThan(30);
    }
  });

  test("visits all of a few cgroups at once, even when that is slow", () => {
    const time = clock();
    const now = () => time.now() * 1000;
    const few = join(dir, "0");
    writeFileSync(join(few, "cgroup.controllers"), "");
    expect(find(new Cgroups(few, now), idOf(`0/${IN_GROUP - 1}`))?.path).toBe(`/${IN_GROUP - 1}`);
  });

  test("takes a twentieth of the time, and finds all in the end", () => {
    const time = clock();
    const cgroups = new Cgroups(dir, time.now);
    const wanted = new Set(Array.from({ length: GROUPS }, (_, group) => `${group}/${IN_GROUP - 1}`));
    let spentMs = 0;
    for (let event = 0; wanted.size > 0; event++) {
      if (event > 2000) throw new Error("never found");
      const [path = ""] = wanted;
      const startMs = time.ms;
      const cgroup = find(cgroups, idOf(path));
      spentMs += time.ms - startMs;
      if (cgroup?.path === `/${path}`) wanted.delete(path);
      time.ms += 100;
    }
    expect(spentMs).toBeLessThan(time.ms / 10);
  });

  test("ends for a cgroup that does not exist, after one visit to all cgroups", () => {
    const time = clock();
    const cgroups = new Cgroups(dir, time.now);
    const spent = () => {
      const startMs = time.ms;
      find(cgroups, 1n);
      return time.ms - startMs;
    };
    for (let event = 0; event < 2000; event++) {
      time.ms += 1000;
      if (spent() === 0) return;
    }
    throw new Error("looked for all the time");
  });
});
