// wgpu, the WebGPU of Firefox and of Deno, whose compiler is naga: it takes every program, and every variant writes the same words.

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
import { referenceRunner } from "../../host/reference.ts";
import type { CompiledProgram, Program, RunWork, Task } from "./naga.ts";
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

  /** What the program prints. Where Deno dies, the error has what it said last. */
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
      env: { ...dawnEnv, HOME: folder, DENO_DIR: join(folder, "deno"), DENO_NO_UPDATE_CHECK: "1" },
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

  let programs: CompiledProgram[];
  let works: RunWork[];
  beforeAll(async () => {
    ({ programs, works } = await run({ programs: await allPrograms() }));
  }, 300_000);

  const needsSubgroups = ({ program }: CompiledProgram) => program === "reach/subgroup";

  test("naga accepts every program, but for the extension that programs for subgroups need", () => {
    expect(programs.length).toBeGreaterThanOrEqual(25);
    expect(programs.filter((program) => !needsSubgroups(program)).flatMap(({ errors }) => errors)).toEqual(
      [],
    );
    for (const { errors } of programs.filter(needsSubgroups))
      expect(errors).toEqual([expect.stringMatching(/`?subgroups`? enable-extension is not yet supported/)]);
  });

  test("The work compiles every program that naga accepts", () => {
    const compiled = new Set(works.flatMap((work) => work.programs));
    const accepted = programs.filter((program) => !needsSubgroups(program)).map(({ program }) => program);
    expect([...compiled].toSorted()).toEqual(accepted.toSorted());
  });

  test("Every variant writes the words of the reference on wgpu", async () => {
    expect(variantWorks.length).toBeGreaterThanOrEqual(60);
    expect(new Set(variantWorks.map(({ title }) => title)).size).toBe(variantWorks.length);
    expect(await differences(variantWorks, works)).toEqual([]);
  });
});
