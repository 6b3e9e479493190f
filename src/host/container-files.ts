// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Reads the names of a container from the file that its runtime keeps about it. Only root may read these files: they have
// the environment of the container, with passwords perhaps. So the keeper reads them, and mine gets the names alone.
import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Names that a runtime knows. */
export interface ContainerNames {
  name?: string;
  /** Name of its image as the runtime was given it: "nginx:1.25". */
  image?: string;
  /** Its pod of Kubernetes. */
  pod?: { name: string; namespace: string };
}

/** docker: ID/config.v2.json. */
const DOCKER = "/var/lib/docker/containers";
/** containerd, also that of k3s: NAMESPACE/ID/config.json, the bundle of the OCI runtime. */
const CONTAINERD = ["/run/containerd", "/run/k3s/containerd"].map(
  (state) => `${state}/io.containerd.runtime.v2.task`,
);

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
/** Max bytes of a file. Those of real containers have a hundredth. */
const MAX_BYTES = 1024 * 1024;
const MAX_NAME = 512;

/** Returns whether this host has a runtime whose files are known. */
export const hasRuntime = (): boolean => [DOCKER, ...CONTAINERD].some((path) => list(path) !== undefined);

/** Returns the names of a container; none if no file has them. @param id 64 hexadecimal digits. */
export function containerNames(id: string): ContainerNames {
  const fd = /^[0-9a-f]{64}$/.test(id) ? openFile(id) : undefined;
  return fd === undefined ? {} : readFile(fd);
}

function openFile(id: string): number | undefined {
  const bundles = CONTAINERD.flatMap((path) => (list(path) ?? []).map((namespace) => join(path, namespace)));
  const paths = [join(DOCKER, id, "config.v2.json"), ...bundles.map((path) => join(path, id, "config.json"))];
  for (const path of paths) {
    try {
      return openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    } catch {
      // another runtime has the container
    }
  }
  return undefined;
}

function list(path: string): string[] | undefined {
  try {
    return readdirSync(path);
  } catch {
    return undefined;
  }
}

function readFile(fd: number): ContainerNames {
  try {
    const stat = fstatSync(fd);
    return stat.isFile() && stat.size <= MAX_BYTES ? readContainerFile(readFileSync(fd, "utf8")) : {};
  } finally {
    closeSync(fd);
  }
}

/** Returns the names in a file about a container. A value of another form is absent. */
export function readContainerFile(text: string): ContainerNames {
  try {
    const file: unknown = JSON.parse(text);
    const labels = at(file, "Config", "Labels");
    const annotations = at(file, "annotations");
    const cri = (key: string) => nameAt(annotations, `io.kubernetes.cri.${key}`);
    return present({
      name:
        nameAt(labels, "io.kubernetes.container.name") ??
        nameAt(file, "Name")?.replace(/^\//, "") ??
        cri("container-name"),
      image: nameAt(file, "Config", "Image") ?? cri("image-name"),
      pod:
        pod(nameAt(labels, "io.kubernetes.pod.name"), nameAt(labels, "io.kubernetes.pod.namespace")) ??
        pod(cri("sandbox-name"), cri("sandbox-namespace")),
    });
  } catch {
    return {}; // no JSON
  }
}

function at(value: unknown, ...keys: string[]): unknown {
  let found = value;
  for (const key of keys) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, key)) return undefined;
    found = (found as Record<string, unknown>)[key];
  }
  return found;
}

function nameAt(value: unknown, ...keys: string[]): string | undefined {
  const found = at(value, ...keys);
  return typeof found === "string" && found.length > 0 && found.length <= MAX_NAME ? found : undefined;
}

const pod = (name: string | undefined, namespace: string | undefined): ContainerNames["pod"] =>
  name !== undefined && namespace !== undefined ? { name, namespace } : undefined;

const present = (
  names: { [Key in keyof ContainerNames]-?: ContainerNames[Key] | undefined },
): ContainerNames => Object.fromEntries(Object.entries(names).filter(([, value]) => value !== undefined));
