// Cgroups by their id, in a hierarchy made here, and what their paths tell of containers.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Cgroups, cgroupOf } from "../../src/kernel/cgroups.ts";

const id = "0123456789abcdef".repeat(4);
const other = "fedcba9876543210".repeat(4);
const pod = "pod01234567_89ab_cdef_0123_456789abcdef";

describe("a container is told by", () => {
  test.each([
    ["docker, systemd", `/system.slice/docker-${id}.scope`],
    ["docker, cgroupfs", `/docker/${id}`],
    ["docker, cgroupfs, with a parent", `/build/docker/${id}`],
    ["docker, rootless", `/user.slice/user-1000.slice/user@1000.service/user.slice/docker-${id}.scope`],
    ["containerd, cgroupfs", `/default/${id}`],
    ["nerdctl, systemd", `/system.slice/nerdctl-${id}.scope`],
    [
      "containerd under Kubernetes, systemd",
      `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-${pod}.slice/cri-containerd-${id}.scope`,
    ],
    [
      "containerd under Kubernetes, its own notation",
      `/system.slice/containerd.service/kubepods-burstable-${pod}.slice:cri-containerd:${id}`,
    ],
    ["Kubernetes, cgroupfs", `/kubepods/besteffort/${pod}/${id}`],
    [
      "Kubernetes in docker",
      `/system.slice/docker-${id}.scope/kubelet.slice/${pod}.slice/cri-containerd-${other}.scope`,
    ],
    ["cri-o, systemd", `/kubepods.slice/kubepods-${pod}.slice/crio-${id}.scope`],
    ["cri-o, cgroupfs", `/kubepods/${pod}/crio-${id}`],
    ["podman, systemd", `/machine.slice/libpod-${id}.scope`],
    ["podman, with the container's own cgroup", `/machine.slice/libpod-${id}.scope/container`],
    [
      "podman, rootless",
      `/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${id}.scope/container`,
    ],
    ["podman, cgroupfs", `/libpod_parent/libpod-${id}`],
    ["podman under systemd", `/system.slice/web.service/libpod-payload-${id}`],
    ["what runs in its own cgroups", `/docker/${id}/system.slice/cron.service`],
  ])("%s", (_, path) => {
    expect(cgroupOf(path)).toEqual({ path, containerId: id });
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
    // It watches over the container, from outside.
    ["conmon of podman", `/machine.slice/libpod-conmon-${id}.scope`],
    ["conmon of cri-o", `/kubepods.slice/kubepods-${pod}.slice/crio-conmon-${id}.scope`],
  ])("not by %s", (_, path) => {
    expect(cgroupOf(path)).toEqual({ path, containerId: undefined });
  });
});

describe("a cgroup is found by its id", () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "cgroups-test-"));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  /** A hierarchy with these cgroups. @returns its root. */
  function hierarchy(name: string, paths: string[], isUnified = true): string {
    const root = join(dir, name);
    mkdirSync(root);
    if (isUnified) writeFileSync(join(root, "cgroup.controllers"), "");
    for (const path of paths) mkdirSync(join(root, path), { recursive: true });
    return root;
  }

  const idOf = (path: string): bigint => statSync(path, { bigint: true }).ino;

  test("the root, and any below it", () => {
    const root = hierarchy("cgroup", [`docker/${id}/a b`, "c"]);
    const cgroups = new Cgroups([root]);
    const find = (path: string) => cgroups.find(idOf(join(root, path)));
    expect(find("/")).toEqual({ path: "/", containerId: undefined });
    expect(find("c")).toEqual({ path: "/c", containerId: undefined });
    expect(find(`docker/${id}/a b`)).toEqual({ path: `/docker/${id}/a b`, containerId: id });
  });

  test("in the first hierarchy that is the unified one", () => {
    const old = hierarchy("old", ["a"], false);
    const unified = hierarchy("unified", ["a"]);
    const cgroups = new Cgroups([join(dir, "missing"), old, unified]);
    expect(cgroups.find(idOf(join(unified, "a")))?.path).toBe("/a");
    expect(new Cgroups([join(dir, "missing"), old]).find(idOf(join(old, "a")))).toBeUndefined();
  });

  test("through no link", () => {
    const elsewhere = hierarchy("elsewhere", ["a"]);
    const root = hierarchy("cgroup", []);
    symlinkSync(elsewhere, join(root, "link"));
    expect(new Cgroups([root]).find(idOf(join(elsewhere, "a")))).toBeUndefined();
  });

  test("not where the kernel knew none", () => {
    expect(new Cgroups([hierarchy("cgroup", ["a"])]).find(0n)).toBeUndefined();
  });

  test("when it is gone, where it was seen before", () => {
    const root = hierarchy("cgroup", ["a", "b"]);
    const cgroups = new Cgroups([root]);
    const [a, b] = [idOf(join(root, "a")), idOf(join(root, "b"))];
    expect(cgroups.find(b)?.path).toBe("/b");
    rmSync(join(root, "a"), { recursive: true });
    expect(cgroups.find(a)?.path).toBe("/a");
  });

  test("when it is new, but one that is missing is not looked for all the time", async () => {
    const root = hierarchy("cgroup", ["a"]);
    const cgroups = new Cgroups([root]);
    expect(cgroups.find(1n)).toBeUndefined();
    mkdirSync(join(root, "new"));
    const found = idOf(join(root, "new"));
    expect(cgroups.find(found)).toBeUndefined();
    await Bun.sleep(1100);
    expect(cgroups.find(found)?.path).toBe("/new");
    expect(cgroups.find(idOf(join(root, "a")))?.path).toBe("/a");
  });
});
