// The solve experiment on a runner: from a stream of instances to a stream of findings.

import { CapacityError, RequestError } from "../../src/errors.ts";
import { answersByQuery, type Answers, type PackedWork } from "../../src/solve/packing.ts";
import {
  askCounts,
  findSolution,
  readBest,
  askBest,
  askSmallest,
  solveConfig,
  type SolveRequest,
} from "../../src/experiments/solve.ts";
import type { SolveFinding } from "../../src/finding.ts";
import {
  problemOf,
  whereOf,
  type Instance,
  type Problem,
  type SolveConfig,
} from "../../src/solve/problem.ts";
import { closeIterator, iteratorOf, pump } from "../pump.ts";
import { provenanceOf, runnerOf, type Engine, type Runner } from "../runner.ts";

/** How `solve` is stopped, and what it does with instances that it cannot solve. */
export interface SolveOptions {
  /** Stops: no more instances are read, and those in work have no findings. */
  readonly signal?: AbortSignal | undefined;
  /** Called with an instance that cannot be solved, which is then left out; without it, its error ends everything. */
  readonly onRefused?: ((index: number, error: RequestError) => void) | undefined;
}

/** The instances that go to the engine together take one CPU thread about this time, by estimate. */
const CHUNK_COST_NS = 20e6;
const MAX_CHUNK_INSTANCES = 2 ** 11;
/** How long the first instances of a chunk wait for more. */
const CHUNK_WAIT_MS = 20;

/**
 * Answers a request for every instance of a stream: one finding for each target, in the order of the input.
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
export async function* solve(
  engine: Engine,
  instances: Iterable<Instance> | AsyncIterable<Instance>,
  request: SolveRequest = {},
  options: SolveOptions = {},
): AsyncGenerator<SolveFinding, void, undefined> {
  for await (const { finding } of solveEach(engine, instances, request, options)) yield finding;
}

/** The finding for one target of an instance, with the instance as the caller gave it. */
interface Solved<I extends Instance> {
  readonly instance: I;
  readonly finding: SolveFinding;
}

/** Solves as `solve` does, and yields every finding with its instance. */
export async function* solveEach<I extends Instance>(
  engine: Engine,
  instances: Iterable<I> | AsyncIterable<I>,
  request: SolveRequest,
  { signal, onRefused }: SolveOptions = {},
): AsyncGenerator<Solved<I>, void, undefined> {
  const config = solveConfig(request);
  const runner = runnerOf(engine);
  const mayWait = isAsync(instances);
  let isOver = false;
  const chunks = chunksOf(config, instances, onRefused, () => isOver);
  const run = (chunk: readonly Posed<I>[]) => solveOrRefuse(runner, config, chunk, onRefused);
  try {
    for await (const { solved, refusal } of pump(chunks, run, {
      depth: runner.queueDepth,
      ordered: true,
      signal,
    })) {
      yield* solved;
      if (refusal) throw refusal;
    }
  } finally {
    isOver = true;
    // A list is closed before its caller goes on. A source that may wait for ever closes in its own time.
    if (!mayWait) await chunks.return();
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
interface Posed<I extends Instance> {
  readonly instance: I;
  readonly problem: Problem;
}

/**
 * Cuts a stream into chunks that are worth a call of a kernel, until the stream ends or `isOver`. An error of the stream is
 * thrown after the chunk with the instances before it.
 */
async function* chunksOf<I extends Instance>(
  config: SolveConfig,
  instances: Iterable<I> | AsyncIterable<I>,
  onRefused: SolveOptions["onRefused"],
  isOver: () => boolean,
): AsyncGenerator<Posed<I>[], void, undefined> {
  const source = iteratorOf(instances);
  let next: Promise<IteratorResult<I>> | IteratorResult<I> | undefined;
  let hasEnded = false;
  let failure: { readonly error: unknown } | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let index = 0;

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
        while (!isOver() && cost < CHUNK_COST_NS && chunk.length < MAX_CHUNK_INSTANCES) {
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
          if (posed.problem.cost > CHUNK_COST_NS && chunk.length > 0) {
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
async function solveOrRefuse<I extends Instance>(
  runner: Runner,
  config: SolveConfig,
  chunk: readonly Posed<I>[],
  onRefused: SolveOptions["onRefused"],
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
  const best = readBest(queries, await run(askBest(config, queries)));
  const [counted, fewest] = await Promise.all([
    run(askCounts(config, queries, best)),
    run(askSmallest(config, queries, best)),
  ]);
  const provenance = provenanceOf(runner);
  const instances = chunk.flatMap(({ instance, problem }) => problem.queries.map(() => instance));
  return queries.map((query, k) => ({
    instance: instances[k]!,
    finding: findSolution(config, query, k, { best, counted, fewest }, provenance),
  }));
}
