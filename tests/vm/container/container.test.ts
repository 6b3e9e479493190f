// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// mine in a container, as docs/kubernetes.md describes it: crun runs the image with the capabilities, mounts and
// namespaces of the manifest. Another container is a pod.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../support/compile.ts";
import { type JsonEvent, parseEvents, parseRunRecords } from "../../support/schema.ts";
import { complete, readBackend, readSummary, readWarnings } from "../../support/stderr.ts";
import { bootVm, type VmResult } from "../../support/vm.ts";
import { fetchKernel, type Kernel } from "../kernels.ts";
import { containerFiles, ids, names, podUid, probe } from "./containers.ts";

const kernels: Kernel[] = [
  { suite: "bookworm", series: "6.1" },
  { suite: "trixie", series: "6.12" },
];

let scratch: string;
let results: VmResult[];

beforeAll(async () => {
  mkdirSync(join(root, ".output/vm"), { recursive: true });
  scratch = mkdtempSync(join(root, ".output/vm/container-"));
  const files = containerFiles(scratch);
  const script = join(import.meta.dir, "guest.sh");
  const boot = async (kernel: Kernel): Promise<VmResult> =>
    bootVm({
      kernel: await fetchKernel(kernel),
      script,
      files,
      programs: ["crun"],
      env: { PROBE: probe, POD_ID: ids.pod },
      hideBtf: false,
      live: false,
    });
  results = await Promise.all(kernels.map(boot));
}, 300_000);

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe.each(kernels.map(({ series }, index) => ({ series, index })))("Linux $series", ({ index }) => {
  let result: VmResult;
  beforeAll(() => {
    result = results[index] as VmResult;
    if (result.exitCode !== 0) throw new Error(`it failed: ${text("stdout")}\n${text("stderr")}`);
  });

  const text = (name: string): string => result.files.get(name)?.toString().trimEnd() ?? "";
  const events = (run: string): JsonEvent[] => parseEvents(text(`${run}.jsonl`));
  const eventOf = (run: string, set: string): JsonEvent => {
    const found = events(run).filter(({ ipset }) => ipset.set === set);
    expect(found).not.toEqual([]);
    return found[0] as JsonEvent;
  };

  test.each([
    ["first", 3],
    ["second", 2],
    ["bare", 2],
  ])("the %s run ends at SIGTERM, and reports all %d commands", (run, count) => {
    expect(text(`${run}.exit`)).toBe("0");
    expect(readBackend(text(`${run}.stderr`))).toBe("fexit");
    expect(readWarnings(text(`${run}.stderr`))).toEqual([]);
    expect(readSummary(text(`${run}.stderr`))).toEqual(complete(count));
    const [start, ...others] = parseRunRecords(text(`${run}.jsonl`));
    expect(start?.event.action).toBe("mine-start");
    expect(others.at(-1)).toMatchObject({ event: { action: "mine-end" }, mine: { seen: count, lost: 0 } });
  });

  test("the kernel loads ip_set, although the container has neither modprobe nor modules", () => {
    expect(text("modules")).not.toContain("ip_set");
  });

  test("the record has the sets of the host at the start", () => {
    const sets = parseRunRecords(text("second.jsonl")).filter(({ event }) => event.action === "mine-set");
    expect(sets.map(({ ipset }) => ipset)).toMatchObject([
      { set: "blocklist", type: "hash:ip", element_count: 1 },
    ]);
  });

  test("a command of the host has the names of the host's users, and the host's network", () => {
    expect(eventOf("second", "blocklist")).toMatchObject({
      user: { id: "0", name: "root", audit: { id: "1000", name: "rafaeldtinoco" } },
      ipset: { command: "add", elements: ["192.0.2.2"] },
      linux: { netns: Number(text("netns")), cgroup_path: "/" },
    });
  });

  test("a command of a pod has its process, container, pod and network", () => {
    const { process, container, orchestrator, ipset, linux } = eventOf("second", "inside");
    expect({ container, orchestrator, ipset }).toMatchObject({
      container: { id: ids.pod, runtime: "containerd", name: names.container, image: { name: names.image } },
      orchestrator: { namespace: names.namespace, resource: { id: podUid, name: names.pod } },
      ipset: { command: "create", set: "inside" },
    });
    expect(process.parent?.pid).toBe(Number(text("second.pod")));
    expect(linux.netns).not.toBe(Number(text("netns")));
  });

  test("the liveness probe gets the metrics", () => {
    expect(text("metrics").split("\n")).toContain('mine_events_total{command="create",outcome="success"} 1');
  });

  test("without the mounts, names of users, containers and pods are absent, and nothing else", () => {
    const command = eventOf("bare", "blocklist");
    expect(command.user).toEqual({ id: "0", audit: { id: "1000" } });
    expect(command.ipset).toMatchObject({ command: "add", elements: ["192.0.2.3"] });
    const { container, orchestrator, process } = eventOf("bare", "inside");
    expect({ container, orchestrator }).toEqual({
      container: { id: ids.pod, runtime: "containerd" },
      orchestrator: { type: "kubernetes", resource: { type: "pod", id: podUid } },
    });
    expect(process.parent?.pid).toBe(Number(text("bare.pod")));
  });
});
