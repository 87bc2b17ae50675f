// wgpu, the WebGPU of Firefox and Deno, whose compiler is naga: it takes every program, and every variant writes the same words.

import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasSoftware, software } from "../../scripts/software.ts";
import { wesl } from "../../scripts/wesl.ts";
import { profileOf } from "../../host/gpu/device.ts";
import { launchesOf } from "../../host/gpu/kernels/index.ts";
import type { VariantName } from "../../host/gpu/launch.ts";
import { referenceRunner } from "../../host/reference.ts";
import type { CompiledProgram, Program, RunWork, Task } from "./naga.ts";
import { PATIENT_MS } from "./tamper.ts";
import { subgroupWorks, variantWorks, type VariantWork } from "./works.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** Deno's binary. Its package has it for this platform alone, and no script needs to run to install it. */
const deno = join(createRequire(import.meta.url).resolve("@deno/linux-x64-glibc/package.json"), "../deno");

describe.runIf(hasSoftware)("WebGPU by wgpu and naga", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "exacta-naga-"));
    await build({
      root,
      configFile: false,
      logLevel: "warn",
      plugins: [wesl()],
      ssr: { noExternal: true },
      build: {
        ssr: join(root, "test/gpu/naga.ts"),
        outDir: folder,
        emptyOutDir: false,
        rolldownOptions: { checks: { pluginTimings: false } },
      },
    });
  }, 120_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** The plain WGSL of every root module that the rows of kernels import, by its path. */
  async function allPrograms(): Promise<Program[]> {
    const kernels = join(root, "host/gpu/kernels");
    const texts = await Promise.all(
      (await readdir(kernels)).map((file) => readFile(join(kernels, file), "utf8")),
    );
    const names = texts.flatMap((text) =>
      [...text.matchAll(/shaders\/(\S+)\.wesl\?wgsl"/g)].map(([, name]) => name!),
    );
    return Promise.all(
      names.map(async (name) => {
        const { default: code } = (await import(/* @vite-ignore */ `${root}shaders/${name}.wesl?wgsl`)) as {
          default: string;
        };
        return { name, code };
      }),
    );
  }

  /** Runs a task in Deno. Where Deno dies, the error has its last words. */
  async function run(task: Task): Promise<{ programs: CompiledProgram[]; works: RunWork[] }> {
    const { dawnEnv } = await software();
    const file = join(folder, "task.json");
    await writeFile(file, JSON.stringify(task));
    const args = [
      "run",
      "--allow-all",
      "--no-config",
      "--no-lock",
      "--unstable-webgpu",
      join(folder, "naga.js"),
    ];
    const { stdout } = await promisify(execFile)(deno, [...args, file], {
      env: {
        ...process.env,
        ...dawnEnv,
        HOME: folder,
        DENO_DIR: join(folder, "deno"),
        DENO_NO_UPDATE_CHECK: "1",
      },
      maxBuffer: 2 ** 28,
    });
    const lines = stdout
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as CompiledProgram | RunWork);
    return {
      programs: lines.filter((line): line is CompiledProgram => "program" in line),
      works: lines.filter((line): line is RunWork => "title" in line),
    };
  }

  const reference = referenceRunner();
  /** The titles of the work whose words are not those of the reference, with a reason. */
  async function differences(list: readonly VariantWork[], works: readonly RunWork[]): Promise<string[]> {
    const ran = new Map(works.map((work) => [work.title, work]));
    const found: string[] = [];
    for (const { title, work } of list) {
      const { words = [], error = "did not run" } = ran.get(title) ?? {};
      const expected = (await reference.run(work)).words;
      const at = expected.findIndex((word, i) => word !== words[i]);
      if (ran.get(title)?.words === undefined) found.push(`${title}: ${error}`);
      else if (words.length !== expected.length || at >= 0)
        found.push(`${title}: word ${at} is ${words[at]}, expected ${expected[at]}`);
    }
    return found;
  }

  /** Programs for subgroups, which wgpu does not have yet. */
  const needsSubgroups = ({ code }: Program) => code.includes("enable subgroups;");
  const namesOf = (programs: readonly Program[]) => programs.map(({ name }) => name).toSorted();

  /** The variants of reach for subgroups. */
  const subgroupVariants: readonly VariantName[] = ["subgroup"];

  describe("Programs", () => {
    test("The compiler naga accepts every program, but for the extension that programs for subgroups need", async () => {
      const sources = await allPrograms();
      const { programs } = await run({ programs: sources, only: "no work" });
      expect(sources.length).toBeGreaterThanOrEqual(26);
      expect(programs.map(({ program }) => program).toSorted()).toEqual(namesOf(sources));
      const refused = programs.filter(({ errors }) => errors.length > 0);
      expect(refused.map(({ program }) => program)).toEqual(namesOf(sources.filter(needsSubgroups)));
      for (const { errors } of refused)
        expect(errors).toEqual([expect.stringMatching(/subgroups`? enable-extension is not yet supported/)]);
    });

    test("Subgroups are emulated for every variant that uses them", async () => {
      const programs = (await allPrograms()).filter(needsSubgroups);
      expect(namesOf(programs)).toEqual(subgroupVariants.map((name) => `reach/${name}`).toSorted());
    });

    test("The work has launches with every value of the constants that choose code", () => {
      const opened = {
        limits: {
          maxComputeWorkgroupStorageSize: 16384,
          maxComputeInvocationsPerWorkgroup: 256,
          maxComputeWorkgroupSizeX: 256,
          maxComputeWorkgroupsPerDimension: 65535,
          maxStorageBufferBindingSize: 2 ** 27,
          maxBufferSize: 2 ** 28,
        },
        features: new Set(),
      } as unknown as GPUDevice;
      const seen: Record<string, Set<number>> = {};
      for (const { work, variant, capacityBits } of variantWorks) {
        const language = new Set(["packed_4x8_integer_dot_product"]);
        const options = {
          language,
          maxDispatchMilliseconds: PATIENT_MS,
          ...(capacityBits !== undefined && { capacityBits }),
        };
        const [launch] = launchesOf(work, profileOf(opened, {} as GPUAdapterInfo, options), variant);
        for (const [name, value] of Object.entries(launch!.constants)) (seen[name] ??= new Set()).add(value);
      }
      const valuesOf = (name: string) => [...seen[name]!].toSorted((a, b) => a - b);
      for (const name of ["STEPS", "ONE_SIZE", "ZEROS", "PLAIN", "EXACT", "ENUMERATED"])
        expect(valuesOf(name), name).toEqual([0, 1]);
      expect(valuesOf("BLOCKS")).toEqual([1, 2, 3, 4]);
      for (const name of ["HIDDEN_BYTES", "WEIGHT_BYTES"]) expect(valuesOf(name)).toEqual([1, 2]);
    });
  });

  // Compiling the pipelines takes half a minute.
  describe("Variants", { tags: ["wide"] }, () => {
    let sources: Program[];
    let works: RunWork[];
    beforeAll(async () => {
      sources = await allPrograms();
      ({ works } = await run({ programs: sources }));
    }, 300_000);

    test("The work compiles every program that naga accepts", () => {
      const compiled = new Set(works.flatMap((work) => work.programs));
      expect([...compiled].toSorted()).toEqual(
        namesOf(sources.filter((program) => !needsSubgroups(program))),
      );
    });

    test("Every variant writes the words of the reference on wgpu", async () => {
      expect(variantWorks.length).toBeGreaterThanOrEqual(60);
      expect(new Set(variantWorks.map(({ title }) => title)).size).toBe(variantWorks.length);
      expect(await differences(variantWorks, works)).toEqual([]);
    });

    test("The comparison finds one changed word, and a fault in a shader", async () => {
      const [first] = works;
      const words = first!.words!.with(1, first!.words![1]! ^ 1);
      expect(await differences(variantWorks, works.with(0, { ...first!, words }))).toEqual([
        expect.stringMatching(`^${first!.title}: word 1 is `),
      ]);
      const only = "count.workgroup: count of 40 items";
      const list = variantWorks.filter(({ title }) => title.startsWith(only));
      expect(list).toHaveLength(1);
      expect(await differences(list, works)).toEqual([]);
      const faulty = await run({ only, fault: ["let low = a.x + b.x;", "let low = a.x - b.x;"] });
      expect(await differences(list, faulty.works)).toEqual([expect.stringMatching(/: word \d+ is /)]);
    });
  });

  const sizes = [
    { minSize: 8, maxSize: 32 },
    ...[4, 16, 32, 64, 128].map((size) => ({ minSize: size, maxSize: size })),
  ];
  for (const variant of subgroupVariants)
    for (const { minSize, maxSize } of sizes)
      test(
        `Variant ${variant} on emulated subgroups of ${maxSize} lanes, ${minSize} at least, writes the words of the reference`,
        { tags: ["wide"] },
        async () => {
          const { works } = await run({ emulated: { variant, minSize, maxSize } });
          expect(await differences(subgroupWorks(variant), works)).toEqual([]);
        },
      );

  test("The comparison finds a subgroup that takes its size to be 4", { tags: ["wide"] }, async () => {
    const emulated = { variant: "subgroup", minSize: 8, maxSize: 32 } as const;
    const { works } = await run({
      emulated,
      only: "reach.subgroup: signed sums",
      fault: ["(lane - words) & (size - 1u)", "(lane - words) & 3u"],
    });
    expect(works).toHaveLength(1);
    const list = subgroupWorks("subgroup").filter(({ title }) => title === works[0]!.title);
    expect(await differences(list, works)).toEqual([expect.stringMatching(/: word \d+ is /)]);
  });
});
