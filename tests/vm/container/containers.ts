// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The containers of the test machine: mine by the manifest of docs/kubernetes.md, the same without its mounts, and a
// pod that changes a set.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import packageJson from "../../../package.json" with { type: "json" };
import { programsFor } from "../../support/architecture.ts";
import { root } from "../../support/compile.ts";
import { mineFor } from "../../support/target.ts";
import { VmError } from "../../support/vm-error.ts";
import { bundleOf, type PodSpec } from "./bundle.ts";

export const names = {
  container: "agent",
  image: "registry.example/agent:1",
  pod: "agent-x7",
  namespace: "tools",
};
export const podUid = "0a1b2c3d-4e5f-6789-abcd-ef0123456789";
/** Ids of the containers. */
export const ids = { mine: "a".repeat(64), pod: "b".repeat(64) };

const cgroupOf = (id: string): string =>
  `/kubepods.slice/kubepods-pod${podUid.replaceAll("-", "_")}.slice/cri-containerd-${id}.scope`;

const page = readFileSync(join(root, "docs/kubernetes.md"), "utf8");
const manifest = Bun.YAML.parse(/^```yaml\n(.*?)^```/ms.exec(page)?.[1] ?? "") as {
  spec: { template: { spec: PodSpec & { containers: [{ livenessProbe: { httpGet: Probe } }] } } };
};
interface Probe {
  host: string;
  port: number;
  path: string;
}
const { spec } = manifest.spec.template;
const [container] = spec.containers;
const { host, port, path } = container.livenessProbe.httpGet;
export const probe = `http://${host}:${port}${path}`;

/** It lives on after its command. */
const pod: PodSpec = {
  containers: [
    {
      args: ["ipset create inside hash:ip && exec busybox sleep 600"],
      securityContext: {
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"], add: ["NET_ADMIN"] },
      },
      resources: { limits: { memory: "64Mi" } },
    },
  ],
};

const mineIn = { root: "/bundles/mine/rootfs", entrypoint: ["/usr/sbin/mine"], cgroup: cgroupOf(ids.mine) };
const bundles = {
  mine: bundleOf(spec, mineIn),
  bare: bundleOf({ ...spec, containers: [{ ...container, volumeMounts: [] }] }, mineIn),
  pod: bundleOf(pod, {
    root: "rootfs",
    entrypoint: ["/bin/busybox", "sh", "-c"],
    cgroup: cgroupOf(ids.pod),
    annotations: {
      "io.kubernetes.cri.container-name": names.container,
      "io.kubernetes.cri.image-name": names.image,
      "io.kubernetes.cri.sandbox-name": names.pod,
      "io.kubernetes.cri.sandbox-namespace": names.namespace,
    },
  }),
};

/**
 * Returns the files of the containers: path in the machine → path here.
 * @param scratch empty directory.
 */
export function containerFiles(scratch: string): Record<string, string> {
  const { find, librariesOf } = programsFor("x64");
  const programs = {
    "/bin/busybox": find("busybox"),
    "/sbin/ipset": find("ipset"),
  };
  const podFiles = { ...programs, ...librariesOf(programs["/sbin/ipset"]) };
  const configs = Object.entries(bundles).map(([name, config]): [string, string] => {
    const path = join(scratch, `${name}.json`);
    writeFileSync(path, JSON.stringify(config));
    return [`/bundles/${name}/config.json`, path];
  });
  const inBundle = (name: string, files: Record<string, string>) =>
    Object.entries(files).map(([path, here]): [string, string] => [`/bundles/${name}/rootfs${path}`, here]);
  return Object.fromEntries([
    ...configs,
    ...inBundle("mine", unpackImage(scratch)),
    ...inBundle("pod", podFiles),
  ]);
}

/** Makes the image and unpacks it. @returns its files: path in the image → path here. */
function unpackImage(scratch: string): Record<string, string> {
  const run = (...command: string[]): void => {
    const { success, stderr } = Bun.spawnSync(command, { cwd: scratch });
    if (!success) throw new VmError(`${command[0]} failed: ${stderr}`);
  };
  const { version } = packageJson;
  run(join(root, "packaging/image.sh"), ".", "linux-x64", mineFor("x64"));
  mkdirSync(join(scratch, "layout"));
  run("tar", "-xf", `mine-${version}-linux-x64.oci.tar`, "-C", "layout");
  run("umoci", "unpack", "--rootless", "--image", `layout:${version}`, "bundle");
  const rootfs = join(scratch, "bundle/rootfs");
  const files = readdirSync(rootfs, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  return Object.fromEntries(files.map((file) => [file.slice(rootfs.length), file]));
}
