// exacta bench as lines, files and exit statuses. What it measures is nothing to test; that engines and runs agree is.

import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readLines } from "../../host/node/bench/records/record.ts";
import { buildCommand, callCommand, killCommands, runCommand, startCommand } from "./command.ts";

let folder: string;
beforeAll(async () => {
  await buildCommand();
  folder = await mkdtemp(join(tmpdir(), "exacta-bench-"));
}, 120_000);
afterAll(async () => {
  killCommands();
  await rm(folder, { recursive: true, force: true });
});

/** The quickest run that has digests: one round of the definitions. */
const QUICK = "bench --only kernels --engine reference --rounds 1 --quiet";

test(
  "Rows are printed and kept in a file, and a later run of some kernels alone names those that answer otherwise",
  { tags: ["wide"] },
  async () => {
    const first = await callCommand(`${QUICK} --json --out kept`, folder);
    expect([first.status, first.stderr]).toEqual([0, ""]);
    const { machine, rows } = readLines("stdout", first.stdout);
    expect(machine.options).toMatchObject({ only: "kernels", rounds: 1 });
    expect(new Set(rows.map(({ kernel }) => kernel))).toEqual(
      new Set(["reach", "witness", "count", "smallest", "prune", "forward", "pool"]),
    );
    for (const row of rows)
      expect(row).toMatchObject({
        section: "kernels",
        engine: "reference",
        digest: expect.stringMatching(/^[0-9a-f]{16}$/),
      });
    const [file] = await readdir(join(folder, "kept"));
    expect(await readFile(join(folder, "kept", file!), "utf8")).toBe(first.stdout);

    // The later run measures two kernels alone, and is compared with the rows of these.
    const few = ["prune", "pool"];
    const kept = rows.filter(({ kernel }) => few.includes(kernel!));
    const planted = first.stdout
      .split("\n")
      .filter((line, i) => i === 0 || few.some((kernel) => line.includes(`"kernel":"${kernel}"`)))
      .join("\n")
      .replace(kept[0]!.digest!, "0".repeat(16))
      .replace(`"size":"${kept[1]!.size}"`, `"size":"another"`);
    await writeFile(join(folder, "planted.jsonl"), `${planted}\n`);
    const second = await callCommand(
      `${QUICK} --kernels ${few.join()} --compare planted.jsonl --out later`,
      folder,
    );
    expect(second.status).toBe(1);
    const nameOf = ({ kernel }: (typeof rows)[number]) => `kernels | reference | ${kernel} | `;
    expect(second.stderr).toBe(`other results than in planted.jsonl: ${nameOf(kept[0]!)}${kept[0]!.size}\n`);
    expect(second.stdout).toContain("DIFFERENT");
    expect(second.stdout).toContain(`only in this run: ${nameOf(kept[1]!)}${kept[1]!.size}\n`);
    expect(second.stdout).toContain(`only in the old run: ${nameOf(kept[1]!)}another\n`);
    const [later] = await readdir(join(folder, "later"));
    const rerun = readLines(later!, await readFile(join(folder, "later", later!), "utf8"));
    expect(rerun.machine.options).toMatchObject({ kernels: few.join() });
    expect(new Set(rerun.rows.map(({ kernel }) => kernel))).toEqual(new Set(few));
    const same = second.stdout.match(/x +same\n/g) ?? [];
    expect(same).toHaveLength(kept.length - 2);
  },
);

test("Every engine gives the answers that a formula knows", { tags: ["wide"] }, async () => {
  const { status, stdout } = await runCommand("bench --only answers --engine cpu,gpu --json --quiet", folder);
  const { rows } = readLines("stdout", stdout);
  const known = new Map(rows.filter(({ engine }) => engine === "known").map((row) => [row.size, row.digest]));
  expect(known.size).toBeGreaterThan(5);
  for (const engine of ["cpu", "gpu"])
    expect(new Map(rows.filter((row) => row.engine === engine).map((row) => [row.size, row.digest]))).toEqual(
      known,
    );
  expect(status).toBe(0);
});

test("LeNet-5 and both passes of its ticket have the same outputs", { tags: ["wide"] }, async () => {
  const { status, stdout } = await runCommand("bench --only forward --rounds 1 --json --quiet", folder);
  const { rows } = readLines("stdout", stdout);
  expect([status, rows.map(({ variant }) => variant)]).toEqual([0, ["network", "collapsed", "audit"]]);
  expect(new Set(rows.map(({ digest }) => digest)).size).toBe(1);
});

test("A signal ends the run with the rows that are done", { tags: ["wide"] }, async () => {
  const { child, outcome } = startCommand(
    "bench --only kernels --engine reference --seconds 600".split(" "),
    folder,
  );
  child.stderr.on("data", (text: string) => {
    if (text.includes("reach, M = 2^8")) {
      child.kill("SIGINT");
      // As npm does, which passes on what the terminal sends to both.
      child.kill("SIGINT");
    }
  });
  const { status, stdout, stderr } = await outcome;
  expect([status, stderr.includes("stopped early")]).toEqual([75, true]);
  expect(stdout).toMatch(/M = 2\^6, n = 12 +reference/);
  expect(stdout).not.toContain("forward");
});

test(
  "Missing compilers are left out by default, and refused where they are asked for",
  { tags: ["wide"] },
  async () => {
    const nothing = { ...process.env, PATH: "" };
    const without = startCommand("bench --only peers --rounds 1 --json".split(" "), folder, nothing);
    const { status, stdout, stderr } = await without.outcome;
    expect([status, readLines("stdout", stdout).rows.map(({ engine }) => engine)]).toEqual([
      0,
      expect.arrayContaining(["cpu", "javascript"]),
    ]);
    expect(stdout).not.toMatch(/"engine":"(cpython|avx2)"/);
    expect(stderr).toMatch(/there is no python3 [^]*there is no cc /);
    const asked = await runCommand("bench --only peers --rounds 1 --quiet --python none", folder);
    expect([asked.status, asked.stderr]).toEqual([
      2,
      expect.stringMatching(/^python: expected a CPython of 3.10 or newer, got "none"/),
    ]);
  },
);

test.each([
  ["--only all", "only: expected one of"],
  ["--kernels add", "kernels: expected one of reach, witness,"],
  ["--only start --kernels reach", "kernels: expected the section kernels in --only"],
  ["--engine shadow", "engine: expected one of cpu, gpu, reference"],
  ["--rounds 0", "rounds: expected an integer in 1..1000"],
  ["--seconds 0", "seconds: expected a number of seconds"],
  ["--compare none.jsonl", "compare: expected a readable file"],
  ["--compare words.txt", "words.txt, line 1: record: expected a line of exacta bench --json"],
  ["--out words.txt", "out: expected a folder that can be written"],
])("%s is refused", async (args, message) => {
  await writeFile(join(folder, "words.txt"), "words\n");
  const { status, stdout, stderr } = await callCommand(`bench ${args}`, folder);
  expect([status, stdout]).toEqual([2, ""]);
  expect(stderr).toContain(message);
  expect(stderr.trimEnd().split("\n")).toHaveLength(1);
});
