// witness: for each target of given instances, the reachable sum nearest to its center and the smallest mask that has it.

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

/** No prefix of the items reaches this sum. */
const NEVER = 0xffff;

/**
 * An answer is: 1 or 0 for whether from..to holds a sum of the instance; the one nearest to `center`, the lower one of two
 * (0 where there is none); and, with `masks`, the smallest mask of that sum, maskWords(n) words (0 where there is none).
 */
export const witness: Contract<InstanceParam, InstanceInput, "answers"> = {
  name: "witness",
  params: instanceParams,
  buffers: instanceBuffers,
  twin(params, { answers, ...buffers }) {
    answers.fill(0);
    for (const { items, targets, negative, positive } of instancesOf(params, buffers)) {
      // prefix[s + negative]: how many of the first items it takes until some of them sum up to s.
      const prefix = new Uint16Array(negative + positive + 1).fill(NEVER);
      prefix[negative] = 0;
      items.forEach((item, i) => {
        for (let place = Math.max(0, -item); place < prefix.length + Math.min(0, -item); place++)
          if (prefix[place]! <= i && prefix[place + item] === NEVER) prefix[place + item] = i + 1;
      });
      for (const { from, to, center, answerAt } of targets) {
        const sum = nearest(from, to, center, (s) => prefix[s + negative] !== NEVER);
        if (sum === undefined) continue;
        answers[answerAt] = 1;
        answers[answerAt + 1] = sum;
        // The last item of the smallest mask is the one that first made its sum reachable.
        if (params.masks) writeMask(answers, answerAt + 2, lastItems(items, prefix, sum, negative));
      }
    }
  },
};

/** Words of an answer to `witness`. */
export const witnessWords = (n: number, masks: boolean): number => 2 + (masks ? maskWords(n) : 0);

function nearest(
  from: number,
  to: number,
  center: number,
  reached: (sum: number) => boolean,
): number | undefined {
  for (let far = 0; center - far >= from || center + far <= to; far++) {
    if (center - far >= from && reached(center - far)) return center - far;
    if (center + far <= to && reached(center + far)) return center + far;
  }
  return undefined;
}

function* lastItems(
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
