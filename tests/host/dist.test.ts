// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// `make dist` and `make image` make the files to download. A second build, in another directory and at another time,
// makes the same bytes. The packages install and remove cleanly, and the images are valid.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv } from "ajv";
import formats from "ajv-formats";
import packageJson from "../../package.json" with { type: "json" };
import { root } from "../support/compile.ts";
import { mineFor } from "../support/target.ts";

const { version } = packageJson;
const targets = ["linux-arm64", "linux-arm64-musl", "linux-x64", "linux-x64-musl"];
const packages = {
  deb: [`mine_${version}_amd64.deb`, `mine_${version}_arm64.deb`],
  rpm: [`mine-${version}-1.aarch64.rpm`, `mine-${version}-1.x86_64.rpm`],
};
const imageOf = { x64: `mine-${version}-linux-x64.oci.tar`, arm64: `mine-${version}-linux-arm64.oci.tar` };
const bom = `mine-${version}.cdx.json`;

let dir: string;
let dist: string;
let otherDist: string;

/** An environment without the variables of the make that runs the tests. */
const { MAKEFLAGS: _, MAKELEVEL: __, MFLAGS: ___, ...environment } = process.env;

async function run(command: string[], cwd = root, env: Record<string, string> = {}): Promise<string> {
  const child = Bun.spawn(command, { cwd, env: { ...environment, ...env }, stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  if ((await child.exited) !== 0) throw new Error(`${command.join(" ")} failed:\n${stdout}\n${stderr}`);
  return stdout;
}

async function makeDist(tree: string, destination: string, seconds: string): Promise<void> {
  for (const goal of [["dist"], ["image", "ARCH=x64"], ["image", "ARCH=arm64"]]) {
    await run(["make", ...goal, `DIST=${destination}`], tree, { SOURCE_DATE_EPOCH: seconds });
  }
}

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "dist-test-"));
  dist = join(dir, "dist");
  const tree = join(dir, "a tree in a directory with another name".replaceAll(" ", "-"));
  otherDist = join(tree, "dist");
  mkdirSync(tree);
  const files = "git ls-files -z --cached --others --exclude-standard";
  await run([
    "bash",
    "-c",
    `${files} | tar --null --create --files-from=- | tar --extract --directory=${tree}`,
  ]);
  const seconds = (await run(["git", "log", "-1", "--format=%ct"])).trim();
  await Promise.all([makeDist(root, dist, seconds), makeDist(tree, "dist", seconds)]);
}, 900_000);

afterAll(() => rmSync(dir, { recursive: true, force: true }));

test("makes a tarball for each target, packages, images, an SBOM and checksums", () => {
  const tarballs = targets.map((target) => `mine-${version}-${target}.tar.gz`);
  const images = Object.values(imageOf);
  const expected = [...tarballs, ...packages.deb, ...packages.rpm, ...images, bom, "SHA256SUMS"];
  expect(readdirSync(dist).sort()).toEqual(expected.sort());
});

test("a build in another directory makes the same bytes", async () => {
  const sums = readFileSync(join(dist, "SHA256SUMS"), "utf8");
  expect(sums.trim().split("\n")).toHaveLength(readdirSync(dist).length - 1);
  expect(readFileSync(join(otherDist, "SHA256SUMS"), "utf8")).toBe(sums);
  for (const made of [dist, otherDist]) await run(["sha256sum", "--check", "--strict", "SHA256SUMS"], made);
});

test.each(targets)(
  "the tarball of %s has the binary for that machine, its pages and licences",
  async (target) => {
    const name = `mine-${version}-${target}`;
    await run(["tar", "-xzf", join(dist, `${name}.tar.gz`)], dir);
    const files = readdirSync(join(dir, name), { recursive: true, encoding: "utf8" });
    expect(files.sort()).toEqual([
      ...["CHANGELOG.md", "LICENSE", "LICENSE.BSD-2-Clause", "LICENSE.GPL-2.0", "NOTICE", "completions"],
      ...[
        "completions/_mine",
        "completions/mine",
        "completions/mine.fish",
        "mine",
        "mine.8",
        "mine.conf",
        "mine.service",
      ],
    ]);
    const header = await run(["readelf", "-hlW", join(dir, name, "mine")]);
    expect(header).toContain(target.includes("x64") ? "X86-64" : "AArch64");
    expect(header).toContain(target.endsWith("musl") ? "/ld-musl-" : "/ld-linux-");
  },
);

describe("a Debian package", () => {
  test.each(packages.deb)("%s installs and removes cleanly", async (name) => {
    const system = join(dir, `system-${name}`);
    const admin = join(system, "var/lib/dpkg");
    for (const path of ["info", "updates", "triggers"]) mkdirSync(join(admin, path), { recursive: true });
    for (const file of ["status", "available"]) writeFileSync(join(admin, file), "");
    const dpkg = ["dpkg", `--root=${system}`, "--force-depends,not-root,architecture", "--log=/dev/null"];
    await run([...dpkg, "--install", join(dist, name)]);
    await expectInstalled(system, name);
    expect(await run([...dpkg, "--verify", "mine"])).toBe("");
    await run([...dpkg, "--purge", "mine"]);
    expectRemoved(system);
  });
});

describe("an RPM package", () => {
  test.each(packages.rpm)("%s installs and removes cleanly", async (name) => {
    const system = join(dir, `system-${name}`);
    mkdirSync(system);
    const rpm = ["rpm", `--root=${system}`, "--dbpath=/var/lib/rpm", "--nodeps"];
    await run([...rpm, "--install", "--ignorearch", join(dist, name)]);
    await expectInstalled(system, name);
    expect(await run([...rpm, "--verify", "mine"])).toBe("");
    await run([...rpm, "--erase", "mine"]);
    expectRemoved(system);
  });
});

const filesOf = (system: string): string[] =>
  readdirSync(system, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(system.length))
    .sort();
const installedFiles = (system: string): string[] =>
  filesOf(system).filter((path) => !path.startsWith("/var/lib/"));

async function expectInstalled(system: string, name: string): Promise<void> {
  const paths = installedFiles(system);
  expect(paths).toContain("/usr/sbin/mine");
  expect(paths).toContain("/usr/share/man/man8/mine.8.gz");
  expect(paths).toContain("/usr/lib/systemd/system/mine.service");
  expect(paths.filter((path) => !path.startsWith("/usr/"))).toEqual(["/etc/mine.conf"]);
  if (/arm64|aarch64/.test(name)) return;
  expect(await run([join(system, "usr/sbin/mine"), "--version"])).toBe(`${version}\n`);
}

const expectRemoved = (system: string): void => expect(installedFiles(system)).toEqual([]);

describe.each([
  { arch: "x64", debian: "amd64", machine: "x86_64", loader: "lib64/ld-linux-x86-64.so.2" },
  { arch: "arm64", debian: "arm64", machine: "aarch64", loader: "lib/ld-linux-aarch64.so.1" },
] as const)("the image for $arch", ({ arch, debian, machine, loader }) => {
  const image = imageOf[arch];
  const inspect = async (reference: string) =>
    JSON.parse(await run(["skopeo", "inspect", "--override-arch", debian, reference]));

  test("is an image of the OCI, and one for versions of docker that do not know those", async () => {
    const found = await inspect(`oci-archive:${join(dist, image)}:${version}`);
    expect(found).toMatchObject({
      Architecture: debian,
      Os: "linux",
      Labels: {
        "org.opencontainers.image.title": "mine",
        "org.opencontainers.image.version": version,
      },
    });
    const { Architecture, Labels } = await inspect(
      `docker-archive:${join(dist, image)}:localhost/mine:${version}`,
    );
    expect({ Architecture, Labels }).toEqual({ Architecture: debian, Labels: found.Labels });
  });

  test("has mine, the libraries that it needs, and their licences", async () => {
    const layout = join(dir, `layout-${arch}`);
    const bundle = join(dir, `bundle-${arch}`);
    mkdirSync(layout);
    await run(["tar", "-xf", join(dist, image), "-C", layout]);
    // It compares the files with the checksums of the image.
    await run(["umoci", "unpack", "--rootless", "--image", `${layout}:${version}`, bundle]);
    const { process } = JSON.parse(readFileSync(join(bundle, "config.json"), "utf8"));
    expect(process.args).toEqual(["/usr/sbin/mine"]);

    const rootfs = join(bundle, "rootfs");
    const header = await run(["readelf", "-dlW", join(rootfs, "usr/sbin/mine")]);
    expect(header).toContain(`interpreter: /${loader}]`);
    const needed = [...header.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, name = ""]) => name);
    const libraries = needed.filter((name) => !loader.endsWith(name));
    const licences = ["GPL-2", "GPL-3", "LGPL-2", "LGPL-2.1", "LGPL-3"];
    const documents = [
      "libc6/copyright",
      ...["LICENSE.BSD-2-Clause", "LICENSE.GPL-2.0", "NOTICE", "copyright"].map((name) => `mine/${name}`),
    ];
    const expected = [
      ...["usr/sbin/mine", loader, "var/lib/dpkg/status.d/libc6"],
      ...libraries.map((name) => `usr/lib/${machine}-linux-gnu/${name}`),
      ...licences.map((name) => `usr/share/common-licenses/${name}`),
      ...documents.map((name) => `usr/share/doc/${name}`),
    ];
    expect(filesOf(rootfs).sort()).toEqual(expected.map((path) => `/${path}`).sort());
    expect(readFileSync(join(rootfs, "usr/sbin/mine"))).toEqual(readFileSync(mineFor(arch)));
  });
});

describe("the SBOM", () => {
  const readBom = () => JSON.parse(readFileSync(join(dist, bom), "utf8"));

  test("is valid CycloneDX 1.6", () => {
    const schemas = join(root, "node_modules/@cyclonedx/cyclonedx-library/res/schema");
    const schema = (name: string) =>
      JSON.parse(readFileSync(join(schemas, `${name}.SNAPSHOT.schema.json`), "utf8"));
    const ajv = new Ajv({ strict: false, formats: { "iri-reference": true, "idn-email": true } });
    formats(ajv);
    for (const name of ["spdx", "jsf-0.82", "cryptography-defs"])
      ajv.addSchema(schema(name), `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`);
    const isValid = ajv.validate(schema("bom-1.6"), readBom());
    expect(ajv.errors).toBeNull();
    expect(isValid).toBe(true);
  });

  test("names each part of the binary with the version and licence of NOTICE", () => {
    const notice = readFileSync(join(root, "NOTICE"), "utf8");
    const found = readBom().components.map(({ name, version }: { name: string; version: string }) => [
      name,
      version,
    ]);
    const listed = [
      ...notice.matchAll(/^(Bun|libbpf|libelf \(elfutils\)|zlib|citty|consola)[ ,a-z]* +(\d[\d.]+) /gm),
    ];
    const expected = listed.map(([, name = "", version = ""]) => [
      name.replace(/libelf \((.*)\)/, "$1").toLowerCase(),
      version,
    ]);
    expect(found.sort()).toEqual(expected.sort());
    expect(found).toHaveLength(6);
  });
});
