// The headless bundle, unpacked and run as on a machine that reaches nothing: in an empty environment.

import { execFile, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import manifest from "../package.json" with { type: "json" };
import { hasSoftware, software } from "../scripts/software.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const name = `exacta-${manifest.version}-linux-x64`;
const archive = join(root, "dist", `${name}.tar.xz`);
const vite = [join(root, "node_modules/vite/bin/vite.js"), "build", "--mode", "bundle", "--logLevel", "warn"];
const DAWN = "node_modules/webgpu/dist/linux-x64/dawn.node";

/** Runs the bundle in the folder and with these variables alone. */
function run(words: string, env: NodeJS.ProcessEnv = {}, command = join(home, "run")) {
  const { status, stdout, stderr } = spawnSync(command, words.split(" "), {
    cwd: folder,
    env,
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

let folder: string;
/** The unpacked bundle, at a place that it was not made at. */
let home: string;

describe.runIf(hasSoftware)("Bundle", { tags: ["wide"] }, () => {
  beforeAll(async () => {
    // Vite builds for development where NODE_ENV says test.
    const env: NodeJS.ProcessEnv = { ...process.env, NODE_ENV: "production" };
    await promisify(execFile)(process.execPath, vite, { cwd: root, env });
    folder = await mkdtemp(join(tmpdir(), "exacta-bundle-"));
    await mkdir(join(folder, "some place"));
    await promisify(execFile)("tar", ["-xf", archive, "-C", join(folder, "some place")]);
    home = join(folder, "some place", name);
  }, 300_000);

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  test("The bundle is one folder, packed in less than 40 MB, with the licenses of its parts", async () => {
    expect((await stat(archive)).size).toBeLessThan(40e6);
    expect(await readdir(join(folder, "some place"))).toEqual([name]);
    const licenses = await readdir(join(home, "licenses"));
    expect(licenses).toEqual(expect.arrayContaining(["node", "dawn", "libvulkan.so.1", "packages.md"]));
    for (const group of ["cpp", "x11"])
      for (const library of await readdir(join(home, "lib", group)).catch(() => []))
        expect(licenses).toContain(library);
    const packages = await readFile(join(home, "licenses/packages.md"), "utf8");
    for (const name of ["commander", "linkedom", "zod"]) expect(packages).toContain(`## ${name} - `);
    expect(await readFile(join(home, "VERSIONS"), "utf8")).toContain(`Node ${process.version}\n`);
  });

  test("The bundle runs by a link from anywhere, and passes on arguments and the exit status", async () => {
    await symlink(join(home, "run"), join(folder, "exacta"));
    expect(run("--version", {}, join(folder, "exacta"))).toEqual({
      status: 0,
      stdout: `${manifest.version}\n`,
      stderr: "",
    });
    expect(run("phase --bits many").status).toBe(2);
  });

  test("The bundle searches the folder of NVIDIA's container drivers after the folders of the environment", () => {
    const NODE_OPTIONS = "--import=data:text/javascript,console.log(process.env.VK_ADD_DRIVER_FILES)";
    const { stdout } = run("--version", { NODE_OPTIONS, VK_ADD_DRIVER_FILES: "/mine" });
    expect(stdout).toBe(`/mine:/usr/local/nvidia/share/vulkan/icd.d\n${manifest.version}\n`);
  });

  test("The bundle counts the same on GPU and CPU, and draws reports", async () => {
    const { VK_DRIVER_FILES } = (await software()).dawnEnv;
    const findings = (engine: string) => {
      const { status, stdout, stderr } = run(
        `phase --bits 4 --items 3..9 --trials 2e4 --engine ${engine} --threads 2 --json --quiet --out ${engine}`,
        // The tuner's measurements go to the folder of this test, not to the cache of the user.
        { VK_DRIVER_FILES, XDG_CACHE_HOME: folder },
      );
      expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" });
      return stdout.replace(/"engine":"\w+","adapter":"([^"]*)"/g, (_, adapter: string) => {
        adapters.add(adapter);
        return "";
      });
    };
    const adapters = new Set<string>();
    const counted = findings("gpu");
    expect(counted.split("\n")).toHaveLength(8);
    expect(findings("cpu")).toBe(counted);
    expect([...adapters].join()).toMatch(/SwiftShader.*WebAssembly/);
    expect(await readFile(join(folder, "gpu/report.html"), "utf8")).toContain("<svg");
  });

  test("The bundle names the missing parts and the folders searched where no adapter answers", () => {
    const VK_DRIVER_FILES = join(folder, "drivers");
    expect(run("devices", { VK_DRIVER_FILES }).stdout).toContain(`no manifest at ${VK_DRIVER_FILES}\n`);
    const { status, stderr } = run("phase --engine gpu", { VK_DRIVER_FILES });
    expect(stderr).toMatch(
      /^engine gpu: expected a WebGPU adapter, got nothing; no Vulkan driver is installed: /m,
    );
    expect(status).toBe(2);
  });

  /** A C++ library as if it were of a GCC before the one that brought a version, in a folder of its own. */
  async function withoutVersion(version: string): Promise<string> {
    const library = await readFile(join(home, "lib/cpp/libstdc++.so.6"), "latin1");
    const place = join(folder, version);
    await mkdir(place);
    const older = library.replaceAll(`\0${version}\0`, `\0${version.replaceAll(/\d/g, "x")}\0`);
    await writeFile(join(place, "libstdc++.so.6"), older, "latin1");
    return place;
  }
  /** Whether Dawn of a folder loads with the libraries of another. */
  function loads(from: string, LD_LIBRARY_PATH: string): boolean {
    const { status } = spawnSync(
      join(home, "node"),
      ["--eval", `require(${JSON.stringify(join(from, DAWN))})`],
      {
        env: { LD_LIBRARY_PATH },
      },
    );
    return status === 0;
  }

  test("The bundle runs with the C++ library of GCC 11, which published Dawn does not, and brings one for older systems", async () => {
    const [gcc11, gcc10] = [await withoutVersion("GLIBCXX_3.4.30"), await withoutVersion("GLIBCXX_3.4.29")];
    expect(loads(root, gcc11), "Dawn as published with GCC 11").toBe(false);
    expect(loads(home, gcc11), "the bundle's Dawn with GCC 11").toBe(true);
    expect(loads(home, gcc10), "the bundle's Dawn with GCC 10").toBe(false);
    const { VK_DRIVER_FILES } = (await software()).dawnEnv;
    for (const LD_LIBRARY_PATH of [gcc11, gcc10])
      expect(run("devices", { LD_LIBRARY_PATH, VK_DRIVER_FILES }).stdout).toMatch(/^gpu 1 +SwiftShader/m);
  });

  test("The bundle computes without Dawn where the system is too old for it, and says so", async () => {
    const dawn = await readFile(join(home, DAWN), "latin1");
    await writeFile(join(home, DAWN), dawn.replaceAll("\0GLIBC_2.34\0", "\0GLIBC_2.94\0"), "latin1");
    try {
      expect(run("devices").stdout).toMatch(/^ +Dawn does not load: .*GLIBC_2\.94.* not found/m);
      expect(run("phase --bits 4 --trials 100 --json --quiet").stdout).toContain('"engine":"cpu"');
    } finally {
      await writeFile(join(home, DAWN), dawn, "latin1");
    }
  });
});
