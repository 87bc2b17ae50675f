// The order `theory`: what theory predicts for sweeps, where that takes a moment.

import { isProduct } from "../../src/ensemble.ts";
import type { PhaseConfig } from "../../src/experiments/phase.ts";
import { theoryOfConfig } from "../../src/experiments/theory.ts";
import type { TheoryFinding } from "../../src/finding.ts";
import type { Context, Order } from "./orders.ts";

/** The largest half ranges and the most targets whose theory is computed, in a moment. */
const MAX_HALF_RANGE = 1024;
const MAX_HALF_RANGE_PRODUCTS = 256;
const MAX_TARGETS = 4;

export interface TheoryOrder extends Order {
  readonly request: { readonly configs: readonly PhaseConfig[] };
  readonly report: never;
  /** A list for each configuration, with one finding for each number of items; empty where it would take too long. */
  readonly answer: readonly (readonly TheoryFinding[])[];
}

export async function theory(
  { configs }: TheoryOrder["request"],
  { signal }: Context<TheoryOrder>,
): Promise<TheoryOrder["answer"]> {
  const answer: (readonly TheoryFinding[])[] = [];
  for (const config of configs) {
    // Other messages to the worker come in between.
    await new Promise((resolve) => setTimeout(resolve));
    signal.throwIfAborted();
    answer.push(isQuick(config) ? theoryOfConfig(config) : []);
  }
  return answer;
}

function isQuick({ ensemble, halfRange, targets }: PhaseConfig): boolean {
  const most = isProduct(ensemble) ? MAX_HALF_RANGE_PRODUCTS : MAX_HALF_RANGE;
  return (ensemble === "rnpp" || halfRange <= most) && targets.length <= MAX_TARGETS;
}
