// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Prints a software bill of materials of the binary (CycloneDX 1.6, JSON).
//
//   sbom.ts SECONDS        the time of the document, since 1970
//
// The versions are those of package-lock.json and lib/sources.txt.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import packageJson from "../package.json" with { type: "json" };

const root = join(import.meta.dirname, "..");
const readText = (path: string): string => readFileSync(join(root, path), "utf8");
const { packages } = JSON.parse(readText("package-lock.json"));
const licensed = (expression: string) => [{ expression }];

function npmComponent(name: string) {
  const { version, integrity, license } = packages[`node_modules/${name}`];
  const content = Buffer.from(integrity.replace("sha512-", ""), "base64").toString("hex");
  return {
    type: name === "bun" ? "platform" : "library",
    "bom-ref": name,
    name,
    version,
    hashes: [{ alg: "SHA-512", content }],
    licenses: licensed(license),
    purl: `pkg:npm/${name}@${version}`,
    // Bun links these two statically; NOTICE has all the others.
    ...(name === "bun" && {
      components: [
        { type: "library", name: "WebKit", licenses: licensed("LGPL-2.0-only") },
        { type: "library", name: "TinyCC", licenses: licensed("LGPL-2.1-only") },
      ],
    }),
  };
}

/** The libraries in libbpf.so: a line of lib/sources.txt for each. */
const libraries = readText("lib/sources.txt")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"))
  .map((line) => {
    const [name = "", version = "", , , content = "", ...license] = line.split(/\s+/);
    return {
      type: "library",
      "bom-ref": name,
      name,
      version,
      hashes: [{ alg: "SHA-256", content }],
      licenses: licensed(license.join(" ")),
      purl: `pkg:generic/${name}@${version}`,
    };
  });

const components = [...["bun", "citty", "consola"].map(npmComponent), ...libraries];
const [, , seconds] = process.argv;
const document = {
  $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
  bomFormat: "CycloneDX",
  specVersion: "1.6",
  version: 1,
  metadata: {
    timestamp: new Date(Number(seconds) * 1000).toISOString(),
    component: {
      type: "application",
      "bom-ref": packageJson.name,
      name: packageJson.name,
      version: packageJson.version,
      description: packageJson.description,
      licenses: licensed(packageJson.license),
    },
  },
  components,
  dependencies: [{ ref: packageJson.name, dependsOn: components.map((component) => component["bom-ref"]) }],
};
console.log(JSON.stringify(document, undefined, 2));
