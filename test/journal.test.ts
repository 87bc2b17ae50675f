// The journal of a sweep: it survives damage, kills and full disks, and its totals are exact.

import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Attempt, JournalError, type AttemptInternals } from "../host/node/journal/attempt.ts";
import type { Json } from "../host/node/journal/configuration.ts";
import type { Parts } from "../host/node/journal/format.ts";
import type { FileSystem } from "../host/node/platform/fileSystem.ts";
import { readJournals, type Union } from "../host/node/journal/read.ts";
import { ContradictionError } from "../host/node/journal/sums.ts";
import { RequestError } from "../src/errors.ts";
import { dyadicCount } from "../src/ranges.ts";
import { faultyFiles, killAt, Killed, systemError, type FaultyFiles } from "./faultyFiles.ts";

const parts: Parts = {
  a: { unit: 4, layout: { length: 4, pairs: [2] } },
  b: { unit: 8, layout: { length: 2, pairs: [] } },
};
const configuration: Json = { sweeps: [{ items: { from: 1, to: 3 } }] };
const reading = { configuration, partsOf: () => parts };

/** Pseudorandom words of 32 bits. */
function randomWords(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.imul(state ^ (state >>> 15), 0x85ebca6b) >>> 0;
  };
}

/** A line with the checksum that follows `checksum`. */
function sealed(checksum: string, value: object): string {
  const body = JSON.stringify(value).slice(0, -1);
  const next = createHash("sha256")
    .update(checksum + body)
    .digest("hex")
    .slice(0, 16);
  return `${body},"checksum":"${next}"}\n`;
}

/** Bytes of which one bit is another. */
function flipped(bytes: Buffer, bit: number): Buffer {
  const changed = Buffer.from(bytes);
  changed[bit >> 3]! ^= 1 << (bit & 7);
  return changed;
}

/** What trial t of a part adds to each count; the pair counts as one. */
function trialOf(part: string, t: number): number[] {
  const hash = Math.imul(t + part.charCodeAt(0), 2_654_435_761) >>> 0;
  return part === "a" ? [1, hash % 5, 2 ** 33 + hash] : [1, hash % 3];
}

/** The tally of trials first..first + count - 1, by plain addition. */
function tallyOf(part: string, first: number, count: number): number[] {
  const counts = trialOf(part, 0).map(() => 0);
  for (let t = first; t < first + count; t++) trialOf(part, t).forEach((value, i) => (counts[i]! += value));
  return part === "a"
    ? [counts[0]!, counts[1]!, counts[2]! % 2 ** 32, Math.floor(counts[2]! / 2 ** 32)]
    : counts;
}

const rangeOf = (part: string, first: number, count: number) => ({
  part,
  first,
  count,
  words: tallyOf(part, first, count),
});

const openAttempt = (
  folder: string,
  asked: Readonly<Record<string, number>> = { a: 64, b: 64 },
  { shard = "0/1", ...internals }: AttemptInternals & { shard?: string } = {},
) =>
  Attempt.open(
    folder,
    { configuration, version: "1", engine: "cpu", adapter: "x", shard, asked },
    parts,
    internals,
  );

/** Writes an attempt with one flush for each list of ranges `[part, first, count]`. */
async function write(
  folder: string,
  flushes: readonly (readonly (readonly [string, number, number])[])[],
  internals: AttemptInternals = {},
): Promise<string> {
  const attempt = await openAttempt(folder, undefined, internals);
  for (const ranges of flushes) {
    for (const range of ranges) attempt.add(rangeOf(...range));
    await attempt.flush();
  }
  await attempt.close();
  return attempt.file;
}

/** The totals of a union are those of the trials that it does not call missing; answers how many these are. */
function compareTotals(union: Union, trials: Readonly<Record<string, number>>): number {
  let counted = 0;
  for (const [part, asked] of Object.entries(trials)) {
    const expected = tallyOf(part, 0, asked);
    const truth = new BigIntTally(part, expected);
    for (const { first, count } of union.missing(part, asked)) truth.subtract(tallyOf(part, first, count));
    const total = union.total(part, asked);
    expect({ part, trials: total.trials, words: [...total.words] }).toEqual({ part, ...truth.result() });
    counted += total.trials;
  }
  return counted;
}

/** A tally as integers of any size, from which others are taken away. */
class BigIntTally {
  readonly #counts: bigint[];
  readonly #isPaired: boolean;

  constructor(part: string, words: readonly number[]) {
    this.#isPaired = part === "a";
    this.#counts = this.#countsOf(words);
  }

  #countsOf(words: readonly number[]): bigint[] {
    const [zero, one, low, high] = words.map(BigInt);
    return this.#isPaired ? [zero!, one!, low! + (high! << 32n)] : [zero!, one!];
  }

  subtract(words: readonly number[]): void {
    this.#countsOf(words).forEach((count, i) => (this.#counts[i]! -= count));
  }

  result(): { trials: number; words: number[] } {
    const [zero, one, pair = 0n] = this.#counts;
    const words = [zero!, one!, ...(this.#isPaired ? [pair & 0xffffffffn, pair >> 32n] : [])].map(Number);
    return { trials: words[0]!, words };
  }
}

/** Counts all that is missing, as a new attempt does. */
async function complete(folder: string, trials: Readonly<Record<string, number>>): Promise<void> {
  const union = await readJournals([folder], reading);
  const attempt = await openAttempt(folder, trials);
  for (const [part, asked] of Object.entries(trials))
    for (const { first, count } of union.missing(part, asked))
      for (let at = first, step = 0; at < first + count; at += step) {
        step = dyadicCount(parts[part]!.unit, at, first + count);
        attempt.add(rangeOf(part, at, step));
      }
  await attempt.close();
  const completed = await readJournals([folder], reading);
  for (const [part, asked] of Object.entries(trials)) expect(completed.missing(part, asked)).toEqual([]);
  compareTotals(completed, trials);
}

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "exacta-journal-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

const journalIn = (results: string) => join(results, "journal", readdirSync(join(results, "journal"))[0]!);

describe("Journal", () => {
  test("Ranges that are added in any order are read again, with the header and the events", async () => {
    const attempt = await openAttempt(folder, { a: 30, b: 64 }, { shard: "3/7" });
    attempt.event("The GPU was lost.");
    for (const [first, count] of [
      [28, 2],
      [4, 4],
      [16, 8],
      [0, 4],
    ] as const)
      attempt.add(rangeOf("a", first, count));
    await attempt.close();
    expect(basename(attempt.file)).toMatch(/^3of7-[0-9a-f]{16}\.jsonl$/);
    const union = await readJournals([folder], reading);
    expect(union.missing("a", 30)).toEqual([
      { first: 8, count: 8 },
      { first: 24, count: 4 },
    ]);
    expect(union.missing("a", 30, 12)).toEqual([
      { first: 12, count: 4 },
      { first: 24, count: 4 },
    ]);
    expect(union.missing("b", 64)).toEqual([{ first: 0, count: 64 }]);
    expect(compareTotals(union, { a: 30, b: 64 })).toBe(18);
    expect(union.asked("a")).toBe(30);
    const [{ header, events }] = union.attempts as [Union["attempts"][number]];
    expect(header).toMatchObject({ kind: "journal", schema: 1, configuration, shard: "3/7" });
    expect(events).toEqual([
      { event: "The GPU was lost.", at: expect.stringMatching(/^\d{4}-.*Z$/) as string },
    ]);
  });

  test("A flush writes halves as one range, and nothing again", async () => {
    const attempt = await openAttempt(folder);
    for (let first = 16; first < 32; first += 4) attempt.add(rangeOf("a", first, 4));
    await attempt.flush();
    const size = statSync(attempt.file).size;
    await attempt.flush();
    await attempt.close();
    expect(statSync(attempt.file).size).toBe(size);
    const [{ ranges }] = (await readJournals([folder], reading)).attempts as [Union["attempts"][number]];
    expect(ranges).toEqual([{ part: "a", first: 16, count: 16 }]);
  });

  test("The total of the first unit * 2^j trials is known for every j, whatever follows", async () => {
    await write(folder, [Array.from({ length: 16 }, (_, i) => ["a", 4 * i, 4] as const)], { maxBytes: 600 });
    const union = await readJournals([folder], reading);
    for (const trials of [4, 8, 16, 32, 64]) {
      expect(union.missing("a", trials)).toEqual([]);
      compareTotals(union, { a: trials });
    }
  });

  test("A range that ends behind the trials asked for is missing, and so is a partial unit that ends before them", async () => {
    await write(folder, [[["a", 8, 2]], [["a", 16, 8]]]);
    const union = await readJournals([folder], reading);
    expect(union.missing("a", 20)).toEqual([{ first: 0, count: 20 }]);
    expect(union.missing("a", 24)).toEqual([{ first: 0, count: 16 }]);
    expect(union.missing("a", 10)).toEqual([{ first: 0, count: 8 }]);
  });

  test("Nested ranges count once", async () => {
    await write(folder, [[["a", 16, 16]], [["a", 16, 4]], [["a", 28, 2]], [["a", 28, 4]], [["a", 16, 16]]]);
    const union = await readJournals([folder, folder, join(folder, "journal")], reading);
    expect(union.attempts).toHaveLength(1);
    expect(union.total("a", 64)).toEqual({ trials: 16, words: Float64Array.from(tallyOf("a", 16, 16)) });
  });

  test.each([
    [2, 4],
    [0, 12],
    [4, 8],
    [0, 6],
    [0, 0],
    [-4, 4],
    [0.5, 4],
  ])("Trials from %d, %d of them, are refused as a range", async (first, count) => {
    const attempt = await openAttempt(folder);
    expect(() => attempt.add({ part: "a", first, count, words: [0, 0, 0, 0] })).toThrow(RangeError);
    await attempt.close();
  });

  test("A file over its limit is replaced by a snapshot with the same trials in fewer ranges", async () => {
    const flushes = Array.from({ length: 64 }, (_, i) => [["a", 256 + 4 * i, 4] as const]);
    const [large, small] = [join(folder, "large"), join(folder, "small")];
    await write(large, flushes);
    await write(small, flushes, { maxBytes: 1000 });
    const [whole, summed] = [await readJournals([large], reading), await readJournals([small], reading)];
    expect(whole.attempts[0]!.ranges).toHaveLength(64);
    expect(summed.attempts[0]!.ranges.length).toBeLessThan(10);
    expect(readdirSync(join(small, "journal"))).toHaveLength(1);
    expect(compareTotals(whole, { a: 512 })).toBe(256);
    expect(compareTotals(summed, { a: 512 })).toBe(256);
    await expect(readJournals([large, small], reading)).resolves.toBeDefined();
  });

  test("Words up to 2^53 - 1 are read as they were added, and a low word that overflows carries", async () => {
    const most = 2 ** 53 - 1;
    const attempt = await openAttempt(folder);
    attempt.add({ part: "a", first: 4, count: 4, words: [most, 4_294_967_296, 2 ** 32 + 7, 3] });
    attempt.add({ part: "a", first: 8, count: 4, words: [0, most - 4_294_967_296, 2 ** 32 - 7, 0] });
    await attempt.close();
    const { words } = (await readJournals([folder], reading)).total("a", 64);
    expect([...words]).toEqual([most, most, 0, 5]);
  });

  test("A snapshot reaches the disk before its name does, and the folder after", async () => {
    const { fileSystem, calls, end } = faultyFiles(() => undefined);
    await write(
      folder,
      [...Array(20).keys()].map((i) => [["a", 4 * i, 4] as const]),
      { fileSystem, maxBytes: 1000 },
    );
    await end();
    const renames = calls.flatMap(({ name }, i) => (name === "rename" ? [i] : []));
    expect(renames.length).toBeGreaterThan(0);
    for (const i of renames) {
      expect(calls[i - 1]!.name).toBe("sync");
      expect(calls[i - 1]!.file).toMatch(/\.tmp$/);
      expect(calls[i + 1]).toEqual({ name: "syncFolder", file: join(folder, "journal") });
    }
  });

  test("Eight attempts that begin at once in a missing folder all succeed, 20 times", async () => {
    for (let round = 0; round < 20; round++) {
      const results = join(folder, String(round), "a", "b");
      const attempts = await Promise.all(Array.from({ length: 8 }, () => openAttempt(results)));
      attempts.forEach((attempt, i) => attempt.add(rangeOf("a", 8 * i, 8)));
      await Promise.all(attempts.map((attempt) => attempt.close()));
      expect((await readJournals([results], reading)).missing("a", 64)).toEqual([]);
    }
  });

  test("A folder without a journal has counted nothing", async () => {
    const union = await readJournals([folder, join(folder, "none")], reading);
    expect(union.attempts).toEqual([]);
    expect(union.missing("b", 20)).toEqual([{ first: 0, count: 20 }]);
    expect(union.total("b", 20)).toEqual({ trials: 0, words: new Float64Array(2) });
  });
});

describe("Damage", () => {
  const trials = { a: 32, b: 16 };

  /** Two attempts that have counted all but trials 24..27 of part a. */
  async function writeSmall(): Promise<string> {
    await write(folder, [[["b", 0, 16]]]);
    const attempt = await openAttempt(folder, trials);
    attempt.event("A thread died.");
    for (const [first, count] of [
      [0, 16],
      [16, 8],
    ] as const) {
      attempt.add(rangeOf("a", first, count));
      await attempt.flush();
    }
    attempt.add(rangeOf("a", 28, 4));
    await attempt.close();
    return attempt.file;
  }

  /** Reads the journals: the truth, or a refusal that names the file. Answers whether they were refused. */
  async function compareDamaged(file: string): Promise<boolean> {
    try {
      compareTotals(await readJournals([folder], reading), trials);
      return false;
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      expect(error.path[0]).toBe(file);
      return true;
    }
  }

  test("A changed byte heals or is refused with file, line and byte", async () => {
    const file = await writeSmall();
    const bytes = readFileSync(file);
    // The newline of the last line comes first: without it, the line is dropped.
    const healed = [];
    for (let i = bytes.length - 1; i >= 0; i -= 3) {
      writeFileSync(file, flipped(bytes, 8 * i + (i % 8)));
      if (!(await compareDamaged(file))) healed.push(i);
    }
    expect(healed).toEqual([bytes.length - 1]);
    const third = bytes.indexOf("\n", bytes.indexOf("\n") + 1) + 1;
    writeFileSync(file, flipped(bytes, 8 * (third + 20)));
    await expect(readJournals([folder], reading)).rejects.toMatchObject({
      path: [file, `line 3 at byte ${third}`],
      message: expect.stringMatching(
        /remove it, and its ranges are counted again by the next run$/,
      ) as string,
    });
  });

  test(
    "A journal with one bit of any byte flipped, or with any third byte replaced by a newline, heals or is refused",
    { tags: ["wide"] },
    async () => {
      const file = await writeSmall();
      const bytes = readFileSync(file);
      for (let i = 0; i < bytes.length; i++) {
        // Its checksum covers all of a line, so that every bit of a byte shows what any of them shows.
        writeFileSync(file, flipped(bytes, 8 * i + (i % 8)));
        await compareDamaged(file);
        if (i % 3 > 0) continue;
        const changed = Buffer.from(bytes);
        changed[i] = 10;
        writeFileSync(file, changed);
        await compareDamaged(file);
      }
    },
  );

  /** A journal that is cut at every `step`-th byte has, with each length, the ranges of its whole lines. */
  async function compareCuts(step: number): Promise<void> {
    const file = await writeSmall();
    const bytes = readFileSync(file);
    for (let length = bytes.length; length >= 0; length -= step) {
      writeFileSync(file, bytes.subarray(0, length));
      const lines = bytes.subarray(0, length).toString().split("\n").length - 1;
      expect(compareTotals(await readJournals([folder], reading), trials)).toBe(
        [16, 16, 16, 32, 40, 44][lines],
      );
    }
  }

  test("A journal that is cut has the ranges of its whole lines", () => compareCuts(5));

  test("A journal that is cut at any byte has the ranges of its whole lines", { tags: ["wide"] }, () =>
    compareCuts(1),
  );

  test("Lines that are swapped, doubled or dropped are refused, but for the last one dropped", async () => {
    const file = await writeSmall();
    const lines = readFileSync(file, "utf8").split(/(?<=\n)/);
    expect(lines).toHaveLength(5);
    for (let i = 0; i < lines.length; i++) {
      for (let k = i + 1; k < lines.length; k++) {
        writeFileSync(file, lines.with(i, lines[k]!).with(k, lines[i]!).join(""));
        expect(await compareDamaged(file), `lines ${i} and ${k} swapped`).toBe(true);
      }
      writeFileSync(file, lines.toSpliced(i, 0, lines[i]!).join(""));
      expect(await compareDamaged(file), `line ${i} doubled`).toBe(true);
      writeFileSync(file, lines.toSpliced(i, 1).join(""));
      expect(await compareDamaged(file), `line ${i} dropped`).toBe(i < lines.length - 1);
    }
  });

  test("Lines of another journal are refused, and so is a line with a wrong range whose checksum is right", async () => {
    const file = await writeSmall();
    const lines = readFileSync(file, "utf8").split(/(?<=\n)/);
    const other = await write(join(folder, "other"), [[["b", 8, 8]]]);
    writeFileSync(file, [...lines, readFileSync(other, "utf8").split(/(?<=\n)/)[1]!].join(""));
    expect(await compareDamaged(file)).toBe(true);
    const checksum = /"checksum":"(.*)"/.exec(lines.at(-1)!)![1]!;
    const right = rangeOf("a", 24, 4);
    writeFileSync(file, lines.join("") + sealed(checksum, right));
    expect(await compareDamaged(file)).toBe(false);
    for (const wrong of [
      { count: 12 },
      { first: 2 },
      { first: "24" },
      { part: "c" },
      { part: "toString" },
      { words: [1, 2, 3] },
      { words: [1, 2, 2 ** 32, 3] },
      { words: [1, -2, 2, 3] },
      { words: [1, 0.5, 2, 3] },
      { words: [1, null, 2, 3] },
    ]) {
      writeFileSync(file, lines.join("") + sealed(checksum, { ...right, ...wrong }));
      expect(await compareDamaged(file), JSON.stringify(wrong)).toBe(true);
    }
  });

  test("Files that are no journals are not read", async () => {
    const file = await writeSmall();
    copyFileSync(file, `${file}.0123456789abcdef.tmp`);
    writeFileSync(join(folder, "journal", "0of1-0123456789abcdef.jsonl"), "");
    writeFileSync(join(folder, "journal", "notes.txt"), "Notes.");
    const union = await readJournals([folder], reading);
    expect(union.attempts).toHaveLength(2);
  });
});

describe("Configurations", () => {
  async function begin(results: string, configuration: Json): Promise<string> {
    const description = {
      configuration,
      version: "0.9",
      engine: "gpu",
      adapter: "y",
      shard: "0/1",
      asked: {},
    };
    const attempt = await Attempt.open(results, description, parts);
    await attempt.close();
    return attempt.file;
  }

  test.each<[Json, string, string, string]>([
    [{ sweeps: [{ items: { from: 1, to: 4 } }] }, "sweeps.0.items.to", "3", "4"],
    [{ sweeps: [{ items: { from: 1 } }] }, "sweeps.0.items.to", "3", "nothing"],
    [{ sweeps: [{ items: { from: 1, to: 3 } }], seed: "5" }, "seed", "nothing", '"5"'],
    [{ sweeps: [{ items: 3 }] }, "sweeps.0.items", '{"from":1,"to":3}', "3"],
    [{ sweeps: [] }, "sweeps.0", '{"items":{"from":1,"to":3}}', "nothing"],
    [
      { sweeps: { 0: { items: { from: 1, to: 3 } } } },
      "sweeps",
      '[{"items":{"from":1,"to":3}}]',
      '{"0":{"items":{"from":1,"to":3}}}',
    ],
  ])("The configuration %j is refused by its field %s", async (other, field, ours, theirs) => {
    const file = await begin(folder, other);
    const refusal = await readJournals([folder], reading).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(RequestError);
    expect((refusal as RequestError).message).toBe(
      `${file}: line 1 at byte 0: ${field}: expected ${ours} as in this command, got ${theirs}; ` +
        "the journal is of another sweep; choose another folder",
    );
  });

  test("Two configurations among folders are refused, and both files are named", async () => {
    const files = [await begin(join(folder, "a"), { bits: 4 }), await begin(join(folder, "b"), { bits: 5 })];
    const [first, second] = files.toSorted((a, b) => (basename(a) < basename(b) ? -1 : 1));
    await expect(
      readJournals([join(folder, "a"), join(folder, "b")], { partsOf: () => parts }),
    ).rejects.toMatchObject({
      path: [second, "line 1 at byte 0"],
      field: "bits",
      expected: expect.stringContaining(`as in ${first}`) as string,
    });
  });

  test("The order of keys makes no difference, and neither does the version of exacta", async () => {
    await begin(folder, { sweeps: [{ items: { to: 3, from: 1 } }] });
    expect((await readJournals([folder], reading)).attempts).toHaveLength(1);
  });

  test("Another schema is refused by its number, however its lines are sealed", async () => {
    await write(folder, []);
    const file = journalIn(folder);
    writeFileSync(file, `{"kind":"journal","schema":2,"version":"3.0.0"}\n`);
    await expect(readJournals([folder], reading)).rejects.toMatchObject({
      field: "schema",
      received: 2,
      message: expect.stringMatching(/3\.0\.0/) as string,
    });
  });

  test("A digest that is not of the configuration is refused", async () => {
    const file = await begin(folder, configuration);
    const body = readFileSync(file, "utf8")
      .replace(/,"checksum".*\n/, "")
      .replace('"to":3', '"to":4');
    writeFileSync(file, sealed("", JSON.parse(`${body}}`) as object));
    await expect(readJournals([folder], { partsOf: () => parts })).rejects.toMatchObject({ field: "digest" });
  });
});

describe("Kills and full disks", () => {
  const trials = { a: 62, b: 40 };
  const flushes: readonly (readonly (readonly [string, number, number])[])[] = [
    [
      ["a", 0, 4],
      ["a", 4, 4],
      ["b", 0, 8],
    ],
    [
      ["a", 16, 4],
      ["a", 20, 4],
    ],
    [
      ["a", 60, 2],
      ["b", 16, 8],
    ],
    [
      ["a", 24, 8],
      ["b", 24, 8],
    ],
    [
      ["a", 8, 8],
      ["b", 8, 8],
    ],
  ];
  const added = flushes.flat();

  /**
   * Writes an attempt, whose file soon is replaced by snapshots, up to a flush that fails. Answers the number of ranges that were
   * flushed before.
   */
  async function writeUntilKilled(fileSystem: FileSystem): Promise<number> {
    let flushed = 0;
    try {
      const attempt = await openAttempt(folder, trials, { fileSystem, maxBytes: 800 });
      for (const ranges of flushes) {
        for (const range of ranges) attempt.add(rangeOf(...range));
        attempt.event("A thread died.");
        await attempt.flush();
        flushed += ranges.length;
      }
    } catch (error) {
      expect((error as Error).cause).toBeInstanceOf(Killed);
    }
    return flushed;
  }

  const countOf = (ranges: typeof added) => ranges.reduce((sum, [, , count]) => sum + count, 0);

  /** The journals have counted what was flushed, and nothing that was not added; then the sweep is completed. */
  async function compareSurvivors(flushed: number): Promise<void> {
    const counted = compareTotals(await readJournals([folder], reading), trials);
    expect(counted).toBeGreaterThanOrEqual(countOf(added.slice(0, flushed)));
    expect(counted).toBeLessThanOrEqual(countOf(added.slice(0, flushed + 3)));
    await complete(folder, trials);
  }

  /** Kills an attempt at each of its calls, and checks the journals after `crash`. */
  async function compareKilled(done: number, crash: (files: FaultyFiles) => Promise<void>): Promise<void> {
    let calls = Infinity;
    for (let kill = 0; kill < calls; kill++) {
      const files = faultyFiles(killAt(kill), done);
      const flushed = await writeUntilKilled(files.fileSystem);
      await crash(files);
      await files.end();
      await compareSurvivors(flushed);
      if (files.calls.length <= kill) calls = kill;
      rmSync(join(folder, "journal"), { recursive: true, force: true });
    }
    expect(calls).toBeGreaterThan(30);
  }

  const killOnly = () => Promise.resolve();

  test("A kill at any call, with half of a write done, loses nothing that was flushed", () =>
    compareKilled(0.5, killOnly));

  test.each([0, 1])(
    "A kill at any call, with %d of its work done, loses nothing that was flushed",
    { tags: ["wide"] },
    (done) => compareKilled(done, killOnly),
  );

  test("A loss of power at any call, with names that are not synced, loses nothing that was flushed", () =>
    compareKilled(1, (files) => files.losePower(true)));

  test("A loss of power at any call, but for names, loses nothing that was flushed", { tags: ["wide"] }, () =>
    compareKilled(1, (files) => files.losePower(false)),
  );

  test("A full disk at any write is an error with the name of the file, and the next flush writes all", async () => {
    let failed = 0;
    for (const name of ["append", "sync", "rename", "create"] as const) {
      let at = 1;
      for (let done = false; !done; at++) {
        let seen = 0;
        const { fileSystem, end } = faultyFiles(
          (_, call) => (call.name === name && seen++ === at ? systemError("ENOSPC") : undefined),
          0.5,
        );
        const attempt = await openAttempt(folder, trials, { fileSystem, maxBytes: 800 });
        done = true;
        for (const ranges of flushes) {
          const before = compareTotals(await readJournals([folder], reading), trials);
          for (const range of ranges) attempt.add(rangeOf(...range));
          const error: unknown = await attempt.flush().catch((error: unknown) => error);
          if (error === undefined) continue;
          done = false;
          failed++;
          expect(error).toBeInstanceOf(JournalError);
          expect((error as Error).message).toBe(
            `${attempt.file}: the journal cannot be written: ENOSPC: planted`,
          );
          expect(compareTotals(await readJournals([folder], reading), trials)).toBeGreaterThanOrEqual(before);
        }
        await attempt.close();
        await end();
        expect(compareTotals(await readJournals([folder], reading), trials)).toBe(countOf(added));
        expect(readdirSync(join(folder, "journal")).filter((file) => file.endsWith(".tmp"))).toEqual([]);
        rmSync(join(folder, "journal"), { recursive: true });
      }
    }
    expect(failed).toBeGreaterThan(20);
  });

  test("A disk that stays full leaves what was journaled before", async () => {
    let isFull = false;
    const { fileSystem, end } = faultyFiles(
      (_, { name }) => (isFull && name === "append" ? systemError("ENOSPC") : undefined),
      0.5,
    );
    const attempt = await openAttempt(folder, trials, { fileSystem });
    attempt.add(rangeOf("a", 0, 8));
    await attempt.flush();
    isFull = true;
    attempt.add(rangeOf("a", 8, 8));
    await expect(attempt.flush()).rejects.toThrow(JournalError);
    await expect(attempt.close()).rejects.toThrow(JournalError);
    expect(compareTotals(await readJournals([folder], reading), trials)).toBe(8);
    await expect(openAttempt(folder, trials, { fileSystem })).rejects.toThrow(/of[^;]*jsonl: ENOSPC/);
    await end();
    await complete(folder, trials);
  });
});

describe("Histories", () => {
  /** Draws attempts over shards that count, flush, die, repeat and extend, and checks every union. */
  async function compareHistory(seed: number): Promise<void> {
    const random = randomWords(seed);
    const below = (n: number) => random() % n;
    const results = join(folder, String(seed));
    const folders = [join(results, "x"), join(results, "y")];
    const shards = 1 + below(3);
    let trials = { a: 1 + below(100), b: 1 + below(100) };
    let before = { trials, counted: 0 };
    for (let round = 0; round < 6; round++) {
      if (below(3) === 0) trials = { a: trials.a + below(60), b: trials.b + below(60) };
      const union = await readJournals(folders, reading);
      const shard = below(shards);
      const files = faultyFiles(killAt(below(3) === 0 ? 5 + below(40) : Infinity), below(3) / 2);
      const home = folders[below(2)]!;
      try {
        const attempt = await openAttempt(home, trials, {
          shard: `${shard}/${shards}`,
          fileSystem: files.fileSystem,
          maxBytes: 600 + below(1000),
        });
        for (const range of shuffled(batches(union, trials, shard, shards), below)) {
          attempt.add(range);
          if (below(3) === 0) await attempt.flush();
        }
        await attempt.close();
      } catch (error) {
        expect((error as Error).cause).toBeInstanceOf(Killed);
      }
      if (below(2) === 0) await files.losePower(below(2) === 0);
      await files.end();
      if (below(4) === 0) copyJournal(home, folders[1]!, seed);
      const counted = compareTotals(await readJournals(shuffled(folders, below), reading), trials);
      if (trials === before.trials) expect(counted).toBeGreaterThanOrEqual(before.counted);
      before = { trials, counted };
    }
    await complete(folders[0]!, trials);
    const whole = await readJournals(folders, reading);
    expect(compareTotals(whole, trials)).toBe(trials.a + trials.b);
    await compareContradiction(folders, whole, below);
  }

  /** Copies a journal under another token, as when a folder is copied while its attempt goes on. */
  function copyJournal(from: string, to: string, seed: number): void {
    if (!existsSync(join(from, "journal"))) return;
    const name = readdirSync(join(from, "journal")).find((name) => name.endsWith(".jsonl"));
    if (name === undefined) return;
    mkdirSync(join(to, "journal"), { recursive: true });
    const copy = name.replace(/-.{8}/, `-${10_000_000 + seed}`);
    copyFileSync(join(from, "journal", name), join(to, "journal", copy));
  }

  /** The batches of a shard that are missing, and some that are not. Their sizes are drawn. */
  function batches(union: Union, trials: Readonly<Record<string, number>>, shard: number, shards: number) {
    return Object.entries(trials).flatMap(([part, asked]) => {
      const { unit } = parts[part]!;
      const ranges = shard === 0 ? [{ first: 0, count: asked }] : union.missing(part, asked);
      return ranges.flatMap(({ first, count }) => {
        const found = [];
        for (let at = first, step = 0; at < first + count; at += step) {
          step = dyadicCount(unit, at, Math.min(first + count, at + 2 * unit));
          if (Math.floor(at / unit) % shards === shard) found.push(rangeOf(part, at, step));
        }
        return found;
      });
    });
  }

  function shuffled<T>(values: readonly T[], below: (n: number) => number): T[] {
    return values
      .map((value) => ({ value, key: below(2 ** 20) }))
      .toSorted((a, b) => a.key - b.key)
      .map(({ value }) => value);
  }

  /** A wrong word in a range that is there already, in its halves or in the range that it is a half of, is found. */
  async function compareContradiction(
    folders: readonly string[],
    union: Union,
    below: (n: number) => number,
  ): Promise<void> {
    const all = union.attempts.flatMap(({ ranges }) => ranges);
    const { part, first, count } = all[below(all.length)]!;
    const isSplit = count > parts[part]!.unit && below(2) === 0;
    const ranges = isSplit
      ? [rangeOf(part, first, count / 2), rangeOf(part, first + count / 2, count / 2)]
      : [rangeOf(part, first, count)];
    const word = below(parts[part]!.layout.length);
    const wrong = ranges[below(ranges.length)]!;
    const value = wrong.words[word]!;
    wrong.words[word] = value === 2 ** 32 - 1 ? value - 1 : value + 1;
    const attempt = await openAttempt(join(folders[0]!, "wrong"), { a: 200, b: 200 });
    for (const range of ranges) {
      attempt.add(range);
      await attempt.flush();
    }
    await attempt.close();
    const read = readJournals(shuffled([...folders, join(folders[0]!, "wrong")], below), reading);
    const error = await read.catch((error: unknown) => error);
    expect(error).toBeInstanceOf(ContradictionError);
    const { files, values, ...found } = error as ContradictionError;
    expect(found).toMatchObject({ part, word });
    expect(files.flat()).toContain(attempt.file);
    expect(Math.abs(values[0] - values[1])).toBe(1);
    expect((error as Error).message).toContain(`word ${word} is ${values[0]} in `);
  }

  test.each([1, 2, 3, 4, 5, 6, 7, 8])("The history of seed %d has exact totals", compareHistory);

  test("The histories of 12 seeds have exact totals", { tags: ["wide"] }, async () => {
    for (let seed = 100; seed < 112; seed++) {
      await compareHistory(seed);
      rmSync(join(folder, String(seed)), { recursive: true });
    }
  });
});
