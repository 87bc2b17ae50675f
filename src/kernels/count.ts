// count: for each target of given instances, how many index sets have a sum of from..to.

import type { Contract } from "../kernel.ts";
import {
  instanceBuffers,
  instanceParams,
  instancesOf,
  type InstanceInput,
  type InstanceParam,
} from "./instances.ts";

/** Words of an answer to `count`. */
export const COUNT_WORDS = 2;

/**
 * An answer is the number of index sets modulo 2^64, low word first, for instances of at most 64 items. `center` and
 * `masks` are not looked at. Only where all sums of 64 items lie in from..to is the number 2^64, which reads as 0.
 */
export const count: Contract<InstanceParam, InstanceInput, "answers"> = {
  name: "count",
  params: instanceParams,
  buffers: instanceBuffers,
  twin(params, { answers, ...buffers }) {
    answers.fill(0);
    for (const { items, targets, negative, positive } of instancesOf(params, buffers)) {
      // ways[s + negative]: the index sets of the items so far that sum up to s.
      let ways = new BigUint64Array(negative + positive + 1);
      ways[negative] = 1n;
      for (const item of items) {
        const before = ways;
        ways = ways.map((without, place) => without + (before[place - item] ?? 0n));
      }
      for (const { from, to, answerAt } of targets) {
        const total = ways
          .subarray(from + negative, to + negative + 1)
          .reduce((sum, number) => BigInt.asUintN(64, sum + number), 0n);
        answers[answerAt] = Number(total & 0xffffffffn);
        answers[answerAt + 1] = Number(total >> 32n);
      }
    }
  },
};
