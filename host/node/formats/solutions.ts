// Findings of given instances on their way out: JSON Lines or CSV, to stdout and to a file.

import { open, rename, rm, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import type { SolveFinding } from "../../../src/finding.ts";
import { csvField } from "../reports/table.ts";

/** Characters that are written at once, and milliseconds after which fewer are. */
const BATCH = 2 ** 16;
const PAUSE = 100;

export function solutionsName(csv: boolean): string {
  return csv ? "solutions.csv" : "solutions.jsonl";
}

/**
 * Writes findings to stdout as they come, no faster than its reader reads, and into a folder, where the file has its name
 * only when nothing more comes: whole, or as far as they were stopped. An error of the findings comes after those before it are written. Works on when the reader leaves.
 */
export async function writeSolutions(
  findings: AsyncIterable<SolveFinding>,
  csv: boolean,
  folder: string | undefined,
): Promise<void> {
  if (folder === undefined) return write(findings, csv);
  const path = join(folder, solutionsName(csv));
  const unfinished = `${path}.${process.pid}.tmp`;
  try {
    const file = await open(unfinished, "w");
    try {
      await write(findings, csv, file);
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
  } finally {
    await rm(unfinished, { force: true });
  }
}

async function write(findings: AsyncIterable<SolveFinding>, csv: boolean, file?: FileHandle): Promise<void> {
  let text = csv ? `${COLUMNS.join(",")}\r\n` : "";
  const flush = async (before: Promise<void>) => {
    await before;
    const batch = text;
    text = "";
    await new Promise<void>((resolve) => process.stdout.write(batch, () => resolve()));
    await file?.appendFile(batch);
  };
  let written = Promise.resolve();
  // A reader who waits for answers gets them although nothing more comes.
  const timer = setInterval(() => {
    if (text === "") return;
    written = flush(written);
    // What fails here, the next flush says.
    written.catch(() => {});
  }, PAUSE);
  try {
    for await (const finding of findings) {
      text += csv ? csvRow(finding) : `${JSON.stringify(finding)}\n`;
      if (text.length >= BATCH) await (written = flush(written));
    }
  } finally {
    clearInterval(timer);
    await flush(written);
  }
}

const COLUMNS = [
  "instance",
  "id",
  "line",
  "items",
  "target",
  "size",
  "tolerance",
  "atMost",
  "partition",
  "reachable",
  "sum",
  "difference",
  "count",
  "witness",
  "smallest",
  "smallestWitness",
  "method",
  "engine",
  "adapter",
] as const satisfies readonly (keyof SolveFinding)[];

/** A row of RFC 4180: indices between blanks, nothing where there is no answer. */
function csvRow(finding: SolveFinding): string {
  const fields = COLUMNS.map((name) => {
    const value = finding[name];
    return csvField(typeof value === "object" ? value?.join(" ") : value);
  });
  return `${fields.join(",")}\r\n`;
}
