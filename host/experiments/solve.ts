// The solve experiment on a runner: from a stream of instances to a stream of findings.

import { CapacityError, RequestError } from "../../src/errors.ts";
import { version } from "../../package.json";
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
import { runnerOf, type Engine, type Runner } from "../runner.ts";

export interface SolveOptions {
  /** Stops: no more instances are taken, and what is in work is given up. */
  readonly signal?: AbortSignal | undefined;
  /** Called with an instance that cannot be solved, which is then left out; without it, its error ends everything. */
  readonly onRefused?: ((index: number, error: RequestError) => void) | undefined;
}

/** How much goes to the engine at once: nanoseconds of one CPU thread, and instances. */
const CHUNK_COST = 20e6;
const CHUNK_INSTANCES = 2 ** 11;
/** Milliseconds for which instances that have come wait for more. */
const CHUNK_WAIT = 20;

/**
 * Answers a request for every instance of a stream, one finding for each target, in the order of the input. Instances are
 * taken as they are needed, so a stream of any length needs the same memory.
 * Throws TypeError or RangeError for a request that cannot be met before anything runs, and for an instance that cannot
 * be, or that the engine has no room for, when its turn comes; the findings of all instances before it have come by then.
 */
export async function* solve(
  engine: Engine,
  instances: Iterable<Instance> | AsyncIterable<Instance>,
  request: SolveRequest = {},
  { signal, onRefused }: SolveOptions = {},
): AsyncGenerator<SolveFinding, void, undefined> {
  const config = solveConfig(request);
  const runner = runnerOf(engine);
  const waits = isAsync(instances);
  let over = false;
  const chunks = chunksOf(config, instances, onRefused, () => over);
  const inWork: Promise<Answered>[] = [];
  let failure: { readonly error: unknown } | undefined;
  let taking: Promise<void> | undefined;
  let ended = false;
  async function take(): Promise<void> {
    try {
      const { done, value } = await chunks.next();
      if (done || over) ended = true;
      else inWork.push(noticed(solveOrRefuse(runner, config, value, onRefused)));
    } catch (error) {
      // Passed on when everything before it has been answered.
      failure = { error };
      ended = true;
    }
    taking = undefined;
  }
  try {
    for (;;) {
      if (signal?.aborted) return;
      if (!ended && inWork.length < runner.queueDepth) taking ??= take();
      if (!taking && inWork.length === 0) break;
      // Input that keeps waiting holds no findings back.
      const event = await firstOf(signal, taking, inWork[0]);
      if (event === "stopped") return;
      if (event !== "ready") continue;
      const { findings, refusal } = await inWork.shift()!;
      yield* findings;
      if (refusal) throw refusal;
    }
  } finally {
    over = true;
    const closed = noticed(chunks.return());
    // A source that may wait for ever closes in its own time.
    if (!waits) await closed;
  }
  if (failure) throw failure.error;
}

/** Whether a source may keep its reader waiting. Throws TypeError for what is no source. */
function isAsync(instances: Iterable<Instance> | AsyncIterable<Instance>): boolean {
  const source: unknown = instances;
  if (typeof source === "object" && source !== null) {
    if (Symbol.asyncIterator in source) return true;
    if (Symbol.iterator in source) return false;
  }
  throw new RequestError("instances", "an iterable or async iterable of instances", source);
}

/** What comes first. Nothing is left hanging on the signal, which may live as long as the program. */
async function firstOf(
  signal: AbortSignal | undefined,
  taking: Promise<void> | undefined,
  inWork: Promise<unknown> | undefined,
): Promise<"stopped" | "taken" | "ready"> {
  if (signal?.aborted) return "stopped";
  const settled = new AbortController();
  return new Promise<"stopped" | "taken" | "ready">((resolve, reject) => {
    signal?.addEventListener("abort", () => resolve("stopped"), { signal: settled.signal });
    void taking?.then(() => resolve("taken"));
    inWork?.then(() => resolve("ready"), reject);
  }).finally(() => settled.abort());
}

/** A promise whose failure is heard by whoever waits for it, or by nobody. */
function noticed<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

/**
 * Cuts a stream into chunks that are worth a call, until it ends or nobody wants more. An error of the stream comes after
 * the instances before it.
 */
async function* chunksOf(
  config: SolveConfig,
  instances: Iterable<Instance> | AsyncIterable<Instance>,
  onRefused: SolveOptions["onRefused"],
  isOver: () => boolean,
): AsyncGenerator<Problem[], void, undefined> {
  const source =
    Symbol.asyncIterator in instances ? instances[Symbol.asyncIterator]() : instances[Symbol.iterator]();
  let index = 0;
  let next: Promise<IteratorResult<Instance>> | IteratorResult<Instance> | undefined;
  let done = false;
  try {
    while (!done && !isOver()) {
      let chunk: Problem[] = [];
      let cost = 0;
      let timer: ReturnType<typeof setTimeout> | undefined;
      let late: Promise<undefined> | undefined;
      try {
        while (!isOver() && cost < CHUNK_COST && chunk.length < CHUNK_INSTANCES) {
          next ??= source.next();
          if (next instanceof Promise && chunk.length > 0)
            late ??= new Promise((resolve) => (timer = setTimeout(resolve, CHUNK_WAIT)));
          const result = late ? await Promise.race([next, late]) : await next;
          if (!result) break;
          next = undefined;
          if (result.done) {
            done = true;
            break;
          }
          let problem: Problem;
          try {
            problem = problemOf(config, result.value, index++);
          } catch (error) {
            if (!onRefused || !(error instanceof RequestError)) throw error;
            onRefused(index - 1, error);
            continue;
          }
          // What takes long by itself does not keep others waiting.
          if (problem.cost > CHUNK_COST && chunk.length > 0) {
            yield chunk;
            chunk = [];
          }
          chunk.push(problem);
          cost += problem.cost;
        }
      } catch (error) {
        if (chunk.length > 0) yield chunk;
        throw error;
      } finally {
        clearTimeout(timer);
      }
      if (chunk.length > 0) yield chunk;
    }
  } finally {
    if (!done) void noticed(Promise.resolve(source.return?.()));
  }
}

/** What an engine made of some instances: all their findings, or those before the one it refused. */
interface Answered {
  readonly findings: readonly SolveFinding[];
  readonly refusal?: RequestError | undefined;
}

/** Solves instances together, or, where the engine has no room for some of them, ever fewer until it is known which. */
async function solveOrRefuse(
  engine: Runner,
  config: SolveConfig,
  problems: readonly Problem[],
  onRefused: SolveOptions["onRefused"],
): Promise<Answered> {
  try {
    return { findings: await solveChunk(engine, config, problems) };
  } catch (error) {
    if (!(error instanceof CapacityError)) throw error;
    const [problem] = problems;
    if (problems.length === 1 && problem) {
      const refusal = error.at(whereOf(problem.instance, problem.index));
      if (!onRefused) return { findings: [], refusal };
      onRefused(problem.index, refusal);
      return { findings: [] };
    }
  }
  const middle = problems.length >> 1;
  const before = await solveOrRefuse(engine, config, problems.slice(0, middle), onRefused);
  if (before.refusal) return before;
  const after = await solveOrRefuse(engine, config, problems.slice(middle), onRefused);
  return { findings: [...before.findings, ...after.findings], refusal: after.refusal };
}

/** The findings of some instances, in their order. */
async function solveChunk(
  engine: Runner,
  config: SolveConfig,
  problems: readonly Problem[],
): Promise<SolveFinding[]> {
  const queries = problems.flatMap((problem) => problem.queries);
  const run = async (calls: readonly PackedWork[]): Promise<Answers> =>
    answersByQuery(queries.length, calls, await Promise.all(calls.map(({ work }) => engine.run(work))));
  const best = readBest(queries, await run(askBest(config, queries)));
  const [counted, fewest] = await Promise.all([
    run(askCounts(config, queries, best)),
    run(askSmallest(config, queries, best)),
  ]);
  const provenance = { engine: engine.engine, adapter: engine.adapter, version };
  return queries.map((query, k) => findSolution(config, query, k, { best, counted, fewest }, provenance));
}
