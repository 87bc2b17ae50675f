// count: for each target of given instances, the number of index sets whose sum is in from..to, modulo some number.

import type { Contract } from "../kernel.ts";
import {
  instanceBuffers,
  instanceParams,
  instancesOf,
  type InstanceInput,
  type InstanceParam,
} from "./instances.ts";

/** Words of an answer to `count`. */
export const COUNT_WORDS = 3;

/**
 * The number of index sets of each sum is counted modulo 2^64, or modulo 2^62 - reduction. An answer is the total of these
 * numbers over from..to, not reduced again, in three words, low word first. `center` and `masks` are ignored.
 */
export const count: Contract<InstanceParam, InstanceInput, "answers"> = {
  name: "count",
  params: instanceParams,
  buffers: instanceBuffers,
  twin(params, { answers, ...buffers }) {
    answers.fill(0);
    const modulus = params.reduction === 0 ? 2n ** 64n : 2n ** 62n - BigInt(params.reduction);
    for (const { items, targets, negative, positive } of instancesOf(params, buffers)) {
      // ways[s + negative]: the number of index sets of the items so far with the sum s, reduced.
      let ways = new BigUint64Array(negative + positive + 1);
      ways[negative] = 1n;
      for (const item of items) {
        const before = ways;
        ways = ways.map((without, bit) => (without + (before[bit - item] ?? 0n)) % modulus);
      }
      for (const { from, to, answerAt } of targets) {
        const total = ways
          .subarray(from + negative, to + negative + 1)
          .reduce((sum: bigint, number) => sum + number, 0n);
        for (let word = 0; word < COUNT_WORDS; word++)
          answers[answerAt + word] = Number((total >> BigInt(32 * word)) & 0xffffffffn);
      }
    }
  },
};
