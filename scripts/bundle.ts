// The Vite plugin that packs exacta as one archive, for machines without network or packages. Beside the built command line it
// has everything but glibc and the graphics driver: Node, Dawn, a Vulkan loader, and a script that starts them.

import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { renameSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";
import { RequestError } from "../src/errors.ts";
import manifest from "../package.json" with { type: "json" };
import { acceptOldWait } from "./elf.ts";
import { hasSoftware, software } from "./software.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const name = `${manifest.name}-${manifest.version}-linux-x64`;
const folder = join(root, "dist", name);
const archive = `${folder}.tar.xz`;

/** The folder of the built program. */
export const bundledProgram = join(folder, "dist/node");
/** The file beside the built program with the licenses of the packages that are built in. */
export const packageLicenses = "packages.md";

const DAWN = "node_modules/webgpu/dist/linux-x64/dawn.node";
const LINKER = "/lib64/ld-linux-x86-64.so.2";
/** The libraries of glibc, which a system has. */
const GLIBC = /^(ld-linux-x86-64|linux-vdso|lib(c|dl|m|pthread|rt))\.so/;
/** Measured: 33 MB in 14 s of CPU time. Level 3 takes twice as long for 32 MB, level 6 five times as long for 28 MB. */
const COMPRESSION = "xz -T0 -1";

/** Libraries for systems that lack them, each with the Debian package that it and its license come from. */
const spares = {
  cpp: { "libstdc++.so.6": "libstdc++6", "libgcc_s.so.1": "libgcc-s1" },
  // NVIDIA's Vulkan driver links these, even without a screen.
  x11: {
    "libX11.so.6": "libx11-6",
    "libXext.so.6": "libxext6",
    "libxcb.so.1": "libxcb1",
    "libXau.so.6": "libxau6",
    "libXdmcp.so.6": "libxdmcp6",
    "libbsd.so.0": "libbsd0",
    "libmd.so.0": "libmd0",
  },
};

/** @throws {RequestError} This machine cannot build the bundle. */
export function bundle(): Plugin {
  return {
    name: "bundle",
    buildStart() {
      if (!hasSoftware) throw new RequestError("bundle", "x64 Linux", `${process.arch} ${process.platform}`);
      for (const [program, debian] of [
        ["tar", "tar"],
        ["xz", "xz-utils"],
      ] as const)
        if (spawnSync(program, ["--version"]).error)
          throw new RequestError(program, "a program", undefined, `Debian has it in ${debian}`);
      const foreign = linkedBy(process.execPath).filter((library) => !(library in spares.cpp));
      if (foreign.length > 0)
        throw new RequestError("Node", "one that links C and C++ alone", foreign, "take it from nodejs.org");
      rmSync(folder, { recursive: true, force: true });
    },
    async writeBundle() {
      await copyDependencies();
      rmSync(archive, { force: true });
      const owner = ["--owner=0", "--group=0", "--numeric-owner"];
      const packing = ["--sort=name", ...owner, "--use-compress-program", COMPRESSION];
      execFileSync("tar", [...packing, "--directory", dirname(folder), "--create", "--file", archive, name]);
      process.stdout.write(`dist/${basename(archive)}: ${(statSync(archive).size / 1e6).toFixed(1)} MB\n`);
    },
  };
}

/** Copies everything that the program needs into the folder, with the licenses. */
async function copyDependencies(): Promise<void> {
  const networks = ["examples/digits/digits.safetensors", "examples/lenet/lenet.json"];
  for (const path of ["package.json", "LICENSE", ...networks]) copy(join(root, path), path);
  copy(join(root, "scripts/run.sh"), "run");
  chmodSync(join(folder, "run"), 0o755);

  copy(process.execPath, "node");
  for (const path of ["node_modules/webgpu/package.json", "node_modules/webgpu/index.js", DAWN])
    copy(join(root, path), path);
  // Without `strip` they are larger and work the same.
  for (const path of ["node", DAWN]) spawnSync("strip", ["--strip-unneeded", join(folder, path)]);
  const dawn = readFileSync(join(folder, DAWN));
  acceptOldWait(dawn);
  writeFileSync(join(folder, DAWN), dawn);
  const { dawnEnv } = await software();
  copy(join(dawnEnv["LD_LIBRARY_PATH"]!, "libvulkan.so.1"), "lib/libvulkan.so.1");

  copy(licenseOfNode(), "licenses/node");
  copy(join(root, "node_modules/webgpu/LICENSE.md"), "licenses/dawn");
  // Both are under the Apache License 2.0.
  copy(join(root, "node_modules/typescript/LICENSE.txt"), "licenses/libvulkan.so.1");
  renameSync(join(bundledProgram, packageLicenses), join(folder, "licenses/packages.md"));
  const installed = installedLibraries();
  for (const [group, libraries] of Object.entries(spares))
    for (const [library, debian] of Object.entries(libraries)) {
      const [file, license] = [installed.get(library), `/usr/share/doc/${debian}/copyright`];
      if (!file || !existsSync(license)) {
        process.stderr.write(
          `${library} is left out: this system does not have it from Debian's ${debian}\n`,
        );
        continue;
      }
      copy(file, `lib/${group}/${library}`);
      copy(license, `licenses/${library}`);
    }
  writeFileSync(join(folder, "VERSIONS"), versions());
}

function copy(from: string, to: string): void {
  const path = join(folder, to);
  mkdirSync(dirname(path), { recursive: true });
  copyFileSync(from, path);
}

/** The libraries that a program links, without those of glibc. */
function linkedBy(program: string): string[] {
  return execFileSync(LINKER, ["--list", program], { encoding: "utf8" })
    .split("\n")
    .map((line) => basename(line.trim().split(" ")[0]!))
    .filter((library) => library && !GLIBC.test(library));
}

/** The paths of the libraries of this system, by their names. */
function installedLibraries(): Map<string, string> {
  const list = execFileSync("/sbin/ldconfig", ["--print-cache"], { encoding: "utf8" });
  return new Map(
    [...list.matchAll(/^\s*(\S+) \(libc6,x86-64[^)]*\) => (\S+)$/gm)].map(([, library, path]) => [
      library!,
      path!,
    ]),
  );
}

function licenseOfNode(): string {
  const home = dirname(process.execPath);
  const paths = [join(home, "../LICENSE"), join(home, "LICENSE"), "/usr/share/doc/nodejs/LICENSE"];
  const found = paths.find((path) => existsSync(path));
  if (!found)
    throw new RequestError("license of Node", paths.join(" or "), undefined, "take Node from nodejs.org");
  return found;
}

function versionOf(dependency: string): string {
  const text = readFileSync(join(root, "node_modules", dependency, "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

/** The text of VERSIONS: what the bundle contains and what it runs on. */
function versions(): string {
  const glibc = glibcOf("node", DAWN, "lib/libvulkan.so.1");
  const spare = glibcOf(...Object.keys(spares.cpp).map((library) => `lib/cpp/${library}`));
  const alone = spare === 0 ? "" : `, or with glibc 2.${Math.max(glibc, spare)} alone`;
  return `${manifest.name} ${manifest.version}
Node ${process.version}
Dawn of webgpu ${versionOf("webgpu")}
Vulkan loader of @sparticuz/chromium ${versionOf("@sparticuz/chromium")}

Runs on x86-64 Linux with glibc 2.${glibc} and the C++ library of GCC 11${alone}; newer ones will do.
`;
}

/** The newest version of glibc that files of the bundle require, n of 2.n; 0 where none of the files exists. */
function glibcOf(...paths: string[]): number {
  const named = paths
    .map((path) => join(folder, path))
    .filter((path) => existsSync(path))
    .flatMap((path) => [...readFileSync(path, "latin1").matchAll(/\0GLIBC_2\.(\d+)(?=[.\0])/g)]);
  return Math.max(0, ...named.map(([, minor]) => Number(minor)));
}
