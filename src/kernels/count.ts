// count: for each target of given instances, the number of index sets whose sum is in from..to.

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
 * An answer is a number of index sets modulo 2^64, low word first. Instances have at most 64 items, so the number wraps only
 * if all 2^64 index sets of 64 items serve: it is then 0. `center` and `masks` are ignored.
 */
export const count: Contract<InstanceParam, InstanceInput, "answers"> = {
  name: "count",
  params: instanceParams,
  buffers: instanceBuffers,
  twin(params, { answers, ...buffers }) {
    answers.fill(0);
    for (const { items, targets, negative, positive } of instancesOf(params, buffers)) {
      // ways[s + negative]: the number of index sets of the items so far with the sum s, modulo 2^64.
      let ways = new BigUint64Array(negative + positive + 1);
      ways[negative] = 1n;
      for (const item of items) {
        const before = ways;
        ways = ways.map((without, bit) => without + (before[bit - item] ?? 0n));
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
