// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Writes an OCI image layout with one image of one layer (image-spec 1.0).
//
//   oci-layout.ts DIRECTORY ARCH SECONDS
//
// DIRECTORY has layer.tar and layer.tar.gz, and gets layout/. ARCH is x64 or arm64. SECONDS is the time of the image,
// since 1970.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import packageJson from "../package.json" with { type: "json" };

const [, , directory = "", arch = "", seconds] = process.argv;
const layout = join(directory, "layout");
const blobs = join(layout, "blobs/sha256");
mkdirSync(blobs, { recursive: true });

const created = new Date(Number(seconds) * 1000).toISOString().replace(".000", "");
const platform = { architecture: arch.replace("x64", "amd64"), os: "linux" };
const annotations = {
  "org.opencontainers.image.title": packageJson.name,
  "org.opencontainers.image.description": packageJson.description,
  "org.opencontainers.image.version": packageJson.version,
  "org.opencontainers.image.created": created,
};
const name = `localhost/${packageJson.name}:${packageJson.version}`;

const digestOf = (content: Uint8Array): string => createHash("sha256").update(content).digest("hex");

/** Stores a blob. @returns its descriptor. */
function store(kind: string, content: Uint8Array) {
  const digest = digestOf(content);
  writeFileSync(join(blobs, digest), content);
  return {
    mediaType: `application/vnd.oci.image.${kind}`,
    digest: `sha256:${digest}`,
    size: content.length,
  };
}

const json = (value: object): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

const config = store(
  "config.v1+json",
  json({
    created,
    ...platform,
    config: { Entrypoint: ["/usr/sbin/mine"], Labels: annotations },
    rootfs: { type: "layers", diff_ids: [`sha256:${digestOf(readFileSync(join(directory, "layer.tar")))}`] },
    history: [{ created, created_by: "make image" }],
  }),
);
const layer = store("layer.v1.tar+gzip", readFileSync(join(directory, "layer.tar.gz")));
const manifest = store(
  "manifest.v1+json",
  json({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config,
    layers: [layer],
    annotations,
  }),
);
const index = {
  schemaVersion: 2,
  mediaType: "application/vnd.oci.image.index.v1+json",
  manifests: [
    {
      ...manifest,
      platform,
      annotations: {
        "org.opencontainers.image.ref.name": packageJson.version,
        "io.containerd.image.name": name,
      },
    },
  ],
};
const pathOf = ({ digest }: { digest: string }): string => `blobs/${digest.replace(":", "/")}`;

writeFileSync(join(layout, "oci-layout"), json({ imageLayoutVersion: "1.0.0" }));
writeFileSync(join(layout, "index.json"), json(index));
// For versions of docker that do not know the layout: before 25.
writeFileSync(
  join(layout, "manifest.json"),
  json([{ Config: pathOf(config), RepoTags: [name], Layers: [pathOf(layer)] }]),
);
