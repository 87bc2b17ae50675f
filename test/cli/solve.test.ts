// The built command on given instances: what it answers, what it refuses, and how it stops.

import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { SolveFinding } from "../../src/finding.ts";
import { npyFile, type WrittenArray } from "../writers.ts";
import { buildCommand, callCommand, callWords, killCommands, runCommand, startCommand } from "./command.ts";

const command = fileURLToPath(new URL("../../dist/node/exacta.js", import.meta.url));
let folder: string;

beforeAll(buildCommand, 120_000);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "exacta-solve-"));
});

afterEach(async () => {
  killCommands();
  await rm(folder, { recursive: true, force: true });
});

/** Starts `exacta solve` in the test's own folder; its standard input is open. */
const start = (args: string) => startCommand(["solve", ...args.split(" ")], folder);

/** Calls `exacta solve` in this process. */
const call = (args: string, input: string) => callWords(["solve", ...args.split(" ")], folder, { input });

/** Answers instances on standard input, on the engine that is the definition. */
const solve = (args: string, input: string) => call(`${args} --engine reference --quiet`, input);

function findings(stdout: string): SolveFinding[] {
  expect(stdout === "" || stdout.endsWith("\n")).toBe(true);
  return stdout.split("\n").flatMap((line) => (line === "" ? [] : (JSON.parse(line) as SolveFinding)));
}

/** Resolves when a command has printed this number of lines, or has ended. */
function linesOf(child: ChildProcess, lines: number): Promise<void> {
  let seen = "";
  return new Promise((resolve) => {
    child.stdout!.on("data", (text: string) => (seen += text).split("\n").length > lines && resolve());
    child.on("close", () => resolve());
  });
}

/** These lines as a file has them: without engine, adapter and version. */
const stored = (stdout: string) => stdout.replaceAll(/,"engine":.*(?=\}$)/gm, "");

/** The parts of files in a folder. */
const partsIn = async (name: string) =>
  (await readdir(join(folder, name))).filter((file) =>
    /^solutions\.[0-9a-f]{16}\.part\.(jsonl|csv)$/.test(file),
  );

/** The files in a folder but for an empty one by which a run that was killed tried whether it can write there. */
const solutionsIn = async (name: string) =>
  (await readdir(join(folder, name))).filter((file) => !/^probe\.\d+\.tmp$/.test(file));

const TEXT = "3 5 8 : 8 9\n\n# none\n: 0\n";
const JSONL = '{"items":[3,5,8],"targets":[8,9],"id":"a, b"}\n{"items":[],"target":0}\n';
const CSV = 'id,items,targets\n"a, b",3 5 8,8 9\n,,0\n';

describe("Findings of solve", () => {
  test("Findings are one line for each target, in the order of the input, for every format", async () => {
    const { status, stdout, stderr } = await solve("- --json", TEXT);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const common = { kind: "solve", method: "bitset", engine: "reference" };
    expect(findings(stdout)).toMatchObject([
      {
        ...common,
        instance: 0,
        items: 3,
        target: 8,
        reachable: true,
        count: "2",
        witness: [0, 1],
        smallest: 1,
        smallestWitness: [2],
      },
      {
        ...common,
        instance: 0,
        items: 3,
        target: 9,
        reachable: false,
        count: "0",
        witness: null,
        smallest: null,
        smallestWitness: null,
      },
      {
        ...common,
        instance: 1,
        items: 0,
        target: 0,
        reachable: true,
        count: "1",
        witness: [],
        smallest: 0,
        smallestWitness: [],
      },
    ]);
    const named = findings((await solve("-", JSONL)).stdout);
    expect(named.map(({ id }) => id)).toEqual(["a, b", "a, b", undefined]);
    expect(named).toMatchObject(
      findings(stdout).map((finding) => ({ ...finding, line: expect.any(Number) })),
    );
    expect((await solve("- --input csv", CSV)).stdout.split("\n").map((line) => line.length)).toEqual(
      (await solve("-", JSONL)).stdout.split("\n").map((line) => line.length),
    );
  });

  test("CSV in the file is that on stdout without the engine and its adapter", async () => {
    await writeFile(join(folder, "in.csv"), CSV);
    const { status, stdout } = await solve("in.csv --csv --out deep/er", "");
    expect(status).toBe(0);
    expect(stdout).toBe(
      [
        "instance,id,line,items,target,size,atMostSize,tolerance,atMost,partition,signed,reachable,sum,profit,difference,count,unique,witness,smallest,smallestWitness,witnessLabels,smallestWitnessLabels,method,engine,adapter",
        '0,"a, b",2,3,8,,,,,,,true,,,,2,,0 1,1,2,,,bitset,reference,TypeScript',
        '0,"a, b",2,3,9,,,,,,,false,,,,0,,,,,,,bitset,reference,TypeScript',
        "1,,3,0,0,,,,,,,true,,,,1,,,0,,,,bitset,reference,TypeScript",
        "",
      ].join("\r\n"),
    );
    expect(await readdir(join(folder, "deep/er"))).toEqual(["solutions.csv"]);
    const rows = stdout.replaceAll(/,(engine,adapter|reference,TypeScript)\r\n/g, "\r\n");
    expect(await readFile(join(folder, "deep/er/solutions.csv"), "utf8")).toBe(rows);
  });

  test("Subsets that are listed follow their finding, and their file has the same lines", async () => {
    const input = "500 400 -100 450 200 600 -200 700 : 600\n1 2 : 9\n300 200 100 : 300\n";
    await writeFile(join(folder, "in.txt"), input);
    const { status, stdout } = await solve("in.txt --list 3 --ask unique --out listed", "");
    expect(status).toBe(0);
    const common = { kind: "subset", instance: 0, line: 1, target: 600 };
    const lines = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as SolveFinding);
    expect(lines).toMatchObject([
      { kind: "solve", instance: 0, reachable: true, unique: false },
      { ...common, rank: 1, subset: [1, 4] },
      { ...common, rank: 2, subset: [0, 2, 4] },
      { ...common, rank: 3, subset: [5] },
      { kind: "solve", instance: 1, reachable: false, unique: false },
      { kind: "solve", instance: 2, reachable: true, unique: false },
      { kind: "subset", instance: 2, line: 3, target: 300, rank: 1, subset: [0] },
      { kind: "subset", instance: 2, line: 3, target: 300, rank: 2, subset: [1, 2] },
    ]);
    expect(await readFile(join(folder, "listed/solutions.jsonl"), "utf8")).toBe(stored(stdout));
    const csv = (await solve("in.txt --list all --at-most-size 1 --csv", "")).stdout;
    expect(csv.split("\r\n").map((row) => row.split(",").slice(-5, -3).join())).toEqual([
      "rank,subset",
      ",",
      "1,5",
      ",",
      ",",
      "1,0",
      "",
    ]);
    expect((await solve("in.txt --list none", "")).stderr).toMatch(
      /^list: expected a positive integer below 2\^53, or all, got "none"/,
    );
  });

  test("Findings have the answers that were asked for", async () => {
    const ask = async (options: string, input = "3 5 8 : 9") =>
      findings((await solve(`- ${options}`, input)).stdout)[0]!;
    expect(await ask("--at-most")).toMatchObject({ atMost: true, reachable: true, sum: 8, count: "2" });
    expect(await ask("--tolerance 1")).toMatchObject({ tolerance: 1, reachable: true, sum: 8 });
    expect(await ask("--size 2 --at-most")).toMatchObject({ size: 2, sum: 8, witness: [0, 1] });
    expect(await ask("--partition", "3 5 8")).toMatchObject({ partition: true, difference: 0 });
    expect(await ask("--signed", "3 5 8 : 10 6")).toMatchObject({
      target: 10,
      signed: true,
      count: "1",
      witness: [1, 2],
    });
    expect(Object.keys(await ask("--ask witness,reachable"))).not.toContain("count");
    expect(
      (await ask("--method halves --ask reachable", "3 5 8 9007199254740992 : 9007199254740995")).target,
    ).toBe("9007199254740995");
  });

  test("Findings are in the terms of the input: its units, columns and labels", async () => {
    const one = async (options: string, input: string) =>
      JSON.parse((await solve(`- ${options}`, input)).stdout) as Record<string, unknown>;
    expect(
      await one("--scale auto --decimal point --tolerance 0.05", "1,200.10 0.25 7 : 1,200.30"),
    ).toMatchObject({ target: 1200.3, tolerance: 0.05, sum: 1200.35, witness: [0, 1] });
    expect(await one("--scale auto --partition", "0.3\n0.25\n0.1\n")).toMatchObject({
      items: 3,
      difference: 0.05,
    });
    expect(await one("--input csv", "id,x,target,y,z\nr,4,9,,9\n")).toMatchObject({
      items: 2,
      witness: [2],
      witnessLabels: ["z"],
      smallestWitnessLabels: ["z"],
    });
    expect((await solve("- --input csv --csv", "x,y,target\n4,5,9\n")).stdout).toMatch(
      /\n0,,2,2,9,,,,,,,true,,,,1,,0 1,2,0 1,"\[""x"",""y""\]","\[""x"",""y""\]",bitset,/,
    );
    const refused = await solve("- --keep-going", "1,234 : 1234\n");
    expect(refused.stderr).toMatch(
      /^line 1, column 2: item: .*; use --decimal point, where it groups thousands; /,
    );
  });

  test("An instance of a whole input is continued only with the same input", async () => {
    const args = "in.json --engine reference --quiet --out out";
    await writeFile(join(folder, "in.json"), '[\n{"items":[4],"target":4},\n{"items":["x"],"target":4}\n]\n');
    expect((await call(args, "")).status).toBe(2);
    await writeFile(join(folder, "in.json"), '[\n{"items":[4],"target":4},\n{"items":[5],"target":4}\n]\n');
    expect((await call(args, "")).stderr).toMatch(/^in\.json: input: expected the input with which /);
  });

  test("Findings are printed while the input is open, and none is lost when the run is stopped", async () => {
    const { child, outcome } = start("- --engine reference --out out");
    child.stdin.write("1 2 : 3\n1 2 : 4\n1 2 : ");
    await linesOf(child, 2);
    child.kill("SIGINT");
    const { status, stdout, stderr } = await outcome;
    expect(status).toBe(75);
    expect(findings(stdout).map(({ target }) => target)).toEqual([3, 4]);
    expect(stderr).toMatch(/stopped early: instances 2, findings 2, reachable 1, /);
    const [part, ...others] = await partsIn("out");
    expect(others).toEqual([]);
    expect(await readFile(join(folder, "out", part!), "utf8")).toBe(stored(stdout));
  });

  test("A run without a file that is stopped does not end as if it were complete", async () => {
    const { child, outcome } = start("- --engine reference --quiet");
    child.stdin.write("1 2 : 3\n");
    await linesOf(child, 1);
    child.kill("SIGTERM");
    expect((await outcome).status).toBe(75);
  });

  test("The run ends with status 0 when its reader leaves", async () => {
    const { child, outcome } = start("- --engine reference --quiet");
    child.stdout!.destroy();
    const timer = setInterval(() => child.stdin.write("1 2 : 3\n"), 5);
    expect(await outcome).toEqual({ status: 0, stdout: "", stderr: "" });
    clearInterval(timer);
  });
});

describe("Inputs that threads read", () => {
  /** Lines of which two thirds are long enough to make several blocks. */
  const many = Array.from({ length: 16_000 }, (_, i) => {
    const items = Array.from({ length: 9 }, (_, k) => ((i * (k + 3)) % 37) - 12).join(" ");
    if (i % 9001 === 5) return `# ${items}`;
    if (i % 7001 === 6) return `${items} 4294967296 : ${i % 50}`;
    return `${items} : ${i % 50}`;
  });

  for (const options of ["--ask reachable --at-most", "--ask witness", ""])
    test(
      `All engines print the same findings, and a file has them, ${options}`,
      options === "--ask witness" ? {} : { tags: ["wide"] },
      async () => {
        await writeFile(join(folder, "in"), `${many.join("\n")}\n`);
        const call = (engine: string) =>
          runCommand(`solve in --quiet --engine ${engine} --out ${engine} ${options}`.trim(), folder);
        const [cpu, reference] = [await call("cpu"), await call("reference")];
        expect([cpu.status, cpu.stderr]).toEqual([0, ""]);
        const lines = stored(reference.stdout);
        expect(lines.match(/\n/g)).toHaveLength(many.filter((line) => !line.startsWith("#")).length);
        expect(stored(cpu.stdout) === lines).toBe(true);
        for (const engine of ["cpu", "reference"])
          expect((await readFile(join(folder, engine, "solutions.jsonl"), "utf8")) === lines).toBe(true);
      },
    );

  test(
    "A malformed line far down ends the run after all findings before it, and is left out with --keep-going",
    { tags: ["wide"] },
    async () => {
      await writeFile(join(folder, "in"), many.with(12_000, "1 : x").join("\n"));
      const stopped = await runCommand("solve in --quiet --engine cpu --ask reachable", folder);
      const before = many.slice(0, 12_000).filter((line) => !line.startsWith("#")).length;
      expect([stopped.status, findings(stopped.stdout).length]).toEqual([2, before]);
      expect(stopped.stderr).toMatch(/^line 12001, column 5: target: expected /);
      const rest = await runCommand("solve in --quiet --engine cpu --ask reachable --keep-going", folder);
      expect(rest.status).toBe(0);
      expect(findings(rest.stdout).map(({ instance }) => instance)).toEqual(
        Array.from({ length: findings(rest.stdout).length }, (_, k) => k),
      );
      expect(rest.stdout.startsWith(stopped.stdout)).toBe(true);
    },
  );
});

describe("Lines that are malformed or cannot be solved", () => {
  const input = "1 : 1\n2 : x\n3 : 3\n4294967296 : 1\n4 : 4\n";

  test("A bad line ends the run with its number, after the findings before it, which are kept", async () => {
    const { status, stdout, stderr } = await solve("- --out out --method bitset", input);
    expect(findings(stdout).map(({ target }) => target)).toEqual([1]);
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr:
        'line 2, column 5: target: expected an integer in -9223372036854775807..9223372036854775807, got "x"\n',
    });
    const again = await solve("- --out out --method bitset", input.replace("x", "2"));
    expect(findings(again.stdout).map(({ target }) => target)).toEqual([2, 3]);
    expect(await readFile(join(folder, "out", (await partsIn("out"))[0]!), "utf8")).toBe(
      stored(stdout + again.stdout),
    );
  });

  test("A bad line is left out and counted with --keep-going", async () => {
    const { status, stdout, stderr } = await solve("- --keep-going --method bitset", input);
    expect(findings(stdout).map(({ instance, target }) => [instance, target])).toEqual([
      [0, 1],
      [1, 3],
      [3, 4],
    ]);
    expect(status).toBe(0);
    expect(stderr.split("\n")).toEqual([
      expect.stringMatching(/^line 2, column 5: target: expected /),
      expect.stringMatching(/^line 4: items: expected /),
      "left out, malformed or not to be solved: 2",
      "",
    ]);
    const many = (await solve("- --keep-going", "x\n".repeat(1000))).stderr.split("\n");
    expect(many).toHaveLength(23);
    expect(many.at(-2)).toBe("left out, malformed or not to be solved: 1,000");
  });
});

/** Instances with 1 to 3 targets, some of which cannot be solved, and lines that are malformed. */
function givenLines(count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    if (i % 11 === 4) return "";
    if (i % 7 === 3) return `${i} : x`;
    if (i % 13 === 5) return `4294967296 ${i} : 1`;
    const targets = Array.from({ length: 1 + (i % 3) }, (_, k) => i + 3 * k);
    return `${i % 5} ${i % 9} ${i % 17} ${i} : ${targets.join(" ")}`;
  });
}

/** Kills runs on the same input after these numbers of lines. */
async function killAfter(
  options: string,
  lines: readonly string[],
  counts: readonly number[],
): Promise<void> {
  for (const count of counts) {
    const { child, outcome } = start(`- --engine reference --quiet --out out ${options}`);
    // The findings of the first lines are in the file when those of the others are printed.
    child.stdin.write(`${lines.slice(0, count - 2).join("\n")}\n`);
    await linesOf(child, 1);
    child.stdin.write(`${lines.slice(count - 2, count).join("\n")}\n${lines[count]!.slice(0, 2)}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
    child.kill("SIGKILL");
    expect((await outcome).status).toBe(null);
  }
}

describe("Runs that are continued", () => {
  const lines = givenLines(60);
  const options = "--keep-going --method bitset";

  for (const csv of ["", "--csv"])
    test(
      `A run that was killed three times ends with the bytes of one run, ${csv}`,
      csv ? { tags: ["wide"] } : {},
      async () => {
        await writeFile(join(folder, "in"), lines.join("\n"));
        const args = `solve in --engine reference ${options} ${csv}`.trim();
        const name = csv ? "solutions.csv" : "solutions.jsonl";
        const once = await callCommand(`${args} --out once`, folder);
        await killAfter(`${options} ${csv}`.trim(), lines, [10, 24, 40]);
        const rest = await callCommand(`${args} --out out`, folder);
        expect(await readdir(join(folder, "out"))).toEqual([name]);
        expect(await readFile(join(folder, "out", name), "utf8")).toBe(
          await readFile(join(folder, "once", name), "utf8"),
        );
        expect(rest.stderr).toMatch(/^an earlier run has answered \d+ instances; /m);
        // The summary is that of the whole input, and only new findings are printed.
        const summary = /instances \d+, findings \d+, reachable \d+|left out, .*/g;
        expect(rest.stderr.match(summary)).toEqual(once.stderr.match(summary));
        expect(rest.stdout.length).toBeLessThan(once.stdout.length);
        expect(
          once.stdout.endsWith(
            rest.stdout
              .split("\n")
              .slice(csv ? 1 : 0)
              .join("\n"),
          ),
        ).toBe(true);
      },
    );

  test("A complete file of an earlier run stays until the next one is complete", async () => {
    await writeFile(join(folder, "in"), "1 2 : 3\n");
    await callCommand("solve in --engine reference --out out", folder);
    const before = await readFile(join(folder, "out/solutions.jsonl"), "utf8");
    await killAfter(options, lines, [10]);
    expect(await partsIn("out")).toHaveLength(1);
    expect(await readFile(join(folder, "out/solutions.jsonl"), "utf8")).toBe(before);
  });

  test("Another input and another request are refused by name", async () => {
    await killAfter(options, lines, [10]);
    const call = async (input: string, more: string) => {
      await writeFile(join(folder, "in"), input);
      const { status, stderr } = await callCommand(`solve in --engine reference --out out ${more}`, folder);
      return [status, stderr.split("\n").at(-2)];
    };
    const files = await readdir(join(folder, "out"));
    const changed = lines.with(6, "7 7 : 7").join("\n");
    expect(await call(changed, options)).toEqual([
      2,
      expect.stringMatching(
        /^in: input: expected the input with which out\/solutions\.\w+\.part\.jsonl was begun, got another one; choose another folder with --out, or delete this file$/,
      ),
    ]);
    expect(await call(lines.join("\n"), `${options} --size 2`)).toEqual([
      2,
      expect.stringMatching(
        /^size: expected nothing, with which out\/solutions\.\w+\.part\.jsonl was begun, got 2; /,
      ),
    ]);
    expect(await call(lines.join("\n"), "--method bitset")).toEqual([
      2,
      expect.stringMatching(/^keep-going: expected true, /),
    ]);
    expect(await readdir(join(folder, "out"))).toHaveLength(files.length);
    expect((await call(`${lines.slice(0, 12).join("\n")}\n9 : 9`, options))[0]).toBe(0);
  });

  test("Two runs at once on one folder both end with the bytes of one run", async () => {
    const input = "1 2 : 3\n".repeat(3);
    const runs = [
      start("- --engine reference --quiet --out out"),
      start("- --engine reference --quiet --out out"),
    ];
    // A run that finds findings of the other would continue them and print nothing.
    const parts = async () =>
      (await readdir(join(folder, "out")).catch(() => [])).filter((name) => name.endsWith(".part.jsonl"));
    await expect.poll(async () => (await parts()).length, { timeout: 30_000 }).toBe(2);
    for (const { child } of runs) {
      child.stdin.write(input);
      await linesOf(child, 3);
    }
    for (const { child, outcome } of runs) {
      child.stdin.end(input);
      expect(await outcome).toMatchObject({ status: 0, stderr: "" });
      const once = await readFile(join(folder, "out/solutions.jsonl"), "utf8");
      expect(once.split("\n").filter(Boolean)).toHaveLength(6);
    }
    expect(await readdir(join(folder, "out"))).toEqual(["solutions.jsonl"]);
  });

  test.runIf(process.platform !== "win32")(
    "A full disk is named with its file, and the run goes on later",
    { tags: ["wide"] },
    async () => {
      const many = givenLines(1200);
      await writeFile(join(folder, "in"), many.join("\n"));
      const args = `solve in --engine reference --quiet ${options}`;
      // A limit on the size of a file stands for a full disk.
      const child = spawn(
        "sh",
        [
          "-c",
          `ulimit -f 400; exec "$0" "$@"`,
          process.execPath,
          command,
          ...args.split(" "),
          "--out",
          "out",
        ],
        {
          cwd: folder,
          stdio: ["ignore", "ignore", "pipe"],
        },
      );
      let stderr = "";
      child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
      const status = await new Promise((resolve) => child.on("close", resolve));
      expect([status, stderr.split("\n").at(-2)]).toEqual([
        1,
        expect.stringMatching(/^out\/solutions\.\w+\.part\.jsonl: EFBIG: /),
      ]);
      const once = await callCommand(`${args} --out once`, folder);
      const rest = await callCommand(`${args} --out out`, folder);
      expect(rest.stdout.length).toBeLessThan(once.stdout.length);
      expect(await readFile(join(folder, "out/solutions.jsonl"), "utf8")).toBe(
        await readFile(join(folder, "once/solutions.jsonl"), "utf8"),
      );
    },
  );

  // A run that goes on behind a kill at any moment is the same code for both formats, so that few kills show what many do.
  for (const [csv, kills] of [
    ["", 3],
    ["--csv", 1],
  ] as const)
    test(
      `A run that is killed ${kills === 1 ? "once" : `${kills} times`} at a random moment goes on, and ends with the bytes of one run, ${csv}`,
      { tags: ["wide"] },
      async () => {
        await writeFile(join(folder, "in"), givenLines(2000).join("\n"));
        const args = `in --engine cpu --quiet ${options} ${csv}`.trim();
        const name = csv ? "solutions.csv" : "solutions.jsonl";
        const { status, stdout } = await start(`${args} --out once`).outcome;
        expect(status).toBe(0);
        const once = await readFile(join(folder, "once", name));
        const equalsOnce = async () => {
          expect((await readFile(join(folder, "out", name))).equals(once)).toBe(true);
          expect(await solutionsIn("out")).toEqual([name]);
        };
        const lines = stdout.split("\n").length;
        let [killed, continued, left] = [0, 0, lines];
        while (killed < kills || continued === 0) {
          const { child, outcome } = start(`${args} --out out`);
          // Most runs leave some of what is left.
          await linesOf(child, Math.floor((left * Math.random()) / 2));
          child.kill("SIGKILL");
          const { status, stdout } = await outcome;
          if (status === 0) {
            await equalsOnce();
            await rm(join(folder, "out"), { recursive: true });
            left = lines;
            continue;
          }
          expect(status).toBe(null);
          killed++;
          left -= stdout.split("\n").length;
          continued += Number((await partsIn("out").catch(() => [])).length > 0);
        }
        expect((await start(`${args} --out out`).outcome).status).toBe(0);
        await equalsOnce();
      },
    );
});

describe("Arrays", () => {
  const rows = [
    [3, 5, -8],
    [2, 4, 6],
    [9, 9, 9],
  ];
  const save = (name: string, array: WrittenArray) => writeFile(join(folder, name), npyFile(array));
  const call = (words: string) => callCommand(`solve ${words} --engine reference --quiet`, folder);

  beforeEach(async () => {
    await save("items.npy", { descr: ">i2", rows, fortran: true });
    await save("targets.npy", { descr: "<i8", rows: [[-3], [7], [18]] });
    await writeFile(join(folder, "same.txt"), "3 5 -8 : -3\n2 4 6 : 7\n9 9 9 : 18\n");
  });

  test("Rows of an array have the findings of the same lines of text, with targets of their own or of all rows", async () => {
    const { stdout } = await call("same.txt");
    expect(await call("items.npy --targets targets.npy")).toEqual({ status: 0, stdout, stderr: "" });
    const common = await call("items.npy --target 9,10,11");
    await writeFile(join(folder, "common.txt"), "3 5 -8 : 9 10 11\n2 4 6 : 9 10 11\n9 9 9 : 9 10 11\n");
    expect(common).toEqual(await call("common.txt"));
    expect(findings(common.stdout).map(({ reachable }) => reachable)).toEqual(
      [0, 0, 0, 0, 1, 0, 1, 0, 0].map(Boolean),
    );
    expect((await call("items.npy --partition")).stdout.replaceAll(/"line":\d/g, "")).toContain(
      '"difference":0',
    );
  });

  test("A run on arrays that has ended is the run of its folder", async () => {
    expect(await call("items.npy --targets targets.npy --out out")).toMatchObject({ status: 0 });
    const file = await readFile(join(folder, "out/solutions.jsonl"), "utf8");
    await call("same.txt --out same");
    expect(file).toBe(await readFile(join(folder, "same/solutions.jsonl"), "utf8"));
  });

  test.each([
    ["reachable", "|b1", [1, 0, 1]],
    ["unique", "|b1", [1, 0, 0]],
    ["count", "<u8", [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0]],
    ["smallest", "<i4", [2, 0, 0, 0, 255, 255, 255, 255, 2, 0, 0, 0]],
  ] as const)(
    "--out of a .npy file with --ask %s has a number of type %s for each finding",
    async (ask, type, data) => {
      expect(await call(`items.npy --targets targets.npy --ask ${ask} --out found/${ask}.npy`)).toEqual({
        status: 0,
        stdout: "",
        stderr: "",
      });
      const bytes = await readFile(join(folder, `found/${ask}.npy`));
      expect(bytes.toString("latin1", 0, 128)).toBe(
        `\x93NUMPY\x01\x00v\x00{'descr': '${type}', 'fortran_order': False, 'shape': (3,), }`.padEnd(127) +
          "\n",
      );
      expect([...bytes.subarray(128)]).toEqual(data);
    },
  );

  test(
    "The array of a long input has the answers of its findings, also where threads find them",
    { tags: ["wide"] },
    async () => {
      const lines = Array.from(
        { length: 12_000 },
        (_, i) => `${i % 89} 7 ${i % 13} : ${i % 97} 7 ${i % 5 ? "" : 3}\n`,
      );
      // Columns do not hold the wide item. The comment fills chunks of the file.
      const all = lines.join("");
      const text = `${all}0 : 0\n99999999999 1 : 1\n${all}# ${"x".repeat(600_000)}\n`;
      await writeFile(join(folder, "long.txt"), text);
      const run = (words: string) =>
        runCommand(`solve long.txt --engine cpu --threads 2 --quiet ${words}`, folder);
      const found = findings((await run("--ask count,smallest")).stdout);
      expect(found).toHaveLength(52_802);
      for (const [ask, value, bytes] of [
        ["reachable", (one: SolveFinding) => Number(one.reachable), 1],
        ["count", (one: SolveFinding) => Number(one.count), 8],
        ["smallest", (one: SolveFinding) => one.smallest ?? -1, 4],
      ] as const) {
        await run(`--ask ${ask} --out ${ask}.npy`);
        const data = (await readFile(join(folder, `${ask}.npy`))).subarray(128);
        const read = found.map((_, i) => data.readIntLE(i * bytes, Math.min(bytes, 4)));
        expect(data.length).toBe(bytes * found.length);
        expect(read.findIndex((one, i) => one !== value(found[i]!))).toBe(-1);
      }
    },
  );

  test("A row that is refused ends the run behind the findings before it, and is left out with --keep-going", async () => {
    await save("items.npy", {
      descr: "<f8",
      rows: [
        [1, 2],
        [0.5, 1],
        [1, 3],
      ],
    });
    const refused = await call("items.npy --target 3 --ask reachable");
    expect(refused).toMatchObject({
      status: 2,
      stderr:
        "items.npy: [1, 0]: expected an integer in -9007199254740992..9007199254740992, got 0.5; multiply the array until its numbers are integers\n",
    });
    const { stdout } = await call("items.npy --target 3 --ask reachable --keep-going");
    expect(findings(stdout).map(({ line, reachable }) => [line, reachable])).toEqual([
      [1, true],
      [3, true],
    ]);
  });

  test.each([
    [
      "items.npy",
      "targets: expected a .npy file with a row of targets for each row of items, got nothing; use --target, for targets that all rows have",
    ],
    ["items.npy --target 5 --targets targets.npy", 'target, targets: expected one of the two, got "both"'],
    [
      "items.npy --partition --targets targets.npy",
      'partition: expected no target beside it, got "targets.npy"',
    ],
    ["items.npy --target 5 --scale auto", 'scale: expected text, JSON or a table beside it, got "npy"'],
    ["items.npy --target 5 --rows", 'rows: expected text, JSON or a table beside it, got "npy"'],
    ["items.npy --target 5 --profits", 'profits: expected text, JSON or a table beside it, got "npy"'],
    [
      "same.txt --targets targets.npy",
      'targets: expected an array of items beside it, got "text"; use --input npy',
    ],
    [
      "same.txt --input npy --target 5",
      'same.txt: file: expected the first bytes of a .npy file, got "3 5 -8 : -3\\n2 4 6 : "',
    ],
    ["none.npy --target 5", 'file: expected a readable .npy file, got "none.npy"; ENOENT'],
    ["items.npy --targets none.npy", 'targets: expected a readable .npy file, got "none.npy"; ENOENT'],
    ["- --input npy --target 5", 'file: expected a .npy file, not a stream, got "-"'],
    [
      "same.txt --out a.npy",
      "ask: expected one of reachable, unique, count, smallest for an array, got nothing",
    ],
    [
      "same.txt --ask count,unique --out a.npy",
      'ask: expected one of reachable, unique, count, smallest for an array, got "count,unique"',
    ],
    [
      "same.txt --ask count --keep-going --out a.npy",
      'keep-going: expected a folder as --out, not an array, got "a.npy"',
    ],
    [
      "items.npy --target 5 --ask count --out items.npy",
      'out: expected another file than what is read, got "items.npy"',
    ],
  ])("%s: is refused in one line, and nothing is written", async (words, line) => {
    expect(await call(words)).toEqual({ status: 2, stdout: "", stderr: `${line}\n` });
    expect(await readdir(folder)).toEqual(["items.npy", "same.txt", "targets.npy"]);
  });
});

describe("Wrong requests", () => {
  test.each<[string, string]>([
    ["missing.txt", 'file: expected a readable file, got "missing.txt"; ENOENT, - reads standard input'],
    [".", 'file: expected a readable file, got "."; it is a folder, - reads standard input'],
    [
      "- --out /dev/null",
      'out: expected a folder that can be written, got "/dev/null"; ENOTDIR, choose another with --out',
    ],
    ["a b", 'arguments: expected one file, got "a b"; run exacta solve --help'],
    ["--csv", "file: expected a file, or - for standard input, got nothing; run exacta solve --help"],
    ["- --csv --json", 'csv, json: expected one of the two, got "both"'],
    ["- --input xml", 'input: expected one of jsonl, json, text, csv, tsv, npy, got "xml"'],
    ["- --size 1.5", "size: expected an integer in 0..10000, got 1.5"],
    ["- --tolerance -1", "tolerance: expected an integer in 0..9007199254740992, got -1"],
    ["- --scale 100", 'scale: expected auto, got "100"'],
    ["- --decimal dot", 'decimal: expected point or comma, got "dot"'],
    ["- --target 3 --partition", 'partition: expected no target beside it, got "3"'],
    ["- --rows --input json", 'rows: expected text or a table beside it, got "json"'],
    ["- --ask sum", 'ask: expected one of reachable, count, unique, witness, smallest, got "sum"'],
    ["- --method magic", 'method: expected one of bitset, tiles, meet-in-the-middle, got "magic"'],
  ])("%s: is refused in one line, and nothing is computed", async (args, line) => {
    expect(await call(args, "1 : 1\n")).toEqual({ status: 2, stdout: "", stderr: `${line}\n` });
    expect(await readdir(folder)).toEqual([]);
  });
});

test("An empty input has no findings", async () => {
  expect(await call("- --engine reference", "")).toMatchObject({
    status: 0,
    stdout: "",
    stderr: expect.stringMatching(/^reference: .*\n[^]*instances 0, findings 0, reachable 0, /) as string,
  });
});
