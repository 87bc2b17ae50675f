// The interface of every engine: a runner answers work with the words of the kernel's output.

import { version } from "../package.json";
import { RequestError } from "../src/errors.ts";
import type { Provenance } from "../src/finding.ts";
import type { Work } from "../src/plan.ts";
import type { PlainAnswers, PlainInstances } from "../src/solve/columns.ts";
import type { SolveConfig } from "../src/solve/problem.ts";

export const engines = ["auto", "gpu", "cpu", "reference", "shadow"] as const;
/** The engines that a caller may ask for. A runner is never `auto`: it is the engine that `auto` took. */
export type EngineName = (typeof engines)[number];

/** The options of `openEngine`. */
export interface EngineOptions {
  /**
   * - `auto` (the default): `gpu` if there is a hardware GPU, or else `cpu`.
   * - `gpu`: any WebGPU adapter, software adapters included. The CPU answers work that exceeds its memory or that would keep
   *   the screen from drawing, and all work after a GPU is lost for good.
   * - `cpu`: WebAssembly in threads.
   * - `reference`: the TypeScript definitions of the kernels.
   * - `shadow`: `cpu`, whose every word is compared with `gpu`, or with `reference` if there is no adapter.
   */
  engine?: EngineName;
  /** Threads of the CPU engine, 1..256. Default: one for each hardware thread that the process may keep busy. */
  threads?: number;
  /**
   * One GPU of several: a part of its name, in letters of any case, or its number in the list of `exacta devices`, from 1. With
   * it, `auto` is `gpu`. In Node through Dawn only: browsers choose the GPU themselves.
   */
  adapter?: string;
  /**
   * Called with a sentence for the user: a thread or a GPU is replaced, the CPU answers instead of the GPU, or the GPU's driver
   * has a fault. Default: `console.warn`.
   */
  onNotice?: (sentence: string) => void;
}

/** An open engine, as callers of experiments hold it. */
export interface Engine {
  readonly engine: Exclude<EngineName, "auto">;
  /** The device that computes, as it describes itself; with the CPU, once that has answered for a GPU. */
  readonly adapter: string;
  /** Ends threads and destroys devices. Pending work fails. */
  close(): void;
}

/** An open engine, as experiments use it. */
export interface Runner extends Engine {
  /** The number of pieces of work in flight that keeps it busy. */
  readonly queueDepth: number;
  /** The number of these that it works on at a time. */
  readonly parallelism: number;
  /** The milliseconds that a piece of work should take. */
  readonly targetMilliseconds: number;
  /** Compiles and uploads whatever this work needs, so that the first run is not slower than later ones. */
  prepare(work: Work): Promise<void>;
  run(work: Work): Promise<Answer>;
  /**
   * Answers small instances, which the engine poses by itself: undefined where it leaves some of them, or the request, to the
   * kernels. Absent where an engine has nothing but kernels.
   * @param instances `items` begin with item offsets[0], and `targets` with target targetOffsets[0].
   */
  readonly solvePlain?: (config: SolveConfig, instances: PlainInstances) => Promise<PlainAnswers | undefined>;
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
