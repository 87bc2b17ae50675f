// smallest: for each target of given instances, the fewest items that sum up to it and the smallest mask of so few.

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

/** The size of an index set where there is none. */
const NO_SIZE = 0xffffffff;

/**
 * An answer is: the least size of an index set that sums up to `from`, which equals `to` (NO_SIZE where there is none);
 * and, with `masks`, the smallest mask of that size, maskWords(n) words (0 where there is none).
 */
export const smallest: Contract<InstanceParam, InstanceInput, "answers"> = {
  name: "smallest",
  params: instanceParams,
  buffers: instanceBuffers,
  twin(params, { answers, ...buffers }) {
    answers.fill(0);
    for (const { items, targets, negative, positive } of instancesOf(params, buffers)) {
      // sizes[i][s + negative]: the least size of an index set of the first i items that sums up to s.
      let sizes = new Uint16Array(negative + positive + 1).fill(NO_SIZE);
      sizes[negative] = 0;
      const rows = [sizes];
      for (const item of items) {
        const before = sizes;
        sizes = sizes.map((without, place) => Math.min(without, (before[place - item] ?? Infinity) + 1));
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

/** From the last item on, those that no set as small can do without. */
function* takenItems(items: Int32Array, rows: readonly Uint16Array[], place: number): Generator<number> {
  for (let i = items.length - 1; i >= 0; i--)
    if (rows[i]![place] !== rows[i + 1]![place]) {
      yield i;
      place -= items[i]!;
    }
}
