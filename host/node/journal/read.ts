// The journals of a sweep together: their totals, the trials that are missing, and the attempts.

import { readdir } from "node:fs/promises";
import path from "node:path";
import { Described, RequestError } from "../../../src/errors.ts";
import { addTally } from "../../../src/tally.ts";
import type { TrialRange } from "../../../src/ranges.ts";
import { configurationDigest, firstDifference, type Json } from "./configuration.ts";
import {
  JOURNAL_FOLDER,
  readAttempt,
  readHeaderOf,
  type AttemptRecord,
  type JournalHeader,
  type Part,
  type PartRange,
  type Parts,
  type Receiver,
} from "./format.ts";
import { ForgottenRange, RangeSums } from "./sums.ts";

export interface ReadOptions {
  /** The configuration that all journals must have. Default: that of the first one. */
  readonly configuration?: Json | undefined;
  /** The parts of a configuration. */
  readonly partsOf: (configuration: Json) => Parts;
}

/** An attempt with the ranges of its journal. */
export interface CountedAttempt extends AttemptRecord {
  readonly ranges: readonly Omit<PartRange, "words">[];
}

/** The exact tally of disjoint ranges of a part. */
export interface Total {
  /** The number of trials counted. */
  readonly trials: number;
  readonly words: Float64Array<ArrayBuffer>;
}

/** All that the journals of a sweep have counted. */
export class Union {
  /** The attempts in the order of the names of their files. */
  readonly attempts: readonly CountedAttempt[];
  /** The parts of the configuration; none where there is neither a journal nor an expected configuration. */
  readonly parts: Parts;
  readonly #sums: ReadonlyMap<string, RangeSums>;

  constructor(attempts: readonly CountedAttempt[], parts: Parts, sums: ReadonlyMap<string, RangeSums>) {
    this.attempts = attempts;
    this.parts = parts;
    this.#sums = sums;
  }

  /** The configuration of the journals; undefined where there is none. */
  get configuration(): Json | undefined {
    return this.attempts[0]?.header.configuration;
  }

  /** The largest number of trials that an attempt was asked to count. */
  asked(part: string): number {
    return this.attempts.reduce((most, { header }) => Math.max(most, header.asked[part] ?? 0), 0);
  }

  /** The trials from..trials - 1 that `total` does not count, in order. They begin at a unit and end at one, or at the end. */
  missing(part: string, trials: number, from = 0): TrialRange[] {
    const missing: TrialRange[] = [];
    let covered = from;
    for (const { first, count } of this.#rangesWithin(part, trials)) {
      if (first > covered) missing.push({ first: covered, count: first - covered });
      covered = Math.max(covered, first + count);
    }
    if (trials > covered) missing.push({ first: covered, count: trials - covered });
    return missing;
  }

  /** The exact sum of disjoint ranges that cover most of the first `trials` trials. */
  total(part: string, trials: number): Total {
    const { layout } = this.parts[part]!;
    const words = new Float64Array(layout.length);
    let counted = 0;
    for (const range of this.#rangesWithin(part, trials)) {
      addTally(layout, words, range.words);
      counted += range.count;
    }
    return { trials: counted, words };
  }

  #rangesWithin(part: string, trials: number): Iterable<PartRange> {
    return this.#sums.get(part)!.rangesWithin(trials);
  }
}

/**
 * Reads all journals of folders.
 * @param folders Folders of results, of which the folder `journal` is read, or folders of journals. A folder may be missing.
 * @throws {RequestError} A journal cannot be read, is damaged, has an unknown schema or another configuration.
 * @throws {ContradictionError} The same trials were counted with two results.
 */
export async function readJournals(folders: readonly string[], options: ReadOptions): Promise<Union> {
  const files = await journalFiles(folders);
  for (let suspect: ForgottenRange | undefined; ;) {
    try {
      return await readAttempts(files, options, suspect);
    } catch (error) {
      if (!(error instanceof ForgottenRange)) throw error;
      suspect = error;
    }
  }
}

/** @param suspect A range whose words are kept while reading, so that they can be compared. */
async function readAttempts(
  files: readonly string[],
  { configuration, partsOf }: ReadOptions,
  suspect: ForgottenRange | undefined,
): Promise<Union> {
  let agreed = configuration === undefined ? undefined : agreedOn(configuration, "this command", partsOf);
  const sums = new Map<string, RangeSums>();
  const sumsOf = (name: string, part: Part) => {
    const options = { remember: true, suspect: suspect?.part === name ? suspect.range : undefined };
    if (!sums.has(name)) sums.set(name, new RangeSums(name, part, options));
    return sums.get(name)!;
  };
  const attempts: CountedAttempt[] = [];
  for (const file of files) {
    const ranges: Omit<PartRange, "words">[] = [];
    const begin = (header: JournalHeader): Receiver => {
      agreed ??= agreedOn(header.configuration, file, partsOf);
      checkConfiguration(header, agreed);
      const { parts } = agreed;
      const names = [file];
      return {
        parts,
        add({ part, first, count, words }) {
          ranges.push({ part, first, count });
          sumsOf(part, parts[part]!).insert({ first, count }, words, names);
        },
      };
    };
    const attempt = await readAttempt(file, begin);
    if (attempt) attempts.push({ ...attempt, ranges });
  }
  const parts = agreed?.parts ?? {};
  for (const [name, part] of Object.entries(parts)) sumsOf(name, part);
  return new Union(attempts, parts, sums);
}

/** The configuration that all journals must have. */
interface Agreed {
  readonly configuration: Json;
  readonly digest: string;
  readonly parts: Parts;
  /** Where it comes from, in a sentence. */
  readonly source: string;
}

function agreedOn(configuration: Json, source: string, partsOf: ReadOptions["partsOf"]): Agreed {
  return { configuration, digest: configurationDigest(configuration), parts: partsOf(configuration), source };
}

function checkConfiguration({ configuration, digest }: JournalHeader, agreed: Agreed): void {
  if (digest === agreed.digest) return;
  const { field, values } = firstDifference(agreed.configuration, configuration)!;
  const [expected, received] = values.map((value) => JSON.stringify(value) ?? "nothing");
  throw new RequestError(
    field,
    `${expected} as in ${agreed.source}`,
    new Described(received!),
    "the journal is of another sweep; choose another folder",
  );
}

/** Whether a folder has a journal of another configuration. A journal that cannot be read as one counts as none. */
export async function hasOtherConfiguration(folder: string, configuration: Json): Promise<boolean> {
  const digest = configurationDigest(configuration);
  for (const file of await journalFiles([folder])) {
    const header = await readHeaderOf(file);
    if (header && header.digest !== digest) return true;
  }
  return false;
}

/** The names of journals. Files that are not complete yet have others. */
const JOURNAL_NAME = /^\d+of\d+-[0-9a-f]{16}\.jsonl$/;

/** The journals of folders, each once, in the order of their names. */
async function journalFiles(folders: readonly string[]): Promise<string[]> {
  const files = new Set<string>();
  for (const folder of folders) {
    const within = path.join(folder, JOURNAL_FOLDER);
    const names = await namesIn(within);
    const [found, place] = names ? [names, within] : [(await namesIn(folder)) ?? [], folder];
    for (const name of found) if (JOURNAL_NAME.test(name)) files.add(path.resolve(place, name));
  }
  return [...files].toSorted((a, b) => compare(path.basename(a), path.basename(b)) || compare(a, b));
}

const compare = (a: string, b: string) => (a < b ? -1 : Number(a > b));

/** The names of the files of a folder, undefined where there is none. */
async function namesIn(folder: string): Promise<string[] | undefined> {
  try {
    return await readdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // The folder of results of a first run is refused where it is made.
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new RequestError("journal", "a folder that can be read", folder, code);
  }
}
