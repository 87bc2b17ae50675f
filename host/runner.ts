// What every engine offers: the words that a kernel writes for one piece of work.

import { version } from "../package.json";
import { RequestError } from "../src/errors.ts";
import type { Provenance } from "../src/finding.ts";
import type { Work } from "../src/plan.ts";

export const engines = ["auto", "gpu", "cpu", "reference", "shadow"] as const;
/** What a caller may ask for; a runner is never `auto`. */
export type EngineName = (typeof engines)[number];

/** What `openEngine` takes. */
export interface EngineOptions {
  /**
   * `auto` (the default): a hardware GPU where there is one, otherwise `cpu`. `gpu`: any adapter, a software one too.
   * `cpu`: WebAssembly in threads. `reference`: the TypeScript definitions. `shadow`: `cpu` compared word for word with
   * the GPU, or with the reference where there is no adapter.
   */
  engine?: EngineName;
  /** Threads of the CPU engine, 1..256. Default: one for each hardware thread. */
  threads?: number;
}

/** What experiments run on, as their caller holds it. */
export interface Engine {
  readonly engine: Exclude<EngineName, "auto">;
  /** The device that answers, in its own words. */
  readonly adapter: string;
  /** Gives back threads and devices; pending work fails. */
  close(): void;
}

/** The same engine, as experiments use it. */
export interface Runner extends Engine {
  /** How many pieces of work in flight keep it busy. */
  readonly queueDepth: number;
  /** How many of those it works on at a time. */
  readonly parallelism: number;
  /** How long one should take, in milliseconds. */
  readonly targetMilliseconds: number;
  /** Makes ready for work of this shape, so that the first is not slower than the others. */
  prepare(work: Work): Promise<void>;
  run(work: Work): Promise<Answer>;
}

/** The answer of a runner to one piece of work. */
export interface Answer {
  /** The kernel's output buffer: a pure function of the work, the same words on every runner. */
  readonly words: Uint32Array;
  /** The milliseconds that the device worked on it, by the device's own clock; absent where it has none. */
  readonly deviceMilliseconds?: number;
}

/**
 * The runner behind an engine.
 * @throws {RequestError} The value is not what `openEngine` resolves to.
 */
export function runnerOf(engine: Engine): Runner {
  if (typeof (engine as Partial<Runner> | undefined)?.run !== "function")
    throw new RequestError("engine", "what openEngine answers", typeof engine, "mind the await");
  return engine as Runner;
}

/** The engine, adapter and version that findings record. */
export function provenanceOf({ engine, adapter }: Engine): Provenance {
  return { engine, adapter, version };
}
