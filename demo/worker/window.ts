// The order `window`: the predicted failures of the farthest target, by half range and number of items.

import { predictFailure } from "../../src/theory/window.ts";
import type { Context, Order } from "./orders.ts";

export interface WindowOrder extends Order {
  readonly request: {
    readonly halfRanges: readonly number[];
    readonly items: { readonly from: number; readonly to: number };
  };
  readonly report: never;
  /** For each half range M, and each number of items, the predicted probability that no subset of `rssp` has the sum M. */
  readonly answer: readonly (readonly number[])[];
}

export async function window(
  { halfRanges, items }: WindowOrder["request"],
  { signal }: Context<WindowOrder>,
): Promise<WindowOrder["answer"]> {
  const answer: (readonly number[])[] = [];
  for (const halfRange of halfRanges) {
    // Other messages to the worker come in between.
    await new Promise((resolve) => setTimeout(resolve));
    signal.throwIfAborted();
    answer.push(
      Array.from(
        { length: items.to - items.from + 1 },
        (_, j) => predictFailure("rssp", halfRange, items.from + j, halfRange).failure,
      ),
    );
  }
  return answer;
}
