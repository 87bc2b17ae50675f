// The files of a sweep. Numbers are a function of what the journals have together; who counted what is kept apart from them.

import path from "node:path";
import type { Provenance } from "../../../src/finding.ts";
import { writeFiles } from "../formats/files.ts";
import type { Union } from "../journal/read.ts";
import type { Output } from "../output.ts";
import { nodeFiles } from "../platform/fileSystem.ts";
import type { RunAbout } from "../reports/page.ts";
import type { Measured } from "./experiment.ts";

export const RESULT_FILES = ["results.jsonl", "results.csv", "provenance.json", "report.html"] as const;
const REPORT = "report.html";

/** A finding without the engine, the adapter and the version, which depend on who counted. */
export function numbersOf<F extends Provenance & object>(finding: F): Omit<F, keyof Provenance> {
  const { engine: _engine, adapter: _adapter, version: _version, ...numbers } = finding;
  return numbers;
}

/** Writes numbers and provenance, and then the report, which may take longer. */
export async function writeResults(
  folder: string,
  { findings, csv, report }: Measured,
  union: Union,
  about: RunAbout,
  output: Output,
): Promise<void> {
  // The report of earlier numbers goes first, since files of one folder belong together.
  await nodeFiles.remove(path.join(folder, REPORT));
  await writeFiles(folder, {
    "results.jsonl": findings.map((finding) => `${JSON.stringify(numbersOf(finding))}\n`),
    "results.csv": csv(),
    "provenance.json": `${JSON.stringify(provenance(union), null, 2)}\n`,
  });
  await writeFiles(folder, { [REPORT]: await report({ ...about, attempts: attemptsOf(union) }) });
  output.note(`${folder}/report.html, results.csv, results.jsonl and provenance.json are written`);
}

/** Who counted which trials, and what happened meanwhile. */
function provenance({ attempts }: Union) {
  return {
    attempts: attempts.map(({ file, header, ranges, events }) => {
      const { digest, version, host, engine, adapter, shard, started } = header;
      const name = path.basename(file);
      return { journal: name, digest, version, host, engine, adapter, shard, started, ranges, events };
    }),
  };
}

/** The attempts that have counted something or tell of a fault, as a report shows them. */
function attemptsOf({ attempts }: Union): NonNullable<RunAbout["attempts"]> {
  return attempts
    .filter(({ ranges, events }) => ranges.length > 0 || events.length > 0)
    .map(({ header: { shard, engine, adapter, host, started }, ranges, events }) => ({
      shard,
      engine,
      adapter,
      host,
      started,
      trials: ranges.reduce((sum, { count }) => sum + count, 0),
      events: events.map(({ event }) => event),
    }));
}
