// Tickets: random networks pruned until they are their target, on engines, and what proves it.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { runNetwork as run } from "../host/experiments/network.ts";
import type { Runner } from "../host/runner.ts";
import { solve } from "../host/experiments/solve.ts";
import { pruneToTicket as pruneOn, type Pruned, type PruneOptions } from "../host/experiments/ticket.ts";
import { drawValue } from "../src/ensemble.ts";
import { forward, quantizers, outlineOf, readNetwork, type Network, type Quantizer } from "../src/network.ts";
import { streamKey } from "../src/random.ts";
import { lemma5, reachProbabilities } from "../src/theory/construction.ts";
import { compareOutputs, forwardKept } from "../src/ticket/comparison.ts";
import { passes } from "../src/ticket/passes.ts";
import { countsOf, keptLayers } from "../src/ticket/kept.ts";
import { isKept, keepWeight, keptCount, maskBytes } from "../src/ticket/mask.ts";
import {
  demandsOf,
  drawnWeights,
  layersOf,
  weightCount,
  type Pooling,
  type Scheme,
} from "../src/ticket/scheme.ts";
import { sizesOf } from "../src/ticket/sizes.ts";
import { firstDeviation, verifyTicket } from "../src/ticket/certificate.ts";
import type { Ticket } from "../src/ticket/ticket.ts";
import { refusal } from "./refusal.ts";
import { testEngines } from "./engines.ts";
import { golden, goldenTicket, randomNetwork, targetNetwork } from "./golden.ts";

const engines = testEngines();

/** Prunes to the end. */
async function prune(
  engine: Runner,
  network: Network,
  bits: number,
  scheme: Scheme,
  seed: bigint,
  options: PruneOptions & { sparse?: boolean } = {},
): Promise<Pruned> {
  const { sparse = false, ...rest } = options;
  return pruneOn(engine, { network, bits, scheme, seed, sparse }, rest);
}

/** A target of given widths, its weights by a simple rule within -2^bits..2^bits. */
function targetOf(widths: readonly number[], bits: number, quantizer: Quantizer, salt = 1): Network {
  const size = 2 ** (bits + 1) + 1;
  return {
    layers: widths.slice(1).map((rows, l) => ({
      rows,
      columns: widths[l]!,
      weights: Int32Array.from(
        { length: rows * widths[l]! },
        (_, i) => ((i * 7 + l * 5 + salt * 11) % size) - 2 ** bits,
      ),
      shift: bits,
    })),
    quantizer,
    activationBits: 2,
    clamp: false,
    constant: false,
  };
}

/** Every input of -4..4. */
function gridOf(columns: number): number[] {
  let inputs: number[][] = [[]];
  for (let i = 0; i < columns; i++)
    inputs = inputs.flatMap((input) => [-4, -3, -2, -1, 0, 1, 2, 3, 4].map((value) => [...input, value]));
  return inputs.flat();
}

/** A ticket with one place kept that was not, or the other way. */
function flippedAt(ticket: Ticket, l: number, place: number): Ticket {
  const mask = ticket.masks[l]!;
  const flipped = mask.with(place >> 3, mask[place >> 3]! ^ (1 << (place & 7)));
  return { ...ticket, masks: ticket.masks.with(l, flipped) };
}

const first: Scheme = {
  theorem: 1,
  initialBits: 4,
  bits: 2,
  weightQuantizer: "away",
  zero: false,
  pools: "shared",
  support: false,
  units: [44, 30, 30],
  copies: [],
};
const second: Scheme = { ...first, theorem: 2, units: [64], copies: [18, 18] };

describe.each([
  ["theorem 1", first, 4],
  ["theorem 2", second, 2],
] as const)("Ticket of %s", (_, scheme, bits) => {
  test.each(quantizers)(
    "A ticket equals its target on every input, quantized by %s, on every engine",
    async (quantizer) => {
      const target = targetOf([2, 3, 2, 2], bits, quantizer);
      const { ticket, failures } = await prune(engines.cpu, target, bits, scheme, 20250101n);
      expect(failures).toEqual([]);
      expect(verifyTicket(target, ticket)).toEqual({ certified: true });
      const inputs = gridOf(2);
      expect(forwardKept(target, keptLayers(ticket), inputs)).toEqual(forward(target, inputs));
      for (const engine of [engines.reference, engines.gpu]) {
        const same = await prune(engine, target, bits, scheme, 20250101n);
        expect([engine.engine, same.ticket]).toEqual([engine.engine, ticket]);
      }
    },
  );

  test("A ticket of smallest subsets keeps fewer weights and is a ticket as well", async () => {
    const target = targetOf([2, 2, 2, 1], bits, "floor", 3);
    const [canonical, sparse] = await Promise.all([
      prune(engines.cpu, target, bits, scheme, 5n),
      prune(engines.cpu, target, bits, scheme, 5n, { sparse: true }),
    ]);
    const kept = ({ masks }: Ticket) => masks.reduce((sum, mask) => sum + keptCount(mask), 0);
    expect(kept(sparse.ticket)).toBeLessThan(kept(canonical.ticket));
    expect(verifyTicket(target, sparse.ticket)).toEqual({ certified: true });
  });

  test("A ticket with one mask bit, the seed or the target changed is not certified", async () => {
    const target = targetOf([2, 2, 1, 1], bits, "floor", 2);
    const { ticket } = await prune(engines.cpu, target, bits, scheme, 9n);
    expect(verifyTicket(target, { ...ticket, seed: 10n })).toMatchObject({
      certified: false,
      deviation: { layer: 0 },
    });
    const layers = layersOf(outlineOf(target, 0).widths, bits, scheme);
    let flips = 0;
    layers.forEach((layer, l) => {
      const drawn = drawnWeights(scheme, ticket.seed);
      const [weightAt, hiddenAt] = [drawn(l), layer.kind === "pooled" ? drawn(l - 1) : () => 1];
      for (let place = 0; place < weightCount(layer); place++) {
        // A bit of the second matrix matters where its unit is kept for others; one of the first where it is needed.
        const unit = place % layer.columns;
        if (layer.kind === "pooled" && !isKept(ticket.masks[l - 1]!, unit)) continue;
        if (layer.kind === "hidden" && !isKept(ticket.masks[l]!, place)) continue;
        if (hiddenAt(unit) < 0 && !layer.signed) continue;
        expect(weightAt(place)).not.toBe(0);
        expect(verifyTicket(target, flippedAt(ticket, l, place))).toMatchObject({
          certified: false,
          deviation: {},
        });
        flips++;
      }
    });
    expect(flips).toBeGreaterThan(40);
    const [layer] = target.layers;
    const changed = { ...layer!, weights: layer!.weights.with(3, Number(layer!.weights[3] === 0)) };
    expect(verifyTicket({ ...target, layers: target.layers.with(0, changed) }, ticket)).toMatchObject({
      certified: false,
      deviation: { layer: 0, output: 1, input: 1 },
    });
  });

  test("A ticket is not found with too few units, and every weight that failed is named", async () => {
    const target = targetOf([2, 2], bits, "floor");
    const small = { ...scheme, units: scheme.theorem === 1 ? [2] : [2], copies: [] };
    const { ticket, failures } = await prune(engines.cpu, target, bits, small, 1n);
    expect(failures.length).toBeGreaterThan(0);
    for (const { layer, got } of failures) expect([layer, got]).toEqual([0, undefined]);
    expect(verifyTicket(target, ticket)).toMatchObject({
      certified: false,
      deviation: { ...failures[0], got: expect.any(Number) },
    });
  });
});

test("Random targets of random shapes have tickets that equal them", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 2, maxLength: 4 }),
      fc.constantFrom(...quantizers),
      fc.integer({ min: 0, max: 2 }),
      fc.integer({ min: 0, max: 50 }),
      fc.constantFrom(1, 2),
      fc.boolean(),
      async (widths, quantizer, bits, salt, theorem, zero) => {
        const target = targetOf(widths, bits, quantizer, salt);
        const depth = widths.length - 1;
        const scheme: Scheme = {
          ...first,
          theorem: theorem as 1 | 2,
          initialBits: 3,
          zero,
          units: theorem === 1 ? Array.from({ length: depth }, () => 60) : [60],
          copies: theorem === 1 ? [] : Array.from({ length: depth - 1 }, () => 24),
        };
        const { ticket, failures } = await prune(engines.cpu, target, bits, scheme, BigInt(salt));
        expect(failures).toEqual([]);
        const inputs = gridOf(widths[0]!);
        expect(forwardKept(target, keptLayers(ticket), inputs)).toEqual(forward(target, inputs));
      },
    ),
    { seed: 7, numRuns: 40 },
  );
});

describe("Sizes of a ticket", () => {
  test("The sizes of a ticket count the weights and biases of the target, the random weights, and those other than 0", async () => {
    // The second hidden row only passes the constant unit on, so its weights do not count.
    const { network, bits } = readNetwork({
      bits: 1,
      activationBits: 2,
      layers: [{ weights: [[1, -2]], biases: [1] }, { weights: [[2], [1]] }],
    });
    const options = { ...first, bits: 1, initialBits: 1, units: [40, 40] };
    for (const zero of [false, true]) {
      const scheme: Scheme = { ...options, zero };
      const { ticket } = await prune(engines.cpu, network, bits, scheme, 1n);
      const sizes = sizesOf(ticket, keptLayers(ticket));
      const initial = 40 * (3 + 2 * 3 + 2 + 2 * 2);
      expect(sizes).toMatchObject({ target: 3 + 4, initial, bitsPerWeight: initial / 7 });
      expect(sizes.lowerBound).toBeCloseTo(7 * Math.log2(5), 12);
      expect(sizes.gap.structured).toBeCloseTo(sizes.nonzero / sizes.lowerBound, 12);
      // Dense, the 120 and the 80 hidden units have 3 and 2 inputs.
      const undrawn = 120 * 2 + 80;
      expect(sizes.gap.dense).toBeCloseTo(
        (sizes.nonzero + undrawn * (zero ? 4 / 5 : 1)) / sizes.lowerBound,
        12,
      );
      // A fifth of the weights of -2..2 are 0.
      const share = 1 - sizes.nonzero / initial;
      if (zero) expect(Math.abs(share - 1 / 5)).toBeLessThan(5 * Math.sqrt(4 / 25 / initial));
      else expect(share).toBe(0);
    }
  });

  test("The bound counts choices of the weights: those of two layers may be one function, those of one layer are not", () => {
    const weights = [-2, -1, 0, 1, 2];
    const functionsOf = (choices: readonly (readonly number[])[]) =>
      new Set(
        choices.map((layers) => {
          const { network } = readNetwork({
            bits: 1,
            activationBits: 3,
            layers: layers.map((weight) => ({ weights: [[weight]] })),
          });
          return forward(
            network,
            Array.from({ length: 17 }, (_, i) => i - 8),
          ).join(" ");
        }),
      ).size;
    expect(functionsOf(weights.map((weight) => [weight]))).toBe(5);
    expect(functionsOf(weights.flatMap((one) => weights.map((two) => [one, two])))).toBe(15);
  });

  const target = targetOf([2, 2, 2], 2, "floor");
  const scheme: Scheme = { ...first, zero: true, units: [60, 60] };

  test("A mask bit that changes no output counts as dead, and no bit that pruning sets does", async () => {
    const { ticket } = await prune(engines.cpu, target, 2, scheme, 5n);
    const all = ticket.masks.reduce((sum, mask) => sum + keptCount(mask), 0);
    expect(countsOf(keptLayers(ticket), ticket)).toEqual({ kept: all, dead: 0, outside: 0 });
    const idle = Array.from({ length: 120 }, (_, unit) => unit).find(
      (unit) => !isKept(ticket.masks[0]!, unit),
    )!;
    // A unit that no weight reads, and a weight that reads no unit.
    for (const flipped of [flippedAt(ticket, 0, idle), flippedAt(ticket, 1, idle)])
      expect(countsOf(keptLayers(flipped), ticket)).toEqual({ kept: all, dead: 1, outside: 0 });
  });

  test("With full masks, a unit counts as kept if a signal reaches it and one of its output weights is not 0", async () => {
    const { ticket } = await prune(engines.cpu, target, 2, scheme, 5n);
    const masks = ticket.masks.map((mask) => mask.map(() => 255));
    const random = drawnWeights(scheme, ticket.seed);
    let kept = 0;
    for (const pair of [0, 1])
      for (let unit = 0; unit < 120; unit++) {
        const u = random(2 * pair)(unit);
        const read = [0, 1].filter((row) => random(2 * pair + 1)(120 * row + unit) !== 0).length;
        if ((pair === 0 ? u !== 0 : u > 0) && read > 0) kept += 1 + read;
      }
    const layers = keptLayers({ ...ticket, masks });
    expect(countsOf(layers, ticket)).toEqual({ kept, dead: 2 * 3 * 120 - kept, outside: 0 });
  });
});

describe("Pruning", () => {
  /** Masks and failures as each demand by itself gives them, drawn here and solved as a given instance. */
  async function oneByOne(target: Network, bits: number, scheme: Scheme, seed: bigint, sparse: boolean) {
    const layers = layersOf(outlineOf(target, 0).widths, bits, scheme);
    const masks = layers.map((layer) => new Uint8Array(maskBytes(weightCount(layer))));
    const demands = [...demandsOf(target, layers, scheme, seed)];
    const instances = demands.map(({ items, sum }) => ({ items, target: sum }));
    const failures: unknown[] = [];
    let k = 0;
    for await (const finding of solve(engines.cpu, instances, { ask: [sparse ? "smallest" : "witness"] })) {
      const { index, row, firstWeight, input, sign, members, sum } = demands[k++]!;
      const { kind, group, copies, layer } = layers[index]!;
      const [output, copy] = [Math.floor(row / copies), row % copies];
      const subset = sparse ? finding.smallestWitness : finding.witness;
      if (!subset) failures.push({ layer, output, input, sign, copy, expected: sum, got: undefined });
      for (const i of subset ?? []) {
        keepWeight(masks[index]!, firstWeight + members[i]!);
        if (kind === "pooled") keepWeight(masks[index - 1]!, input * group + members[i]!);
      }
    }
    return { masks, failures };
  }

  const schemes: [string, Scheme, number][] = [
    ["theorem 1", { ...first, units: [40, 17] }, 4],
    ["theorem 1 with zeros, rounded down", { ...first, zero: true, weightQuantizer: "floor" }, 3],
    ["theorem 1 with 33 units and 10 bits", { ...first, initialBits: 10, bits: 3, units: [33, 33] }, 6],
    ["theorem 2", { ...second, units: [30], copies: [7] }, 2],
    ["theorem 2 with a copy each", { ...second, units: [1], copies: [1] }, 2],
  ];

  test.each(schemes)(
    "Pruning by %s keeps and misses the weights that each demand alone does",
    async (_, scheme, bits) => {
      const target = targetOf([3, 11, 9], bits, "floor", 4);
      const units = scheme.units.slice(0, scheme.theorem === 1 ? 2 : 1);
      for (const sparse of [false, true]) {
        const given = { ...scheme, units };
        const { ticket, failures } = await prune(engines.cpu, target, bits, given, 77n, { sparse });
        const { masks, failures: missed } = await oneByOne(target, bits, given, 77n, sparse);
        expect(ticket.masks).toEqual(masks);
        expect(failures).toEqual(missed);
      }
    },
  );

  const wide = targetOf([40, 90, 10], 2, "floor");
  const thin: Scheme = { ...first, units: [9, 9] };

  test("Pruning lists failures in the order of the weights, whichever tile is answered first", async () => {
    const { failures } = await oneByOne(wide, 2, thin, 5n, false);
    expect(failures.length).toBeGreaterThan(10);
    let turn = 0;
    const uneven: Runner = {
      ...engines.cpu,
      queueDepth: 3,
      run: async (work) => {
        const late = turn++ % 2 === 0;
        const words = await engines.cpu.run(work);
        if (late) await new Promise((resolve) => setTimeout(resolve, 30));
        return words;
      },
    };
    expect((await prune(uneven, wide, 2, thin, 5n)).failures).toEqual(failures);
    expect(turn).toBeGreaterThan(4);
  });

  test("Pruning reports the decided demands, and stops at a signal", async () => {
    const reports: [done: number, total: number][] = [];
    await prune(engines.cpu, wide, 2, thin, 5n, {
      onProgress: ({ done, total }) => reports.push([done, total]),
    });
    expect(reports).toEqual(reports.toSorted(([a], [b]) => a - b));
    const all = 2 * 40 * 90 + 90 * 10;
    expect(new Set(reports.map(([, total]) => total))).toEqual(new Set([all]));
    expect(reports.at(-1)![0]).toBeLessThanOrEqual(all);
    expect(reports.at(-1)![0]).toBeGreaterThan(all - 1000);
    const stop = new AbortController();
    let runs = 0;
    const stopping: Runner = {
      ...engines.cpu,
      queueDepth: 1,
      run: (work) => {
        if (++runs === 2) stop.abort();
        return engines.cpu.run(work);
      },
    };
    for (const { signal } of [stop, { signal: AbortSignal.abort() }])
      await expect(prune(stopping, wide, 2, thin, 5n, { signal })).rejects.toThrow("aborted");
    expect(runs).toBe(2);
  });

  test("Pruning rejects once all work in flight has ended, and starts none after an error", async () => {
    let [started, ended] = [0, 0];
    const failing: Runner = {
      ...engines.cpu,
      queueDepth: 2,
      run: async (work) => {
        if (++started === 2) throw new Error("the second tile");
        await new Promise((resolve) => setTimeout(resolve, 20));
        ended++;
        return engines.cpu.run(work);
      },
    };
    await expect(prune(failing, wide, 2, thin, 5n)).rejects.toThrow("the second tile");
    expect([started, ended]).toEqual([2, 1]);
  });

  test("Pruning refuses more units than a table of their sums can have", async () => {
    const scheme: Scheme = { ...first, initialBits: 10, bits: 10, units: [2048] };
    await expect(prune(engines.cpu, targetOf([1, 1], 2, "floor"), 2, scheme, 1n)).rejects.toThrow(
      refusal("units: expected at most 2047 for 10 bits, got 2048"),
    );
  });
});

describe("Audit", () => {
  const random = (range: number) => Math.floor(range / 3);

  test("An audit runs every input of a small network, and finds the first that differs", async () => {
    const target = targetOf([2, 3, 2], 4, "truncate");
    const { ticket } = await prune(engines.cpu, target, 4, { ...first, units: [44, 30] }, 3n);
    expect(compareOutputs(target, keptLayers(ticket), random)).toEqual({
      inputs: 81,
      exhaustive: true,
      difference: undefined,
    });
    const last = ticket.masks.length - 1;
    const masks = ticket.masks.with(
      last,
      ticket.masks[last]!.map(() => 0),
    );
    const damaged = keptLayers({ ...ticket, masks });
    const { exhaustive, difference } = compareOutputs(target, damaged, random);
    expect(exhaustive).toBe(true);
    expect(forward(target, difference!)).not.toEqual(forwardKept(target, damaged, difference!));
  });

  test("An audit runs extreme and random inputs of a wide network", async () => {
    const target = targetOf([9, 2], 2, "away");
    const { ticket } = await prune(engines.cpu, target, 2, { ...first, units: [40] }, 3n);
    expect(compareOutputs(target, keptLayers(ticket), random)).toEqual({
      inputs: 37,
      exhaustive: false,
      difference: undefined,
    });
  });

  test.each([0, 1])(
    "An audit of weights of -1, 0 and 1 clamps as the target does, with %i random bits",
    async (bits) => {
      const { network: target } = readNetwork({
        bits: 0,
        activationBits: 1,
        clamp: true,
        layers: [{ weights: [[1, 1]] }, { weights: [[1]] }],
      });
      const scheme = { ...first, initialBits: bits, bits, units: [40, 40] };
      const { ticket, failures } = await prune(engines.cpu, target, 0, scheme, 1n);
      expect(failures).toEqual([]);
      expect(compareOutputs(target, keptLayers(ticket), random).difference).toBeUndefined();
      expect(forward(target, [2, 2])).toEqual(Float64Array.of(2));
      for (const name of ["reference", "cpu", "gpu"] as const)
        for (const pass of passes)
          expect(await run(engines[name], ticket, Int32Array.of(2, 2), { pass })).toEqual(Float64Array.of(2));
    },
  );

  test("An audit leaves the constant unit out of the inputs that it reports", async () => {
    const { network: target } = readNetwork({
      bits: 2,
      activationBits: 1,
      layers: [{ weights: [[1, -4]], biases: [3] }],
    });
    const { ticket } = await prune(engines.cpu, target, 2, { ...first, units: [40] }, 1n);
    const kept = keptLayers(ticket);
    expect(compareOutputs(target, kept, random)).toEqual({
      inputs: 25,
      exhaustive: true,
      difference: undefined,
    });
    const other = { ...target, layers: [{ ...target.layers[0]!, weights: Int32Array.of(1, -4, -1) }] };
    expect(compareOutputs(other, kept, random).difference).toEqual([-2, -2]);
  });

  test("An audit of many outputs runs its inputs in three parts", { tags: ["wide"] }, async () => {
    // 37 inputs of 2^22 numbers together or fewer.
    const rows = 250_000;
    const target = targetOf([1, 1], 1, "floor");
    const wide = {
      ...target,
      activationBits: 12,
      layers: [{ ...target.layers[0]!, rows, weights: new Int32Array(rows) }],
    };
    const { ticket } = await prune(
      engines.cpu,
      wide,
      1,
      { ...first, bits: 1, initialBits: 1, units: [1] },
      1n,
    );
    expect(compareOutputs(wide, keptLayers(ticket), random)).toMatchObject({ inputs: 37, exhaustive: false });
  });

  test("An audit adds exactly where partial sums exceed 2^53, and does not run sums that end there", () => {
    const layer = {
      kind: "direct" as const,
      rows: 1,
      columns: 1,
      shift: 0,
      rowStarts: Uint32Array.of(0, 3),
      columnIndices: new Uint32Array(3),
    };
    const network = { quantizer: "floor" as const, activationBits: 2, clamp: false };
    const pass = (weights: readonly number[], input: number) =>
      forwardKept(network, [{ ...layer, weights: Int32Array.from(weights) }], [input])?.[0];
    expect(pass([1023, 1, -1023], 2 ** 52 - 1)).toBe(2 ** 52 - 1);
    expect(pass([1023, -1, -1023], 1 - 2 ** 52)).toBe(2 ** 52 - 1);
    expect(pass([1, 1, 1], 2 ** 52)).toBeUndefined();
  });
});

describe("One weight of a random network", () => {
  const NETWORKS = 600;

  /** How many of the networks with `units` hidden units, one network a seed, contain a weight for inputs of both signs. */
  async function contained(weight: number, units: number, zero: boolean, pools: Pooling): Promise<number> {
    const target: Network = {
      layers: [{ rows: 1, columns: 1, weights: Int32Array.of(weight), shift: 2 }],
      quantizer: "floor",
      activationBits: 2,
      clamp: false,
      constant: false,
    };
    const scheme: Scheme = { ...first, initialBits: 1, bits: 1, zero, pools, units: [units] };
    let count = 0;
    for (let seed = 0; seed < NETWORKS; seed++)
      count += Number((await prune(engines.cpu, target, 2, scheme, BigInt(seed))).failures.length === 0);
    return count;
  }

  test.each([
    [1, 16, false, "shared", "pooled"],
    [3, 20, false, "shared", "pooled"],
    [-4, 20, false, "shared", "pooled"],
    [4, 24, true, "shared", "pooled"],
    [3, 32, false, "halves", "split"],
    [-4, 40, true, "halves", "split"],
  ] as const)(
    "%i with %i hidden units is found with the probability of Lemma 5 (0 among the weights: %s, pools: %s)",
    async (weight, units, zero, pooling, scheme) => {
      const pools = reachProbabilities(2, units);
      const { success } = lemma5(pools, { units, zero, scheme });
      const probability = success[Math.abs(weight)]!;
      const error = Math.sqrt((probability * (1 - probability)) / NETWORKS);
      const rate = (await contained(weight, units, zero, pooling)) / NETWORKS;
      expect(Math.abs(rate - probability)).toBeLessThan(5 * error);
      // With half as many units it would not be, nor where the units serve other inputs.
      for (const wrong of [
        { units: units / 2, zero, scheme },
        { units, zero, scheme: scheme === "split" ? ("pooled" as const) : ("split" as const) },
      ])
        expect(Math.abs(rate - lemma5(pools, wrong).success[Math.abs(weight)]!)).toBeGreaterThan(5 * error);
    },
  );
});

describe("Products rejected to their support", () => {
  const target = targetOf([1, 40], 4, "floor");

  /** How far the magnitudes and signs of products are from being uniform on those of a table of 1..4: chi-square, 17 degrees. */
  function offUniform(products: readonly number[]): number {
    const table = [1, 2, 3, 4, 6, 8, 9, 12, 16].flatMap((z) => [z, -z]);
    const wanted = products.length / table.length;
    const counts = table.map((z) => products.filter((product) => product === z).length);
    expect(counts.reduce((a, b) => a + b)).toBe(products.length);
    return counts.reduce((sum, count) => sum + (count - wanted) ** 2 / wanted, 0);
  }

  test("Products rejected to their support are uniform on it, nine of sixteen are kept, and without rejection they are not uniform", () => {
    const scheme: Scheme = { ...first, support: true, units: [2000] };
    const products = (its: Scheme) => {
      const demands = demandsOf(target, layersOf([1, 40], 4, its), its, 5n);
      return Array.from(demands, ({ items }) => items).flat();
    };
    const [used, all] = [products(scheme), products({ ...scheme, support: false })];
    expect(all).toHaveLength(40 * 2000);
    expect(offUniform(used)).toBeLessThan(55);
    expect(offUniform(all)).toBeGreaterThan(1000);
    const error = Math.sqrt((all.length * 9 * 7) / 16 ** 2);
    expect(Math.abs(used.length - (all.length * 9) / 16)).toBeLessThan(5 * error);
  });

  test.each([
    ["halves of the units", { pools: "halves" }],
    ["products of the support", { support: true }],
    ["both", { pools: "halves", support: true, zero: true }],
  ] as const)(
    "Products rejected to their support and %s make tickets, and changed tickets are refused",
    async (_, options) => {
      const small = targetOf([2, 2, 2], 4, "floor");
      const plain: Scheme = { ...first, units: [160, 160] };
      const scheme = { ...plain, ...options };
      const { ticket, failures } = await prune(engines.cpu, small, 4, scheme, 3n);
      expect(failures).toEqual([]);
      expect(verifyTicket(small, ticket)).toEqual({ certified: true });
      const all = ticket.masks.reduce((sum, mask) => sum + keptCount(mask), 0);
      expect(countsOf(keptLayers(ticket), ticket)).toEqual({ kept: all, dead: 0, outside: 0 });
      const inputs = gridOf(2);
      expect(forwardKept(small, keptLayers(ticket), inputs)).toEqual(forward(small, inputs));
      // The same network without the options has subsets of its own.
      const foreign = (await prune(engines.cpu, small, 4, { ...scheme, ...plain, zero: scheme.zero }, 3n))
        .ticket;
      expect(countsOf(keptLayers(foreign), { scheme, seed: 3n }).outside).toBeGreaterThan(0);
    },
  );
});

describe.each([
  [1, false],
  [1, true],
  [2, false],
  [2, true],
] as const)("Network of -1 and 1 (theorem %i, 0 among the weights: %s)", (theorem, zero) => {
  const scheme: Scheme = {
    ...first,
    theorem,
    bits: 0,
    // One weight in three is 0 where it may be, and otherwise they are reduced.
    initialBits: zero ? 0 : 3,
    zero,
    units: Array.from({ length: theorem === 1 ? 2 : 1 }, () => (zero ? 300 : 150)),
    copies: theorem === 1 ? [] : [zero ? 100 : 60],
  };

  test.each(quantizers)(
    "A network of -1 and 1 is pruned to targets of three bits, quantized by %s",
    async (quantizer) => {
      const target = targetOf([2, 2, 2], 3, quantizer);
      const layers = layersOf([2, 2, 2], 3, scheme);
      for (const { kind, shift, scaleBits } of layers)
        expect([shift, scaleBits]).toEqual([kind === "hidden" ? 0 : 3, 0]);
      const { ticket, failures } = await prune(engines.cpu, target, 3, scheme, 2n);
      expect(failures).toEqual([]);
      expect(verifyTicket(target, ticket)).toEqual({ certified: true });
      const kept = keptLayers(ticket);
      for (const { weights } of kept) expect(new Set(weights.map(Math.abs))).toEqual(new Set([1]));
      const inputs = gridOf(2);
      expect(forwardKept(target, kept, inputs)).toEqual(forward(target, inputs));
      expect(compareOutputs(target, kept, () => 0)).toEqual({
        inputs: 81,
        exhaustive: true,
        difference: undefined,
      });
      // With another shift than the target's the outputs would be others.
      const shifted = kept.map((layer) => ({ ...layer, shift: 0 }));
      expect(forwardKept(target, shifted, inputs)).not.toEqual(forward(target, inputs));
    },
  );

  test("A network of -1 and 1 does not reach a weight beyond its units", async () => {
    const target = targetOf([1, 1], 3, "floor");
    target.layers[0]!.weights[0] = 8;
    const few = { ...scheme, units: [8], copies: [] };
    const { failures } = await prune(engines.cpu, target, 3, few, 1n);
    expect(failures.map(({ expected, sign }) => [expected, sign])).toEqual([
      [8, 1],
      [8, -1],
    ]);
  });
});

describe.each(golden.map((row, k) => [k + 1, row] as const))("Golden network %i", (_, row) => {
  const target = targetNetwork(row);
  const { ticket, random: weights } = goldenTicket(row);
  const layers = layersOf(row.widths, row.targetBits, ticket.scheme);
  const random = randomNetwork(row);

  test("A golden network has the shape of its theorem, and its masks are certified", () => {
    expect(layers.map(({ rows, columns, shift }) => ({ rows, columns, shift }))).toEqual(
      random.layers.map(({ rows, columns, shift }) => ({ rows, columns, shift })),
    );
    expect(firstDeviation(target, keptLayers(ticket, weights))).toBeUndefined();
  });

  test("A golden network with one mask bit flipped is not certified", () => {
    const last = ticket.masks.length - 1;
    const place = Array.from({ length: weightCount(layers[last]!) }, (_, at) => at).find(
      (at) => isKept(ticket.masks[last]!, at) && weights(last)(at) !== 0,
    );
    expect(firstDeviation(target, keptLayers(flippedAt(ticket, last, place!), weights))).toMatchObject({
      layer: target.layers.length - 1,
    });
  });
});

describe("Scheme", () => {
  const target = targetOf([2, 3, 1], 2, "floor");
  test.each<[string, Partial<Scheme>, number, string]>([
    ["finer than the random weights", { bits: 5 }, 2, "initialBits: expected at least bits, 5, got 4"],
    [
      "too coarse for the target",
      { bits: 1 },
      3,
      "target bits: expected at most 2 for theorem 1 and 1 bits, got 3",
    ],
    [
      "too coarse for direct weights",
      { theorem: 2, units: [9], copies: [9] },
      3,
      "target bits: expected at most 2 for theorem 2 and 2 bits, got 3",
    ],
    [
      "without units for a layer",
      { units: [9] },
      2,
      "units: expected 2 numbers for theorem 1 and 2 layers, got 1",
    ],
    [
      "with copies it has no use for",
      { copies: [1] },
      2,
      "copies: expected 0 numbers for theorem 1 and 2 layers, got 1",
    ],
    ["of no theorem", { theorem: 3 as 1 }, 2, "theorem: expected 1 or 2, got 3"],
    [
      "with halves of an odd number",
      { pools: "halves", units: [10, 9] },
      2,
      "units.1: expected an even number for halves, got 9",
    ],
    ["without a unit", { units: [9, 0] }, 2, "units.1: expected an integer in 1..10000, got 0"],
    ["of absurd units", { units: [9, 1e9] }, 2, "units.1: expected an integer in 1..10000, got 1000000000"],
  ])("The scheme with %s is refused", (_, change, bits, message) => {
    expect(() => layersOf(outlineOf(target, 0).widths, bits, { ...first, units: [9, 9], ...change })).toThrow(
      message,
    );
  });

  test.each<[string, number[], string]>([
    [
      "more places than 2^31",
      [784, 500, 10],
      "mask.1: expected at most 2147483648 weights, got 3920000000; ask for fewer units and copies",
    ],
    ["an absurd width", [2, 2 ** 20 + 1], "widths.1: expected an integer in 1..1048576, got 1048577"],
    ["no layers", [2], "widths: expected inputs and outputs, got [2]"],
    ["too many layers", Array.from({ length: 1002 }, () => 1), "widths: expected at most 1000 layers"],
  ])("A scheme for %s is refused", (_, widths, message) => {
    const units = widths.slice(1).map(() => 10_000);
    expect(() => layersOf(widths, 2, { ...first, units })).toThrow(message);
  });

  test("A scheme serves no network of another shape or of other bits", async () => {
    const { ticket } = await prune(engines.cpu, target, 2, { ...first, units: [60, 60] }, 1n);
    for (const [name, other] of Object.entries({
      quantizer: { ...target, quantizer: "away" as const },
      clamp: { ...target, clamp: true },
      widths: targetOf([2, 2, 1], 2, "floor"),
      bits: targetOf([2, 3, 1], 1, "floor"),
    }))
      expect(() => verifyTicket(other, ticket)).toThrow(`network, ${name}: expected`);
    const request = { network: target, bits: 1, scheme: { ...first, units: [60, 60] } };
    await expect(pruneOn(engines.cpu, request)).rejects.toThrow("network, bits: expected 1, ");
    await expect(pruneOn(engines.cpu, { ...request, bits: 2, seed: -1 })).rejects.toThrow("seed: expected");
  });

  test("An aborted search for a ticket rejects with the reason of the signal", async () => {
    const request = { network: target, bits: 2, scheme: { ...first, units: [60, 60] } };
    const signal = AbortSignal.abort("enough");
    await expect(pruneOn(engines.cpu, request, { signal })).rejects.toBe("enough");
  });

  test("A scheme draws weights that do not depend on the sizes of other layers", () => {
    const [a, b] = [0, 1].map(drawnWeights(first, 3n)) as [
      (place: number) => number,
      (place: number) => number,
    ];
    const list = Array.from({ length: 400 }, (_, place) => a(place));
    expect(list).not.toEqual(Array.from({ length: 400 }, (_, place) => b(place)));
    expect(new Set(list)).toEqual(new Set([-4, -3, -2, -1, 1, 2, 3, 4]));
    expect(list[399]).toBe(drawnWeights(first, 3n)(0)(399));
  });

  test("A scheme draws weight i as item i mod 64 of trial i div 64, whatever was read before", () => {
    const scheme: Scheme = { ...first, initialBits: 9, bits: 9, zero: true };
    // 2 x 512 + 1 values: slices of 16 bits, of which some are rejected.
    const range = 1025;
    const key = streamKey(3n, [2 ** 16 + 2, range]);
    const weightAt = drawnWeights(scheme, 3n)(2);
    const places = Array.from({ length: 5000 }, (_, i) => (i % 3 === 0 ? i : (i * 7919 * 2 ** 15) % 2 ** 31));
    for (const place of places)
      expect([place, weightAt(place)]).toEqual([
        place,
        drawValue(range, key, Math.floor(place / 64), place % 64) - 512,
      ]);
  });
});
