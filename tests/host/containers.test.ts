// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Names of containers and pods. A real dockerd and a real containerd run containers that change sets. A mount namespace
// hides their state from this host, and shows mine an empty one.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { readContainerFile } from "../../src/host/container-files.ts";
import { canTraceHere, Host } from "../support/host.ts";
import { type JsonEvent, parseEvents } from "../support/schema.ts";
import { until } from "../support/until.ts";

const isHere = canTraceHere("containers.test.ts");
const ID = "0123456789abcdef".repeat(4);
const UID = "01234567-89ab-cdef-0123-456789abcdef";
const IMAGE = "tools.example/ipset:1.0";

let host: Host;
let machine: Bun.Subprocess;
const daemons: Bun.Subprocess[] = [];

/** A command in the mount namespace of the daemons. */
const inside = (...command: string[]): string[] => [
  ...["nsenter", `--mount=/proc/${machine.pid}/ns/mnt`, "--"],
  ...command,
];

async function run(...command: string[]): Promise<void> {
  const child = Bun.spawn(inside(...command), { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  if ((await child.exited) !== 0) throw new Error(`${command.join(" ")} failed: ${stdout}${stderr}`);
}

/** Starts a daemon, and waits until a command succeeds, which asks it. */
async function startDaemon(command: string[], question: string[]): Promise<void> {
  const log = join(host.dir, `${command[0]}.log`);
  const daemon = Bun.spawn(inside(...command), {
    stdin: "ignore",
    stdout: Bun.file(log),
    stderr: Bun.file(log),
  });
  daemons.push(daemon);
  const answers = () => daemon.exitCode === null && Bun.spawnSync(inside(...question)).success;
  await until(answers, () => `see ${command[0]}`);
}

/** Makes a directory that a container can have as its root: links into /usr, which is mounted from this host. */
function makeRoot(): string {
  const root = host.emptyDirectory("root");
  mkdirSync(join(root, "usr"));
  for (const name of ["bin", "sbin", "lib", "lib64"]) symlinkSync(`usr/${name}`, join(root, name));
  return root;
}

const socket = "/run/docker/docker.sock";
const docker = ["docker", "--host", `unix://${socket}`];

beforeAll(async () => {
  if (!isHere) return;
  host = new Host();
  const hidden = ["/run/docker", "/run/containerd", "/var/lib/docker", "/var/lib/containerd"];
  const mounts = hidden.map((path) => `mkdir -p ${path} && mount -t tmpfs tmpfs ${path}`).join(" && ");
  const hider = Bun.spawn(
    ["unshare", "--mount", "sh", "-c", `${mounts} && echo ready && exec sleep infinity`],
    {
      stdin: "ignore",
      stdout: "pipe",
    },
  );
  machine = hider;
  await hider.stdout.getReader().read();
  const files = ["--exec-root", "/run/docker", "--pidfile", "/run/docker/pid", "--host", `unix://${socket}`];
  await Promise.all([
    startDaemon(
      ["dockerd", ...files, "--iptables=false", "--bridge=none", "--storage-driver=vfs"],
      [...docker, "info"],
    ),
    startDaemon(["containerd"], ["ctr", "version"]),
  ]);
}, 120_000);

afterAll(async () => {
  for (const daemon of daemons) daemon.kill();
  for (const daemon of daemons) await daemon.exited;
  machine?.kill();
  await machine?.exited;
  host?.[Symbol.dispose]();
});

/** Runs mine while a container creates and destroys a set. */
async function recordOf(set: string, ...container: string[]): Promise<JsonEvent[]> {
  const through = inside(join(host.directoryWithBinary(), "mine"));
  const { exitCode, stdout } = await host.run(["-o", "json", "--set", set], { through }, async () => {
    await run(...container, "sh", "-c", `ipset create ${set} hash:ip && ipset destroy ${set}`);
  });
  expect(exitCode).toBe(0);
  const events = parseEvents(stdout);
  expect(events.map(({ ipset }) => ipset.command)).toEqual(["create", "destroy"]);
  return events;
}

describe.skipIf(!isHere)("a container of", () => {
  const labels = { "container.name": "agent", "pod.name": "node-agent-x7", "pod.namespace": "kube-system" };
  const runArgs = ["run", "--rm", "--network=host", "--cap-add=NET_ADMIN", "--volume=/usr:/usr:ro"];

  beforeAll(async () => {
    const root = makeRoot();
    await run("sh", "-c", `tar -C ${root} -c . | ${docker.join(" ")} import - ${IMAGE}`);
  });

  test("docker has its name and image", async () => {
    for (const { container, orchestrator } of await recordOf(
      "by-docker",
      ...docker,
      ...runArgs,
      "--name=set-tool",
      IMAGE,
    )) {
      expect(container).toEqual({
        ...{ id: expect.stringMatching(/^[0-9a-f]{64}$/), runtime: "docker" },
        ...{ name: "set-tool", image: { name: IMAGE } },
      });
      expect(orchestrator).toBeUndefined();
    }
  });

  test("a pod that docker runs has the names of the pod", async () => {
    const given = Object.entries(labels).map(([name, value]) => `--label=io.kubernetes.${name}=${value}`);
    const args = [
      ...runArgs,
      "--name=k8s_agent_node-agent-x7_kube-system_0",
      `--cgroup-parent=/kubepods/pod${UID}`,
    ];
    for (const { container, orchestrator } of await recordOf("by-pod", ...docker, ...args, ...given, IMAGE)) {
      expect(container).toMatchObject({ name: "agent", image: { name: IMAGE } });
      expect(orchestrator).toEqual({
        ...{ type: "kubernetes", namespace: "kube-system" },
        resource: { type: "pod", id: UID, name: "node-agent-x7" },
      });
    }
  });

  test("containerd has the names of the pod, as its plugin for Kubernetes writes them", async () => {
    const annotations = {
      ...{ "container-name": "agent", "image-name": IMAGE },
      ...{ "sandbox-name": "node-agent-x7", "sandbox-namespace": "kube-system" },
    };
    const given = Object.entries(annotations).flatMap(([name, value]) => [
      "--annotation",
      `io.kubernetes.cri.${name}=${value}`,
    ]);
    const mount = "type=bind,src=/usr,dst=/usr,options=rbind:ro";
    const args = [
      "--rm",
      "--net-host",
      "--cap-add",
      "CAP_NET_ADMIN",
      "--env",
      "PATH=/usr/sbin:/usr/bin",
      "--mount",
      mount,
      ...given,
    ];
    const cgroup = ["--cgroup", `/kubepods/burstable/pod${UID}/${ID}`];
    const command = ["ctr", "--namespace", "k8s.io", "run", ...args, ...cgroup, "--rootfs", makeRoot(), ID];
    for (const { container, orchestrator } of await recordOf("by-containerd", ...command)) {
      expect(container).toEqual({ id: ID, name: "agent", image: { name: IMAGE } });
      expect(orchestrator).toEqual({
        ...{ type: "kubernetes", namespace: "kube-system" },
        resource: { type: "pod", id: UID, name: "node-agent-x7" },
      });
    }
  });
});

test.each(
  [
    "",
    "null",
    "[]",
    "{",
    '{"Name": 7, "Config": {"Image": ["a"], "Labels": "x"}, "annotations": null}',
    '{"Config": null}',
    '{"annotations": {"io.kubernetes.cri.sandbox-name": "pod without a namespace"}}',
    `{"Name": "/${"a".repeat(600)}", "__proto__": {"Config": {"Image": "a"}}}`,
  ].map((text) => [text.slice(0, 60), text]),
)("a file of another form has no names: %s", (_, text) => {
  expect(readContainerFile(text)).toEqual({});
});
