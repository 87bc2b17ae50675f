// Writes the findings of given instances as JSON Lines or CSV, to stdout and to a file.

import { open, rename, rm, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import type { SolveFinding } from "../../../src/finding.ts";
import { writeResult } from "../output.ts";
import { csvField } from "../reports/table.ts";

/** Characters that are collected before they are written. */
const BATCH_CHARACTERS = 2 ** 16;
/** The time after which fewer characters are written, for a reader who waits for answers. */
const FLUSH_INTERVAL_MS = 100;

export function solutionsName(csv: boolean): string {
  return csv ? "solutions.csv" : "solutions.jsonl";
}

/**
 * Writes findings to stdout as they come, no faster than its reader reads, and to a file in a folder. The file gets its name
 * when the findings have ended, complete or stopped. An error of the findings is thrown after the findings before it are
 * written. A reader of stdout who leaves does not end the file.
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
    await writeResult(batch);
    await file?.appendFile(batch);
  };
  let written = Promise.resolve();
  const timer = setInterval(() => {
    if (text === "") return;
    written = flush(written);
    // An error of this flush is thrown by the next one.
    written.catch(() => {});
  }, FLUSH_INTERVAL_MS);
  try {
    for await (const finding of findings) {
      text += csv ? csvRow(finding) : `${JSON.stringify(finding)}\n`;
      if (text.length >= BATCH_CHARACTERS) await (written = flush(written));
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

/** A row of CSV by RFC 4180: indices are separated by blanks, and a field without an answer is empty. */
function csvRow(finding: SolveFinding): string {
  const fields = COLUMNS.map((name) => {
    const value = finding[name];
    return csvField(typeof value === "object" ? value?.join(" ") : value);
  });
  return `${fields.join(",")}\r\n`;
}
