// Sweeps as processes that are killed, stopped, share a folder, or lose their streams.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { STOPPED_STATUS } from "../../host/node/commands/command.ts";
import { phaseExperiment } from "../../host/node/commands/phase.ts";
import { Attempt } from "../../host/node/journal/attempt.ts";
import { readJournals } from "../../host/node/journal/read.ts";
import { phaseConfig } from "../../src/experiments/phase.ts";
import { buildCommand, callCommand, killCommands, runCommand, startCommand } from "./command.ts";

/** Two parts of a unit and a partial one, each of which takes half a second of one thread. */
const SWEEP = "phase --bits 5,6 --items 40..44 --trials 5000123 --engine cpu --threads 1 --quiet";
/** Two parts of several units, each of which takes a fraction of a second of one thread: a prefix decides the trials. */
const LONG = SWEEP.replace("5,6", "4,5").replace("5000123", "7000123");
/** Two parts of one partial unit. */
const SHORT = "phase --bits 3,4 --items 1..4 --trials 1e5 --engine cpu --threads 1 --quiet";
const NUMBERS = ["results.jsonl", "results.csv"];

let folder: string;

beforeAll(buildCommand, 120_000);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "exacta-sweeps-"));
});

afterEach(async () => {
  killCommands();
  await rm(folder, { recursive: true, force: true });
});

const numbersIn = (out: string) =>
  Promise.all(NUMBERS.map((name) => readFile(join(folder, out, name), "utf8")));

/** The numbers of a sweep that nothing disturbs. */
async function undisturbed(words: string): Promise<string[]> {
  const { status, stderr } = await callCommand(`${words} --out undisturbed`, folder);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return numbersIn("undisturbed");
}

/** The number of ranges that the journals of a folder have on the disk. */
function rangesIn(out: string): number {
  const journal = join(folder, out, "journal");
  if (!existsSync(journal)) return 0;
  const texts = readdirSync(journal).map((file) => readFileSync(join(journal, file), "utf8"));
  return texts.reduce((sum, text) => sum + text.split('\n{"part"').length - 1, 0);
}

/** The trials of provenance.json that were counted twice. */
async function countedTwice(out: string): Promise<number> {
  const { attempts } = JSON.parse(await readFile(join(folder, out, "provenance.json"), "utf8")) as {
    attempts: { ranges: { part: string; first: number; count: number }[] }[];
  };
  const ends = new Map<string, number>();
  let twice = 0;
  const ranges = attempts.flatMap(({ ranges }) => ranges);
  for (const { part, first, count } of ranges.toSorted((a, b) => a.first - b.first)) {
    const end = ends.get(part) ?? 0;
    twice += Math.max(0, Math.min(end, first + count) - first);
    ends.set(part, Math.max(end, first + count));
  }
  return twice;
}

describe.runIf(process.platform === "linux")("A sweep as a process", () => {
  test("A sweep that is killed goes on behind its journal, and ends with the bytes of an undisturbed one", async () => {
    const numbers = await undisturbed(SWEEP);
    const { child, outcome } = startCommand(`${SWEEP} --out out`.split(" "), folder);
    child.stdin.end();
    // The first part is on the disk when the second one begins.
    while (rangesIn("out") === 0) await sleep(5);
    child.kill("SIGKILL");
    await outcome;
    expect(child.signalCode).toBe("SIGKILL");
    const { status, stderr } = await runCommand(`${SWEEP} --out out`, folder);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(await numbersIn("out")).toEqual(numbers);
    expect(await readdir(join(folder, "out/journal"))).toHaveLength(2);
    expect(await countedTwice("out")).toBe(0);
  });

  test("Two processes that count into one folder both end with the numbers of one", async () => {
    const numbers = await undisturbed(SHORT);
    const outcomes = await Promise.all([1, 2].map(() => runCommand(`${SHORT} --out a/out`, folder)));
    expect(outcomes.map(({ status, stderr }) => ({ status, stderr }))).toEqual([
      { status: 0, stderr: "" },
      { status: 0, stderr: "" },
    ]);
    expect(await numbersIn("a/out")).toEqual(numbers);
    expect((await readdir(join(folder, "a/out"))).toSorted()).toEqual(
      ["journal", "provenance.json", "report.html", ...NUMBERS].toSorted(),
    );
  });

  test(
    "Eight shards that start at once on a folder that is missing all succeed, and merge into one sweep",
    { tags: ["wide"] },
    async () => {
      const numbers = await undisturbed(LONG);
      const shards = Array.from({ length: 8 }, (_, i) =>
        runCommand(`${LONG} --shard ${i}/8 --out a/b/out`, folder),
      );
      const outcomes = await Promise.all(shards);
      expect(outcomes).toEqual(shards.map(() => ({ status: 0, stdout: "", stderr: "" })));
      const { status, stderr } = await callCommand("merge a/b/out --quiet", folder);
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      expect(await numbersIn("a/b/out")).toEqual(numbers);
    },
  );

  test(
    "A stderr that its reader leaves after the first line takes nothing from the journal or the results",
    { tags: ["wide"] },
    async () => {
      const loud = SHORT.replace(" --quiet", "");
      const numbers = await undisturbed(SHORT);
      const { outcome } = startCommand(`${loud} --out out`.split(" "), folder, process.env, "2>&1 | head -1");
      const { stdout } = await outcome;
      expect(stdout).toMatch(/^cpu: .*\n$/);
      while (!existsSync(join(folder, "out/report.html"))) await sleep(20);
      expect(await numbersIn("out")).toEqual(numbers);
      expect(rangesIn("out")).toBe(2);
    },
  );

  test("Four signals at random moments change no byte of the results", { tags: ["wide"] }, async () => {
    const numbers = await undisturbed(LONG);
    const signals = ["SIGKILL", "SIGTERM", "SIGHUP"] as const;
    let [sent, state] = [0, 12];
    const random = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
    for (let isDone = false; !isDone || sent < 4;) {
      if (isDone) await rm(join(folder, "out"), { recursive: true });
      const { child, outcome } = startCommand(`${LONG} --out out`.split(" "), folder);
      child.stdin.end();
      await Promise.race([sleep(300 + 600 * random()), outcome]);
      // Once there were enough signals, the sweep may end.
      if (sent < 4 && child.kill(signals[sent % signals.length])) sent++;
      const { status, stderr } = await outcome;
      expect({ stderr, isKnown: [0, null, STOPPED_STATUS].includes(status) }).toEqual({
        stderr: "",
        isKnown: true,
      });
      isDone = status === 0;
      if (!isDone) continue;
      expect(await numbersIn("out")).toEqual(numbers);
      expect(await countedTwice("out")).toBe(0);
    }
  });
});

describe("The command merge", () => {
  const shard = (index: number, out: string, words = SHORT) =>
    callCommand(`${words} --shard ${index}/2 --out ${out}`, folder);
  /** A sweep of a whole unit and a partial one, which two shards can share. */
  const TWO_UNITS = SHORT.replace("1e5", "9e6").replace("3,4", "3");

  test("It gives status 0 for all shards, and 1 where one is missing, which it names", async () => {
    const numbers = await undisturbed(TWO_UNITS);
    await shard(0, "a", TWO_UNITS);
    const half = await callCommand("merge a --out half --quiet", folder);
    expect(half.status).toBe(1);
    expect(half.stderr).toMatch(/^part 0: trials \d+\.\.8999999 of 9000000 are missing\n$/);
    await shard(1, "b", TWO_UNITS);
    const whole = await callCommand("merge b a b --out whole --quiet", folder);
    expect(whole).toMatchObject({ status: 0, stderr: "" });
    expect(await numbersIn("whole")).toEqual(numbers);
  });

  test("It gives status 1 for trials with two results, and names both journals", async () => {
    await callCommand(`${SHORT} --out a`, folder);
    const config = (bits: number) => phaseConfig({ bits, items: { from: 1, to: 4 }, trials: 1e5 });
    const { configuration, parts } = phaseExperiment([config(3), config(4)]);
    const union = await readJournals([join(folder, "a")], { configuration, partsOf: () => parts });
    const { header } = union.attempts[0]!;
    const forged = await Attempt.open(join(folder, "b"), header, parts);
    const { words } = union.total("1", 1e5);
    words[3]!++;
    forged.add({ part: "1", first: 0, count: 1e5, words });
    await forged.close();
    const { status, stderr } = await callCommand("merge a b --quiet", folder);
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /part 1, trials 0\.\.99999: word 3 is \d+ in .*[ab]\/journal\/.*, but \d+ in .*[ab]\/journal\//,
    );
  });

  test("It gives status 2 for journals of two sweeps, and for a folder without journals", async () => {
    await callCommand(`${SHORT} --out a`, folder);
    await callCommand(`${SHORT} --out b --seed 2`, folder);
    const two = await callCommand("merge a b --out c", folder);
    expect([two.status, two.stderr]).toEqual([
      2,
      expect.stringMatching(/seed: expected "[12]" as in .*, got "[12]"; the journal is of another sweep/),
    ]);
    const none = await callCommand("merge none", folder);
    expect([none.status, none.stderr]).toEqual([
      2,
      expect.stringMatching(/^folders: expected journals of a sweep, got "none"/),
    ]);
    expect(existsSync(join(folder, "c"))).toBe(false);
  });
});

describe("The default folder", () => {
  test("The first sweep has the folder results, and another one has a folder in it", async () => {
    const first = await callCommand(SHORT, folder);
    const second = await callCommand(`${SHORT} --seed 2`, folder);
    const again = await callCommand(`${SHORT} --seed 2`, folder);
    expect([first.status, second.status, again.status]).toEqual([0, 0, 0]);
    const inner = (await readdir(join(folder, "results"))).filter((name) => /^[0-9a-f]{8}$/.test(name));
    expect(inner).toHaveLength(1);
    expect(await numbersIn("results")).toEqual(await undisturbed(SHORT));
    expect(await readdir(join(folder, "results", inner[0]!, "journal"))).toHaveLength(1);
  });

  test("A journal of it that is damaged is named, and nothing is counted", async () => {
    await mkdir(join(folder, "results/journal"), { recursive: true });
    const file = join(folder, "results/journal/0of1-0123456789abcdef.jsonl");
    await writeFile(file, '{"kind":"journ\n');
    const { status, stderr } = await callCommand(SHORT, folder);
    expect([status, stderr]).toEqual([
      2,
      expect.stringContaining(`${file}: line 1 at byte 0: checksum: expected`),
    ]);
    expect(await readdir(join(folder, "results"))).toEqual(["journal"]);
  });
});
