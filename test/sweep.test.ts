// A sweep as a whole: shards, resumes, engines and faults change none of its numbers.

import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { cpuRunner } from "../host/cpu/runner.ts";
import { gpuRunner } from "../host/gpu/runner.ts";
import { measureUnion } from "../host/node/commands/merge.ts";
import { phaseExperiment } from "../host/node/commands/phase.ts";
import { requiredExperiment, requiredTailExperiment } from "../host/node/commands/required.ts";
import { tailExperiment } from "../host/node/commands/tail.ts";
import { widthExperiment } from "../host/node/commands/width.ts";
import type { Run } from "../host/node/commands/run.ts";
import { JOURNAL_FOLDER } from "../host/node/journal/format.ts";
import { readJournals } from "../host/node/journal/read.ts";
import { ContradictionError } from "../host/node/journal/sums.ts";
import { startThread } from "../host/node/platform/threads.ts";
import type { Counted, Experiment, Measured, PartCount } from "../host/node/sweep/experiment.ts";
import { journalLedger, memoryLedger } from "../host/node/sweep/ledger.ts";
import { Recheck } from "../host/node/sweep/recheck.ts";
import { numbersOf } from "../host/node/sweep/results.ts";
import {
  askedOf,
  firstLook,
  lookTrials,
  runSweep,
  WHOLE,
  type SweepResult,
  type SweepSettings,
} from "../host/node/sweep/run.ts";
import { referenceRunner } from "../host/reference.ts";
import type { Runner } from "../host/runner.ts";
import { DifferenceError } from "../host/shadow.ts";
import { phaseConfig, type PhaseRequest } from "../src/experiments/phase.ts";
import { requiredConfig } from "../src/experiments/required.ts";
import { tailConfig, type TailRequest } from "../src/experiments/tail.ts";
import { widthConfig } from "../src/experiments/width.ts";
import type { PhaseFinding } from "../src/finding.ts";
import { estimate, TAIL } from "../src/statistics.ts";
import { testAdapter } from "./gpu/devices.ts";
import { refusal } from "./refusal.ts";
import { paramOf } from "./work.ts";

/** Trials of a unit. */
const UNIT = 64;

const engines = {} as Record<"reference" | "thread" | "threads" | "gpu", Runner>;
let folder: string;

beforeAll(async () => {
  engines.reference = slowed(referenceRunner());
  engines.thread = slowed(await cpuRunner(1, startThread));
  engines.threads = slowed(await cpuRunner(2, startThread));
  engines.gpu = await gpuRunner(testAdapter, { variant: "thread" });
});
afterAll(() => Object.values(engines).forEach((engine) => engine.close()));
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "exacta-sweep-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A runner whose batches stay small, so that a unit is several of them. */
function slowed(runner: Runner): Runner {
  return { ...runner, targetMilliseconds: 0.01 };
}

/** An experiment with small units. */
function small<Result extends Measured>(experiment: Experiment<Result>, unit = UNIT): Experiment<Result> {
  const parts = Object.entries(experiment.parts).map(([name, part]) => [name, { ...part, unit }]);
  return {
    ...experiment,
    parts: Object.fromEntries(parts) as Experiment["parts"],
    measure: (count, ...rest) => experiment.measure((part) => count({ ...part, unit }), ...rest),
  };
}

/** Trials of a sweep, the last unit of which is partial. */
const TRIALS = 75 * UNIT + 17;

/** A sweep of two parts. */
function phase(trials = TRIALS, request: PhaseRequest = {}) {
  const sizes = [
    { bits: 5, items: { from: 1, to: 16 } },
    { bits: 4, items: { from: 2, to: 20 } },
  ];
  return small(phaseExperiment(sizes.map((size) => phaseConfig({ ...size, trials, seed: 5, ...request }))));
}

interface CountOptions extends Partial<SweepSettings> {
  readonly engine?: Runner;
  /** Stops when this many trials are counted. */
  readonly stopAt?: number;
}

/** Counts a sweep as a command does, with its journal in a folder of this name, or in memory. */
async function count<Result extends Measured>(
  experiment: Experiment<Result>,
  name: string | undefined,
  { engine = engines.threads, stopAt = Infinity, ...settings }: CountOptions = {},
): Promise<SweepResult<Result>> {
  const { configuration, parts } = experiment;
  const ledger =
    name === undefined ? memoryLedger(parts) : await journalLedger(join(folder, name), configuration, parts);
  const all: SweepSettings = { shard: WHOLE, extend: undefined, until: undefined, recheck: 0, ...settings };
  const asked = askedOf(experiment, ledger.before, all);
  const stop = new AbortController();
  const report = (done: number) => {
    if (done >= stopAt) stop.abort();
  };
  const run = { engine, signal: stop.signal, report, seconds: () => 0 } satisfies Run;
  return runSweep(run, experiment, ledger, asked, all, () => {});
}

/** The bytes of results.jsonl and results.csv. */
const bytesOf = ({ findings, csv }: Measured) => ({
  jsonl: findings.map((finding) => `${JSON.stringify(numbersOf(finding))}\n`).join(""),
  csv: csv(),
});

/** The bytes of a sweep that is counted in memory by one thread, without a pause. */
const undisturbed = async (experiment: Experiment, options: CountOptions = {}) =>
  bytesOf((await count(experiment, undefined, { engine: engines.thread, ...options })).result);

/** The results of the journals of folders, and what is missing. */
async function merge<Result extends Measured>(experiment: Experiment<Result>, ...names: readonly string[]) {
  const { configuration, parts } = experiment;
  const folders = names.map((name) => join(folder, name));
  const union = await readJournals(folders, { configuration, partsOf: () => parts });
  const provenance = () => ({ engine: "none", adapter: "none", version: "0" });
  const { result, missing } = await measureUnion(experiment, union, provenance, () => {});
  return { ...bytesOf(result), missing, union, result };
}

const complete = (bytes: ReturnType<typeof bytesOf>) =>
  expect.objectContaining({ ...bytes, missing: [] }) as object;

const journalsOf = (name: string) =>
  readdirSync(join(folder, name, JOURNAL_FOLDER)).map((file) => join(folder, name, JOURNAL_FOLDER, file));

/** A generator of numbers in 0..below - 1. */
function randomBelow(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Copies journals into a folder, under names by which they are read in random order. */
function shuffle(files: readonly string[], name: string, seed: number): void {
  const random = randomBelow(seed);
  const journals = join(folder, name, JOURNAL_FOLDER);
  mkdirSync(journals, { recursive: true });
  for (const [i, file] of files.entries()) {
    const token = (random(2 ** 32) * 2 ** 20 + i).toString(16).padStart(16, "0");
    copyFileSync(file, join(journals, `${random(10)}of10-${token}.jsonl`));
  }
}

/** How many trials of all parts some journals count more than once. */
function countedTwice(union: Awaited<ReturnType<typeof merge>>["union"]): number {
  const ranges = union.attempts.flatMap(({ ranges }) => ranges);
  const counted = Object.keys(union.parts).map((part) => union.total(part, union.asked(part)).trials);
  const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
  return sum(ranges.map(({ count }) => count)) - sum(counted);
}

describe("Shards", () => {
  for (const shards of [1, 7, 64])
    test(
      `Journals of ${shards} shards, counted by four engines in turn, merge to the bytes of one run in each of 20 random orders`,
      { tags: shards === 64 ? ["wide"] : [] },
      async () => {
        const experiment = phase();
        const once = await undisturbed(experiment);
        const files: string[] = [];
        // Journals are written while others wait for the disk.
        await Promise.all(
          Array.from({ length: shards }, (_, index) => {
            const engine = Object.values(engines)[index % 4]!;
            return count(experiment, `shard ${index}`, { engine, shard: { index, count: shards } });
          }),
        );
        for (let index = 0; index < shards; index++) files.push(...journalsOf(`shard ${index}`));
        // One shard is there twice, and another one half, which goes on in a folder of its own.
        await count(experiment, "again", { engine: engines.reference, shard: { index: 0, count: shards } });
        const stopped = { index: shards - 1, count: shards };
        await count(experiment, "half", { engine: engines.thread, shard: stopped, stopAt: 1.5 * UNIT });
        shuffle(journalsOf("half"), "elsewhere", 1);
        await count(experiment, "elsewhere", { engine: engines.threads, shard: stopped });
        files.splice(files.indexOf(journalsOf(`shard ${shards - 1}`)[0]!), 1);
        files.push(...journalsOf("again"), ...journalsOf("elsewhere"));
        await Promise.all(
          Array.from({ length: 20 }, async (_, order) => {
            shuffle(files, `order ${order}`, order);
            expect(await merge(experiment, `order ${order}`)).toEqual(complete(once));
          }),
        );
      },
    );

  test("Shards count every trial once, in one folder and in folders of their own", async () => {
    const experiment = phase();
    const names = Array.from({ length: 7 }, (_, index) => `shard ${index}`);
    for (const [index, name] of names.entries()) {
      await count(experiment, "out", { shard: { index, count: names.length } });
      await count(experiment, name, { shard: { index, count: names.length } });
    }
    for (const folders of [["out"], names]) {
      const { union, missing } = await merge(experiment, ...folders);
      expect({ missing, twice: countedTwice(union) }).toEqual({ missing: [], twice: 0 });
    }
  });

  test("A shard with an empty share has a journal, by which a merge knows the sweep", async () => {
    const { isComplete } = await count(phase(UNIT), "empty", { shard: { index: 0, count: 2 } });
    expect([isComplete, journalsOf("empty").length]).toEqual([true, 1]);
  });

  test("A missing shard is named with its trials, and the results are those of the others", async () => {
    const experiment = phase(8 * UNIT + 1);
    for (const index of [0, 2]) await count(experiment, "out", { shard: { index, count: 3 } });
    const { missing, result } = await merge(experiment, "out");
    expect(missing).toEqual([
      "part 0: trials 192..383 of 513 are missing",
      "part 1: trials 192..383 of 513 are missing",
    ]);
    expect(result.findings[0]).toMatchObject({ trials: 513 - 192, asked: 513, complete: false });
  });

  test("A shard of another sweep is refused by the field that differs", async () => {
    const [experiment, foreign] = [phase(), phase(TRIALS, { seed: 6 })];
    await count(experiment, "a", { shard: { index: 0, count: 2 } });
    await count(foreign, "b", { shard: { index: 1, count: 2 } });
    await expect(merge(experiment, "a", "b")).rejects.toThrow(
      /sweeps\.0\.seed: expected "5" as in .*, got "6"/,
    );
  });

  test("A shard that contradicts another one is named with its trials", async () => {
    const experiment = phase();
    await count(experiment, "a", { shard: { index: 1, count: 7 } });
    const wrong = flipping(engines.thread, (first) => first === 12 * UNIT);
    await count(experiment, "b", { engine: wrong, shard: { index: 1, count: 7 } });
    const error: unknown = await merge(experiment, "a", "b").catch((error: unknown) => error);
    expect(error).toBeInstanceOf(ContradictionError);
    const { range, part, files } = error as ContradictionError;
    expect(part).toBe("0");
    expect(range.first).toBeLessThanOrEqual(12 * UNIT);
    expect(range.first + range.count).toBeGreaterThan(12 * UNIT);
    expect(files.flat().toSorted()).toEqual([...journalsOf("a"), ...journalsOf("b")].toSorted());
  });
});

/** A runner that flips a bit of the answer to each batch which begins at such a trial. */
function flipping(
  runner: Runner,
  isWrong: (first: number) => boolean,
  placeOf = (_: Parameters<Runner["run"]>[0], length: number) => length - 1,
): Runner {
  return {
    ...runner,
    async run(work) {
      const { words, ...answer } = await runner.run(work);
      if (!isWrong(paramOf(work, "firstLow"))) return { words, ...answer };
      const wrong = words.slice();
      // The first word is the number of trials, which the scheduler checks.
      wrong[placeOf(work, wrong.length)]! ^= 1;
      return { words: wrong, ...answer };
    },
  };
}

/** Counts a sweep whose runs stop after some trials, until it is complete, and answers how many runs it took. */
async function countInPieces(
  experiment: Experiment,
  { stopAt = 20 * UNIT, ...options }: CountOptions = {},
): Promise<{ readonly runs: number; readonly bytes: ReturnType<typeof bytesOf> }> {
  for (let runs = 1; ; runs++) {
    const engine = Object.values(engines)[runs % 3]!;
    const { result, isComplete } = await count(experiment, "out", { engine, ...options, stopAt });
    if (isComplete) return { runs, bytes: bytesOf(result) };
  }
}

describe("A sweep that is stopped", () => {
  test("It goes on where it was, and ends with the bytes of one run", async () => {
    const experiment = phase();
    const { runs, bytes } = await countInPieces(experiment);
    expect(runs).toBeGreaterThan(3);
    expect(bytes).toEqual(await undisturbed(experiment));
    const { union } = await merge(experiment, "out");
    expect(countedTwice(union)).toBe(0);
  });

  test("A complete sweep counts nothing, and needs no journal more", async () => {
    const experiment = phase();
    const first = await count(experiment, "out");
    const second = await count(experiment, "out", { engine: flipping(engines.thread, () => true) });
    expect(bytesOf(second.result)).toEqual(bytesOf(first.result));
    expect(journalsOf("out")).toHaveLength(1);
  });

  test("An enumeration that is stopped half way has bounds, which contain the exact value", async () => {
    const request = { trials: "all" as const, halfRange: 1, items: { from: 1, to: 14 } };
    const experiment = small(phaseExperiment([phaseConfig(request)]), 4 * UNIT);
    const whole = (await count(experiment, undefined)).result.findings as PhaseFinding[];
    const { result, isComplete } = await count(experiment, "out", {
      engine: engines.thread,
      stopAt: 40 * UNIT,
    });
    expect(isComplete).toBe(false);
    expect(result.findings).toHaveLength(14);
    for (const [i, finding] of (result.findings as PhaseFinding[]).entries()) {
      const exact = whole[i]!;
      expect([finding.interval, finding.complete, exact.interval]).toEqual(["bounds", false, "exact"]);
      expect(finding.asked).toBe(2 ** 14);
      for (const [t, { low, high, target }] of finding.targets.entries()) {
        const { probability } = exact.targets[t]!;
        expect({ target, low: low <= probability, high: probability <= high, isWide: low < high }).toEqual({
          target,
          low: true,
          high: true,
          isWide: true,
        });
      }
    }
    const { bytes } = await countInPieces(experiment, { engine: engines.thread, stopAt: 80 * UNIT });
    expect(bytes).toEqual(await undisturbed(experiment));
  });
});

describe("The option extend", () => {
  test.each([
    ["a whole last unit", 10 * UNIT],
    ["a partial last unit", 10 * UNIT + 5],
  ])("It adds trials behind %s, with the bytes of a run that asked for all", async (_, trials) => {
    const experiment = phase(trials);
    await count(experiment, "out");
    const { result, isComplete } = await count(experiment, "out", { extend: 9 * UNIT });
    expect(isComplete).toBe(true);
    expect(bytesOf(result)).toEqual(await undisturbed(phase(trials + 9 * UNIT)));
    const again = await count(experiment, "out", { extend: 9 * UNIT });
    expect(bytesOf(again.result)).toEqual(await undisturbed(phase(trials + 18 * UNIT)));
    // Without the option the folder keeps what it was asked for.
    expect(bytesOf((await count(experiment, "out")).result)).toEqual(bytesOf(again.result));
  });

  test("An extension that was stopped in any part goes on with the same command, and adds its trials once", async () => {
    for (const stopAt of [5, 15, 25, 35]) {
      rmSync(join(folder, "out"), { recursive: true, force: true });
      const experiment = phase(10 * UNIT + 5);
      await count(experiment, "out");
      const extend = 20 * UNIT;
      const { isComplete } = await count(experiment, "out", {
        extend,
        engine: engines.thread,
        stopAt: stopAt * UNIT,
      });
      expect({ stopAt, isComplete }).toEqual({ stopAt, isComplete: false });
      const { result } = await count(experiment, "out", { extend });
      expect({ stopAt, ...bytesOf(result) }).toEqual({
        stopAt,
        ...(await undisturbed(phase(30 * UNIT + 5))),
      });
    }
  });

  test("Shards that are extended, stopped and repeated in folders of their own count all trials", async () => {
    const experiment = phase(20 * UNIT);
    const extend = 20 * UNIT;
    const names = ["a", "b", "c"];
    const shardOf = (index: number) => ({ shard: { index, count: names.length } });
    for (const [i, name] of names.entries()) await count(experiment, name, shardOf(i));
    for (const [i, name] of names.entries()) {
      const stopped = { ...shardOf(i), extend, engine: engines.thread, stopAt: 3 * UNIT };
      expect((await count(experiment, name, stopped)).isComplete).toBe(false);
      expect((await count(experiment, name, { ...shardOf(i), extend })).isComplete).toBe(true);
    }
    // Shards share the longer sweep anew. Trials that a folder has not are counted again, and count once.
    expect(await merge(experiment, ...names)).toEqual(complete(await undisturbed(phase(40 * UNIT))));
    // Once a shard has its share of an extension, the same command adds trials again.
    for (const [i, name] of names.entries()) await count(experiment, name, { ...shardOf(i), extend });
    expect(await merge(experiment, ...names)).toEqual(complete(await undisturbed(phase(60 * UNIT))));
  });

  test("A sweep of all instances, a tail and one of required items are not extended", () => {
    const extended = { extend: 5, shard: WHOLE };
    const experiment = phaseExperiment([phaseConfig({ bits: 1, items: 3, trials: "all" })]);
    expect(() => askedOf(experiment, undefined, extended)).toThrow(
      refusal("extend: expected a sweep that can have more trials, got 5; all instances are counted already"),
    );
    const weighted = refusal(
      "extend: expected a sweep that can have more trials, got 5; how many there are decides how each trial is weighted",
    );
    const tail = tailExperiment([tailConfig({ halfRange: 9 })]);
    expect(() => askedOf(tail, undefined, extended)).toThrow(weighted);
    const search = requiredTailExperiment([requiredConfig({ bits: 4, method: "tail" })]);
    expect(() => askedOf(search, undefined, extended)).toThrow(weighted);
    expect(() => askedOf(requiredExperiment([requiredConfig({ bits: 1 })]), undefined, extended)).toThrow(
      refusal(
        "extend: expected a sweep that can have more trials, got 5; its trials decide which targets it measures",
      ),
    );
  });
});

describe("The option until", () => {
  const until = 0.06;

  test("A sweep ends at the same look on every engine, resumed or not, and on three shards", async () => {
    const experiment = phase(200 * UNIT);
    const whole = await count(experiment, undefined, { until, engine: engines.thread });
    const once = bytesOf(whole.result);
    const looked = whole.result.findings as PhaseFinding[];
    expect([...new Set(looked.map(({ trials }) => trials))].every((trials) => trials < 100 * UNIT)).toBe(
      true,
    );
    expect([whole.isComplete, whole.isTooWide]).toEqual([true, false]);
    for (const engine of Object.values(engines))
      expect(bytesOf((await count(experiment, undefined, { until, engine })).result)).toEqual(once);
    expect((await countInPieces(experiment, { until })).bytes).toEqual(once);
    const apart = ["a", "b", "c"];
    for (const [index, name] of apart.entries()) {
      const shard = { index, count: apart.length };
      const shared = await count(experiment, "together", { until, shard });
      const alone = await count(experiment, name, { until, shard });
      expect([shared.isComplete, alone.isComplete]).toEqual([true, true]);
    }
    expect(await merge(experiment, "together")).toEqual(complete(once));
    expect(await merge(experiment, ...apart)).toEqual(complete(once));
  });

  test("A sweep whose trials do not suffice says that an interval is too wide", async () => {
    const { isComplete, isTooWide, result } = await count(phase(5 * UNIT), "out", { until });
    expect([isComplete, isTooWide]).toEqual([true, true]);
    expect(result.findings[0]).toMatchObject({ trials: 5 * UNIT, looks: 4, complete: true });
  });

  test("The errors of all looks add up to 5 %, and the intervals are those of their look", async () => {
    const tails: number[] = [];
    const widest = (_: unknown, tail: number) => {
      tails.push(tail);
      return 1;
    };
    const counts = lookTrials(UNIT, UNIT * 2 ** 40).map((trials): Counted => ({
      trials,
      asked: trials,
      words: new Float64Array(),
    }));
    firstLook(counts, { widest } satisfies Pick<PartCount, "widest">, until);
    expect(tails).toHaveLength(41);
    const error = 2 * tails.reduce((sum, tail) => sum + tail, 0);
    expect(error).toBeLessThanOrEqual(0.05);
    expect(error).toBeCloseTo((0.05 * 41) / 42, 12);
    const { result } = await count(phase(200 * UNIT), undefined, { until });
    for (const { targets, trials, looks } of result.findings as PhaseFinding[]) {
      const tail = TAIL / (looks! * (looks! + 1));
      for (const found of targets) expect(found).toMatchObject(estimate(found.solved, trials, tail));
    }
  });
});

describe("Faults", () => {
  /** One unit in this many is counted twice. */
  const recheck = 8;
  const experiment = phase();
  const chosen = new Recheck(referenceRunner(), experiment.configuration, recheck);
  const units = Array.from({ length: 75 }, (_, unit) => unit);
  const checked = units.find((unit) => unit > 20 && chosen.isChosen("0", unit))!;
  const unchecked = units.find((unit) => unit > 20 && !chosen.isChosen("0", unit))!;

  test("About one unit in the number asked for is chosen, and not the same ones in each part", () => {
    const many = (part: string) =>
      Array.from({ length: 8000 }, (_, unit) => unit).filter((unit) => chosen.isChosen(part, unit));
    expect(Math.abs(many("0").length - 1000)).toBeLessThan(150);
    expect(many("0").filter((unit) => chosen.isChosen("1", unit)).length).toBeLessThan(300);
  });

  test("A flipped bit in a unit that is counted twice is found and named; the unit is not kept, and those before are", async () => {
    const unit = checked;
    const engine = flipping(engines.thread, (first) => first === unit * UNIT);
    const error: unknown = await count(experiment, "out", { engine, recheck }).catch(
      (error: unknown) => error,
    );
    expect(error).toBeInstanceOf(DifferenceError);
    expect((error as Error).message).toMatch(
      new RegExp(
        `^part 0, trials ${unit * UNIT}\\.\\.${(unit + 1) * UNIT - 1}, word \\d+ of \\d+: cpu .* the trials are not kept$`,
      ),
    );
    const { union } = await merge(experiment, "out");
    const before = union.missing("0", unit * UNIT);
    expect(before).toEqual([]);
    expect(union.missing("0", TRIALS)[0]).toMatchObject({ first: unit * UNIT });
    const { result } = await count(experiment, "out", { recheck });
    expect(bytesOf(result)).toEqual(await undisturbed(experiment));
  });

  test("A flipped bit in a unit that is counted once is not found", async () => {
    const engine = flipping(engines.thread, (first) => first === unchecked * UNIT);
    const { result } = await count(experiment, "out", { engine, recheck });
    expect(bytesOf(result)).not.toEqual(await undisturbed(experiment));
  });

  test("Units that are counted twice change no numbers", async () => {
    const once = await undisturbed(experiment);
    for (const engine of Object.values(engines))
      expect(bytesOf((await count(experiment, undefined, { engine, recheck: 1 })).result)).toEqual(once);
  });

  test("An engine that fails leaves the units before in the journal", async () => {
    const failure = new Error("planted");
    const failing: Runner = {
      ...engines.thread,
      run: (work) =>
        paramOf(work, "firstLow") >= 40 * UNIT ? Promise.reject(failure) : engines.thread.run(work),
    };
    for (const share of [0, 1]) {
      const name = `out ${share}`;
      await expect(count(experiment, name, { engine: failing, recheck: share })).rejects.toBe(failure);
      const [missing] = (await merge(experiment, name)).union.missing("0", TRIALS);
      // Batches in flight are lost.
      expect(missing!.first).toBeGreaterThan(20 * UNIT);
      expect(missing!.first + missing!.count).toBe(TRIALS);
    }
  });
});

describe("Other sweeps", () => {
  const width = small(widthExperiment([1, 2].map((bits) => widthConfig({ bits, width: 1, trials: 21 }))), 4);
  const required = small(requiredExperiment([requiredConfig({ bits: 2, failures: [0.1], trials: 1000 })]));
  const tails: readonly TailRequest[] = [
    { halfRange: 9, items: { from: 3, to: 12 }, targets: [1, -9, 0] },
    { ensemble: "products0", halfRange: 9, items: { from: 8, to: 12 }, method: "conditional" },
    { halfRange: 3, items: { from: 1, to: 20 } },
  ];
  const tail = small(tailExperiment(tails.map((request) => tailConfig({ ...request, trials: 300 }))), 8);
  /** The fewest items of three pools by trials, and of three exactly. */
  const searches = [6, 2].map((bits) =>
    requiredConfig({ bits, failures: [0.2, 0.1], method: "tail", trials: 100 }),
  );
  const search = small(requiredTailExperiment(searches), 16);

  test.each<readonly [string, Experiment, number]>([
    ["width", width, 6],
    ["required", required, 1000],
    ["tail", tail, 150],
    ["required by the tail", search, 150],
  ])("The sweep %s has the bytes of one run when it is stopped or shared", async (_, experiment, stopAt) => {
    const once = await undisturbed(experiment);
    expect(once.jsonl.split("\n").length).toBeGreaterThan(2);
    const { runs, bytes } = await countInPieces(experiment, { stopAt });
    expect(bytes).toEqual(once);
    expect(runs).toBeGreaterThan(2);
    const { union } = await merge(experiment, "out");
    expect(countedTwice(union)).toBe(0);
    expect(await merge(experiment, "out")).toEqual(complete(once));
    // A search has no shards.
    if (experiment === search) return;
    for (let index = 0; index < 3; index++)
      await count(experiment, `shard ${index}`, { shard: { index, count: 3 } });
    expect(await merge(experiment, "shard 2", "shard 0", "shard 1")).toEqual(complete(once));
  });

  test(
    "The tail has the bytes of one run for many shards on four engines, whatever the order of their journals",
    { tags: ["wide"] },
    async () => {
      const once = await undisturbed(tail);
      const files: string[] = [];
      for (let index = 0; index < 7; index++) {
        const engine = Object.values(engines)[index % 4]!;
        await count(tail, `shard ${index}`, { engine, shard: { index, count: 7 } });
        files.push(...journalsOf(`shard ${index}`));
      }
      for (let order = 0; order < 3; order++) {
        shuffle(files, `order ${order}`, order);
        expect(await merge(tail, `order ${order}`)).toEqual(complete(once));
      }
    },
  );

  test("A configuration of the tail that lacks trials has no findings, and they are named", async () => {
    for (const index of [0, 2]) await count(tail, "out", { shard: { index, count: 3 } });
    const { missing, result } = await merge(tail, "out");
    expect(missing).toEqual([
      "part 0: trials 96..199 of 300 are missing",
      "part 1: trials 96..199 of 300 are missing",
    ]);
    expect(result.findings).toHaveLength(20);
  });

  test("A flipped bit in a unit of the tail is found where that is counted twice, and contradicts another shard", async () => {
    // The signs of the first trial, with each number of items: behind a divisor and the numbers of multiples.
    const wrong = flipping(
      engines.thread,
      (first) => first === 16,
      (work) => 1 + paramOf(work, "divisors"),
    );
    await expect(count(tail, "a", { engine: wrong, recheck: 1 })).rejects.toThrow(
      /^part 0, trials 16\.\.23, word \d+ of \d+: cpu .* the trials are not kept$/,
    );
    await count(tail, "b", { engine: wrong });
    await count(tail, "c");
    await expect(merge(tail, "b", "c")).rejects.toThrow(ContradictionError);
  });

  test("Shards of one folder share the scan of required items", async () => {
    for (let index = 0; index < 3; index++) await count(required, "out", { shard: { index, count: 3 } });
    const { union, missing } = await merge(required, "out");
    expect({ missing, twice: countedTwice(union) }).toEqual({ missing: [], twice: 0 });
  });
});
