// Machines with several GPUs, with none, and with drivers that write to stderr. No test machine has two GPUs: a second adapter is
// SwiftShader under another name, loaded as a driver of its own.

import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { startThread } from "../host/node/platform/threads.ts";
import { silenceVulkan } from "../host/node/platform/silence.ts";
import { gpuFiles } from "../host/node/platform/vulkan.ts";
import { openEngine, withAdapter, type Platform } from "../host/open.ts";
import { hasSoftware, software } from "../scripts/software.ts";
import { buildCommand, killCommands, startCommand } from "./cli/command.ts";

/** What a platform was asked for: an adapter of this name, or of any. */
let asked: (string | undefined)[] = [];

/** A platform whose adapters have these names, and open nowhere. */
function platformWith(names: readonly string[] | undefined, mayHaveGpu = true): Platform {
  return {
    async gpu(name) {
      asked.push(name);
      return undefined;
    },
    adapterNames: async () => names,
    mayHaveGpu: () => mayHaveGpu,
    startThread,
    hardwareThreads: () => 1,
    store: { read: async () => "", async write() {} },
  };
}

afterEach(() => {
  asked = [];
  killCommands();
});

describe("The option adapter", () => {
  const names = ["NVIDIA A100-SXM4-40GB", "NVIDIA GeForce RTX 4090", "Intel(R) Arc(tm) A770"];

  test.each([
    ["a100", 0],
    ["4090", 1],
    ["3", 2],
    ["1", 0],
    ["Intel(R) Arc(tm) A770", 2],
    ["geforce rtx", 1],
  ])("%s chooses one of several adapters", async (named, index) => {
    await (await withAdapter(platformWith(names), named)).gpu();
    expect(asked).toEqual([names[index]]);
  });

  test.each(["nvidia", "amd", "4", "0"])(
    "%s, which names none or several, is refused with the list",
    async (named) => {
      const list = "1 NVIDIA A100-SXM4-40GB, 2 NVIDIA GeForce RTX 4090, 3 Intel(R) Arc(tm) A770";
      await expect(withAdapter(platformWith(names), named)).rejects.toMatchObject({
        field: "adapter",
        expected: `a number or a part of one name of ${list}`,
        received: named,
      });
    },
  );

  test("A whole name is taken where it is a part of no other one, and refused otherwise", async () => {
    const alike = ["NVIDIA H100", "NVIDIA H100 NVL"];
    await (await withAdapter(platformWith(alike), "nvidia h100 nvl")).gpu();
    expect(asked).toEqual(["NVIDIA H100 NVL"]);
    await expect(withAdapter(platformWith(alike), "1")).rejects.toThrow(
      "expected a name that is no part of another one of 1 NVIDIA H100, 2 NVIDIA H100 NVL",
    );
  });

  test("It is refused where no adapter can be listed, where there is none, and for engines without a GPU", async () => {
    const open = (engine: "auto" | "cpu" | "reference", names: readonly string[] | undefined) =>
      openEngine({ engine, adapter: "1" }, platformWith(names));
    await expect(open("auto", undefined)).rejects.toMatchObject({ field: "adapter" });
    await expect(open("auto", [])).rejects.toMatchObject({ field: "engine gpu" });
    for (const engine of ["cpu", "reference"] as const)
      await expect(open(engine, names)).rejects.toThrow(
        `adapter: expected an engine that uses a GPU, got "engine ${engine}"`,
      );
  });
});

describe("Machines without a GPU", () => {
  test("Where no device file of a GPU exists, auto takes the CPU without loading a driver", async () => {
    const engine = await openEngine({ threads: 1 }, platformWith([], false));
    expect([engine.engine, asked]).toEqual(["cpu", []]);
    engine.close();
  });

  test("Where there may be a GPU, auto looks for it", async () => {
    const engine = await openEngine({ threads: 1 }, platformWith([], true));
    expect([engine.engine, asked]).toEqual(["cpu", [undefined]]);
    engine.close();
  });
});

describe.runIf(hasSoftware)("Drivers", () => {
  let folder: string;
  /** An environment with two adapters. */
  let two: NodeJS.ProcessEnv;
  let swiftShader: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "exacta-adapters-"));
    const { dawnEnv } = await software();
    swiftShader = dawnEnv["VK_DRIVER_FILES"]!;
    const library = await readFile(join(dawnEnv["LD_LIBRARY_PATH"]!, "libvk_swiftshader.so"), "latin1");
    await writeFile(
      join(folder, "libvk_second.so"),
      library.replaceAll("SwiftShader Device", "Secondlight Device"),
      "latin1",
    );
    const second = join(folder, "second.json");
    await writeFile(
      second,
      JSON.stringify({
        file_format_version: "1.0.0",
        ICD: { library_path: "./libvk_second.so", api_version: "1.0.5" },
      }),
    );
    const drivers = `${swiftShader}:${second}`;
    two = { ...process.env, ...dawnEnv, VK_DRIVER_FILES: drivers, VK_ICD_FILENAMES: drivers };
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("The device files of GPUs are those of graphics drivers", async () => {
    expect(gpuFiles(folder)).toEqual([]);
    await writeFile(join(folder, "nvidiactl"), "");
    await writeFile(join(folder, "null"), "");
    expect(gpuFiles(folder)).toEqual([join(folder, "nvidiactl")]);
  });

  test("Drivers that Dawn does not take are left out, and variables that are set are kept", async () => {
    const broken = join(folder, "broken.json");
    await writeFile(
      broken,
      JSON.stringify({
        file_format_version: "1.0.0",
        ICD: { library_path: "./none.so", api_version: "1.0.5" },
      }),
    );
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      VK_DRIVER_FILES: `${broken}:${swiftShader}`,
      XDG_RUNTIME_DIR: "/run",
    };
    expect(silenceVulkan(env)).toBe(true);
    expect(env).toMatchObject({
      VK_DRIVER_FILES: swiftShader,
      VK_ICD_FILENAMES: swiftShader,
      XDG_RUNTIME_DIR: "/run",
    });
    const without: NodeJS.ProcessEnv = { ...process.env, VK_DRIVER_FILES: broken };
    delete without["XDG_RUNTIME_DIR"];
    expect(silenceVulkan(without)).toBe(false);
    expect(without["XDG_RUNTIME_DIR"]).toMatch(/^\//);
  });

  describe("As processes", { tags: ["wide"] }, () => {
    beforeAll(buildCommand, 120_000);

    function exacta(words: string, env: NodeJS.ProcessEnv) {
      const { child, outcome } = startCommand(words.split(" "), folder, env);
      child.stdin.end();
      return outcome;
    }

    test("exacta devices numbers two adapters, and --adapter takes one by its name and the other by its number", async () => {
      const { stdout } = await exacta("devices", two);
      const numbers = Object.fromEntries(
        [...stdout.matchAll(/^gpu (\d) +(\w+) Device/gm)].map(([, number, name]) => [name, number]),
      );
      expect(Object.keys(numbers).toSorted()).toEqual(["Secondlight", "SwiftShader"]);
      for (const named of ["swift", numbers["Secondlight"]!]) {
        const args = `phase --bits 3 --items 3 --trials 1000 --json --quiet --adapter ${named}`;
        const { status, stdout, stderr } = await exacta(args, two);
        expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
        expect(JSON.parse(stdout)).toMatchObject({ engine: "gpu" });
        const listed = await exacta(`devices --json --adapter ${named}`, two);
        expect(listed.status).toBe(0);
      }
    });

    test("A name that both adapters have is refused with the list", async () => {
      const { status, stderr } = await exacta("phase --bits 3 --items 3 --trials 10 --adapter device", two);
      expect(stderr).toMatch(/^adapter: expected a number or a part of one name of 1 \w+ Device/);
      expect(status).toBe(2);
    });

    // Mesa 22 of Debian 12. Where `.ci/run` cannot install it, it says that this test is left out.
    const mesa = "/usr/share/vulkan/icd.d/lvp_icd.x86_64.json";

    test.runIf(existsSync(mesa))(
      "With --quiet Mesa and Dawn write nothing to stderr (left out without Debian's mesa-vulkan-drivers)",
      async () => {
        const env: NodeJS.ProcessEnv = {
          ...process.env,
          // The system's loader, which Mesa fits.
          LD_LIBRARY_PATH: `/usr/lib/x86_64-linux-gnu:${process.env["LD_LIBRARY_PATH"]}`,
          VK_DRIVER_FILES: `${mesa}:${swiftShader}`,
        };
        delete env["XDG_RUNTIME_DIR"];
        const args = "phase --bits 3 --items 3 --trials 10 --json --engine gpu";
        expect((await exacta(args, env)).stderr).toContain("XDG_RUNTIME_DIR");
        expect(await exacta(`${args} --quiet`, env)).toMatchObject({ status: 0, stderr: "" });
        const { stderr } = await exacta(`${args} --progress json`, env);
        for (const line of stderr.trimEnd().split("\n")) expect(JSON.parse(line)).toHaveProperty("kind");
      },
    );
  });
});
