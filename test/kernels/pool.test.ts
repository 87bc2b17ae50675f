// Kernel `pool`: the same outputs on every engine, and those that long arithmetic gives.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_DIVISOR, type PoolParams } from "../../src/kernels/pool.ts";
import { quantizers } from "../../src/network.ts";
import type { WorkOf } from "../../src/plan.ts";
import { generator } from "../graphs.ts";
import { describeParity } from "./parity.ts";
import { poolFaults } from "./pool.faults.ts";

const DEFAULTS: PoolParams = {
  samples: 2,
  pixels: 5,
  channels: 3,
  points: 4,
  taps: 3,
  largest: 0,
  shift: 0,
  quantizer: 0,
  relu: 0,
  most: 0,
  wide: 0,
};

/** Work with random numbers of `bits` bits, some of them extreme, and with divisors of 1..mostDivisor. */
function workOf(change: Partial<PoolParams>, { bits = 12, mostDivisor = 9, salt = 1 } = {}): WorkOf<"pool"> {
  const params = { ...DEFAULTS, ...change };
  const { samples, pixels, channels, points, taps, wide } = params;
  const random = generator(salt);
  const number = () =>
    [-(2n ** BigInt(bits - 1)), 2n ** BigInt(bits - 1) - 1n, 0n][random(9)] ??
    BigInt.asIntN(bits, (BigInt(random(2 ** 32)) << 32n) | BigInt(random(2 ** 32)));
  const numbers = Array.from({ length: samples * pixels * channels }, number);
  return {
    kernel: "pool",
    params,
    inputs: {
      inputs: wide ? new Int32Array(BigInt64Array.from(numbers).buffer) : Int32Array.from(numbers, Number),
      places: Int32Array.from({ length: points * taps }, () => random(pixels + 1) - 1),
      divisors: Uint32Array.from({ length: points }, () =>
        random(4) === 0 ? mostDivisor : 1 + random(mostDivisor),
      ),
    },
  };
}

/** The quotient of integers, rounded as the quantizer is named for. */
function rounded(quantizer: number, numerator: bigint, denominator: bigint): bigint {
  const below = numerator / denominator - (numerator % denominator < 0n ? 1n : 0n);
  const above = numerator % denominator === 0n ? below : below + 1n;
  const [inward, outward] = numerator < 0n ? [above, below] : [below, above];
  const distance = (to: bigint) => (to * denominator > numerator ? 1n : -1n) * (to * denominator - numerator);
  const nearest = distance(outward) <= distance(inward) ? outward : inward;
  return { floor: below, truncate: inward, nearest, away: outward }[quantizers[quantizer]!];
}

/** The words of an answer by long arithmetic. */
function oracleWords({ params, inputs }: WorkOf<"pool">): number[] {
  const { samples, pixels, channels, points, taps, largest, shift, quantizer, relu, most, wide } = params;
  const x = wide ? new BigInt64Array(inputs.inputs.buffer) : BigInt64Array.from(inputs.inputs, BigInt);
  const words: number[] = [];
  for (let s = 0; s < samples; s++)
    for (let p = 0; p < points; p++)
      for (let c = 0; c < channels; c++) {
        let found: bigint | undefined;
        for (let t = 0; t < taps; t++) {
          const place = inputs.places[p * taps + t]!;
          if (place === -1) continue;
          const number = x[(s * pixels + place) * channels + c]!;
          if (found === undefined) found = number;
          else if (!largest) found += number;
          else if (number > found) found = number;
        }
        const sum = BigInt.asIntN(wide ? 64 : 32, found ?? 0n);
        let output = rounded(quantizer, sum, BigInt(inputs.divisors[p]!) * 2n ** BigInt(shift));
        if (relu && output < 0n) output = 0n;
        if (most && output < -BigInt(most)) output = -BigInt(most);
        if (most && output > BigInt(most)) output = BigInt(most);
        const pattern = BigInt.asUintN(64, output);
        words.push(Number(pattern % 2n ** 32n), ...(wide ? [Number(pattern >> 32n)] : []));
      }
  return words;
}

const size = fc.integer({ min: 1, max: 6 });
const random = fc
  .tuple(
    fc.record({
      samples: size,
      pixels: size,
      channels: size,
      points: size,
      taps: size,
      largest: fc.nat(1),
      shift: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 31 })),
      quantizer: fc.nat(3),
      relu: fc.nat(1),
      most: fc.constantFrom(0, 1, 100, 2 ** 20, 2 ** 31 - 1),
      wide: fc.nat(1),
    }),
    fc.integer({ min: 2, max: 60 }),
    fc.constantFrom(1, 2, 9, 1000, MAX_DIVISOR),
    fc.nat(),
  )
  .map(([params, bits, mostDivisor, salt]) => [
    workOf(params, { bits: params.wide ? bits : Math.min(bits, 32), mostDivisor, salt }),
  ]);

const everyQuantizer = [0, 1, 2, 3].flatMap((quantizer) =>
  [0, 1].map((largest) => ({ quantizer, largest, relu: quantizer & 1, shift: 3 * (quantizer >> 1) })),
);
const probed = { samples: 3, channels: 5, points: 6 };

const { engine } = describeParity("pool", {
  seams: [
    {
      title: "no samples, no points, no taps and no channels",
      works: () => [{ samples: 0 }, { points: 0 }, { taps: 0 }, { channels: 0 }].map((none) => workOf(none)),
    },
    {
      title: "outputs at the ends of a workgroup",
      works: () => [1, 63, 64, 65, 129].map((channels) => workOf({ samples: 1, points: 1, channels })),
    },
    {
      title: "sums at either end of a word, and all divisors of a digit",
      works: () =>
        [0, 1, 2, 3].flatMap((quantizer) =>
          [0, 1, 16, 31].flatMap((shift) => [
            workOf({ shift, quantizer, taps: 2 }, { bits: 32, mostDivisor: MAX_DIVISOR }),
            workOf({ shift: shift + 21, quantizer, wide: 1 }, { bits: 62, mostDivisor: MAX_DIVISOR }),
          ]),
        ),
    },
    {
      title: "more outputs than workgroups",
      works: () => [workOf({ samples: 40, points: 9, channels: 7 })],
      maxWorkgroups: 3,
    },
  ],
  random: [
    { title: "60 random pools", works: random, seed: 5, runs: 60 },
    { title: "200 random pools", works: random, seed: 6, runs: 200, wide: true },
  ],
  probes: {
    "one word": () =>
      everyQuantizer.map((params) => workOf({ ...probed, ...params, most: 90 * params.relu })),
    // Small divisors leave no rest, or half of one.
    "two words": () =>
      everyQuantizer.flatMap((params) =>
        [2, MAX_DIVISOR].map((mostDivisor) =>
          workOf(
            { ...probed, ...params, wide: 1, most: params.relu * 2 ** 30 },
            { bits: mostDivisor === 2 ? 20 : 50, mostDivisor },
          ),
        ),
      ),
  },
  faults: poolFaults,
});

describe("Definition of pool", () => {
  test("The twin of pool gives what long arithmetic gives", async () => {
    const reference = await engine("reference");
    await fc.assert(
      fc.asyncProperty(random, async ([work]) => {
        expect([...(await reference.run(work!)).words]).toEqual(oracleWords(work!));
      }),
      { seed: 7, numRuns: 300 },
    );
  });
});
