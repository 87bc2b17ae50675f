// The messages between the page and its worker.

import { RequestError, type Spelling } from "../src/errors.ts";
import type { PhaseConfig } from "../src/experiments/phase.ts";
import type { PhaseFinding, TheoryFinding } from "../src/finding.ts";
import type { PageEngine } from "./inputs.ts";

/** A message to the worker. `start` ends the run before it. */
export type Order =
  | {
      readonly type: "start";
      readonly run: number;
      readonly engine: PageEngine;
      readonly configs: readonly PhaseConfig[];
    }
  | { readonly type: "stop" };

/** The state of a run. */
export interface Count {
  /** A list for each configuration, in their order. */
  readonly findings: readonly (readonly PhaseFinding[])[];
  /** Trials that are done, and trials that are requested, over all curves. */
  readonly done: number;
  readonly total: number;
  /** Seconds since the engine was open. */
  readonly seconds: number;
}

/** A message from the worker, with the number of the run in the `start` that it answers. */
export type Report = { readonly run: number } & (
  | { readonly type: "engine"; readonly engine: string; readonly adapter: string; readonly why: string }
  | { readonly type: "theory"; readonly theory: readonly (readonly TheoryFinding[])[] }
  | ({ readonly type: "progress" } & Count)
  | ({ readonly type: "end"; readonly stopped: boolean } & Count)
  | { readonly type: "error"; readonly message: string }
);

/** Names the settings of the form. */
const formSpelling: Spelling = {
  field: (name) => name,
  option: (name, value) => (value === undefined ? `the ${name}` : `the ${name} ${value}`),
};

/** What the page says of an error. */
export function messageOf(error: unknown): string {
  if (error instanceof RequestError) return error.spelled(formSpelling);
  return error instanceof Error ? error.message : String(error);
}
