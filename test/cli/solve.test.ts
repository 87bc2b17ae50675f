// The built command on given instances: what it answers, what it refuses, and how it stops.

import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { SolveFinding } from "../../src/finding.ts";
import { buildCommand, killCommands, startCommand, type Outcome } from "./command.ts";

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

/** Answers instances on standard input, on the engine that is the definition. */
async function solve(args: string, input: string): Promise<Outcome> {
  const { child, outcome } = start(`${args} --engine reference --quiet`);
  child.stdin.end(input);
  return outcome;
}

function findings(stdout: string): SolveFinding[] {
  expect(stdout === "" || stdout.endsWith("\n")).toBe(true);
  return stdout.split("\n").flatMap((line) => (line === "" ? [] : (JSON.parse(line) as SolveFinding)));
}

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

  test("CSV on stdout and in the file are the same", async () => {
    await writeFile(join(folder, "in.csv"), CSV);
    const { status, stdout } = await solve("in.csv --csv --out deep/er", "");
    expect(status).toBe(0);
    expect(stdout).toBe(
      [
        "instance,id,line,items,target,size,tolerance,atMost,partition,reachable,sum,difference,count,witness,smallest,smallestWitness,method,engine,adapter",
        '0,"a, b",2,3,8,,,,,true,,,2,0 1,1,2,bitset,reference,TypeScript',
        '0,"a, b",2,3,9,,,,,false,,,0,,,,bitset,reference,TypeScript',
        "1,,3,0,0,,,,,true,,,1,,0,,bitset,reference,TypeScript",
        "",
      ].join("\r\n"),
    );
    expect(await readdir(join(folder, "deep/er"))).toEqual(["solutions.csv"]);
    expect(await readFile(join(folder, "deep/er/solutions.csv"), "utf8")).toBe(stdout);
  });

  test("Findings have the answers that were asked for", async () => {
    const ask = async (options: string, input = "3 5 8 : 9") =>
      findings((await solve(`- ${options}`, input)).stdout)[0]!;
    expect(await ask("--at-most")).toMatchObject({ atMost: true, reachable: true, sum: 8, count: "2" });
    expect(await ask("--tolerance 1")).toMatchObject({ tolerance: 1, reachable: true, sum: 8 });
    expect(await ask("--size 2 --at-most")).toMatchObject({ size: 2, sum: 8, witness: [0, 1] });
    expect(await ask("--partition", "3 5 8")).toMatchObject({ partition: true, difference: 0 });
    expect(Object.keys(await ask("--ask witness,reachable"))).not.toContain("count");
    expect(
      (await ask("--method halves --ask reachable", "3 5 8 9007199254740992 : 9007199254740995")).target,
    ).toBe("9007199254740995");
  });

  test("Findings are printed while the input is open, and none is lost when the run is stopped", async () => {
    const { child, outcome } = start("- --engine reference --out out");
    child.stdin.write("1 2 : 3\n1 2 : 4\n1 2 : ");
    let seen = "";
    await new Promise<void>((resolve) => {
      child.stdout!.on("data", (text: string) => (seen += text).split("\n").length > 2 && resolve());
      child.on("close", () => resolve());
    });
    child.kill("SIGINT");
    const { status, stdout, stderr } = await outcome;
    expect(status).toBe(0);
    expect(findings(stdout).map(({ target }) => target)).toEqual([3, 4]);
    expect(stderr).toMatch(/stopped early: instances 2, findings 2, reachable 1, /);
    expect(await readFile(join(folder, "out/solutions.jsonl"), "utf8")).toBe(stdout);
  });

  test("The run ends with status 0 when its reader leaves", async () => {
    const { child, outcome } = start("- --engine reference --quiet");
    child.stdout!.destroy();
    const timer = setInterval(() => child.stdin.write("1 2 : 3\n"), 5);
    expect(await outcome).toEqual({ status: 0, stdout: "", stderr: "" });
    clearInterval(timer);
  });
});

describe("Lines that are malformed or cannot be solved", () => {
  const input = "1 : 1\n2 : x\n3 : 3\n4294967296 : 1\n4 : 4\n";

  test("A bad line ends the run with its number, after the findings before it, and leaves no file", async () => {
    const { status, stdout, stderr } = await solve("- --out out", input);
    expect(findings(stdout).map(({ target }) => target)).toEqual([1]);
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr:
        'line 2: targets.0: expected an integer in -9223372036854775807..9223372036854775807, got "x"\n',
    });
    expect(await readdir(join(folder, "out"))).toEqual([]);
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
      expect.stringMatching(/^line 2: targets\.0: expected /),
      expect.stringMatching(/^line 4: items: expected /),
      "left out, malformed or not to be solved: 2",
      "",
    ]);
    const many = (await solve("- --keep-going", "x\n".repeat(1000))).stderr.split("\n");
    expect(many).toHaveLength(23);
    expect(many.at(-2)).toBe("left out, malformed or not to be solved: 1,000");
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
    ["- --input xml", 'input: expected one of jsonl, text, csv, got "xml"'],
    ["- --size 1.5", "size: expected an integer in 0..10000, got 1.5"],
    ["- --tolerance -1", "tolerance: expected an integer in 0..9007199254740992, got -1"],
    ["- --ask sum", 'ask.0: expected one of reachable, count, witness, smallest, got "sum"'],
    ["- --method magic", 'method: expected one of bitset, tiles, meet-in-the-middle, got "magic"'],
  ])("%s: is refused in one line, and nothing is computed", async (args, line) => {
    const { child, outcome } = start(args);
    child.stdin.end("1 : 1\n");
    expect(await outcome).toEqual({ status: 2, stdout: "", stderr: `${line}\n` });
    expect(await readdir(folder)).toEqual([]);
  });
});

test("An empty input has no findings", async () => {
  const { child, outcome } = start("- --engine reference");
  child.stdin.end();
  expect(await outcome).toMatchObject({
    status: 0,
    stdout: "",
    stderr: expect.stringMatching(/^reference: .*\n[^]*instances 0, findings 0, reachable 0, /) as string,
  });
});
