// docs/adding-a-kernel.md is true: its six files make a kernel of a copy of the sources, and nothing else has to change.

import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const document = await readFile(join(root, "docs/adding-a-kernel.md"), "utf8");

/** A code block of the document, under the heading that names its file. */
interface Block {
  readonly path: string;
  readonly language: string;
  readonly code: string;
}

/** The only block of every section that a file heads. */
const blocks: readonly Block[] = document
  .split(/^## /m)
  .slice(1)
  .map((section) => {
    const [, path] = /^\d\. `(.+)`\n/.exec(section)!;
    const [[, language, code], ...others] = [...section.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)] as [
      RegExpExecArray,
      ...RegExpExecArray[],
    ];
    if (others.length > 0) throw new Error(`${path}: expected one block, got ${1 + others.length}`);
    return { path: path!, language: language!, code: code! };
  });

/** A text with the lines of a diff replaced. Hunks are separated by empty lines. */
function patched(text: string, diff: string): string {
  return diff.split(/\n\n/).reduce((result, hunk) => {
    const lines = hunk.trimEnd().split("\n");
    const side = (sign: string) =>
      lines
        .filter((line) => line.startsWith(" ") || line.startsWith(sign))
        .map((line) => `${line.slice(1)}\n`);
    const before = side("-").join("");
    const times = result.split(before).length - 1;
    if (times !== 1) throw new Error(`expected once, got ${times} times:\n${before}`);
    return result.replace(before, () => side("+").join(""));
  }, text);
}

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "exacta-kernel-"));
  const copied = [
    "src",
    "shaders",
    "host",
    "test",
    "scripts",
    "package.json",
    "vitest.config.ts",
    "tsconfig.base.json",
  ];
  for (const name of copied) await cp(join(root, name), join(folder, name), { recursive: true });
  for (const name of ["node_modules", ".cache"])
    await symlink(join(root, name), join(folder, name), "junction");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function write({ path, language, code }: Block): Promise<void> {
  const file = join(folder, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, language === "diff" ? patched(await readFile(file, "utf8"), code) : code);
}

/** A block with a fault, if it is the block of `path`. */
function faulty(block: Block, path: string, right: string, wrong: string): Block {
  if (block.path !== path) return block;
  expect(block.code).toContain(right);
  return { ...block, code: block.code.replace(right, wrong) };
}

/** Runs a program of a package in the copy, and returns what it prints if it fails. */
async function failureOf(program: string, ...args: string[]): Promise<string> {
  // Vitest tells its own processes by these.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("VITEST")));
  const run = promisify(execFile)(process.execPath, [join(root, "node_modules", program), ...args], {
    cwd: folder,
    env: { ...env, NO_COLOR: "1" },
  });
  return run.then(
    () => "",
    ({ stdout, stderr }: { stdout: string; stderr: string }) => stdout + stderr,
  );
}

/** Type-checks the rooms of kernels and engines, and the new kernel's test. */
async function typeFaults(): Promise<string> {
  const config = {
    extends: "./tsconfig.base.json",
    compilerOptions: {
      composite: false,
      declaration: false,
      emitDeclarationOnly: false,
      noEmit: true,
      lib: ["ES2023", "DOM"],
      types: ["node", "@webgpu/types"],
    },
    include: ["src", "host/gpu", "host/cpu", "host/assets.d.ts", "test/kernels", "test/*.d.ts"],
    exclude: ["**/*.test.ts", "host/cpu/wasm"],
    files: testFiles,
  };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
  return failureOf("typescript/bin/tsc");
}

const testFiles = ["test/kernels/total.test.ts", "test/kernels/layout.test.ts"];

/** Runs the new kernel's tests, and those of the layout test for it. One process loads the modules once for both. */
const testFaults = () =>
  failureOf("vitest/vitest.mjs", "run", "--no-isolate", "--maxWorkers=1", "-t", "total", ...testFiles);

describe("docs/adding-a-kernel.md", () => {
  test("The document has a block for each of six files, of which one exists already", () => {
    expect(blocks.map(({ path }) => path)).toEqual([
      "src/kernels/total.ts",
      "src/kernels/index.ts",
      "shaders/total/thread.wesl",
      "host/cpu/wasm/total.ts",
      "host/gpu/kernels/total.ts",
      "test/kernels/total.test.ts",
    ]);
    expect(blocks.filter(({ language }) => language === "diff").map(({ path }) => path)).toEqual([
      "src/kernels/index.ts",
    ]);
  });

  test(
    "The six files make a kernel that type-checks and passes its tests on every engine",
    { tags: ["wide"] },
    async () => {
      for (const block of blocks) await write(block);
      expect(await typeFaults()).toBe("");
      expect(await testFaults()).toBe("");
    },
  );

  test.each([
    [
      "host/gpu/kernels/total.ts",
      '"rows"',
      '"row"',
      `Type '"row"' is not assignable to type '"columns" | "rows"'`,
    ],
  ])(
    "A fault in the block of %s is an error of types: %s becomes %s",
    { tags: ["wide"] },
    async (...fault) => {
      const [path, right, wrong, expected] = fault;
      for (const block of blocks) await write(faulty(block, path, right, wrong));
      expect(await typeFaults()).toContain(expected);
    },
  );

  test.each([
    ["host/cpu/wasm/total.ts", "sum += ", "sum -= ", "kernel total, buffer totals, word 0"],
    ["host/gpu/kernels/total.ts", "const total:", "const sum:", "total.ts exports no row total"],
  ])("A fault in the block of %s fails its tests: %s becomes %s", { tags: ["wide"] }, async (...fault) => {
    const [path, right, wrong, expected] = fault;
    for (const block of blocks) await write(faulty(block, path, right, wrong));
    expect(await testFaults()).toContain(expected);
  });
});
