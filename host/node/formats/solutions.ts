// Writes the findings of given instances as JSON Lines or CSV, to stdout and to a file.

import type { SolveFinding, SubsetFinding } from "../../../src/finding.ts";
import { writeResult } from "../output.ts";
import type { SolvedPiece } from "../solve/pipeline.ts";
import { COLUMNS, headerOf, LIST_COLUMNS, PROVENANCE, textOf, type WrittenRecord } from "./finding-text.ts";
import type { ReadInstance } from "./instances/index.ts";
import type { Answered, Part } from "./part.ts";
import { asWritten } from "./written.ts";

/** Characters that are collected before they are written. */
const BATCH_CHARACTERS = 2 ** 16;
/** The time after which fewer characters are written, for a reader who waits for answers, and a file is checked for a sync. */
const FLUSH_INTERVAL_MS = 100;

export function solutionsName(csv: boolean): string {
  return csv ? "solutions.csv" : "solutions.jsonl";
}

/** How findings are written: as CSV or JSON Lines, and whether index sets are listed. */
export interface SolutionsForm {
  readonly csv: boolean;
  readonly list: boolean;
}

/** A finding and the index sets that are listed behind it. */
interface Listing {
  readonly instance: Pick<ReadInstance, "written">;
  readonly finding: SolveFinding;
  readonly subsets?: Iterable<SubsetFinding> | undefined;
}

/** Counts findings. */
export interface FindingCounter<S> {
  readonly add: (solved: S) => void;
  /** How far the findings answer the input; undefined within an instance and before the first one. */
  readonly answered: () => Answered | undefined;
}

/**
 * Writes findings to stdout as they come, no faster than its reader reads, and to the part of a file, which leaves out what
 * computed them. An error of the findings is thrown after the findings before it are written. A reader of stdout who leaves
 * does not end the file.
 */
export async function writeSolutions<S extends Listing>(
  solved: AsyncIterable<S>,
  { csv, list }: SolutionsForm,
  counts: FindingCounter<S>,
  part?: Part,
): Promise<void> {
  const columns = list ? [...COLUMNS, ...LIST_COLUMNS] : COLUMNS;
  let printed = csv ? headerOf([...columns, ...PROVENANCE]) : "";
  let stored = csv && part?.isEmpty ? headerOf(columns) : "";
  let isFlushing = false;
  /** Whether a finding is written and index sets of its list are to come. */
  let isListing = false;
  const flush = async (before: Promise<void>) => {
    await before;
    isFlushing = true;
    const [batch, block] = [printed, stored];
    const answered = part && !isListing ? counts.answered() : undefined;
    printed = stored = "";
    try {
      await writeResult(batch);
      if (part && block !== "") {
        await part.append(block);
        if (answered) await part.mark(answered);
      }
      await part?.syncWhenDue();
    } finally {
      isFlushing = false;
    }
  };
  const add = (record: WrittenRecord) => {
    const text = textOf(record, csv, columns);
    printed += text.printed;
    stored += text.stored;
  };
  let written = Promise.resolve();
  const timer = setInterval(() => {
    if (isFlushing || (printed === "" && !part?.isSyncDue)) return;
    written = flush(written);
    // An error of this flush is thrown by the next one.
    written.catch(() => {});
  }, FLUSH_INTERVAL_MS);
  try {
    for await (const one of solved) {
      // Counts and text go on together, since a flush may happen wherever something is awaited.
      counts.add(one);
      isListing = one.subsets !== undefined;
      add(asWritten(one.finding, one.instance.written));
      for (const subset of one.subsets ?? []) {
        if (printed.length >= BATCH_CHARACTERS) await (written = flush(written));
        add(asWritten(subset, one.instance.written));
      }
      isListing = false;
      if (printed.length >= BATCH_CHARACTERS) await (written = flush(written));
    }
  } finally {
    clearInterval(timer);
    await flush(written);
  }
}

/**
 * Writes findings that are text already, as `writeSolutions` does.
 * @param add Counts a piece, and says how far the pieces so far answer the input; undefined within an instance.
 */
export async function writePieces(
  solved: AsyncIterable<SolvedPiece>,
  csv: boolean,
  add: (piece: SolvedPiece) => Omit<Answered, "input"> | undefined,
  part?: Part,
): Promise<void> {
  if (csv) await writeResult(headerOf([...COLUMNS, ...PROVENANCE]));
  if (csv && part?.isEmpty) await part.append(headerOf(COLUMNS));
  let synced = Promise.resolve();
  const sync = () => {
    synced = synced.then(() => part?.syncWhenDue());
    // The next await throws its error.
    synced.catch(() => {});
  };
  const timer = part && setInterval(sync, FLUSH_INTERVAL_MS);
  try {
    for await (const piece of solved) {
      const answered = add(piece);
      await writeResult(piece.printed);
      piece.release?.();
      if (!part) continue;
      await synced;
      await part.append(piece.stored);
      if (answered) await part.mark({ ...answered, input: piece.chunk!.placeOf(piece.line) });
    }
  } finally {
    clearInterval(timer);
    await synced;
  }
}
