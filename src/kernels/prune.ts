// prune: draws the products of two layers of a random network, and decides which of them to keep for a sum.

import { indexedValues } from "../ensemble.ts";
import type { Contract } from "../kernel.ts";
import { maskWords, totalsOf } from "./instances.ts";
import { smallest, smallestWords } from "./smallest.ts";
import { witness, witnessWords } from "./witness.ts";

const pruneParams = [
  "demands",
  /** Items of a demand, 0..10,000: hidden units or copies of an input. */
  "group",
  /** Threefry keys of the layer of hidden units and of the layer of weights towards them. */
  "hiddenLow",
  "hiddenHigh",
  "weightsLow",
  "weightsHigh",
  /** How many values are drawn from, 1..2^22 - 1, and the slicing of random words it asks for (ensemble.ts). */
  "range",
  "bits",
  "threshold",
  /** 1: keeps as few items as can be, as `smallest`. 0: keeps what `witness` does. */
  "sparse",
  /** The most sums that a table needs, 1..2^30: half of what the magnitudes of a demand's items sum up to, and 1. */
  "sums",
] as const;

type PruneParam = (typeof pruneParams)[number];
export type PruneParams = Readonly<Record<PruneParam, number>>;
export type PruneInput = "values" | "demands";

/**
 * Words of a demand: the places of its first hidden unit and of its first weight, 0..2^32 - 1 with all of the group; the
 * sum, any i32; and 1 or -1 for hidden units of that sign, or 0 where there are none and items are weights by themselves.
 */
export const DEMAND_WORDS = 4;

/** Words of an answer. */
export const pruneWords = (group: number): number => 1 + maskWords(group);

/**
 * `values`: what drawn values stand for. Place p of a layer holds item p % 64 of trial floor(p / 64). Item q of a demand is the
 * product of hidden unit q and weight q, 0 where the hidden unit is not of the sign asked for; magnitudes sum up to less
 * than 2^31. An answer is: 1 or 0 for whether a subset of the items has the sum; and the mask of the one that is kept, 0
 * where there is none.
 */
export const prune: Contract<PruneParam, PruneInput, "answers"> = {
  name: "prune",
  params: pruneParams,
  buffers: {
    values: { type: "i32", access: "read", length: (params) => params.range },
    demands: { type: "i32", access: "read", length: (params) => DEMAND_WORDS * params.demands },
    answers: {
      type: "u32",
      access: "read_write",
      length: (params) => params.demands * pruneWords(params.group),
    },
  },
  twin(params, { values, demands, answers }) {
    const { group } = params;
    const hiddenAt = indexedValues(params.range, [params.hiddenLow, params.hiddenHigh]);
    const weightAt = indexedValues(params.range, [params.weightsLow, params.weightsHigh]);
    answers.fill(0);
    for (let k = 0; k < params.demands; k++) {
      const [hidden, weights, sum, sign] = demands.subarray(DEMAND_WORDS * k) as Int32Array;
      const items = Int32Array.from({ length: group }, (_, q) => {
        const unit = sign === 0 ? 1 : values[hiddenAt((hidden! >>> 0) + q)]!;
        return sign === 0 || Math.sign(unit) === sign ? unit * values[weightAt((weights! >>> 0) + q)]! : 0;
      });
      const { negative, positive } = totalsOf(items);
      if (sum! < -negative || sum! > positive) continue;
      const mask = maskOf(items, sum!, params.sparse === 1);
      answers[k * pruneWords(group)] = Number(sum === 0 || mask.some((word) => word > 0));
      answers.set(mask, k * pruneWords(group) + 1);
    }
  },
};

/** The mask that `smallest` or `witness` answers with; 0 where there is none. */
function maskOf(items: Int32Array, sum: number, sparse: boolean): Uint32Array {
  const n = items.length;
  const [kernel, words] = sparse ? [smallest, smallestWords] : [witness, witnessWords];
  const answers = new Uint32Array(words(n, true));
  const sizes = { instances: 1, items: n, targets: 1, answers: answers.length, longest: n };
  const starts = Uint32Array.of(0, 0, n, 1);
  const targets = Int32Array.of(sum, sum, sum, 0);
  kernel.twin({ ...sizes, sums: 0, masks: 1, tiles: 0 }, { items, starts, targets, answers });
  return answers.subarray(words(n, false));
}
