// docs/adding-a-kernel.md is true: its six files make a kernel of a copy of the sources, and nothing else has to change.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, describe, expect, test } from "vitest";

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

/** The copies of the sources that tests have made. */
const folders: string[] = [];
afterEach(() => Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true }))));

/** Writes blocks over a copy of the sources, and returns its folder. */
async function copyWith(written: readonly Block[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "exacta-kernel-"));
  folders.push(folder);
  for (const name of ["src", "shaders", "host", "demo", "test", "scripts"])
    await cp(join(root, name), join(folder, name), { recursive: true });
  for (const name of ["package.json", "vitest.config.ts", "tsconfig.base.json"])
    await cp(join(root, name), join(folder, name));
  for (const name of ["node_modules", ".cache"])
    await symlink(join(root, name), join(folder, name), "junction");
  for (const { path, language, code } of written) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, language === "diff" ? patched(await readFile(file, "utf8"), code) : code);
  }
  return folder;
}

/** The blocks, with a replacement in the block of `path`. */
const withFault = (path: string, right: string, wrong: string): Block[] =>
  blocks.map((block) => {
    if (block.path !== path) return block;
    expect(block.code).toContain(right);
    return { ...block, code: block.code.replace(right, wrong) };
  });

/** Runs a program of a package in a folder, and returns what it prints if it fails. */
async function failureOf(folder: string, program: string, ...args: string[]): Promise<string> {
  // Vitest recognizes its own processes by these variables.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("VITEST")));
  const run = promisify(execFile)(process.execPath, [join(root, "node_modules", program), ...args], {
    cwd: folder,
    env: { ...env, NO_COLOR: "1" },
  });
  return run.then(
    () => "",
    ({ stdout, stderr }: { stdout: string; stderr: string }) => `${program} failed:\n${stdout}${stderr}`,
  );
}

/** The test of the new kernel, and the one that compares the layouts of all kernels. */
const ownTest = "test/kernels/total.test.ts";
const layoutTest = "test/kernels/layout.test.ts";

/** The errors of types in the contracts, the engines and the new kernel's test. */
async function typeErrors(folder: string): Promise<string> {
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
    include: ["src", "host/gpu", "host/cpu", "host/assets.d.ts", "test/*.d.ts"],
    exclude: ["**/*.test.ts", "host/cpu/wasm"],
    files: [ownTest],
  };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
  return failureOf(folder, "typescript/bin/tsc");
}

/** The failures of tests of the new kernel. One process loads the modules once for all files. */
const testFailures = (folder: string, ...files: string[]): Promise<string> =>
  failureOf(folder, "vitest/vitest.mjs", "run", "--no-isolate", "--maxWorkers=1", "-t", "total", ...files);

describe("docs/adding-a-kernel.md", () => {
  test("The document has blocks for five new files and for one line of the list of kernels", async () => {
    const list = "src/kernels/index.ts";
    expect(blocks.map(({ path }) => path)).toEqual([
      "src/kernels/total.ts",
      list,
      "shaders/total/thread.wesl",
      "host/cpu/wasm/total.ts",
      "host/gpu/kernels/total.ts",
      "test/kernels/total.test.ts",
    ]);
    expect(blocks.filter(({ path }) => existsSync(join(root, path))).map(({ path }) => path)).toEqual([list]);
    const { code } = blocks[1]!;
    expect(patched(await readFile(join(root, list), "utf8"), code)).toContain(", total } as const;");
    expect(() => patched("const list = { reach };", code)).toThrow("expected once, got 0 times");
  });

  const row = "host/gpu/kernels/total.ts";

  test(
    "The six files type-check, and beside them a parameter that the contract does not have is the only error",
    { tags: ["wide"] },
    async () => {
      const folder = await copyWith(blocks);
      const { code } = withFault(row, '"rows"', '"row"').find(({ path }) => path === row)!;
      await writeFile(join(folder, "host/gpu/kernels/wrong.ts"), code);
      const errors = (await typeErrors(folder)).match(/^.*: error TS.*$/gm);
      expect(errors).toEqual([expect.stringMatching(/^host\/gpu\/kernels\/wrong\.ts/)]);
      expect(errors![0]).toMatch(
        /Type '"row"' is not assignable to type '"(columns" \| "rows|rows" \| "columns)"'/,
      );
    },
  );

  test("The six files make a kernel that passes its tests on every engine", { tags: ["wide"] }, async () => {
    expect(await testFailures(await copyWith(blocks), ownTest, layoutTest)).toBe("");
  });

  test.each([
    ["host/cpu/wasm/total.ts", "sum += ", "sum -= ", ownTest, "kernel total, buffer totals, word 0"],
    [row, "const total:", "const sum:", layoutTest, `${row} exports no row total`],
  ])(
    "The kernel's tests find a fault in the block of %s: %s becomes %s",
    { tags: ["wide"] },
    async (path, right, wrong, file, failure) => {
      expect(await testFailures(await copyWith(withFault(path, right, wrong)), file)).toContain(failure);
    },
  );
});
