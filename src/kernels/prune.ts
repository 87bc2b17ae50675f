// prune: draws the items of each demand from two layers of a random network, and answers the subset that is kept.
//
// The items of a demand are the products of hidden units and weights behind them. The network itself is never stored: an
// item depends on the keys of its layers and on its index alone.

import { indexedValues } from "../ensemble.ts";
import type { Contract } from "../kernel.ts";
import { maskWords, totalsOf } from "./instances.ts";
import { smallest, smallestWords } from "./smallest.ts";
import { witness, witnessWords } from "./witness.ts";

const pruneParams = [
  /** The number of demands. */
  "demands",
  /** The items of a demand, 0..10,000: hidden units, or copies of an input. */
  "group",
  /** Threefry keys, low and high 32 bits, of the layer of hidden units and of the layer of weights behind them. */
  "hiddenLow",
  "hiddenHigh",
  "weightsLow",
  "weightsHigh",
  /** The number of values to draw from, 1..2^22 - 1, and the slicing of random words that it asks for (ensemble.ts). */
  "range",
  "bits",
  "threshold",
  /** 1: keeps the subset that `smallest` answers. 0: keeps the subset that `witness` answers. */
  "sparse",
  /**
   * The most sums that a table needs, 1..2^30: half the sum of the magnitudes of a demand's items, plus 1, since a sum in the
   * upper half is counted from the other end.
   */
  "sums",
] as const;

type PruneParam = (typeof pruneParams)[number];
export type PruneParams = Readonly<Record<PruneParam, number>>;
export type PruneInput = "values" | "demands";

/**
 * Words of a demand:
 *
 * - the index of its first hidden unit in the layer of hidden units, a u32; index + group - 1 fits too;
 * - the index of its first weight in the layer of weights, likewise;
 * - the sum, any i32;
 * - 1 or -1: only hidden units of this sign count. 0: there are no hidden units, and items are the weights.
 */
export const DEMAND_WORDS = 4;

/** Words of an answer over `group` items. */
export const pruneWords = (group: number): number => 1 + maskWords(group);

/**
 * - `values` [range]: the weights that drawn values stand for.
 * - `demands` [demands][4].
 * - `answers` [demands][1 + maskWords(group)]: 1 if a subset of the items has the sum, or else 0; and the mask of the subset
 *   that is kept, 0 if there is none.
 *
 * Index p of a layer is item p % 64 of the counter floor(p / 64) under its key; the counter takes the place of a trial index.
 * Item q of a demand is the product of hidden unit q and weight q, or 0 if the hidden unit has another sign. The magnitudes of
 * a demand's items add up to less than 2^31.
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

/** The mask that `smallest` or `witness` answers; 0 if no subset has the sum. */
function maskOf(items: Int32Array, sum: number, sparse: boolean): Uint32Array {
  const n = items.length;
  const [kernel, words] = sparse ? [smallest, smallestWords] : [witness, witnessWords];
  const answers = new Uint32Array(words(n, true));
  const sizes = { instances: 1, items: n, targets: 1, answers: answers.length, longest: n };
  const starts = Uint32Array.of(0, 0, n, 1);
  const targets = Int32Array.of(sum, sum, sum, 0);
  kernel.twin({ ...sizes, sums: 0, masks: 1, tiles: 0, reduction: 0 }, { items, starts, targets, answers });
  return answers.subarray(words(n, false));
}
