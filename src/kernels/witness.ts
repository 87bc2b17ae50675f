// witness: for each target of given instances, the sum in from..to that is nearest to its center, and the witness of that sum.

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

/** The entry of a sum that no index set has. */
const NEVER = 0xffff;

/**
 * An answer is:
 *
 * - 1 if the instance has a sum in from..to, or else 0, and then all other words are 0;
 * - the sum nearest to `center`, the lower of two equally near, as an i32;
 * - with `masks`, the smallest mask of that sum, maskWords(n) words.
 */
export const witness: Contract<InstanceParam, InstanceInput, "answers"> = {
  name: "witness",
  params: instanceParams,
  buffers: instanceBuffers,
  twin(params, { answers, ...buffers }) {
    answers.fill(0);
    for (const { items, targets, negative, positive } of instancesOf(params, buffers)) {
      // prefix[s + negative]: the number of items after which s first became a sum of some of them.
      const prefix = new Uint16Array(negative + positive + 1).fill(NEVER);
      prefix[negative] = 0;
      items.forEach((item, i) => {
        for (let bit = Math.max(0, -item); bit < prefix.length + Math.min(0, -item); bit++)
          if (prefix[bit]! <= i && prefix[bit + item] === NEVER) prefix[bit + item] = i + 1;
      });
      for (const { from, to, center, answerAt } of targets) {
        const sum = nearest(from, to, center, (s) => prefix[s + negative] !== NEVER);
        if (sum === undefined) continue;
        answers[answerAt] = 1;
        answers[answerAt + 1] = sum;
        if (params.masks) writeMask(answers, answerAt + 2, witnessOf(items, prefix, sum, negative));
      }
    }
  },
};

/** Words of an answer to `witness`. */
export const witnessWords = (n: number, masks: boolean): number => 2 + (masks ? maskWords(n) : 0);

/** The sum in from..to that is reached and nearest to the center, the lower of two; undefined if none is reached. */
function nearest(
  from: number,
  to: number,
  center: number,
  reached: (sum: number) => boolean,
): number | undefined {
  for (let distance = 0; center - distance >= from || center + distance <= to; distance++) {
    if (center - distance >= from && reached(center - distance)) return center - distance;
    if (center + distance <= to && reached(center + distance)) return center + distance;
  }
  return undefined;
}

/**
 * The indices of the smallest mask, from the last on. If a sum was first reached when item i entered, every index set of it
 * has an item of index i or above, so the smallest mask ends with item i.
 */
function* witnessOf(
  items: Int32Array,
  prefix: Uint16Array,
  sum: number,
  negative: number,
): Generator<number> {
  for (let taken = prefix[sum + negative]!; taken > 0; taken = prefix[sum + negative]!) {
    yield taken - 1;
    sum -= items[taken - 1]!;
  }
}
