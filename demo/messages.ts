// What the page and its worker say to each other.

import type { PhaseConfig } from "../src/experiments/phase.ts";
import type { PhaseFinding, TheoryFinding } from "../src/finding.ts";
import type { PageEngine } from "./inputs.ts";

/** `start` ends the run before it. */
export type Order =
  | {
      readonly type: "start";
      readonly run: number;
      readonly engine: PageEngine;
      readonly configs: readonly PhaseConfig[];
    }
  | { readonly type: "stop" };

export interface Count {
  /** A list for each configuration, in their order. */
  readonly findings: readonly (readonly PhaseFinding[])[];
  /** Trials done and asked, over all curves. */
  readonly done: number;
  readonly total: number;
  /** Since the engine was ready. */
  readonly seconds: number;
}

export type Report = { readonly run: number } & (
  | { readonly type: "engine"; readonly engine: string; readonly adapter: string; readonly why: string }
  | { readonly type: "theory"; readonly theory: readonly (readonly TheoryFinding[])[] }
  | ({ readonly type: "progress" } & Count)
  | ({ readonly type: "end"; readonly stopped: boolean } & Count)
  | { readonly type: "error"; readonly message: string }
);
