// Stochastic rounding: the identity by which a ticket equals its target on every path, means, and an oracle in BigInt.

import { describe, expect, test } from "vitest";
import { runNetwork } from "../host/experiments/network.ts";
import { pruneToTicket } from "../host/experiments/ticket.ts";
import { readGraph } from "../src/graph/read.ts";
import { readNetwork } from "../src/network.ts";
import { graphSchemeFor, schemeFor } from "../src/ticket/width.ts";
import { generator } from "./graphs.ts";
import { testEngines } from "./engines.ts";
import { oracleThreefry } from "./oracle.ts";

const engines = testEngines();

test("Removing s + d bits of a sum times 2^d is removing s bits of it with the top bits of the same random number", () => {
  const random = generator(3);
  let others = 0;
  for (let k = 0; k < 10_000; k++) {
    const [s, d] = [BigInt(random(20)), BigInt(random(12))];
    const sum = BigInt(random(2 ** 30)) - 2n ** 29n;
    const r = (BigInt(random(2 ** 30)) * 2n ** 20n + BigInt(random(2 ** 20))) % 2n ** (s + d);
    expect(((sum << d) + r) >> (s + d)).toBe((sum + (r >> d)) >> s);
    // The low bits of the random number would give another sum for some of the cases.
    if (((sum << d) + r) >> (s + d) !== (sum + (r % 2n ** s)) >> s) others++;
  }
  expect(others).toBeGreaterThan(1000);
});

const { network, bits } = readNetwork({
  bits: 3,
  activationBits: 4,
  layers: [
    {
      weights: [
        [5, -8, 3],
        [-2, 7, 1],
        [8, 8, -8],
      ],
      biases: [1, -3, 2],
    },
    {
      weights: [
        [-7, 2, 5],
        [3, 3, -1],
      ],
    },
  ],
});
const inputs = Array.from({ length: 60 }, (_, i) => ((i * 7) % 33) - 16);

describe("A ticket and its target", () => {
  test("Both passes on every engine give the integers of the target, for every seed", async () => {
    const { scheme } = schemeFor(network, bits, { bits: 3, failure: 1e-6 });
    const { ticket, failures } = await pruneToTicket(engines.cpu, { network, bits, scheme });
    expect(failures).toEqual([]);
    const plain = [...(await runNetwork(engines.cpu, network, inputs))];
    for (const stochasticSeed of [1, 2n ** 63n]) {
      const target = [...(await runNetwork(engines.reference, network, inputs, { stochasticSeed }))];
      expect(target).not.toEqual(plain);
      for (const engine of Object.values(engines))
        for (const pass of ["audit", "collapsed"] as const)
          expect([...(await runNetwork(engine, ticket, inputs, { pass, stochasticSeed }))]).toEqual(target);
    }
    const seeds = await Promise.all(
      [1, 2].map((stochasticSeed) => runNetwork(engines.cpu, network, inputs, { stochasticSeed })),
    );
    expect(seeds[0]).not.toEqual(seeds[1]);
  });

  test("A ticket of Theorem 2 is refused, whose copies would be rounded apart", async () => {
    const { scheme } = schemeFor(network, bits, { theorem: 2 });
    const { ticket } = await pruneToTicket(engines.cpu, { network, bits, scheme });
    await expect(runNetwork(engines.cpu, ticket, inputs, { stochasticSeed: 1 })).rejects.toThrow(
      "stochasticSeed: expected none for a ticket of Theorem 2",
    );
  });
});

const MASK = 2n ** 32n;

/** The top bits of the fraction of an output. */
function oracleRandom(seed: bigint, layer: number, sample: number, output: number, shift: number): bigint {
  const key = oracleThreefry([seed % MASK, seed / MASK], [2n ** 19n + BigInt(layer), 0n]);
  const [x, y] = oracleThreefry(key, [BigInt(sample), BigInt(output)]);
  return ((x << 20n) + (y >> 12n)) >> BigInt(52 - shift);
}

test("Layers and additions of a graph are rounded by the numbers of an oracle in BigInt", async () => {
  const graph = readGraph({
    input: { shape: [2, 2, 2], activationBits: 3 },
    nodes: [
      {
        name: "c",
        kind: "conv",
        bits: 4,
        activationBits: 2,
        relu: true,
        weights: [
          [[[9]], [[-11]]],
          [[[5]], [[16]]],
        ],
      },
      { name: "s", kind: "add", from: ["c", "input"], activationBits: 1, clamp: true },
      { kind: "flatten" },
    ],
  });
  const random = generator(8);
  const given = Array.from({ length: 5 * 8 }, () => random(17) - 8);
  const seed = 77n + 2n ** 40n;
  const expected: number[] = [];
  for (let sample = 0; sample < 5; sample++) {
    const x = given.slice(8 * sample, 8 * sample + 8).map(BigInt);
    // Outputs are numbered point by point, each with its channels.
    const outputs: bigint[] = new Array<bigint>(8).fill(0n);
    for (let point = 0; point < 4; point++)
      for (const channel of [0, 1]) {
        const [a, b] = [x[point]!, x[4 + point]!];
        const sum = channel === 0 ? 9n * a - 11n * b : 5n * a + 16n * b;
        const rounded = (sum + oracleRandom(seed, 0, sample, 2 * point + channel, 5)) >> 5n;
        const hidden = rounded < 0n ? 0n : rounded;
        const added = hidden * 2n + x[4 * channel + point]!;
        const last = (added + oracleRandom(seed, 1, sample, 2 * point + channel, 2)) >> 2n;
        outputs[4 * channel + point] = last > 2n ? 2n : last < -2n ? -2n : last;
      }
    expected.push(...outputs.map(Number));
  }
  for (const engine of Object.values(engines))
    expect([...(await runNetwork(engine, graph, given, { stochasticSeed: seed }))]).toEqual(expected);
});

test("The mean of rounded sums is the quotient", async () => {
  const graph = readGraph({
    input: { shape: [1], activationBits: 4 },
    nodes: [{ kind: "dense", bits: 4, activationBits: 2, weights: [[7]] }],
  });
  const count = 20_000;
  for (const x of [5, -3]) {
    const outputs = await runNetwork(engines.cpu, graph, new Int32Array(count).fill(x), {
      stochasticSeed: 4,
    });
    const mean = outputs.reduce((sum, y) => sum + y, 0) / count;
    expect(Math.abs(mean - (7 * x) / 64)).toBeLessThan((5 * 0.5) / Math.sqrt(count));
  }
});

test("A ticket of a graph has the outputs of its target, also where it takes an addition over", async () => {
  const graph = readGraph({
    input: { shape: [2, 3, 3], activationBits: 3 },
    bits: 2,
    activationBits: 3,
    nodes: [
      {
        name: "c",
        kind: "conv",
        activationBits: "exact",
        padding: [1, 1, 1, 1],
        weights: [
          [
            [
              [1, 0, -2],
              [3, 4, 0],
              [0, -1, 1],
            ],
            [
              [0, 0, 1],
              [2, -3, 0],
              [0, 1, 0],
            ],
          ],
          [
            [
              [0, 1, 0],
              [0, 2, 0],
              [4, 0, 0],
            ],
            [
              [1, 1, 0],
              [-1, 3, 2],
              [0, 0, -4],
            ],
          ],
        ],
      },
      { kind: "add", from: ["c", "input"], relu: true },
      { kind: "average-pool", size: [2, 2], stride: [1, 1] },
      { kind: "flatten" },
      { kind: "dense", weights: [[1, -2, 3, 4, -4, 2, 0, 1]], biases: [3] },
    ],
  });
  const random = generator(4);
  const given = Array.from({ length: 4 * 18 }, () => random(17) - 8);
  const target = [...(await runNetwork(engines.reference, graph, given, { stochasticSeed: 5 }))];
  expect(target).not.toEqual([...(await runNetwork(engines.reference, graph, given))]);
  for (const skip of ["identity", "none"] as const) {
    const { scheme } = graphSchemeFor(graph, { skip, failure: 1e-4 });
    const { ticket, failures } = await pruneToTicket(engines.cpu, { network: graph, scheme });
    expect(failures).toEqual([]);
    for (const engine of Object.values(engines))
      for (const pass of ["audit", "collapsed"] as const)
        expect(
          [...(await runNetwork(engine, ticket, given, { pass, stochasticSeed: 5 }))],
          `${skip}, ${pass}`,
        ).toEqual(target);
  }
});
