// The ledger of a sweep keeps the tallies of all counted ranges: in a journal on the disk, or in memory without a folder.

import type { TrialRange } from "../../../src/ranges.ts";
import type { Totals } from "../../schedule.ts";
import { Attempt } from "../journal/attempt.ts";
import type { AttemptDescription, Parts } from "../journal/format.ts";
import { readJournals, Union } from "../journal/read.ts";
import { sumsOf } from "../journal/sums.ts";

export interface Ledger {
  /** What was counted before this attempt; undefined in memory. */
  readonly before: Union | undefined;
  /** The trials 0..trials - 1 of a part that are not counted, in order; they begin at a unit. */
  readonly missing: (part: string, trials: number) => readonly TrialRange[];
  /** The sum of what is counted of the first `trials` trials of a part. */
  readonly total: (part: string, trials: number) => Totals;
  /** Prepares for `add` and `event`. */
  readonly begin: (description: AttemptDescription) => Promise<void>;
  /** Takes the tally of a dyadic range (src/ranges.ts). */
  readonly add: (part: string, range: TrialRange, words: Float64Array) => void;
  /** Takes a sentence about what happened. */
  readonly event: (sentence: string) => void;
  /**
   * Resolves when all that was added is on the disk.
   * @throws {JournalError} It cannot be written.
   */
  readonly flush: () => Promise<void>;
  /** Flushes, and reads what all attempts have counted by now. */
  readonly refresh: () => Promise<Union | undefined>;
  readonly close: () => Promise<void>;
}

/** A ledger that lasts as long as the process. Its ranges are summed as those of a journal are, so that it stays small. */
export function memoryLedger(parts: Parts): Ledger {
  const sums = sumsOf(parts, false);
  const union = new Union([], parts, sums);
  return {
    before: undefined,
    missing: (part, trials) => union.missing(part, trials),
    total: (part, trials) => union.total(part, trials),
    async begin() {},
    add: (part, range, words) => sums.get(part)!.insert(range, Float64Array.from(words), []),
    event() {},
    async flush() {},
    async refresh() {
      return undefined;
    },
    async close() {},
  };
}

/**
 * The ledger of a folder.
 * @throws {RequestError} A journal of the folder is damaged, or has another configuration.
 * @throws {ContradictionError} The same trials were counted with two results.
 */
export async function journalLedger(
  folder: string,
  configuration: AttemptDescription["configuration"],
  parts: Parts,
): Promise<Ledger> {
  const read = () => readJournals([folder], { configuration, partsOf: () => parts });
  let union = await read();
  let attempt: Attempt | undefined;
  return {
    before: union,
    missing: (part, trials) => union.missing(part, trials),
    total: (part, trials) => union.total(part, trials),
    async begin(description) {
      attempt ??= await Attempt.open(folder, description, parts);
    },
    add(part, range, words) {
      attempt!.add({ part, ...range, words });
    },
    event: (sentence) => attempt?.event(sentence),
    flush: async () => attempt?.flush(),
    async refresh() {
      await attempt?.flush();
      union = await read();
      return union;
    },
    close: async () => attempt?.close(),
  };
}
