// The command as a person at a terminal or a script meets it: what it refuses and how, what it prints and writes,
// and how it stops.

import { mkdirSync, writeFileSync } from "node:fs";
import { link, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { computeTheory } from "../../src/experiments/theory.ts";
import type { PhaseFinding, RequiredFinding, TheoryFinding } from "../../src/finding.ts";
import { buildCommand, callCommand, killCommands, startCommand, type Outcome } from "./command.ts";
import { hasSoftware, software } from "../../scripts/software.ts";

/** No adapter on Linux, whatever the machine has; Dawn reads these variables. */
const bare: NodeJS.ProcessEnv = {
  ...process.env,
  VK_DRIVER_FILES: "/none.json",
  VK_ICD_FILENAMES: "/none.json",
};
delete bare["LD_LIBRARY_PATH"];
/** The software adapter, or off x64 Linux the machine's own. */
let adapter: NodeJS.ProcessEnv = process.env;

let folder: string;

beforeAll(async () => {
  await buildCommand();
  if (hasSoftware) adapter = { ...bare, ...(await software()).dawnEnv };
}, 120_000);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "exacta-cli-"));
});

afterEach(async () => {
  killCommands();
  await rm(folder, { recursive: true, force: true });
});

/** Starts the command in the test's own folder, with nothing to read. */
function start(args: readonly string[], env: NodeJS.ProcessEnv) {
  const started = startCommand(args, folder, env);
  started.child.stdin.end();
  return started;
}

/** Calls the command in this process, or runs it as a process with an environment of its own. */
function exacta(args: string, env?: NodeJS.ProcessEnv): Promise<Outcome> {
  return env ? start(args.split(" "), env).outcome : callCommand(args, folder);
}

/** The findings on stdout; every line must be one, and the command must have ended with a status, by default with success. */
function findings({ status, stdout, stderr }: Outcome, expected = 0): PhaseFinding[] {
  expect({ status, stderr: status === expected ? "" : stderr }).toEqual({ status: expected, stderr: "" });
  expect(stdout.endsWith("\n")).toBe(true);
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as PhaseFinding);
}

/** The names in a folder of results. */
const RESULT_FOLDER = ["journal", "provenance.json", "report.html", "results.csv", "results.jsonl"];

/** Lines of findings without the engine, the adapter and the version, as results.jsonl has them. */
function numbersOf(lines: string): string {
  return lines.replaceAll(/,"engine":"[^"]*","adapter":"[^"]*","version":"[^"]*"/g, "");
}

/** A finding without its engine and adapter. */
function anonymous(finding: PhaseFinding): PhaseFinding {
  return { ...finding, engine: "", adapter: "" };
}

const REFUSAL = /^[^:\n]+: expected [^\n]+, got [^\n]+\n$/;

describe("Wrong requests", () => {
  test("The form of a refusal excludes stack traces, second lines and bare messages", () => {
    const good = "items: expected an integer in 0..64, got 99\n";
    expect(good).toMatch(REFUSAL);
    for (const bad of [
      "",
      good.trimEnd(),
      `${good}    at main (exacta.js:1:1)\n`,
      `${good}\n`,
      "Error: no such thing\n",
    ])
      expect(bad).not.toMatch(REFUSAL);
  });

  const few = "--items 2 --trials 10";
  const cases: Record<string, RegExp> = {
    "phase --ensemble rsp --bits 4": /^ensemble: expected one of rssp, .*, got "rsp"/,
    "phase --bits 4 --items 9..3": /^items: expected A\.\.B with A not above B, got "9\.\.3"/,
    "phase --bits 4 --items 4..99": /^items.*: expected an integer in 0\.\.64, got 99/,
    "phase --bits 4 --items 65": /^items: .*, got 65/,
    "phase --bits 4 --items -1": /^items: .*, got -1/,
    "phase --bits 4 --items 1.5": /^items: .*, got 1\.5/,
    "phase --bits 4 --items 1..2..3": /^items: .*, got "1\.\.2\.\.3"/,
    "phase --bits 4 --items x": /^items: .*, got "x"/,
    "phase --bits 4 --trials 0": /^trials: expected .*1\.\.281474976710656, got 0/,
    "phase --bits 4 --trials -5": /^trials: .*, got -5/,
    "phase --bits 4 --trials 1.5": /^trials: .*, got 1\.5/,
    "phase --bits 4 --trials 1e15": /^trials: .*, got 1000000000000000/,
    "phase --bits 4 --trials 1e400": /^trials: .*, got 1000/,
    "phase --bits 4 --trials many": /^trials: .*, got "many"/,
    "phase --bits 16 --trials all": /^trials: .*, got "all"/,
    "phase --bits -1": /^bits: expected an integer in 0\.\.20, got -1/,
    "phase --bits 21": /^bits: .*, got 21/,
    "phase --bits 1.5": /^bits: .*, got 1\.5/,
    "phase --bits 6..4": /^bits: .*, got "6\.\.4"/,
    "phase --bits 4,,5": /^bits: .*, got ""/,
    "phase --ensemble products --bits 11": /^bits: expected an integer in 0\.\.10, got 11/,
    "phase --half-range 0": /^half.?range: expected an integer in 1\.\.1048576, got 0/i,
    "phase --half-range 2e6": /^half.?range: .*, got 2000000/i,
    "phase --half-range -4": /^half.?range: .*, got -4/i,
    "phase --half-range 1.5": /^half.?range: .*, got 1\.5/i,
    "phase --ensemble products --half-range 5":
      /^half.?range: expected a perfect square for products, got 5/i,
    "phase --ensemble products0 --half-range 8": /^half.?range: .*products0, got 8/i,
    "phase --bits 4 --half-range 16": /^bits, half-range: expected one of the two, got "both"/,
    [`phase --bits 4 ${few} --seed x`]: /^seed: expected an integer in 0\.\.18446744073709551615, got "x"/,
    [`phase --bits 4 ${few} --seed -1`]: /^seed: .*, got -1/,
    [`phase --bits 4 ${few} --seed 18446744073709551616`]: /^seed: .*, got 18446744073709551616/,
    [`phase --bits 4 ${few} --seed 1.5`]: /^seed: .*, got "1\.5"/,
    "phase --bits 4 --targets 1,x": /^targets: .*integers.*, got \[1,"x"\]/,
    "phase --bits 99 --targets 1,M": /^bits: expected /,
    "phase --bits 4 --targets 1.5": /^targets.*: .*integer.*, got 1\.5/,
    "phase --bits 4 --targets 3e9": /^targets.*: .*, got 3000000000/,
    "phase --bits 20 --targets all": /^targets: expected at most .*, got 71303305; ask for fewer/,
    [`phase --bits 4 ${few} --engine quantum`]: /^engine: expected one of auto, gpu, .*, got "quantum"/,
    [`phase --bits 4 ${few} --threads 0`]: /^threads: expected an integer in 1\.\.256, got 0/,
    [`phase --bits 4 ${few} --threads 1.5`]: /^threads: .*, got 1\.5/,
    [`phase --bits 4 ${few} --threads two`]: /^threads: .*, got "two"/,
    "phase --bits": /^--bits: expected a value, got nothing; run exacta phase --help/,
    "phase --colour 6": /^option: expected .*, got "--colour"; run exacta phase --help/,
    "phase 12": /^arguments: expected options only, got "12"/,
    "devices --loud": /^option: expected .*, got "--loud"/,
    faze: /^command: expected .*, got "faze"; run exacta --help/,
    "help faze": /^command: expected .*, got "faze"/,
  };
  test.each(Object.entries(cases))("%s: is refused in one line, and no file is made", async (args, line) => {
    const { status, stdout, stderr } = await exacta(args);
    expect(stderr).toMatch(REFUSAL);
    expect(stderr).toMatch(line);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(await readdir(folder)).toEqual([]);
  });

  // Permissions would not hold the superuser back; these hold everyone.
  const unwritable: { is: string; out: string; prepare?: () => void }[] = [
    { is: "that is a file", out: "file", prepare: () => writeFileSync(join(folder, "file"), "kept") },
    { is: "below a file", out: "file/below", prepare: () => writeFileSync(join(folder, "file"), "kept") },
    { is: "with too long a name in a new folder", out: `fresh/${"long".repeat(75)}` },
    {
      is: "where a folder has a result's name",
      out: "taken",
      prepare: () => mkdirSync(join(folder, "taken/results.csv"), { recursive: true }),
    },
  ];
  test.each(unwritable)(
    "A folder $is is refused before anything is computed or made",
    async ({ out, prepare }) => {
      prepare?.();
      const before = await readdir(folder, { recursive: true });
      // Findings are printed before they are written, so an empty stdout says that nothing was computed.
      const { status, stdout, stderr } = await exacta(`phase --bits 4 --trials 1000 --json --out ${out}`);
      expect(stderr).toMatch(REFUSAL);
      expect(stderr).toMatch(/^out: expected a folder .*--out\n$/);
      expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
      expect(await readdir(folder, { recursive: true })).toEqual(before);
    },
  );

  test.runIf(process.platform === "linux")(
    "A folder in a file system of the kernel is refused without waiting",
    async () => {
      const { status, stdout, stderr } = await exacta(
        "phase --bits 4 --trials 1000 --json --out /proc/exacta/results",
      );
      expect(stderr).toMatch(REFUSAL);
      expect(stderr).toMatch(/^out: .*, got "\/proc\/exacta\/results".*--out\n$/);
      expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    },
  );

  test.runIf(process.platform === "linux")(
    "--engine gpu without an adapter is refused with a remedy",
    async () => {
      const { status, stdout, stderr } = await exacta("phase --bits 4 --trials 10 --engine gpu", bare);
      // Where there is a Vulkan loader, Dawn warns on stderr before the line that is ours.
      const ours = stderr.split("\n").slice(-2).join("\n");
      expect(ours).toMatch(/^engine gpu: expected a WebGPU adapter, got nothing; .*--engine cpu/);
      expect(stderr.replace(ours, "").replace(/^(Warning: |    at )[^\n]*\n|^\n/gm, "")).toBe("");
      expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
      expect(await readdir(folder)).toEqual([]);
    },
  );

  test("A refused request leaves the results of an earlier run unchanged", async () => {
    await writeFile(join(folder, "results.jsonl"), "kept");
    const { status } = await exacta("phase --bits 99 --out .");
    expect(status).toBe(2);
    expect(await readdir(folder)).toEqual(["results.jsonl"]);
    expect(await readFile(join(folder, "results.jsonl"), "utf8")).toBe("kept");
  });
});

describe("Findings of phase", () => {
  test("Findings are lines of JSON on stdout, and all text is on stderr", async () => {
    const outcome = await exacta(
      "phase --bits 3,4 --items 5..7 --targets 0,-3,8 --trials 2000 --seed 7 --json --engine cpu",
    );
    const found = findings(outcome);
    expect(found.map(({ halfRange, items }) => [halfRange, items])).toEqual(
      [8, 16].flatMap((m) => [5, 6, 7].map((n) => [m, n])),
    );
    for (const finding of found) {
      expect(finding).toMatchObject({
        kind: "phase",
        ensemble: "rssp",
        trials: 2000,
        seed: "7",
        engine: "cpu",
        interval: "clopper-pearson",
      });
      expect(finding.adapter).toMatch(/WebAssembly/);
      expect(finding.version).toBe(manifest.version);
      expect(finding.bits).toBe(Math.log2(finding.halfRange));
      expect(finding.targets.map(({ target }) => target)).toEqual([0, -3, 8]);
      for (const { solved, probability, low, high } of [...finding.targets, finding.covered!]) {
        expect(Number.isInteger(solved) && solved >= 0 && solved <= 2000).toBe(true);
        expect(probability).toBe(solved / 2000);
        expect(low <= probability && probability <= high && low < high).toBe(true);
      }
      expect(finding.targets[0]!.solved).toBe(2000);
      expect(finding.meanCovered > 1 && finding.meanCovered <= 2 * finding.halfRange + 1).toBe(true);
      expect(finding.perfect).toBeUndefined();
    }
    expect(outcome.stderr).toMatch(/WebAssembly/);
    expect(outcome.stderr).not.toContain('"kind"');
    expect(await readdir(folder)).toEqual([]);
  });

  test("M and -M among the targets are the ends of the range of each half range", async () => {
    const found = findings(
      await exacta("phase --bits 3,4 --items 5 --targets -M,1,M --trials 100 --json --quiet --engine cpu"),
    );
    expect(found.map(({ targets }) => targets.map(({ target }) => target))).toEqual([
      [-8, 1, 8],
      [-16, 1, 16],
    ]);
  });

  test("A finding of rnpp has perfect instead of covered", async () => {
    const [finding] = findings(
      await exacta("phase --ensemble rnpp --bits 3 --items 5 --trials 1000 --json --quiet --engine cpu"),
    );
    expect(finding!.targets.map(({ target }) => target)).toEqual([0, 1]);
    expect(finding!.covered).toBeUndefined();
    // With five items the parity of a sum is fixed, so exactly one of 0 and 1 can be reached, and a third outcome is neither.
    expect(finding!.perfect!.solved).toBe(finding!.targets[0]!.solved + finding!.targets[1]!.solved);
  });

  test("With --quiet stderr is empty", async () => {
    const outcome = await exacta("phase --bits 2 --items 3 --trials 100 --json --quiet --engine cpu");
    expect(findings(outcome)).toHaveLength(1);
    expect(outcome.stderr).toBe("");
  });

  test("1e3, 1_000 and 1000 are the same number", async () => {
    const outputs = await Promise.all(
      ["1e3", "1_000", "1000"].map((trials) =>
        exacta(`phase --bits 4 --items 4 --trials ${trials} --json --quiet --engine cpu`),
      ),
    );
    expect(findings(outputs[0]!)[0]!.trials).toBe(1000);
    expect(new Set(outputs.map(({ stdout }) => stdout)).size).toBe(1);
  });

  // The engine shadow runs the GPU as well.
  test.each([
    ["--bits 3 --items 1..9 --targets 1,-5,40 --trials 3000 --seed 18446744073709551615", "cpu and gpu"],
    ["--ensemble rnpp --half-range 100 --items 6..8 --trials 3000", "cpu and shadow"],
  ])("%s: the engines %s give the findings of the reference", async (config, engines) => {
    const by = async (engine: string) => {
      const found = findings(await exacta(`phase ${config} --json --quiet --engine ${engine}`));
      expect(new Set(found.map((finding) => finding.engine))).toEqual(new Set([engine]));
      return found.map(anonymous);
    };
    const reference = await by("reference");
    expect(reference.length).toBeGreaterThan(2);
    for (const engine of engines.split(" and ")) expect(await by(engine)).toEqual(reference);
  });

  test("Findings do not depend on the number of threads, but on the seed", async () => {
    const run = async (more: string) =>
      findings(
        await exacta(`phase --bits 6 --items 5..9 --trials 2e5 --json --quiet --engine cpu ${more}`),
      ).map(anonymous);
    const one = await run("--threads 1");
    expect(await run("--threads 2")).toEqual(one);
    expect(await run("--threads 2 --seed 2")).not.toEqual(one.map((finding) => ({ ...finding, seed: "2" })));
  });

  test("A run ends with status 0 when its reader leaves early", async () => {
    const { child, outcome } = start(
      "phase --bits 4 --items 1..40 --trials 1000 --json --quiet --engine cpu".split(" "),
      bare,
    );
    child.stdout!.destroy();
    expect(await outcome).toEqual({ status: 0, stdout: "", stderr: "" });
  });
});

/** The fields of CSV text, by RFC 4180: quotes around fields that hold commas, quotes or line ends. */
function readCsv(text: string): string[][] {
  const records: string[][] = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    records.at(-1)!.push(quoted === undefined ? plain! : quoted.replaceAll('""', '"'));
    if (end === "\r\n") records.push([]);
  }
  return records.slice(0, -1);
}

/** What a page loads by itself, beyond what it holds: a link that a person may follow is no such thing. */
function loads(html: string): string[] {
  const attributes = [
    ...html.matchAll(
      /<(?!a\b)[a-z][^>]*?\s(?:src|srcset|href|xlink:href|data|poster)\s*=\s*["']?(?!#|data:)[^>]*>/gi,
    ),
  ];
  const styles = [...html.matchAll(/@import[^;]*;|url\(\s*["']?(?!#|data:)[^)]*\)/g)];
  return [...attributes, ...styles].map(([text]) => text);
}

describe("--out", () => {
  test("The folder gets the findings as JSON Lines, as CSV and as a page that loads nothing", async () => {
    const outcome = await exacta(
      "phase --bits 3,5 --items 4..6 --targets 1,-2 --trials 2000 --json --out deep/er --engine cpu",
    );
    const found = findings(outcome);
    expect((await readdir(join(folder, "deep/er"))).toSorted()).toEqual(RESULT_FOLDER);
    const file = (name: string) => readFile(join(folder, "deep/er", name), "utf8");

    expect(await file("results.jsonl")).toBe(numbersOf(outcome.stdout));

    const [header, ...rows] = readCsv(await file("results.csv"));
    expect(new Set(rows.map(({ length }) => length))).toEqual(new Set([header!.length]));
    const records = rows.map((row) => Object.fromEntries(header!.map((name, i) => [name, row[i]!])));
    const wanted = found.flatMap((finding) =>
      [
        ...finding.targets.map((t) => ({ ...t, event: "target" })),
        { ...finding.covered!, event: "covered", target: "" },
      ].map((row) => ({
        ensemble: finding.ensemble,
        halfRange: String(finding.halfRange),
        items: String(finding.items),
        trials: "2000",
        seed: "1",
        asked: "2000",
        complete: "true",
        event: row.event,
        target: String(row.target),
        solved: String(row.solved),
        probability: String(row.probability),
        low: String(row.low),
        high: String(row.high),
        meanCovered: String(finding.meanCovered),
      })),
    );
    expect(records).toHaveLength(wanted.length);
    records.forEach((record, i) => expect(record).toMatchObject(wanted[i]!));

    const html = await file("report.html");
    expect(html).toMatch(/<svg[\s>][\s\S]*<\/svg>/);
    expect(loads(html)).toEqual([]);
    for (const bad of [
      '<script src="x.js">',
      '<img alt="" src=//x/y>',
      '<link rel=icon href="https://x/y">',
      "url(https://x/y)",
    ])
      expect(loads(html + bad)).toHaveLength(1);
  });

  test("Without --out and --json the folder is results, and a table is on stdout", async () => {
    const { status, stdout, stderr } = await exacta("phase --bits 4 --items 3..5 --trials 1000 --engine cpu");
    expect(status).toBe(0);
    expect((await readdir(join(folder, "results"))).toSorted()).toEqual(RESULT_FOLDER);
    expect(stdout).toContain("1,000 trials, seed 1");
    expect(stdout.split("\n").filter((line) => /^[345] +\d\.\d+ ±/.test(line))).toHaveLength(3);
    expect(stderr).toContain("report.html");
  });

  test("Without --out another sweep gets a folder of its own within results", async () => {
    await exacta("phase --bits 4 --items 3 --trials 1000 --engine cpu --quiet");
    const { stderr } = await exacta("phase --bits 3 --items 3 --trials 1000 --engine cpu");
    const [, own] = /results\/([0-9a-f]{8})\/report\.html/.exec(stderr)!;
    expect((await readdir(join(folder, "results", own!))).toSorted()).toEqual(RESULT_FOLDER);
  });

  test("With --out a folder of another sweep is refused, and the field that differs is named", async () => {
    await exacta("phase --bits 4 --items 3 --trials 1000 --engine cpu --quiet --out out");
    const refused = await exacta("phase --bits 4 --items 4 --trials 1000 --engine cpu --quiet --out out");
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain(": items: expected 4 as in this command, got 3");
  });

  test("An earlier file is replaced, not written into", async () => {
    const run = (trials: number) =>
      exacta(`phase --bits 4 --items 3 --trials ${trials} --json --quiet --engine cpu --out .`);
    const first = await run(1000);
    await writeFile(join(folder, "notes.txt"), "mine");
    const names = ["results.jsonl", "results.csv", "report.html"];
    // A second name for each file: writing into the file would show under it, putting a new one in its place does not.
    for (const name of names) await link(join(folder, name), join(folder, `old-${name}`));
    const before = await Promise.all(names.map((name) => readFile(join(folder, name), "utf8")));
    const second = await run(2000);
    expect(second.stdout).not.toBe(first.stdout);
    expect(await Promise.all(names.map((name) => readFile(join(folder, `old-${name}`), "utf8")))).toEqual(
      before,
    );
    expect(await readFile(join(folder, "results.jsonl"), "utf8")).toBe(numbersOf(second.stdout));
    expect((await readdir(folder)).toSorted()).toEqual(
      [...RESULT_FOLDER, ...names.map((name) => `old-${name}`), "notes.txt"].toSorted(),
    );
  });
});

describe("Devices of commands", () => {
  test.runIf(process.platform === "linux")("Without an adapter auto takes the CPU", async () => {
    const text = await exacta("devices", bare);
    expect(text.status).toBe(0);
    expect(text.stdout).toMatch(/^auto takes cpu: there is no WebGPU adapter\.\n/);
    const json = await exacta("devices --json", bare);
    expect(json.stdout.split("\n")).toHaveLength(2);
    expect(JSON.parse(json.stdout)).toMatchObject({
      kind: "devices",
      auto: { engine: "cpu", why: "there is no WebGPU adapter" },
      adapters: [],
      missing: expect.arrayContaining([expect.stringMatching(/ Vulkan (loader|driver) /)]) as string[],
    });
  });

  test.runIf(hasSoftware)("--wgsl prints the linked shader of a variant and its fallback pass", async () => {
    const { status, stdout } = await exacta("devices --wgsl reach.registers", adapter);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^\/\/ reach\.registers on SwiftShader.*\n\/\/ constants: \{.*"BLOCKS":\d/);
    expect(stdout).toContain("@compute @workgroup_size(WIDTH) fn main(");
    expect(stdout).not.toMatch(/^import /m);
    const unknown = await exacta("devices --wgsl reach.lanes", adapter);
    expect(unknown.status).toBe(2);
    expect(unknown.stderr).toMatch(/^--wgsl: expected one of reach\.placed, .*, got "reach\.lanes"\n$/);
    expect((await exacta("devices --wgsl reach.registers", bare)).stderr).toMatch(
      /^--wgsl: expected a WebGPU adapter/m,
    );
  });

  test.runIf(hasSoftware)(
    "A software adapter is listed, with the reason why auto does not take it",
    async () => {
      const text = await exacta("devices", adapter);
      expect(text.stdout).toMatch(/^auto takes cpu: the only WebGPU adapter is a software one/);
      expect(text.stdout).toMatch(/^gpu 1 +SwiftShader/m);
      const { auto, threads, adapters } = JSON.parse((await exacta("devices --json", adapter)).stdout) as {
        auto: { engine: string; why: string };
        threads: number;
        adapters: { name: string; limits: Record<string, number>; features: string[] }[];
      };
      expect(auto).toEqual({ engine: "cpu", why: expect.stringContaining("software") as string });
      expect(threads).toBeGreaterThanOrEqual(1);
      expect(adapters).toHaveLength(1);
      expect(adapters[0]!.name).toContain("SwiftShader");
      expect(adapters[0]!.limits["maxComputeWorkgroupStorageSize"]).toBeGreaterThanOrEqual(16384);
      const [finding] = findings(
        await exacta("phase --bits 2 --items 2 --trials 10 --json --quiet", adapter),
      );
      expect(finding!.engine).toBe("cpu");
    },
  );

  test.runIf(hasSoftware)(
    "Bounds checks of shaders are listed, and do not change findings",
    { tags: ["wide"] },
    async () => {
      const unchecked = { ...adapter, EXACTA_UNCHECKED: "1" };
      expect((await exacta("devices", adapter)).stdout).toMatch(/^ +indices checked/m);
      expect((await exacta("devices", unchecked)).stdout).toMatch(/^ +indices unchecked/m);
      const args = "phase --bits 8 --items 4..12 --trials 2000 --engine gpu --json --quiet";
      expect(findings(await exacta(args, unchecked))).toEqual(findings(await exacta(args, adapter)));
      expect(await exacta("devices", { ...adapter, EXACTA_UNCHECKED: "yes" })).toMatchObject({
        status: 2,
        stderr: 'EXACTA_UNCHECKED: expected 1, or nothing for checked indices, got "yes"\n',
      });
    },
  );

  test.runIf(hasSoftware)(
    "The variants that a first use of the GPU measures are kept in a file and listed",
    { tags: ["wide"] },
    async () => {
      const env = { ...adapter, XDG_CACHE_HOME: join(folder, "cache") };
      const before = await exacta("devices", env);
      expect(before.stdout).not.toMatch(/^ +reach: /m);
      const args = "phase --bits 2 --items 2 --trials 10 --engine gpu --json --quiet";
      const [first] = findings(await exacta(args, env));
      const kept = await readFile(join(folder, "cache/exacta/gpu.json"), "utf8");
      const { stdout } = await exacta("devices", env);
      const [, best] = /^ +reach: halfRange 4, .*, one number of items: ([\w ]+) \(\1 [\d.e+]+\/s/m.exec(
        stdout,
      )!;
      expect(kept).toContain(`"best": "${best}"`);
      // What it says is heeded, and changes nothing.
      const [again] = findings(await exacta(args, env));
      expect(again).toEqual(first);
      expect(await readFile(join(folder, "cache/exacta/gpu.json"), "utf8")).toBe(kept);
    },
  );

  test.runIf(process.platform === "linux")("--tune without an adapter is refused", async () => {
    expect(await exacta("devices --tune", bare)).toMatchObject({
      status: 2,
      stdout: "",
      stderr: expect.stringMatching(/^--tune: expected a WebGPU adapter, got nothing; /m) as string,
    });
  });
});

describe("Help texts", () => {
  test("--help lists the commands and their options on stdout", async () => {
    const { status, stdout, stderr } = await exacta("--help");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(/\bphase\b[\s\S]*\bdevices\b/);
    const phase = (await exacta("phase --help")).stdout;
    for (const option of "ensemble bits half-range items targets trials seed engine threads out json quiet".split(
      " ",
    ))
      expect(phase).toContain(`--${option}`);
  });

  test("--version prints the package's version and nothing else", async () => {
    expect(await exacta("--version", bare)).toEqual({
      status: 0,
      stdout: `${manifest.version}\n`,
      stderr: "",
    });
  });
});

describe("The command theory", () => {
  test("Theory is printed as a table and as findings, and refused beyond its accuracy", async () => {
    const table = await exacta("theory --bits 6 --items 8..12 --targets 0,1,64");
    expect({ status: table.status, stderr: table.stderr }).toEqual({ status: 0, stderr: "" });
    expect(table.stdout).toContain("rssp, k = 6 (M = 64), target 64");
    for (const line of table.stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(100);
    const { stdout } = await exacta("theory --bits 6 --items 8..12 --targets 0,1,64 --json");
    const printed = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as TheoryFinding);
    expect(printed).toEqual(computeTheory({ bits: 6, items: { from: 8, to: 12 }, targets: [0, 1, 64] }));
    const given = await exacta("theory --bits 6 --items 8..9 --targets 1,20 --total 20 --width 8");
    expect(given.stdout).toContain(
      "target 1, given Lambda = 20: signed sum 18 (Lemma 2); limits by Lemma 3\n",
    );
    expect(given.stdout).toContain("target 20, given Lambda = 20: signed sum -20 (Lemma 2)\n");
    expect(given.stdout).toContain("at least 448 parameters");
    for (const line of given.stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(100);
    const refused = await exacta("theory --bits 13");
    expect({ status: refused.status, stdout: refused.stdout }).toEqual({ status: 2, stdout: "" });
    expect(refused.stderr).toMatch(REFUSAL);
  });

  test("--check compares measurements with theory and prints its verdict on stdout", async () => {
    const done = await exacta("phase --bits 6 --items 6..9 --trials 1e5 --check --quiet --out out");
    expect(done.status).toBe(0);
    expect(done.stdout).toContain("check: no measured probability breaks a proven bound");
    expect(done.stdout).toMatch(/M = 64, n = 6, target 64: measured 0\.2\d*, window predicts 0\.2/);
    const beyond = await exacta("phase --bits 13 --items 6 --trials 1e5 --check --quiet --out none");
    expect(beyond.status).toBe(2);
    expect(beyond.stderr).toMatch(REFUSAL);
    expect(await readdir(folder)).toEqual(["out"]);
  });
});

describe("The command required", () => {
  test("The table and the findings of required agree", async () => {
    const options = "required --bits 3,2 --failure 0.1 --trials 2e4 --quiet";
    const found = (await exacta(`${options} --json`)).stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as RequiredFinding);
    expect(found.map(({ pool, bits }) => [pool, bits])).toEqual([
      ["uniform", 3],
      ["uniform", 2],
      ["products", 2],
      ["support", 2],
    ]);
    const { status, stdout } = await exacta(options);
    expect(status).toBe(0);
    for (const { items } of found) expect(stdout).toContain(String(items));
    const refused = await exacta("required --failure 0.7");
    expect(refused.status).toBe(2);
    expect(refused.stderr).toMatch(/^failure: expected a number in .*, got 0\.7\n$/);
  });
});

test("Files are complete when the reader of stdout leaves early", async () => {
  const { child, outcome } = start(
    "phase --bits 4,6 --items 1..9 --trials 1e5 --json --out out --quiet".split(" "),
    bare,
  );
  child.stdout!.destroy();
  expect((await outcome).status).toBe(0);
  const kept = await readFile(join(folder, "out", "results.jsonl"), "utf8");
  expect(kept.trimEnd().split("\n")).toHaveLength(18);
});
