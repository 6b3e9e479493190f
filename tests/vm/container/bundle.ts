// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Makes the config.json of an OCI bundle (runtime-spec 1.0) from a manifest of Kubernetes. The container gets the
// namespaces, mounts and capabilities that containerd gives it on a node with the unified hierarchy of cgroups.

/** The parts of a manifest that reach the runtime. */
export interface PodSpec {
  hostPID?: boolean;
  hostNetwork?: boolean;
  containers: [Container];
  volumes?: { name: string; hostPath: { path: string } }[];
}

interface Container {
  args: string[];
  securityContext: {
    readOnlyRootFilesystem: boolean;
    capabilities: { drop: string[]; add: string[] };
  };
  resources: { limits: { memory: string } };
  volumeMounts?: VolumeMount[];
}

interface VolumeMount {
  name: string;
  mountPath: string;
  readOnly?: boolean;
  mountPropagation?: "HostToContainer";
}

/** Properties of a container that its manifest does not have. */
interface Place {
  /** Directory of its files in the machine. */
  root: string;
  entrypoint: string[];
  /** Path from the root of the hierarchy. */
  cgroup: string;
  annotations?: Record<string, string>;
}

interface Mount {
  destination: string;
  type: string;
  source: string;
  options: string[];
}

const MIB = 1024 * 1024;
const hardened = ["nosuid", "noexec", "nodev"];

/** The mounts of every container. */
const usualMounts: Mount[] = [
  { destination: "/proc", type: "proc", source: "proc", options: hardened },
  { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755", "size=65536k"] },
  { destination: "/sys", type: "sysfs", source: "sysfs", options: [...hardened, "ro"] },
  { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: [...hardened, "ro"] },
];
const maskedPaths = ["/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"];
const readonlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

export function bundleOf(spec: PodSpec, { root, entrypoint, cgroup, annotations = {} }: Place): object {
  const { hostPID, hostNetwork, volumes = [] } = spec;
  const [{ args, securityContext, resources, volumeMounts = [] }] = spec.containers;
  const { drop, add } = securityContext.capabilities;
  if (drop.join() !== "ALL") throw new Error(`the test knows no containers that drop ${drop}`);
  const capabilities = add.map((name) => `CAP_${name}`);
  const bindMount = ({ name, mountPath, readOnly, mountPropagation }: VolumeMount): Mount => ({
    destination: mountPath,
    type: "bind",
    source: volumes.find((volume) => volume.name === name)?.hostPath.path ?? "",
    options: ["rbind", mountPropagation ? "rslave" : "rprivate", readOnly ? "ro" : "rw"],
  });
  const isReplaced = ({ destination }: Mount) =>
    volumeMounts.some(({ mountPath }) => mountPath === destination);
  const namespaces = [
    ...["mount", "ipc", "cgroup"],
    ...(hostPID ? [] : ["pid"]),
    ...(hostNetwork ? [] : ["network", "uts"]),
  ];
  return {
    ociVersion: "1.0.2",
    annotations,
    process: {
      user: { uid: 0, gid: 0 },
      args: [...entrypoint, ...args],
      env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
      cwd: "/",
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
    },
    root: { path: root, readonly: securityContext.readOnlyRootFilesystem },
    mounts: [...usualMounts.filter((mount) => !isReplaced(mount)), ...volumeMounts.map(bindMount)],
    linux: {
      namespaces: namespaces.map((type) => ({ type })),
      cgroupsPath: cgroup,
      resources: {
        memory: { limit: Number(/^(\d+)Mi$/.exec(resources.limits.memory)?.[1]) * MIB },
        devices: [{ allow: false, access: "rwm" }],
      },
      maskedPaths,
      readonlyPaths,
    },
  };
}
