// How commands end: by signals, by streams that cannot be written, and what stderr holds meanwhile.

import { existsSync } from "node:fs";
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { STOPPED_STATUS } from "../../host/node/commands/command.ts";
import { buildCommand, callCommand, callWords, killCommands, startCommand } from "./command.ts";

const RESULT_FILES = ["report.html", "results.csv", "results.jsonl"];
/** A sweep of 0.1 s. */
const SHORT = "phase --bits 3,4 --items 1..4 --trials 1e5 --json --engine cpu --threads 1";
/** A sweep of hours. */
const LONG = "phase --bits 3 --items 1..6 --trials 1e12 --json --engine cpu --threads 1";

/** A sweep of hours, whose units of 2^21 trials take a fraction of a second each: a prefix decides the trials. */
const QUICK_UNITS = "phase --bits 5 --items 40..44 --trials 1e12 --json --engine cpu --threads 1";

const network = { bits: 1, activationBits: 1, layers: [{ weights: [[1, -1]] }] };

let folder: string;

beforeAll(buildCommand, 120_000);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "exacta-ending-"));
});

afterEach(async () => {
  killCommands();
  await rm(folder, { recursive: true, force: true });
});

/** Starts the command with nothing to read. */
function start(words: string, env?: NodeJS.ProcessEnv, redirection?: string) {
  const started = startCommand(words === "" ? [] : words.split(" "), folder, env, redirection);
  started.child.stdin.end();
  return started;
}

/** An environment in which Node runs a module before the program. */
function preloading(module: string): NodeJS.ProcessEnv {
  return { ...process.env, NODE_OPTIONS: `--import ${dataUrl(module)}` };
}

const dataUrl = (module: string) => `data:text/javascript,${encodeURIComponent(module)}`;

/** Sends SIGTERM once, when Node looks for all but the watch of signals, and so before the commands are there. */
const SIGNAL_WHILE_LOADING = preloading(`
  import { register } from "node:module";
  register(${JSON.stringify(
    dataUrl(`export function resolve(specifier, context, next) {
      if (/program/.test(specifier)) process.kill(process.pid, "SIGTERM");
      return next(specifier, context);
    }`),
  )});
`);

/** Sends SIGTERM when the first file is about to get its name, and leaves time for it to arrive. */
const SIGNAL_WHILE_WRITING = preloading(`
  import fs from "node:fs";
  import { syncBuiltinESMExports } from "node:module";
  const { rename } = fs.promises;
  fs.promises.rename = async (...names) => {
    if (!fs.existsSync("signalled")) {
      fs.writeFileSync("signalled", "");
      process.kill(process.pid, "SIGTERM");
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    return rename(...names);
  };
  syncBuiltinESMExports();
`);

/** Leaves 100 of the test images, whose number is the first of the sizes in the header. */
const FEW_IMAGES = preloading(`
  import fs from "node:fs";
  import { syncBuiltinESMExports } from "node:module";
  const { readFile } = fs.promises;
  fs.promises.readFile = async (path, ...options) => {
    const file = await readFile(path, ...options);
    const [, dimensions] = /t10k-.*idx(\\d)/.exec(path) ?? [];
    if (dimensions === undefined) return file;
    file.writeUInt32BE(100, 4);
    return file.subarray(0, 4 + 4 * dimensions + 100 * (dimensions === "3" ? 784 : 1));
  };
  syncBuiltinESMExports();
`);

describe("Runs that are stopped at once", () => {
  const trial = "--engine reference --out out";
  test.each([
    `phase --bits 3 --items 3 --trials 10 ${trial}`,
    `phase --bits 3 --items 3 --trials 10 --check ${trial}`,
    `required --bits 0 --failure 0.1 --trials 1000 ${trial}`,
    `required --bits 0 --failure 1e-12 ${trial}`,
    `tail --half-range 9 --items 3 --trials 100 ${trial}`,
    `width --bits 1 --width 1 --trials 5 ${trial}`,
    `solve instances.txt ${trial}`,
    "ticket network.json --engine reference --out ticket",
    "forward network.json --inputs inputs.csv --engine reference",
  ])("%s: ends with status 75 and without a stack, and the same command then does all", async (words) => {
    await writeFile(join(folder, "network.json"), JSON.stringify(network));
    await writeFile(join(folder, "inputs.csv"), "1,0\n");
    await writeFile(join(folder, "instances.txt"), "1 2 : 3\n");
    const { status, stderr } = await callWords(words.split(" "), folder, { stopped: true });
    expect({ status, stderr }).toEqual({
      status: STOPPED_STATUS,
      stderr: expect.stringMatching(/stopped early/) as string,
    });
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect(await callCommand(words, folder)).toMatchObject({ status: 0 });
  });
});

describe.runIf(process.platform === "linux")("Signals", () => {
  for (const signal of ["SIGTERM", "SIGHUP", "SIGINT"] as const)
    test(
      `${signal} stops a sweep with status 75 and keeps the units that are done`,
      signal === "SIGTERM" ? {} : { tags: ["wide"] },
      async () => {
        const { child, outcome } = start(`${QUICK_UNITS} --out out --progress json`);
        // Two units are done, of which the first is in the journal.
        const isFar = (text: string) => Number(/"done":(\d+)/.exec(text)?.[1]) >= 2 ** 22;
        child.stderr.on("data", (text: string) => isFar(text) && child.kill(signal));
        const { status, stdout, stderr } = await outcome;
        expect({ status, stderr }).toMatchObject({ status: STOPPED_STATUS });
        const [finding] = stdout.trimEnd().split("\n");
        expect(JSON.parse(finding!)).toMatchObject({ asked: 1e12, complete: false });
        expect(await readdir(join(folder, "out"))).toEqual(expect.arrayContaining(["results.jsonl"]));
      },
    );

  test("SIGTERM stops solve with status 75 while its input is open", async () => {
    const { child, outcome } = startCommand("solve - --engine reference --quiet".split(" "), folder);
    child.stdin.write("1 2 : 3\n1 2 : ");
    child.stdout.once("data", () => child.kill("SIGTERM"));
    const { status, stdout } = await outcome;
    expect([status, stdout.split("\n").length]).toEqual([STOPPED_STATUS, 2]);
  });

  for (const words of [
    LONG,
    "width",
    "required",
    "bench --only start --engine reference",
    "ticket network.json --out ticket --units 40",
    "forward network.json --inputs inputs.csv",
  ])
    test(
      `${words}: a signal that comes while the program loads stops it with status 75`,
      words === LONG ? {} : { tags: ["wide"] },
      async () => {
        await writeFile(join(folder, "network.json"), JSON.stringify(network));
        await writeFile(join(folder, "inputs.csv"), "1,0\n");
        const { status, stderr } = await start(words, SIGNAL_WHILE_LOADING).outcome;
        expect({ status, stderr }).toMatchObject({ status: STOPPED_STATUS });
        expect(await readdir(folder)).toEqual(["inputs.csv", "network.json"]);
      },
    );

  test("A signal that comes while the program loads ends a command that cannot be stopped", async () => {
    const { child, outcome } = start("theory --bits 4 --items 2", SIGNAL_WHILE_LOADING);
    const { stdout } = await outcome;
    expect([child.signalCode, stdout]).toEqual(["SIGTERM", ""]);
  });

  test("A signal that comes while files are written changes nothing, since all that was asked is done", async () => {
    const { status, stdout, stderr } = await start(`${SHORT} --out out`, SIGNAL_WHILE_WRITING).outcome;
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(existsSync(join(folder, "signalled"))).toBe(true);
    expect(await readdir(join(folder, "out"))).toEqual(expect.arrayContaining(RESULT_FILES));
    expect((await readFile(join(folder, "out/results.jsonl"), "utf8")).split("\n")).toHaveLength(
      stdout.split("\n").length,
    );
  });
});

describe.runIf(process.platform === "linux")("Streams that cannot be written", () => {
  /** A command line, and the files that it writes into the folder `out`. */
  interface Line {
    readonly words: string;
    readonly files?: readonly string[];
    /** Its stdout says how long it took. */
    readonly isTimed?: boolean;
    /** It runs or prints the path of the program that its process runs, so that a call in this process would differ. */
    readonly isProcess?: boolean;
    /** The environment of its process. */
    readonly env?: NodeJS.ProcessEnv;
  }
  /** Every command, and the command lines without one. */
  const everything: readonly Line[] = [
    { words: "--help" },
    { words: "--version" },
    { words: "" },
    { words: "phase --help" },
    { words: "solve instances.txt --engine reference" },
    { words: "solve instances.txt --csv --engine reference --out out", files: ["solutions.csv"] },
    { words: `${SHORT} --out out`, files: RESULT_FILES },
    {
      words: "phase --bits 3 --items 3 --trials 1e4 --engine cpu --threads 1 --out out",
      files: RESULT_FILES,
    },
    { words: "theory --bits 4 --items 2" },
    {
      words: "required --bits 0 --failure 0.1 --trials 1000 --engine cpu --threads 1 --out out",
      files: RESULT_FILES,
    },
    { words: "width --bits 1 --width 1 --trials 5 --engine reference --out out", files: RESULT_FILES },
    { words: "merge swept --out out", files: RESULT_FILES },
    { words: "slurm --shards 2 -- phase --bits 3 --out swept", isProcess: true },
    { words: "ticket network.json --engine reference --out out/ticket", files: ["ticket"] },
    { words: "verify ticket" },
    { words: "forward ticket --inputs inputs.csv --engine reference" },
    {
      words: "digits --network reader.json --json --engine cpu --out out",
      files: ["digits.html", "digits.safetensors"],
      isProcess: true,
      env: FEW_IMAGES,
    },
    { words: "devices" },
    { words: "devices --wgsl count.thread" },
    {
      words: "bench --only kernels --kernels reach --engine reference --rounds 1 --python none --cc none",
      isTimed: true,
      isProcess: true,
    },
  ];
  /** What happens to streams: a redirection of a shell fills one, or its reader leaves it. */
  interface Faults {
    readonly stdout?: "full" | "left";
    readonly stderr?: "full" | "left";
  }
  const single: readonly Faults[] = [
    { stdout: "full" },
    { stdout: "left" },
    { stderr: "full" },
    { stderr: "left" },
  ];
  const combined: readonly Faults[] = [
    { stdout: "full" },
    { stdout: "left", stderr: "full" },
    { stderr: "left" },
  ];

  /** Runs a command line as a process, with faults of its streams. */
  function disturbed({ words, env }: Line, { stdout, stderr }: Faults) {
    const full = [stdout === "full" ? "> /dev/full" : "", stderr === "full" ? "2> /dev/full" : ""];
    const { child, outcome } = start(words, env, full.join(" "));
    if (stdout === "left") child.stdout.destroy();
    if (stderr === "left") child.stderr.destroy();
    return outcome;
  }

  /** The files of a command line, after which they are removed. */
  async function written(): Promise<readonly string[]> {
    const out = join(folder, "out");
    const names = await readdir(out).catch(() => []);
    await rm(out, { recursive: true, force: true });
    return names;
  }

  /** What the commands read, made once. */
  let prepared: string;
  beforeAll(async () => {
    prepared = await mkdtemp(join(tmpdir(), "exacta-prepared-"));
    await writeFile(join(prepared, "network.json"), JSON.stringify(network));
    const pixels = Array.from({ length: 10 }, (_, digit) => Array<number>(784).fill(digit % 2));
    const reader = { bits: 0, activationBits: 8, layers: [{ weights: pixels }] };
    await writeFile(join(prepared, "reader.json"), JSON.stringify(reader));
    await writeFile(join(prepared, "inputs.csv"), "1,0\n0,1\n");
    await writeFile(join(prepared, "instances.txt"), "1 2 : 3\n1 2 : 4\n");
    const made = await callCommand("ticket network.json --engine reference --out ticket", prepared);
    const swept = await callCommand(`${SHORT} --out swept`, prepared);
    for (const { status, stderr } of [made, swept]) if (status !== 0) throw new Error(stderr);
  });
  afterAll(() => rm(prepared, { recursive: true, force: true }));

  /** Two ways to write to stdout, which `npm test` tries with each fault alone. */
  const isFew = ({ words }: Line) => words.startsWith("theory") || words.includes("--csv");

  for (const line of everything)
    test(
      `exacta ${line.words}: a full stdout ends with status 1 and a sentence, any other fault with status 0; files are written either way`,
      isFew(line) ? {} : { tags: ["wide"] },
      async () => {
        await cp(prepared, folder, { recursive: true });
        // Journals have random names.
        const known = (names: readonly string[]) => names.filter((name) => !/^\d+of/.test(name)).toSorted();
        const undisturbed = line.isProcess
          ? await start(line.words, line.env).outcome
          : await callWords(line.words === "" ? [] : line.words.split(" "), folder);
        const files = known(await written());
        expect(undisturbed.status).toBe(0);
        expect(files).toEqual(expect.arrayContaining([...(line.files ?? [])]));
        for (const faults of isFew(line) ? single : combined) {
          const { status, stdout, stderr } = await disturbed(line, faults);
          const isFull = faults.stdout === "full";
          const sentences = stderr.split("\n").filter((text) => text.startsWith("stdout: "));
          expect({ faults, status, sentences }).toEqual({
            faults,
            status: Number(isFull),
            sentences: isFull ? ['stdout: expected room for what is printed, got "ENOSPC"'] : [],
          });
          expect(stderr).not.toMatch(/\n {4}at /);
          if (faults.stdout === undefined) {
            if (line.isTimed) expect(stdout.split("\n")).toHaveLength(undisturbed.stdout.split("\n").length);
            else expect(stdout).toBe(undisturbed.stdout);
          }
          expect(known(await written())).toEqual(files);
        }
      },
    );

  test("A stderr that is closed changes neither status nor results", { tags: ["wide"] }, async () => {
    const { status, stdout } = await start(`${SHORT} --out out`, undefined, "2>&-").outcome;
    expect([status, stdout.split("\n").length]).toEqual([0, 9]);
    expect(await written()).toEqual(expect.arrayContaining(RESULT_FILES));
  });

  test(
    "A refused request gives status 2 where stderr is full, and a full stdout as well",
    { tags: ["wide"] },
    async () => {
      expect((await disturbed({ words: "phase --bits 99" }, { stderr: "full" })).status).toBe(2);
      const both = await disturbed(
        { words: "theory --bits 4 --items 2" },
        { stdout: "full", stderr: "full" },
      );
      expect(both.status).toBe(1);
    },
  );
});

describe("The option --progress json", () => {
  /** The lines of a text, each of which must be JSON. */
  const objects = (text: string) =>
    text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  test("All of stderr is JSON Lines, and the last progress says that all is done", async () => {
    const { status, stderr } = await callCommand(`${SHORT} --out out --progress json`, folder);
    expect(status).toBe(0);
    const printed = objects(stderr);
    const { perSecond, ...last } = printed.findLast(({ kind }) => kind === "progress")!;
    expect(last).toEqual({ kind: "progress", unit: "trials", done: 2e5, total: 2e5, secondsLeft: 0 });
    expect(perSecond).toBeGreaterThan(0);
    expect(printed).toContainEqual({
      kind: "note",
      text: expect.stringMatching(/report\.html.* are written$/) as string,
    });
  });

  test.each([
    ["phase --progress json --bits 99", /^bits: expected .*, got 99$/],
    ["phase --sides 6 --progress=json", /^option: expected .*, got "--sides"/],
    ["solve none.txt --progress json", /^file: expected a readable file, got "none\.txt"/],
  ])("%s: the error is an object", async (words, text) => {
    const { status, stderr } = await callCommand(words, folder);
    expect(status).toBe(2);
    expect(objects(stderr)).toEqual([{ kind: "error", text: expect.stringMatching(text) as string }]);
  });

  test("Another form of progress is refused", async () => {
    const { status, stderr } = await callCommand("phase --bits 4 --progress loud", folder);
    expect([status, stderr]).toEqual([2, 'progress: expected one of auto, json, got "loud"\n']);
  });
});
