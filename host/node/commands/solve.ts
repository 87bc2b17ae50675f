// exacta solve: reads instances from a file or a pipe and prints an answer for each of their targets.

import { open, type FileHandle } from "node:fs/promises";
import { basename, dirname } from "node:path";
import * as z from "zod/mini";
import { parse } from "../../../src/check.ts";
import { Described, RequestError } from "../../../src/errors.ts";
import { solveConfig, type ListRequest, type SolveRequest } from "../../../src/experiments/solve.ts";
import { decimalMarks } from "../../../src/numbers.ts";
import { servesColumns } from "../../../src/solve/columns.ts";
import {
  answerNames,
  MAX_ITEM,
  MAX_TARGET,
  methods,
  TARGET,
  type SolveConfig,
} from "../../../src/solve/problem.ts";
import { solveEach, type Solved } from "../../experiments/solve.ts";
import { runnerOf, type Runner } from "../../runner.ts";
import { given, readNumber } from "../formats/arguments.ts";
import { AnswerArray, answerBytes, arrayAnswers, type ArrayAnswer } from "../formats/answers.ts";
import { prepareFile, prepareFolder, writeFiles } from "../formats/files.ts";
import { openArrays, type ArrayTargets } from "../formats/instances/arrays.ts";
import {
  formatOf,
  formats,
  readInstances,
  valuesOfOption,
  type Format,
  type Reading,
  type ReadInstance,
  type SettleOptions,
  type Value,
} from "../formats/instances/index.ts";
import { CheckedInput, type InputChunk } from "../formats/checked-input.ts";
import { openPart, placesOf, type Answered, type Part, type PartRequest } from "../formats/part.ts";
import { solutionsName, writePieces, writeSolutions, type FindingCounter } from "../formats/solutions.ts";
import { outputOf, type Output } from "../output.ts";
import { hardwareThreads } from "../platform/threads.ts";
import { grouped } from "../reports/table.ts";
import { CHUNK_BYTES } from "../solve/chunks.ts";
import { solveInThreads, type SolvedPiece } from "../solve/pipeline.ts";
import { TextThreads } from "../solve/threads.ts";
import { command, spellingOf, flag, STOPPED_STATUS, value, type ArgumentsOf, type Call } from "./command.ts";
import { runOptions, untilStopped, withEngine, type Run } from "./run.ts";

const inputFormats = [...formats, "npy"] as const;

const options = {
  ask: value("list", `answers to compute: ${answerNames.join(", ")}`, "all but unique that the limits allow"),
  size: value("number", "consider only index sets of this many items"),
  atMostSize: value("number", "consider only index sets of at most this many items"),
  tolerance: value("number", "accept sums within this distance of the target; the nearest is the best"),
  atMost: flag("look for the greatest sum that is not above the target"),
  partition: flag("split the items into two groups with sums as equal as possible; needs no target"),
  signed: flag("let every item enter with + or -: a target is a signed sum, a subset the items with +"),
  profits: flag(
    "take items as weights with profits and the target as a capacity: the greatest profit that fits",
  ),
  list: value("number", "list the first subsets of each target, this many or all"),
  method: value("name", methods.join(", "), "the cheapest for each instance"),
  target: value("list", "the sums asked for, of all instances; the input then has none"),
  targets: value("file", "with .npy, an array of targets, a row for each row of items"),
  input: value("format", inputFormats.join(", "), "by the file's name, or by its first line"),
  scale: value(
    "auto",
    "auto reads decimals and amounts of money exactly, and answers in their units",
    "integers",
  ),
  decimal: value(
    "mark",
    `how numbers are written, ${decimalMarks.join(" or ")}; the other groups thousands`,
    "refuse what the two read differently",
  ),
  rows: flag("read the input as one instance: every line, or record of a table, is an item"),
  header: flag("take the first line of a table for names, even if they look like numbers"),
  value: value("column", "with --rows, the column of the values", "value, or the only one of numbers"),
  label: value("column", "with --rows, the column of the labels", "label, or the only other one"),
  keepGoing: flag("leave out and count lines that are malformed or cannot be solved"),
  out: value(
    "folder",
    "for a copy as solutions.jsonl or solutions.csv, which a later run continues; or a .npy file for one answer",
    "none",
  ),
  csv: flag("print CSV instead of JSON Lines"),
  ...runOptions,
};
type Options = ArgumentsOf<typeof options>;

export const solveCommand = command({
  name: "solve",
  summary: "Answers which sums given instances reach, in how many ways, and by which items.",
  manual: `
Reads one instance a line and answers every target in the order of the input, in constant memory however long the input is. Findings are
JSON Lines with or without \`--json\`. Large inputs are read, solved and written in threads.

Subsets are sets of indices, counted from 0, and the empty one is included, so equal items are different items. The \`witness\` is the
subset with the target sum whose mask, read as a binary number with item 0 as its lowest bit, is smallest. \`smallest\` is the
least size of such a subset, and \`smallestWitness\` the subset of that size with the smallest mask. So every engine, method and
batch gives the same answer, and each is checked by addition before it is printed.

\`unique\` says whether \`count\` is 1. Counts beyond 64 items, which take one pass over a table for each 62 items, are given where they are
asked for by name, and \`unique\`, which takes one pass, likewise.

With \`--list N\` a finding is followed by the first N of the subsets that \`count\` counts, one a line, with \`--list all\` by all of them.
They come in the order of their masks, read as for \`witness\`, and are found as they are written, in constant memory.

With \`--tolerance\`, \`count\` is the number of subsets within the tolerance; with \`--at-most\` as well it is the number of subsets
with the best sum. With \`--partition\`, \`difference\` is the least difference of the two sums, and \`count\` the number of choices
of signs that attain it.

With \`--signed\` every item enters the sum with + or -, and none stays out. A target is a signed sum, and a subset has the items with +.
As many choices of signs have the sum z as subsets have the sum (z + total) / 2 (Kumar & Natale, Lemma 2), so that \`count\` is that of
the subset sum; where z and the total differ in parity there are none. \`--tolerance\` and \`--at-most\` are about signed sums.

Numbers are integers: 12, 12.0, 1e3, 1_000 or 0x1F, in every format. With \`--scale auto\` they may be decimals or amounts of money, and
\`--decimal\` says how they are written: [formats.md](formats.md) has the rules. What can be read as two different numbers is refused with
its line and character. With \`--target\` or \`--partition\`, an input of one number a line is one instance, and with \`--rows\` a table is.
Where items have labels or columns names, \`witnessLabels\` and \`smallestWitnessLabels\` list those of the subsets.

A .npy file has integers of any size and byte order, or floats that are integers, and each of its rows is an instance. Its targets are those
of \`--target\`, or the rows of a second file, which \`--targets\` names. The line of a finding is then the row, counted from 1. With
\`--out FILE.npy\` and one answer as \`--ask\`, that file has a number for each finding in their order, and nothing is printed.

With \`--profits\`, an instance is a 0/1 knapsack: \`items\` are weights, \`profits\` as many integers, and a target is a capacity.
\`profit\` is the greatest total profit of the subsets that weigh no more, \`witness\` the one of them with the smallest mask, and \`sum\`
its weight.

With \`--out\`, a run that was stopped or killed is continued by the same command on the same folder: it reads the input again,
leaves out the instances that are answered, and prints only findings that it computes. The file then has the bytes of one run on any
engine, since it leaves out engine, adapter and version. Until it is complete, an earlier one keeps its name. Another input or
request is refused. A run that is stopped ends with status 75.

Methods: \`bitset\` is a table of sums with one instance to a thread or workgroup, \`tiles\` a table spread over a whole GPU, and
\`meet-in-the-middle\` matches the sums of one half of the items with those of the other half. Items are in -2^53..2^53, targets have 64
bits, and an instance has at most 10,000 items. \`bitset\` and \`tiles\` take sums that span less than 2^31, \`meet-in-the-middle\` up to 48
items whose sums span less than 2^62.`,
  formats: `
  jsonl   {"items": [3, 5, -8], "target": 10, "id": "any"}, or "targets": [10, 11]; "profits": [4, 5, 6] with \`--profits\`
  json    the same, or one JSON text of several lines: an instance, or a list of instances
  text    3 5 -8 : 10 11
  csv     a header with target or targets, id, and items or a column for each item
  tsv     the same with tabs
  npy     an array of items of shape [instances, columns]`,
  examples: [
    "exacta solve instances.txt",
    "echo '3 5 -8 13 21 : 10' | exacta solve -",
    "exacta solve prices.csv --rows --target 579.90 --scale auto --decimal point",
    "exacta solve items.npy --targets targets.npy --ask reachable --out reachable.npy",
  ],
  operands: {
    file: {
      summary: "instances as JSON, text, a table or .npy; - reads standard input",
      expected: "a file, or - for standard input",
    },
  },
  statusStopped: "a signal stopped the run; the findings before it are printed",
  options,
  run: runSolve,
});

/** The most refused instances that are reported one by one; the others are counted. */
const MAX_LISTED_REFUSALS = 20;
const PROGRESS_INTERVAL_MS = 100;

const formatSchema = z.enum(inputFormats, `one of ${inputFormats.join(", ")}`);
const scaleSchema = z.optional(z.enum(["auto"], "auto"));
const decimalSchema = z.optional(z.enum(decimalMarks, decimalMarks.join(" or ")));

/** The input and what is asked about its instances. */
interface Question {
  readonly file: string;
  readonly reading: SettleOptions;
  readonly request: SolveRequest | ListRequest;
  readonly config: SolveConfig;
  /** The file is an array; its targets are beside it. */
  readonly arrays?: { readonly targets: ArrayTargets } | undefined;
}

/** An instance with the chunk of the input in which its line ends; without one where no file is written. */
interface Placed extends ReadInstance {
  readonly chunk?: InputChunk | undefined;
}

async function runSolve(args: Options & { readonly file: string }, { stop }: Call): Promise<number> {
  const { csv = false, out } = args;
  if (csv && args.json) throw new RequestError("csv, json", "one of the two", "both");
  const question = readQuestion(args);
  const output = outputOf(args);
  const column = isArray(out) ? await readColumn(args, question) : undefined;
  const counts = new Counts(question.config.partition);
  const run = { output, stop, unit: "instances", stopWithReader: out === undefined };
  const { seconds, isComplete } = await withEngine(args, run, async (run) => {
    const skip = args.keepGoing ? skipping(counts, output) : undefined;
    const threads = new TextThreads(threadsFor(runnerOf(run.engine)), { onNotice: output.warn });
    const answer = (input: AsyncIterable<Uint8Array>, part?: Part) =>
      isPlain(question)
        ? writePieces(
            solvePlain(question, csv, input, run, threads, skip, part),
            csv,
            (piece) => counts.addPiece(piece),
            part,
          )
        : writeSolutions(
            solveInput(question, input, run, skip, part),
            { csv, list: question.config.list !== undefined },
            counts,
            part,
          );
    const answerInto = async (input: AsyncIterable<Uint8Array>, folder: string) => {
      await prepareFolder(folder, [solutionsName(csv)]);
      const part = await openPart(folder, solutionsName(csv), partRequest(question, args), run.signal);
      if (part.earlier) continueAfter(part.earlier, counts, output);
      await finishing(part, answer(input, part));
    };
    const { file, arrays } = question;
    const opened = arrays ? openArrays(file, arrays.targets, skip) : openInput(file, isPlain(question));
    const isComplete = await withInput(opened, run, counts, (input) => {
      const work = column
        ? isPlain(question)
          ? answerPieces(
              solvePlain(question, csv, input, run, threads, undefined, undefined, column.answer),
              counts,
              column,
            )
          : answerAll(solveInput(question, input, run, undefined, undefined), counts, column)
        : out === undefined
          ? answer(input)
          : answerInto(input, out);
      return untilStopped(
        work.then(() => true),
        run.signal,
        () => false,
      );
    }).finally(() => void threads.close());
    return { seconds: run.seconds(), isComplete };
  });
  if (column && isComplete) await writeFiles(dirname(out!), { [basename(out!)]: column.file });

  const { instances, findings, reachable, skipped } = counts;
  const rate = Math.round((instances - counts.earlier) / seconds);
  output.note(
    `${isComplete ? "" : "stopped early: "}instances ${grouped(instances)}, findings ${grouped(findings)}, ` +
      `reachable ${grouped(reachable)}, ${seconds.toFixed(1)} s, ${grouped(rate)} instances/s`,
  );
  if (skipped > 0) output.warn(`left out, malformed or not to be solved: ${grouped(skipped)}`);
  return !isComplete && stop.aborted ? STOPPED_STATUS : 0;
}

const isArray = (path: string | undefined): path is string => path !== undefined && /\.npy$/i.test(path);

/**
 * The answer that a .npy file gets.
 * @throws {RequestError} The request has no answer, or several, that is a number for each finding, or the file cannot be written.
 */
async function readColumn(
  args: Options & { readonly file: string },
  question: Question,
): Promise<AnswerArray> {
  const { file, out, targets } = args;
  for (const name of ["csv", "json", "keepGoing", "list", "profits"] as const)
    if (args[name]) throw new RequestError(name, "a folder as --out, not an array", out);
  const [answer, ...more] = question.request.ask ?? [];
  const name = arrayAnswers.find((name) => name === answer);
  if (!name || more.length > 0)
    throw new RequestError("ask", `one of ${arrayAnswers.join(", ")} for an array`, args.ask);
  await prepareFile(out!, [file, ...(targets === undefined ? [] : [targets])]);
  return new AnswerArray(name);
}

/** Collects an answer of all findings. */
async function answerAll(
  solved: AsyncIterable<Solved<Placed>>,
  counts: Counts,
  column: AnswerArray,
): Promise<void> {
  for await (const one of solved) {
    counts.add(one);
    column.add(answerBytes(column.answer, one.finding));
  }
}

/** Collects an answer of all findings of an input that is solved in threads. */
async function answerPieces(
  solved: AsyncIterable<SolvedPiece>,
  counts: Counts,
  column: AnswerArray,
): Promise<void> {
  for await (const piece of solved) {
    counts.addPiece(piece);
    column.add(piece.printed as Uint8Array);
  }
}

/** Threads that keep up with an engine: those of the CPU, or as many as keep the one busy that hands out their work. */
const threadsFor = ({ engine, parallelism }: Runner): number =>
  engine === "cpu" ? parallelism : Math.min(hardwareThreads(), 4);

/** What a part of the findings is bound to besides the input. */
function partRequest({ reading, config, arrays }: Question, args: Options): PartRequest {
  const { asked, byName, ...conditions } = config;
  const { target, scale, decimal, rows, header, value, label } = args;
  const tolerance = reading.decimals ? args.tolerance : conditions.tolerance;
  return {
    ...conditions,
    ask: byName ? [...asked].toSorted() : undefined,
    input: arrays ? "npy" : reading.format,
    keepGoing: args.keepGoing ?? false,
    tolerance,
    target,
    scale,
    decimal,
    rows,
    header,
    value,
    label,
  };
}

/** Whether findings go from bytes to bytes in threads; otherwise instances are solved one by one, and written as they come. */
function isPlain({ reading, config }: Question): boolean {
  const { decimals, targets, rows } = reading;
  return servesColumns(config) && !decimals && !targets && !rows;
}

/** Solves an input in threads. */
function solvePlain(
  { file, reading, config }: Question,
  csv: boolean,
  input: AsyncIterable<Uint8Array>,
  { engine, signal }: Run,
  threads: TextThreads,
  skip: Skip | undefined,
  part: Part | undefined,
  answer?: ArrayAnswer,
): AsyncIterable<SolvedPiece> {
  return solveInThreads(input, {
    runner: runnerOf(engine),
    threads,
    config,
    reading,
    csv,
    answer,
    signal,
    onRefused: skip,
    first: part?.earlier?.next ?? 0,
    checked: part && checkedInput(file, part),
  });
}

const checkedInput = (file: string, part: Part) =>
  new CheckedInput(placesOf(part), (line) => otherInput(file, part.path, line));

/** The findings of an input, of which a part may have the first ones. */
function solveInput(
  { file, reading, request }: Question,
  input: AsyncIterable<Uint8Array>,
  { engine, signal }: Run,
  skip: Skip | undefined,
  part: Part | undefined,
): AsyncIterable<Solved<Placed>> {
  const checked = part && checkedInput(file, part);
  const instances = readInstances(checked?.read(input) ?? input, { ...reading, onMalformed: skip });
  const first = part?.earlier?.next ?? 0;
  return solveEach(engine, placed(instances, first, checked), request, {
    signal,
    onRefused: skip && ((_, error) => skip(error)),
    first,
  });
}

/** The instances from the index `first` on, with their places in the input. */
async function* placed(
  instances: AsyncIterable<ReadInstance>,
  first: number,
  input: CheckedInput | undefined,
): AsyncGenerator<Placed, void, undefined> {
  let index = 0;
  for await (const { items, target, targets, tolerance, profits, id, line, written } of instances)
    // Spreading an instance can take longer than solving a small one.
    if (index++ >= first)
      yield { items, target, targets, tolerance, profits, id, line, written, chunk: input?.chunk };
}

/** The refusal of an input that is not the one with which a part was begun. */
function otherInput(file: string, part: string, line: number): RequestError {
  const received = line === 0 ? "another one" : `another one after line ${line}`;
  return new RequestError(
    "input",
    `the input with which ${part} was begun`,
    new Described(received),
    "choose another folder with --out, or delete this file",
  ).at(file === "-" ? "standard input" : file);
}

/** Waits for the writer of a part; the part then gets its final name, or is kept where its writer fails or is stopped. */
async function finishing(part: Part, writing: Promise<void>): Promise<void> {
  try {
    await writing;
  } catch (error) {
    await part.keep();
    throw error;
  }
  await part.finish();
}

/** Counts of findings, those of the runs that this one continues included. */
class Counts implements FindingCounter<Solved<Placed>> {
  instances = 0;
  findings = 0;
  reachable = 0;
  skipped = 0;
  /** The instances that earlier runs have answered. */
  earlier = 0;
  readonly #isPartition: boolean;
  #last: Solved<Placed> | undefined;
  /** Findings of the last instance that are to come. */
  #left = 0;

  constructor(isPartition: boolean) {
    this.#isPartition = isPartition;
  }

  add(solved: Solved<Placed>): void {
    const { instance, finding } = solved;
    this.findings++;
    if (finding.reachable) this.reachable++;
    if (this.#left === 0) {
      this.instances++;
      this.#left = this.#isPartition ? 1 : (instance.targets?.length ?? 1);
    }
    this.#left--;
    this.#last = solved;
  }

  /** Counts findings, and says how far they answer the input; undefined within an instance. */
  addPiece({ instances, findings, reachable, next }: SolvedPiece): Omit<Answered, "input"> | undefined {
    this.instances += instances;
    this.findings += findings;
    this.reachable += reachable;
    if (next === undefined) return undefined;
    return { instances: this.instances, findings: this.findings, reachable: this.reachable, next };
  }

  /** How far the findings answer the input; undefined within an instance and before the first one. */
  answered(): Answered | undefined {
    if (!this.#last || this.#left > 0) return undefined;
    const { instance, finding } = this.#last;
    const { instances, findings, reachable } = this;
    const input = instance.chunk!.placeOf(instance.written?.lastLine ?? instance.line);
    return { instances, findings, reachable, next: finding.instance + 1, input };
  }
}

/** Goes on behind what earlier runs have answered. */
function continueAfter(earlier: Answered, counts: Counts, output: Output): void {
  const { instances, findings, reachable, next } = earlier;
  // Malformed lines are read and counted again; instances that could not be solved are not posed again.
  Object.assign(counts, { instances, findings, reachable, earlier: instances, skipped: next - instances });
  output.note(
    `an earlier run has answered ${grouped(instances)} instances; their findings are in the file and not printed again`,
  );
}

/** Counts a refused instance. */
type Skip = (error: RequestError) => void;

/** A function that counts a refused instance and reports the first ones. */
function skipping(counts: Counts, output: Output): Skip {
  return (error) => {
    counts.skipped++;
    if (counts.skipped <= MAX_LISTED_REFUSALS) output.warn(error.spelled(spellingOf(error)));
    if (counts.skipped === MAX_LISTED_REFUSALS)
      output.warn("further lines that are left out are counted, not listed");
  };
}

/** Works on an input with progress, and closes the input. */
async function withInput<T>(
  opened: Promise<Input>,
  { report }: Run,
  counts: Counts,
  work: (input: AsyncIterable<Uint8Array>) => Promise<T>,
): Promise<T> {
  const input = await opened;
  const progress = setInterval(() => report(counts.instances), PROGRESS_INTERVAL_MS);
  try {
    const result = await work(input.chunks);
    report(counts.instances);
    return result;
  } finally {
    clearInterval(progress);
    // A pipe that neither brings anything nor ends would keep the process alive.
    await input.close();
  }
}

function readQuestion(args: Options & { readonly file: string }): Question {
  const { file, ask, size, atMostSize, atMost, partition, signed, profits, list, method } = args;
  const { targets, ...others } = readReading(args);
  const arrays = formatOfInput(args) === "npy" ? { targets: readArrayTargets(args, targets) } : undefined;
  const reading = { ...others, targets: arrays ? undefined : targets };
  const tolerance = args.tolerance === undefined ? undefined : readTolerance(args.tolerance, reading);
  const request = given<SolveRequest | ListRequest>({
    ask: ask?.split(",").map((name) => name.trim()),
    size: readNumber(size),
    atMostSize: readNumber(atMostSize),
    // Decimals are scaled for each instance.
    tolerance: reading.decimals && tolerance ? 0 : tolerance?.digits,
    atMost,
    partition,
    signed,
    profits,
    list: list === "all" ? list : readNumber(list),
    method,
  });
  const config = solveConfig(request);
  return {
    file,
    reading: { ...reading, tolerance: reading.decimals ? tolerance : undefined, partition: config.partition },
    request,
    config,
    arrays,
  };
}

/** The format of an input, as far as its name or --input says it. */
function formatOfInput({
  file,
  input,
}: {
  readonly file: string;
  readonly input?: string;
}): Format | "npy" | undefined {
  if (input !== undefined) return parse(formatSchema, input, "input");
  return isArray(file) ? "npy" : formatOf(file);
}

/** @throws {RequestError} An option needs text, or there are no targets. */
function readArrayTargets(
  args: Options & { readonly file: string },
  common: readonly Value[] | undefined,
): ArrayTargets {
  const { file, targets, partition } = args;
  if (file === "-") throw new RequestError("file", "a .npy file, not a stream", file);
  for (const name of ["scale", "decimal", "rows", "header", "value", "label", "profits"] as const)
    if (args[name] !== undefined) throw new RequestError(name, "text, JSON or a table beside it", "npy");
  if (targets !== undefined) return { file: targets };
  if (!common && !partition)
    throw new RequestError("targets", "a .npy file with a row of targets for each row of items", undefined, {
      option: "target",
      value: true,
      because: "for targets that all rows have",
    });
  return common?.map(({ digits }) => digits);
}

/** A tolerance in the units of the input. */
function readTolerance(text: string, reading: Reading): Value {
  const role = { field: "tolerance", range: `an integer in 0..${MAX_ITEM}` };
  const [tolerance, ...more] = valuesOfOption(text, reading, role);
  if (more.length > 0 || tolerance.digits < 0)
    throw new RequestError(
      role.field,
      reading.decimals ? "a number of at least 0" : role.range,
      more.length > 0 ? text : tolerance.digits,
    );
  return tolerance;
}

/** How the input is read. */
function readReading(args: Options & { readonly file: string }): SettleOptions & Reading {
  const { target, targets: array, rows, header, value, label } = args;
  const format = formatOfInput(args);
  if (array !== undefined && format !== "npy")
    throw new RequestError("targets", "an array of items beside it", format, {
      option: "input",
      value: "npy",
    });
  if (array !== undefined && target !== undefined)
    throw new RequestError("target, targets", "one of the two", "both");
  const notation = parse(decimalSchema, args.decimal, "decimal") ?? "unstated";
  const decimals = parse(scaleSchema, args.scale, "scale") !== undefined;
  if ((target ?? array) !== undefined && args.partition)
    throw new RequestError("partition", "no target beside it", target ?? array);
  for (const name of ["value", "label"] as const)
    if (args[name] !== undefined && !rows)
      throw new RequestError(name, "a table whose records are items", args[name], {
        option: "rows",
        value: true,
      });
  const role = { field: "target", range: TARGET };
  const targets = target === undefined ? undefined : valuesOfOption(target, { notation, decimals }, role);
  const wrong = decimals
    ? undefined
    : targets?.find(({ digits }) => digits > MAX_TARGET || digits < -MAX_TARGET);
  if (wrong) throw new RequestError(role.field, role.range, wrong.text);
  return {
    format: format === "npy" ? "jsonl" : format,
    notation,
    decimals,
    targets,
    rows,
    header,
    value,
    label,
  };
}

/** An input that is open. */
interface Input {
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly close: () => void | Promise<void>;
}

/**
 * Opens a file, or standard input for `-`.
 * @param isLent Whether a chunk lasts only until the next one is asked for.
 * @throws {RequestError} where it cannot be read.
 */
async function openInput(path: string, isLent: boolean): Promise<Input> {
  if (path === "-") return inputOf(process.stdin);
  try {
    const file = await open(path);
    const stat = await file.stat();
    // A pipe may keep a reader waiting, and only a stream can then be closed.
    if (isLent && stat.isFile()) return { chunks: lentChunks(file), close: () => file.close() };
    if (!stat.isDirectory()) return inputOf(file.createReadStream({ highWaterMark: CHUNK_BYTES }));
    await file.close();
    throw Object.assign(new Error(), { code: "it is a folder" });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new RequestError("file", "a readable file", path, `${code}, - reads standard input`);
  }
}

const inputOf = (stream: AsyncIterable<Uint8Array> & { destroy(): void }): Input => ({
  chunks: stream,
  close: () => stream.destroy(),
});

/** The chunks of a file in one memory: new memory for each costs more than reading. */
async function* lentChunks(file: FileHandle): AsyncGenerator<Uint8Array, void, undefined> {
  const buffer = new Uint8Array(CHUNK_BYTES);
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}
