// What a section of the benchmark gets and what it returns.

import type { KernelName } from "../../../src/kernels/index.ts";
import type { Candidates, Costs } from "./measure/measure.ts";
import type { Row } from "./records/record.ts";

/** The engines that are measured; `shadow` would measure two of them at once. */
export const measured = ["cpu", "gpu", "reference"] as const;
export type Measured = (typeof measured)[number];

export interface Context {
  readonly engines: ReadonlySet<Measured>;
  /** The kernels that the section `kernels` measures. */
  readonly kernels: ReadonlySet<KernelName>;
  /** Threads of the CPU engine where it has more than one. */
  readonly threads: number;
  /** Undefined where the GPU is not measured. */
  readonly gpu: Gpu | undefined;
  /** Commands of CPython and of a C compiler; undefined where this machine lacks them. */
  readonly python: string | undefined;
  readonly cc: string | undefined;
  readonly signal: AbortSignal;
  /** Measures candidates alternately; undefined where it is stopped before the first round ends. */
  readonly measure: <C extends Candidates>(title: string, candidates: C) => Promise<Costs<C> | undefined>;
  /** Writes a line to stderr. */
  readonly note: (text: string) => void;
}

export interface Gpu {
  readonly requestAdapter: () => Promise<GPUAdapter | null>;
  /** WGSL language features of the implementation. */
  readonly language: ReadonlySet<string>;
}

/** The rows of a section, and how they are printed. */
export interface Section {
  readonly title: string;
  readonly rows: readonly Row[];
  readonly table: readonly string[];
}
