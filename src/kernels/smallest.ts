// smallest: for each target of given instances, the least number of items with that sum, and the smallest mask of that size.

import type { Contract } from "../kernel.ts";
import {
  instanceBuffers,
  instanceParams,
  instancesOf,
  maskWords,
  writeMask,
  type InstanceInput,
  type InstanceParam,
} from "./instances.ts";

/** The least size of a sum that no index set has. */
const NO_SIZE = 0xffffffff;

/**
 * An answer is:
 *
 * - the least size of an index set with the sum `from`, which equals `to`; NO_SIZE if there is none;
 * - with `masks`, the smallest mask of that size, maskWords(n) words; 0 if there is none.
 */
export const smallest: Contract<InstanceParam, InstanceInput, "answers"> = {
  name: "smallest",
  params: instanceParams,
  buffers: instanceBuffers,
  twin(params, { answers, ...buffers }) {
    answers.fill(0);
    for (const { items, targets, negative, positive } of instancesOf(params, buffers)) {
      // rows[i][s + negative]: the least size of an index set of the first i items with the sum s. NO_SIZE is stored as 0xffff.
      let sizes = new Uint16Array(negative + positive + 1).fill(NO_SIZE);
      sizes[negative] = 0;
      const rows = [sizes];
      for (const item of items) {
        const before = sizes;
        sizes = sizes.map((without, bit) => Math.min(without, (before[bit - item] ?? Infinity) + 1));
        rows.push(sizes);
      }
      for (const { from, answerAt } of targets) {
        const size = sizes[from + negative]!;
        answers[answerAt] = size > items.length ? NO_SIZE : size;
        if (params.masks && size <= items.length)
          writeMask(answers, answerAt + 1, takenItems(items, rows, from + negative));
      }
    }
  },
};

/** Words of an answer to `smallest`. */
export const smallestWords = (n: number, masks: boolean): number => 1 + (masks ? maskWords(n) : 0);

/**
 * The indices of the smallest mask of least size, from the last on. An item is taken only if the items before it cannot
 * reach the sum with as few: a mask without it would be smaller.
 */
function* takenItems(items: Int32Array, rows: readonly Uint16Array[], bit: number): Generator<number> {
  for (let i = items.length - 1; i >= 0; i--)
    if (rows[i]![bit] !== rows[i + 1]![bit]) {
      yield i;
      bit -= items[i]!;
    }
}
