// exacta solve: reads instances from a file or a pipe and prints an answer for each of their targets.

import { open } from "node:fs/promises";
import * as z from "zod/mini";
import { parse } from "../../../src/check.ts";
import { RequestError } from "../../../src/errors.ts";
import { solveConfig, type SolveRequest } from "../../../src/experiments/solve.ts";
import type { SolveFinding } from "../../../src/finding.ts";
import { answerNames, methods } from "../../../src/solve/problem.ts";
import { solve } from "../../experiments/solve.ts";
import { given, readNumber } from "../formats/arguments.ts";
import { prepareFolder } from "../formats/files.ts";
import { formatOf, formats, readInstances } from "../formats/instances.ts";
import { solutionsName, writeSolutions } from "../formats/solutions.ts";
import { outputOf, type Output } from "../output.ts";
import { grouped } from "../reports/table.ts";
import { command, flag, value, type ArgumentsOf } from "./command.ts";
import { runOptions, withEngine, type Run } from "./run.ts";

const options = {
  ask: value("list", `answers to compute: ${answerNames.join(", ")}`, "all that the limits allow"),
  size: value("number", "consider only index sets of this many items"),
  tolerance: value("number", "accept sums within this distance of the target; the nearest is the best"),
  atMost: flag("look for the greatest sum that is not above the target"),
  partition: flag("split the items into two groups with sums as equal as possible; needs no target"),
  method: value("name", methods.join(", "), "the cheapest for each instance"),
  input: value("format", formats.join(", "), "by the file's name, or by its first line"),
  keepGoing: flag("leave out and count lines that are malformed or cannot be solved"),
  out: value("folder", "for a copy as solutions.jsonl or solutions.csv", "none"),
  csv: flag("print CSV instead of JSON Lines"),
  ...runOptions,
};
type Options = ArgumentsOf<typeof options>;

export const solveCommand = command({
  name: "solve",
  summary: "Answers which sums given instances reach, in how many ways, and by which items.",
  manual: `
Reads one instance a line and answers every target in the order of the input, in constant memory however long the input is. Findings are
JSON Lines with or without \`--json\`.

Subsets are sets of indices, counted from 0, and the empty one is included, so equal items are different items. The \`witness\` is the
subset with the target sum whose mask, read as a binary number with item 0 as its lowest bit, is smallest. \`smallest\` is the
least size of such a subset, and \`smallestWitness\` the subset of that size with the smallest mask. So every engine, method and
batch gives the same answer, and each is checked by addition before it is printed.

With \`--tolerance\`, \`count\` is the number of subsets within the tolerance; with \`--at-most\` as well it is the number of subsets
with the best sum. With \`--partition\`, \`difference\` is the least difference of the two sums, and \`count\` the number of choices
of signs that attain it.

Methods: \`bitset\` is a table of sums with one instance to a thread or workgroup, \`tiles\` a table spread over a whole GPU, and
\`meet-in-the-middle\` matches the sums of one half of the items with those of the other half. Items are in -2^53..2^53, targets have 64
bits, and an instance has at most 10,000 items. \`bitset\` and \`tiles\` take sums that span less than 2^31, \`meet-in-the-middle\` up to 48
items whose sums span less than 2^62. Subsets are counted for up to 64 items.`,
  formats: `
  jsonl   {"items": [3, 5, -8], "target": 10, "id": "any"}, or "targets": [10, 11]
  text    3 5 -8 : 10 11
  csv     a header with target or targets, id, and items or a column for each item`,
  examples: ["exacta solve instances.txt", "echo '3 5 -8 13 21 : 10' | exacta solve -"],
  operands: {
    file: {
      summary: "instances as JSON Lines, text or CSV; - reads standard input",
      expected: "a file, or - for standard input",
    },
  },
  options,
  run: runSolve,
});

/** The most refused instances that are reported one by one; the others are counted. */
const MAX_LISTED_REFUSALS = 20;
const PROGRESS_INTERVAL_MS = 100;

const formatSchema = z.enum(formats, `one of ${formats.join(", ")}`);

/** Counts of a run so far. */
interface Counts {
  instances: number;
  findings: number;
  reachable: number;
  skipped: number;
}

async function runSolve(args: Options & { readonly file: string }): Promise<number> {
  const { file, csv = false, out } = args;
  if (csv && args.json) throw new RequestError("csv, json", "one of the two", "both");
  const request = readRequest(args);
  const { partition } = solveConfig(request);
  const format = args.input === undefined ? formatOf(file) : parse(formatSchema, args.input, "input");
  const output = outputOf(args);
  const counts: Counts = { instances: 0, findings: 0, reachable: 0, skipped: 0 };
  const run = { output, unit: "instances", stopWithReader: out === undefined };
  const { seconds, stopped } = await withEngine(args, run, async (run) => {
    const skip = args.keepGoing ? skipping(counts, output) : undefined;
    await withInput(file, run, counts, async (input) => {
      if (out !== undefined) await prepareFolder(out, [solutionsName(csv)]);
      const instances = readInstances(input, { format, partition, onMalformed: skip });
      const findings = solve(run.engine, instances, request, {
        signal: run.signal,
        onRefused: skip && ((_, error) => skip(error)),
      });
      await writeSolutions(counted(findings, counts, run.signal), csv, out);
    });
    return { seconds: run.seconds(), stopped: run.signal.aborted };
  });

  const { instances, findings, reachable, skipped } = counts;
  output.note(
    `${stopped ? "stopped early: " : ""}instances ${grouped(instances)}, findings ${grouped(findings)}, ` +
      `reachable ${grouped(reachable)}, ${seconds.toFixed(1)} s, ${grouped(Math.round(instances / seconds))} instances/s`,
  );
  if (skipped > 0) output.warn(`left out, malformed or not to be solved: ${grouped(skipped)}`);
  return 0;
}

/** A function that counts a refused instance and reports the first ones. */
function skipping(counts: Counts, output: Output): (error: Error) => void {
  return ({ message }) => {
    counts.skipped++;
    if (counts.skipped <= MAX_LISTED_REFUSALS) output.warn(message);
    if (counts.skipped === MAX_LISTED_REFUSALS)
      output.warn("further lines that are left out are counted, not listed");
  };
}

/** Works on an input with progress, and closes the input. */
async function withInput(
  file: string,
  { report }: Run,
  counts: Counts,
  work: (input: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<void> {
  const input = await openInput(file);
  const progress = setInterval(() => report(counts.instances), PROGRESS_INTERVAL_MS);
  try {
    await work(input);
    report(counts.instances);
  } finally {
    clearInterval(progress);
    // A pipe that neither brings anything nor ends would keep the process alive.
    input.destroy();
  }
}

/** Passes findings on and counts them, up to the end of the input or the signal. */
async function* counted(
  findings: AsyncIterable<SolveFinding>,
  counts: Counts,
  signal: AbortSignal,
): AsyncGenerator<SolveFinding, void, undefined> {
  let last = -1;
  try {
    for await (const finding of findings) {
      counts.findings++;
      if (finding.reachable) counts.reachable++;
      if (finding.instance !== last) counts.instances++;
      last = finding.instance;
      yield finding;
    }
  } catch (error) {
    if (error !== signal.reason) throw error;
  }
}

function readRequest({ ask, size, tolerance, atMost, partition, method }: Options): SolveRequest {
  return given<SolveRequest>({
    ask: ask?.split(",").map((name) => name.trim()),
    size: readNumber(size),
    tolerance: readNumber(tolerance),
    atMost,
    partition,
    method,
  });
}

/**
 * Opens a file, or standard input for `-`.
 * @throws {RequestError} where it cannot be read.
 */
async function openInput(
  path: string,
): Promise<NodeJS.ReadableStream & { destroy(): void } & AsyncIterable<Uint8Array>> {
  if (path === "-") return process.stdin;
  try {
    const file = await open(path);
    if (!(await file.stat()).isDirectory()) return file.createReadStream();
    await file.close();
    throw Object.assign(new Error(), { code: "it is a folder" });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new RequestError("file", "a readable file", path, `${code}, - reads standard input`);
  }
}
