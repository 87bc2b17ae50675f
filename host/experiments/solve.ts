// The solve experiment on an engine: from a stream of instances to a stream of findings.

import { CapacityError, RequestError } from "../../src/errors.ts";
import { PIECE_COST_NS } from "../../src/solve/columns.ts";
import { answersByQuery, packKnapsacks, type Answers, type PackedWork } from "../../src/solve/packing.ts";
import {
  askCounts,
  askGreatest,
  findKnapsack,
  findSolution,
  readBest,
  askBest,
  askSmallest,
  solveConfig,
  type Replies,
  subsetsOf,
  type ListRequest,
  type SolveRequest,
} from "../../src/experiments/solve.ts";
import type { SolveFinding, SubsetFinding } from "../../src/finding.ts";
import {
  problemOf,
  whereOf,
  type Instance,
  type Problem,
  type Query,
  type SolveConfig,
} from "../../src/solve/problem.ts";
import { closeIterator, iteratorOf, pump } from "../pump.ts";
import { provenanceOf, runnerOf, type Engine, type Runner } from "../runner.ts";
import { isColumns, solveColumns, type InstanceColumns, type SolvedColumns } from "./columns.ts";

/** How `solve` is stopped, and what it does with instances that it cannot solve. */
export interface SolveOptions {
  /** Stops: no more instances are read, and those in work have no findings. */
  readonly signal?: AbortSignal | undefined;
  /** Called with an instance that cannot be solved, which is then left out; without it, its error ends everything. */
  readonly onRefused?: ((index: number, error: RequestError) => void) | undefined;
}

const MAX_CHUNK_INSTANCES = 2 ** 11;
/** How long the first instances of a chunk wait for more. */
const CHUNK_WAIT_MS = 20;

/**
 * Answers a request for every instance of a stream: one finding for each target, in the order of the input. With `list`, the
 * index sets that a finding counts follow it; they are found as they are read, and take no memory.
 *
 * Instances are read as they are needed, so that a stream of any length takes the same memory. Witnesses are sets of item
 * indices, counted from 0; every one is checked by addition.
 * @param instances At most 10,000 items each, integers of -2^53..2^53; targets are integers of 64 bits.
 * @param request By default `count`, `witness` and `smallest` are answered where the size of the instance allows.
 * @throws {RequestError} A field of the request is out of range; nothing has run then. Or an instance is malformed; its
 * error comes after the findings of all instances before it.
 * @throws {CapacityError} The engine has too little memory for an instance; likewise after the findings before it.
 * @throws The reason of `options.signal`, if it aborts before the last finding.
 * @example
 * ```ts
 * import { openEngine } from "exacta";
 * import { solve } from "exacta/solve";
 *
 * const engine = await openEngine({ engine: "cpu" });
 * for await (const { witness, count } of solve(engine, [{ items: [3, 5, -8, 13, 21], target: 10 }]))
 *   console.log(witness, count); // [ 1, 2, 3 ] 1
 * engine.close();
 * ```
 */
export function solve(
  engine: Engine,
  instances: Iterable<Instance> | AsyncIterable<Instance>,
  request: ListRequest,
  options?: SolveOptions,
): AsyncGenerator<SolveFinding | SubsetFinding, void, undefined>;
export function solve(
  engine: Engine,
  instances: Iterable<Instance> | AsyncIterable<Instance>,
  request?: SolveRequest,
  options?: SolveOptions,
): AsyncGenerator<SolveFinding, void, undefined>;
/**
 * Answers a request for instances in columns, by columns: many small instances take a fraction of the time, since there is no
 * object for any of them. Every index set is checked by addition.
 * @param columns Instances as typed arrays; none has more than 10,000 items.
 * @param request An answer that cannot be given for every instance is an error, as if it were asked for by name. Columns
 * have neither profits nor lists.
 * @throws {RequestError} A field of the request, a column or an instance does not serve; an answer cannot be given.
 * @throws {CapacityError} The engine has too little memory for an instance.
 * @throws The reason of `options.signal`, if it aborts before the end.
 * @example
 * ```ts
 * import { openEngine } from "exacta";
 * import { solve } from "exacta/solve";
 *
 * const engine = await openEngine({ engine: "cpu" });
 * const items = Int32Array.of(3, 5, -8, 13, 21, 2, 4, 6);
 * const columns = { items, offsets: Uint32Array.of(0, 5, 8), targets: Int32Array.of(10, 7) };
 * const { reachable, sums, witnesses } = await solve(engine, columns, { ask: ["witness"], atMost: true });
 * console.log([...reachable], [...sums], [...witnesses!]); // [ 1, 1 ] [ 10n, 6n ] [ 14, 3 ]
 * engine.close();
 * ```
 */
export function solve(
  engine: Engine,
  columns: InstanceColumns,
  request?: SolveRequest,
  options?: Pick<SolveOptions, "signal">,
): Promise<SolvedColumns>;
export function solve(
  engine: Engine,
  instances: Iterable<Instance> | AsyncIterable<Instance> | InstanceColumns,
  request: SolveRequest | ListRequest = {},
  options: SolveOptions = {},
): AsyncGenerator<SolveFinding | SubsetFinding, void, undefined> | Promise<SolvedColumns> {
  return isColumns(instances)
    ? solveAllColumns(engine, instances, request, options)
    : solveStream(engine, instances, request, options);
}

async function* solveStream(
  engine: Engine,
  instances: Iterable<Instance> | AsyncIterable<Instance>,
  request: SolveRequest | ListRequest,
  options: SolveOptions,
): AsyncGenerator<SolveFinding | SubsetFinding, void, undefined> {
  for await (const { finding, subsets } of solveEach(engine, instances, request, options)) {
    yield finding;
    if (subsets) yield* subsets;
  }
}

async function solveAllColumns(
  engine: Engine,
  columns: InstanceColumns,
  request: SolveRequest | ListRequest,
  { signal }: SolveOptions,
): Promise<SolvedColumns> {
  const runner = runnerOf(engine);
  const config = { ...solveConfig(request), byName: true };
  const solveObjects = async (instances: readonly Instance[], first: number) => {
    const findings: SolveFinding[] = [];
    for (const chunk of posedChunks(config, instances, first)) {
      const { solved, refusal } = await solveOrRefuse(runner, config, chunk);
      if (refusal) throw refusal;
      for (const { finding } of solved) findings.push(finding);
    }
    return findings;
  };
  return solveColumns(runner, columns, config, solveObjects, signal);
}

/** The finding for one target of an instance, with the instance as the caller gave it. */
export interface Solved<I extends Instance> {
  readonly instance: I;
  readonly finding: SolveFinding;
  /** The index sets that are listed, found as they are read; undefined where none is asked for. */
  readonly subsets: Iterable<SubsetFinding> | undefined;
}

/** Solves as `solve` does, and yields every finding with its instance. `first` is the index of the first instance. */
export async function* solveEach<I extends Instance>(
  engine: Engine,
  instances: Iterable<I> | AsyncIterable<I>,
  request: SolveRequest | ListRequest,
  { signal, onRefused, first = 0 }: SolveOptions & { readonly first?: number } = {},
): AsyncGenerator<Solved<I>, void, undefined> {
  const config = solveConfig(request);
  const runner = runnerOf(engine);
  const mayWait = isAsync(instances);
  let isOver = false;
  const chunks = chunksOf(config, instances, first, onRefused, () => isOver);
  const run = (chunk: readonly Posed<I>[]) => solveOrRefuse(runner, config, chunk, onRefused);
  try {
    for await (const { solved, refusal } of pump(chunks, run, {
      depth: runner.queueDepth,
      ordered: true,
      signal,
    })) {
      for (const one of solved)
        yield one.subsets ? { ...one, subsets: untilAborted(one.subsets, signal) } : one;
      if (refusal) throw refusal;
    }
    signal?.throwIfAborted();
  } finally {
    isOver = true;
    // A list is closed before its caller goes on. A source that may wait for ever closes in its own time.
    if (!mayWait) await chunks.return();
  }
}

/** @throws The reason of the signal, where it aborts before the last value. */
function* untilAborted<T>(
  values: Iterable<T>,
  signal: AbortSignal | undefined,
): Generator<T, void, undefined> {
  for (const value of values) {
    signal?.throwIfAborted();
    yield value;
  }
}

/** Whether a source may keep its reader waiting. @throws {RequestError} if it is not iterable. */
function isAsync(instances: Iterable<Instance> | AsyncIterable<Instance>): boolean {
  const source: unknown = instances;
  if (typeof source === "object" && source !== null) {
    if (Symbol.asyncIterator in source) return true;
    if (Symbol.iterator in source) return false;
  }
  throw new RequestError("instances", "an iterable or async iterable of instances", source);
}

/** An instance as the caller gave it, and in the form of the kernels. */
export interface Posed<I extends Instance> {
  readonly instance: I;
  readonly problem: Problem;
}

/**
 * Cuts a list of instances, the first of which has the index `first`, into chunks that are worth a call of a kernel.
 * @throws {RequestError} An instance cannot be posed, after the chunk with those before it; with `onRefused` it is left out.
 */
export function* posedChunks<I extends Instance>(
  config: SolveConfig,
  instances: Iterable<I>,
  first: number,
  onRefused?: SolveOptions["onRefused"],
): Generator<Posed<I>[], void, undefined> {
  let [chunk, cost, index]: [Posed<I>[], number, number] = [[], 0, first];
  for (const instance of instances) {
    let problem: Problem;
    try {
      problem = problemOf(config, instance, index++);
    } catch (error) {
      if (onRefused && error instanceof RequestError) {
        onRefused(index - 1, error);
        continue;
      }
      if (chunk.length > 0) yield chunk;
      throw error;
    }
    // An instance that takes long by itself does not keep the others waiting.
    if (chunk.length > 0 && (cost + problem.cost > PIECE_COST_NS || chunk.length === MAX_CHUNK_INSTANCES)) {
      yield chunk;
      [chunk, cost] = [[], 0];
    }
    chunk.push({ instance, problem });
    cost += problem.cost;
  }
  if (chunk.length > 0) yield chunk;
}

/**
 * Cuts a stream into chunks that are worth a call of a kernel, until the stream ends or `isOver`. An error of the stream is
 * thrown after the chunk with the instances before it.
 */
async function* chunksOf<I extends Instance>(
  config: SolveConfig,
  instances: Iterable<I> | AsyncIterable<I>,
  first: number,
  onRefused: SolveOptions["onRefused"],
  isOver: () => boolean,
): AsyncGenerator<Posed<I>[], void, undefined> {
  const source = iteratorOf(instances);
  let next: Promise<IteratorResult<I>> | IteratorResult<I> | undefined;
  let hasEnded = false;
  let failure: { readonly error: unknown } | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let index = first;

  function pose(instance: I): Posed<I> | undefined {
    try {
      return { instance, problem: problemOf(config, instance, index++) };
    } catch (error) {
      if (!onRefused || !(error instanceof RequestError)) throw error;
      onRefused(index - 1, error);
      return undefined;
    }
  }

  try {
    while (!hasEnded && !isOver()) {
      let chunk: Posed<I>[] = [];
      let cost = 0;
      let expiry: Promise<undefined> | undefined;
      try {
        while (!isOver() && cost < PIECE_COST_NS && chunk.length < MAX_CHUNK_INSTANCES) {
          next ??= source.next();
          if (chunk.length > 0 && next instanceof Promise)
            expiry ??= new Promise((resolve) => (timer = setTimeout(resolve, CHUNK_WAIT_MS)));
          const result = expiry ? await Promise.race([next, expiry]) : await next;
          if (!result) break;
          next = undefined;
          hasEnded = result.done === true;
          if (result.done) break;
          const posed = pose(result.value);
          if (!posed) continue;
          // An instance that takes long by itself does not keep the others waiting.
          if (posed.problem.cost > PIECE_COST_NS && chunk.length > 0) {
            yield chunk;
            chunk = [];
          }
          chunk.push(posed);
          cost += posed.problem.cost;
        }
      } catch (error) {
        failure = { error };
      }
      clearTimeout(timer);
      if (chunk.length > 0) yield chunk;
      if (failure) throw failure.error;
    }
  } finally {
    clearTimeout(timer);
    if (!hasEnded) closeIterator(source);
  }
}

/** The findings of a chunk: all of them, or those before the instance that the engine refused. */
interface Answered<I extends Instance> {
  readonly solved: readonly Solved<I>[];
  readonly refusal?: RequestError | undefined;
}

/** Solves a chunk. If the engine's memory does not hold it, halves it until the instances that do not fit are alone. */
export async function solveOrRefuse<I extends Instance>(
  runner: Runner,
  config: SolveConfig,
  chunk: readonly Posed<I>[],
  onRefused?: SolveOptions["onRefused"],
): Promise<Answered<I>> {
  try {
    return { solved: await solveChunk(runner, config, chunk) };
  } catch (error) {
    if (!(error instanceof CapacityError)) throw error;
    const [first] = chunk;
    if (chunk.length === 1 && first) {
      const { instance, index } = first.problem;
      const refusal = error.at(whereOf(instance, index));
      if (!onRefused) return { solved: [], refusal };
      onRefused(index, refusal);
      return { solved: [] };
    }
  }
  const middle = chunk.length >> 1;
  const before = await solveOrRefuse(runner, config, chunk.slice(0, middle), onRefused);
  if (before.refusal) return before;
  const after = await solveOrRefuse(runner, config, chunk.slice(middle), onRefused);
  return { solved: [...before.solved, ...after.solved], refusal: after.refusal };
}

/** The findings of a chunk, in the order of its instances and their targets. */
async function solveChunk<I extends Instance>(
  runner: Runner,
  config: SolveConfig,
  chunk: readonly Posed<I>[],
): Promise<Solved<I>[]> {
  const queries = chunk.flatMap(({ problem }) => problem.queries);
  const run = async (packed: readonly PackedWork[]): Promise<Answers> => {
    const answers = await Promise.all(packed.map(({ work }) => runner.run(work)));
    return answersByQuery(
      queries.length,
      packed,
      answers.map(({ words }) => words),
    );
  };
  if (config.profits) return solveKnapsacks(chunk, queries, await run(packKnapsacks(queries)), runner);
  const best = readBest(queries, await run(askBest(config, queries)));
  const [highest, lowest] = askGreatest(config, queries, best);
  const [counted, fewest, ofGreatestSum, ofLeastSum] = await Promise.all([
    Promise.all(askCounts(config, queries, best).map(run)),
    run(askSmallest(queries, best)),
    run(highest),
    run(lowest),
  ]);
  const replies: Replies = { best, counted, fewest, greatest: [ofGreatestSum, ofLeastSum] };
  const provenance = provenanceOf(runner);
  const solved: Solved<I>[] = [];
  let k = 0;
  for (const { instance, problem } of chunk) {
    const { length } = problem.form.sizes;
    for (const end = k + problem.queries.length; k < end; k += length)
      solved.push({
        instance,
        finding: findSolution(config, queries, k, replies, provenance),
        subsets: config.list === undefined ? undefined : subsetsOf(config, queries, k, best),
      });
  }
  return solved;
}

/** The findings of a chunk of knapsacks, in the order of its instances and their targets. */
function solveKnapsacks<I extends Instance>(
  chunk: readonly Posed<I>[],
  queries: readonly Query[],
  answers: Answers,
  runner: Runner,
): Solved<I>[] {
  const provenance = provenanceOf(runner);
  let k = 0;
  return chunk.flatMap(({ instance, problem }) =>
    problem.queries.map(() => ({
      instance,
      finding: findKnapsack(queries, k++, answers, provenance),
      subsets: undefined,
    })),
  );
}
