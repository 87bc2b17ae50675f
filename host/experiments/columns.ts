// Solves instances that are columns, and answers columns.

import { integer, parse } from "../../src/check.ts";
import { CapacityError, RequestError } from "../../src/errors.ts";
import type { SolveFinding } from "../../src/finding.ts";
import {
  answerColumns,
  maskOffsetsOf,
  piecesOf,
  poseColumns,
  type InstancePiece,
  type InstanceRange,
  type PlainAnswers,
  type PlainInstances,
  type PosedInstances,
} from "../../src/solve/columns.ts";
import { MAX_ITEM, type Instance, type SolveConfig } from "../../src/solve/problem.ts";
import { pump } from "../pump.ts";
import type { Runner } from "../runner.ts";

/** A column of integers. */
export type Integers = Int32Array | Float64Array | BigInt64Array;
/** Where the entries of each instance begin in a column. */
export type Offsets = Uint32Array | Int32Array;

/** Instances as columns: no object for any of them. */
export interface InstanceColumns {
  /** The items of instance 0, of instance 1, and so on: integers of -2^53..2^53. */
  readonly items: Integers;
  /** offsets[i]..offsets[i + 1] are the items of instance i. The first entry is 0, the last one the number of all items. */
  readonly offsets: Offsets;
  /** The targets in the same form: integers of -(2^63 - 1)..2^63 - 1. A partition takes none. */
  readonly targets?: Integers | undefined;
  /** The targets of instance i, as `offsets`. Default: one target for each instance. */
  readonly targetOffsets?: Offsets | undefined;
}

/**
 * The answers to instances as columns: an entry for each target, in their order; for a partition, for each instance. A column
 * that was not asked for is absent.
 */
export interface SolvedColumns {
  /** 1 where a sum that serves is reached, otherwise 0. */
  readonly reachable: Uint8Array<ArrayBuffer>;
  /** The best sums: the target itself but with a tolerance, `atMost` or a partition. 0 where none is reached. */
  readonly sums: BigInt64Array<ArrayBuffer>;
  readonly counts?: BigUint64Array<ArrayBuffer>;
  /** 1 where the count is 1, otherwise 0. */
  readonly unique?: Uint8Array<ArrayBuffer>;
  /**
   * maskOffsets[k]..maskOffsets[k + 1] are the words of the masks of entry k. Bit i of word w stands for item 32 w + i. Masks are
   * 0 where nothing is reached.
   */
  readonly maskOffsets?: Uint32Array<ArrayBuffer>;
  readonly witnesses?: Uint32Array<ArrayBuffer>;
  /** The sizes of the smallest index sets, and their masks. -1 where nothing is reached. */
  readonly smallest?: Int32Array<ArrayBuffer>;
  readonly smallestWitnesses?: Uint32Array<ArrayBuffer>;
}

/** Whether a value is instances as columns. */
export const isColumns = (value: unknown): value is InstanceColumns =>
  typeof value === "object" && value !== null && "items" in value && ArrayBuffer.isView(value.items);

/** The most instances that are taken at a time, and the most items of more than one. */
const SLICE_INSTANCES = 2 ** 11;
const SLICE_ITEMS = 2 ** 19;

/** Answers instances in objects, whose index in the input begins at `first`. */
export type SolveObjects = (
  instances: readonly Instance[],
  first: number,
) => Promise<readonly SolveFinding[]>;

/** Solves instances that are columns. `solveObjects` solves those that columns of 32 bits do not hold, or another method. */
export async function solveColumns(
  runner: Runner,
  columns: InstanceColumns,
  config: SolveConfig,
  solveObjects: SolveObjects,
  signal: AbortSignal | undefined,
): Promise<SolvedColumns> {
  for (const name of ["profits", "list"] as const)
    if (config[name])
      throw new RequestError(name, "none for columns", config[name], "solve instances as objects");
  const given = checkColumns(columns, config.partition);
  const solved = emptyColumns(given, config);
  const runPiece = async (piece: InstancePiece, posed: PosedInstances, base: number) => {
    const answers = piece.isPlain && (await answerPlain(runner, config, posed, piece));
    if (answers) return store(solved, answers, given.queryOffsets[base]! + answers.firstQuery);
    const [first, end] = [base + piece.first, base + piece.end];
    const instances = Array.from({ length: end - first }, (_, k) =>
      instanceOf(given, first + k, config.partition),
    );
    storeFindings(solved, await solveObjects(instances, first), given.queryOffsets[first]!);
  };
  const run = async ({ first: base, end }: InstanceRange) => {
    const { plain, others } = plainOf(given, base, end);
    const answers = others.size === 0 && (await runner.solvePlain?.(config, plain));
    if (answers) return store(solved, answers, given.queryOffsets[base]!);
    const posed = poseColumns(config, plain);
    for (const k of others) posed.costs[k] = -1;
    for (const piece of piecesOf(posed, 0)) await runPiece(piece, posed, base);
  };
  const options = { depth: 2 * runner.queueDepth, ordered: true, signal };
  for await (const _ of pump(slices(given), run, options));
  signal?.throwIfAborted();
  return solved;
}

/** The answers to a range of posed instances; undefined where the engine has too little memory for all of them at once. */
export async function answerPlain(
  runner: Runner,
  config: SolveConfig,
  posed: PosedInstances,
  range: InstanceRange,
): Promise<PlainAnswers | undefined> {
  try {
    return await answerColumns(config, posed, range, async (work) => (await runner.run(work)).words);
  } catch (error) {
    if (error instanceof CapacityError) return undefined;
    throw error;
  }
}

/** Columns that are found right, with the first entry of the answers to each instance. */
interface CheckedColumns {
  readonly items: Integers;
  readonly offsets: Offsets;
  readonly targets: Integers;
  readonly targetOffsets: Offsets;
  readonly queryOffsets: Offsets;
  readonly count: number;
}

/** @throws {RequestError} names the column that is wrong. */
function checkColumns(
  { items, offsets, targets, targetOffsets }: InstanceColumns,
  partition: boolean,
): CheckedColumns {
  checkIntegers("items", items);
  checkOffsets("offsets", offsets, items.length);
  const count = offsets.length - 1;
  const each = () => Uint32Array.from({ length: count + 1 }, (_, k) => k);
  if (partition) {
    if (targets !== undefined) throw new RequestError("targets", "none for a partition", targets.length);
    return {
      items,
      offsets,
      targets: new Int32Array(0),
      targetOffsets: new Uint32Array(count + 1),
      queryOffsets: each(),
      count,
    };
  }
  checkIntegers("targets", targets);
  const starts = targetOffsets ?? each();
  checkOffsets("targetOffsets", starts, targets.length);
  if (starts.length !== count + 1)
    throw new RequestError("targetOffsets", `${count + 1} entries, as offsets`, starts.length);
  return { items, offsets, targets, targetOffsets: starts, queryOffsets: starts, count };
}

function checkIntegers(name: string, list: unknown): asserts list is Integers {
  if (list instanceof Int32Array || list instanceof Float64Array || list instanceof BigInt64Array) return;
  throw new RequestError(name, "an Int32Array, Float64Array or BigInt64Array", list);
}

function checkOffsets(name: string, offsets: unknown, length: number): asserts offsets is Offsets {
  if (!(offsets instanceof Uint32Array || offsets instanceof Int32Array))
    throw new RequestError(name, "a Uint32Array or Int32Array", offsets);
  if (offsets[0] !== 0) throw new RequestError(`${name}.0`, "0", offsets[0]);
  for (let k = 1; k < offsets.length; k++)
    if (offsets[k]! < offsets[k - 1]!)
      throw new RequestError(`${name}.${k}`, `at least the entry before it, ${offsets[k - 1]}`, offsets[k]);
  parse(integer(length, length), offsets.at(-1), `${name}.${offsets.length - 1}`);
}

/** Empty answers to all instances. */
function emptyColumns(
  { offsets, queryOffsets, count }: CheckedColumns,
  { asked }: SolveConfig,
): SolvedColumns {
  const queries = queryOffsets[count]!;
  const [hasWitness, hasSmallest] = [asked.has("witness"), asked.has("smallest")];
  const maskOffsets = maskOffsetsOf(offsets, queryOffsets, { first: 0, end: count });
  return {
    reachable: new Uint8Array(queries),
    sums: new BigInt64Array(queries),
    ...(asked.has("count") && { counts: new BigUint64Array(queries) }),
    ...(asked.has("unique") && { unique: new Uint8Array(queries) }),
    ...((hasWitness || hasSmallest) && { maskOffsets }),
    ...(hasWitness && { witnesses: new Uint32Array(maskOffsets[queries]!) }),
    ...(hasSmallest && {
      smallest: new Int32Array(queries).fill(-1),
      smallestWitnesses: new Uint32Array(maskOffsets[queries]!),
    }),
  };
}

/** The ranges of instances that are taken at a time. */
function* slices({ offsets, count }: CheckedColumns): Generator<InstanceRange, void, undefined> {
  for (let first = 0; first < count;) {
    let end = first + 1;
    while (end < count && end - first < SLICE_INSTANCES && offsets[end + 1]! - offsets[first]! <= SLICE_ITEMS)
      end++;
    yield { first, end };
    first = end;
  }
}

/** A slice of instances, and those of them that have other numbers than columns of 32 bits hold. */
function plainOf(
  { items, offsets, targets, targetOffsets }: CheckedColumns,
  base: number,
  end: number,
): { plain: PlainInstances; others: Set<number> } {
  const others = new Set<number>();
  const itemStarts = startsOf(offsets, base, end);
  const itemColumn = new Int32Array(itemStarts[end - base]!);
  const first = offsets[base]!;
  if (items instanceof Int32Array) itemColumn.set(items.subarray(first, offsets[end]));
  else
    for (let k = base; k < end; k++)
      for (let i = offsets[k]!; i < offsets[k + 1]!; i++) {
        const value = Number(items[i]!);
        itemColumn[i - first] = value;
        if (value !== (value | 0)) others.add(k - base);
      }
  const targetStarts = startsOf(targetOffsets, base, end);
  const targetColumn = new Float64Array(targetStarts[end - base]!);
  const firstTarget = targetOffsets[base]!;
  for (let k = base; k < end; k++)
    for (let q = targetOffsets[k]!; q < targetOffsets[k + 1]!; q++) {
      const value = Number(targets[q]!);
      targetColumn[q - firstTarget] = value;
      if (!Number.isSafeInteger(value)) others.add(k - base);
    }
  const plain = {
    items: itemColumn,
    offsets: itemStarts,
    targets: targetColumn,
    targetOffsets: targetStarts,
  };
  return { plain, others };
}

/** The offsets of a range of instances, from 0. */
function startsOf(offsets: Offsets, base: number, end: number): Uint32Array<ArrayBuffer> {
  const starts = new Uint32Array(end - base + 1);
  for (let k = base; k <= end; k++) starts[k - base] = offsets[k]! - offsets[base]!;
  return starts;
}

/** A number for the check of instances, which refuses a bigint beyond the range of items. */
const exact = (value: number | bigint) =>
  typeof value === "bigint" && value >= -MAX_ITEM && value <= MAX_ITEM ? Number(value) : value;

/** An instance as an object, with numbers as they are: the check of instances refuses those that do not serve. */
function instanceOf(given: CheckedColumns, k: number, partition: boolean): Instance {
  const { items, offsets, targets, targetOffsets } = given;
  return {
    items: Array.from(items.subarray(offsets[k], offsets[k + 1]) as ArrayLike<number>, exact) as number[],
    ...(!partition && {
      targets: Array.from(
        targets.subarray(targetOffsets[k], targetOffsets[k + 1]) as ArrayLike<number>,
        exact,
      ),
    }),
  };
}

/** Stores answers from an entry on. */
function store(solved: SolvedColumns, answers: PlainAnswers, entry: number): void {
  const { reachable, sums } = answers;
  solved.reachable.set(reachable, entry);
  // Words are faster than bigints. The low one comes first, as in WebAssembly and on every platform of this package.
  const words = new Int32Array(solved.sums.buffer);
  for (let k = 0; k < sums.length; k++) {
    words[2 * (entry + k)] = sums[k]!;
    words[2 * (entry + k) + 1] = sums[k]! >> 31;
  }
  const { buffer, byteOffset, length } = answers.counts;
  solved.counts?.set(new BigUint64Array(buffer, byteOffset, length / 2), entry);
  const word = solved.maskOffsets?.[entry];
  solved.witnesses?.set(answers.witnesses, word);
  solved.smallestWitnesses?.set(answers.smallest, word);
  if (!solved.smallest) return;
  for (let k = 0; k < sums.length; k++) if (reachable[k]) solved.smallest[entry + k] = answers.sizes[k]!;
}

const MAX_COUNT = 2n ** 64n - 1n;

function storeFindings(solved: SolvedColumns, findings: readonly SolveFinding[], entry: number): void {
  findings.forEach((finding, k) => {
    const { instance, reachable, sum, target, count, unique, witness, smallest, smallestWitness } = finding;
    const at = entry + k;
    if (solved.unique && unique) solved.unique[at] = 1;
    if (solved.counts && count !== undefined) {
      if (BigInt(count) > MAX_COUNT)
        throw new RequestError(
          "count",
          `at most ${MAX_COUNT} in a column`,
          count,
          "solve it as an object",
        ).at(`instance ${instance}`);
      solved.counts[at] = BigInt(count);
    }
    if (!reachable) return;
    solved.reachable[at] = 1;
    solved.sums[at] = BigInt(sum ?? target!);
    const mark = (masks: Uint32Array | undefined, indices: readonly number[] | null | undefined) => {
      for (const i of indices ?? []) masks![solved.maskOffsets![at]! + (i >> 5)]! |= 1 << (i & 31);
    };
    mark(solved.witnesses, witness);
    mark(solved.smallestWitnesses, smallestWitness);
    if (solved.smallest) solved.smallest[at] = smallest!;
  });
}
