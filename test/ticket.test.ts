// Tickets: random networks pruned until they are their target, on engines, and what proves it.

import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cpuRunner } from "../host/cpu/runner.ts";
import { gpuRunner } from "../host/gpu/runner.ts";
import { startThread } from "../host/node/threads.ts";
import { referenceRunner } from "../host/reference.ts";
import type { Runner } from "../host/runner.ts";
import { solve } from "../host/solve.ts";
import { prune } from "../host/ticket.ts";
import { forward, quantizers, outlineOf, type Network, type Quantizer } from "../src/network.ts";
import { lemma5, reachProbabilities } from "../src/theory/construction.ts";
import { audit, forwardKept, keptLayers } from "../src/ticket/audit.ts";
import {
  demandsOf,
  drawnWeights,
  layersOf,
  placesOf,
  type RandomLayer,
  type RandomWeights,
  type Scheme,
} from "../src/ticket/scheme.ts";
import { firstDeviation, verify, type Ticket } from "../src/ticket/ticket.ts";
import { testAdapter } from "./devices.ts";
import { golden, randomNetwork, targetNetwork, type GoldenRow } from "./golden.ts";

const engines = {} as Record<"reference" | "cpu" | "gpu", Runner>;
beforeAll(async () => {
  engines.reference = referenceRunner();
  engines.cpu = await cpuRunner(2, startThread);
  engines.gpu = await gpuRunner(testAdapter);
});
afterAll(() => Object.values(engines).forEach((engine) => engine.close()));

/** The scheme that a golden network follows. */
function schemeOf({ theorem, initialBits, bits, weightQuantizer, shapes, widths }: GoldenRow): Scheme {
  const depth = widths.length - 1;
  return {
    theorem: theorem as 1 | 2,
    initialBits,
    bits,
    weightQuantizer: weightQuantizer as Quantizer,
    zero: theorem === 1,
    units:
      theorem === 1
        ? Array.from({ length: depth }, (_, l) => shapes[2 * l]![0]! / widths[l]!)
        : [shapes[0]![0]! / widths[0]!],
    copies:
      theorem === 1 ? [] : Array.from({ length: depth - 1 }, (_, l) => shapes[l + 1]![0]! / widths[l + 1]!),
  };
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

const first: Scheme = {
  theorem: 1,
  initialBits: 4,
  bits: 2,
  weightQuantizer: "away",
  zero: false,
  units: [44, 30, 30],
  copies: [],
};
const second: Scheme = { ...first, theorem: 2, units: [64], copies: [18, 18] };

describe.each([
  ["theorem 1", first, 4],
  ["theorem 2", second, 2],
] as const)("a ticket of %s", (_, scheme, bits) => {
  test.each(quantizers)(
    "equals its target on every input, quantized by %s, on every engine",
    async (quantizer) => {
      const target = targetOf([2, 3, 2, 2], bits, quantizer);
      const { ticket, failures } = await prune(engines.cpu, target, bits, scheme, 20250101n);
      expect(failures).toEqual([]);
      expect(verify(target, ticket)).toBeUndefined();
      const inputs = gridOf(2);
      expect(forwardKept(target, keptLayers(ticket), inputs)).toEqual(forward(target, inputs));
      for (const engine of [engines.reference, engines.gpu]) {
        const same = await prune(engine, target, bits, scheme, 20250101n);
        expect([engine.engine, same.ticket]).toEqual([engine.engine, ticket]);
      }
    },
  );

  test("keeps fewer weights with smallest subsets, and is a ticket as well", async () => {
    const target = targetOf([2, 2, 2, 1], bits, "floor", 3);
    const [canonical, sparse] = await Promise.all([
      prune(engines.cpu, target, bits, scheme, 5n),
      prune(engines.cpu, target, bits, scheme, 5n, { sparse: true }),
    ]);
    const kept = ({ masks }: Ticket) => masks.reduce((sum, mask) => mask.reduce((a, b) => a + b, sum), 0);
    expect(kept(sparse.ticket)).toBeLessThan(kept(canonical.ticket));
    expect(verify(target, sparse.ticket)).toBeUndefined();
  });

  test("has no mask bit too many or too few, no other seed and no other target", async () => {
    const target = targetOf([2, 2, 1, 1], bits, "floor", 2);
    const { ticket } = await prune(engines.cpu, target, bits, scheme, 9n);
    expect(verify(target, { ...ticket, seed: 10n })).toMatchObject({ layer: 0 });
    const layers = layersOf(outlineOf(target, 0).widths, bits, scheme);
    let flips = 0;
    ticket.masks.forEach((mask, l) => {
      const weightAt = drawnWeights(scheme, ticket.seed)(l);
      mask.forEach((bit, place) => {
        // A bit of the second matrix matters where its unit is kept for others; one of the first where it is needed.
        const unit = place % layers[l]!.columns;
        if (layers[l]!.kind === "pooled" && ticket.masks[l - 1]![unit] === 0) return;
        if (layers[l]!.kind === "hidden" && bit === 0) return;
        const hidden = layers[l]!.kind === "pooled" ? drawnWeights(scheme, ticket.seed)(l - 1)(unit) : 1;
        if (hidden < 0 && !layers[l]!.signed) return;
        expect(weightAt(place)).not.toBe(0);
        const masks = ticket.masks.with(l, mask.with(place, 1 - bit));
        expect(verify(target, { ...ticket, masks })).toBeDefined();
        flips++;
      });
    });
    expect(flips).toBeGreaterThan(40);
    const [layer] = target.layers;
    const changed = { ...layer!, weights: layer!.weights.with(3, Number(layer!.weights[3] === 0)) };
    expect(verify({ ...target, layers: target.layers.with(0, changed) }, ticket)).toMatchObject({
      layer: 0,
      output: 1,
      input: 1,
    });
  });

  test("is not found with too few units, and every weight that failed is named", async () => {
    const target = targetOf([2, 2], bits, "floor");
    const small = { ...scheme, units: scheme.theorem === 1 ? [2] : [2], copies: [] };
    const { ticket, failures } = await prune(engines.cpu, target, bits, small, 1n);
    expect(failures.length).toBeGreaterThan(0);
    for (const { layer, got } of failures) expect([layer, got]).toEqual([0, undefined]);
    expect(verify(target, ticket)).toMatchObject({ ...failures[0], got: expect.any(Number) });
  });
});

test("random targets of random shapes have tickets that equal them", async () => {
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
          theorem: theorem as 1 | 2,
          initialBits: 3,
          bits: 2,
          weightQuantizer: "away",
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

describe("pruning", () => {
  /** Masks and failures as each demand by itself gives them, drawn here and solved as a given instance. */
  async function oneByOne(target: Network, bits: number, scheme: Scheme, seed: bigint, sparse: boolean) {
    const layers = layersOf(outlineOf(target, 0).widths, bits, scheme);
    const masks = layers.map((layer) => new Uint8Array(placesOf(layer)));
    const demands = [...demandsOf(target, layers, drawnWeights(scheme, seed))];
    const instances = demands.map(({ items, sum }) => ({ items, target: sum }));
    const failures: unknown[] = [];
    let k = 0;
    for await (const finding of solve(engines.cpu, instances, { ask: [sparse ? "smallest" : "witness"] })) {
      const { index, row, place, input, sign, members, sum } = demands[k++]!;
      const { kind, group, copies, layer } = layers[index]!;
      const [output, copy] = [Math.floor(row / copies), row % copies];
      const subset = sparse ? finding.smallestWitness : finding.witness;
      if (!subset) failures.push({ layer, output, input, sign, copy, expected: sum, got: undefined });
      for (const i of subset ?? []) {
        masks[index]![place + members[i]!] = 1;
        if (kind === "pooled") masks[index - 1]![input * group + members[i]!] = 1;
      }
    }
    return { masks, failures };
  }

  const schemes: [string, Scheme, number][] = [
    ["theorem 1", { ...first, units: [40, 17] }, 4],
    ["theorem 1 with zeros, rounded down", { ...first, zero: true, weightQuantizer: "floor" }, 3],
    ["theorem 1 with 33 units and 10 bits", { ...first, initialBits: 10, bits: 3, units: [33, 33] }, 6],
    ["theorem 2", { ...second, units: [30], copies: [7] }, 2],
    ["theorem 2 without any copies", { ...second, units: [0], copies: [0] }, 2],
  ];

  test.each(schemes)("by %s keeps and misses what each demand by itself does", async (_, scheme, bits) => {
    const target = targetOf([3, 11, 9], bits, "floor", 4);
    const units = scheme.units.slice(0, scheme.theorem === 1 ? 2 : 1);
    for (const sparse of [false, true]) {
      const given = { ...scheme, units };
      const { ticket, failures } = await prune(engines.cpu, target, bits, given, 77n, { sparse });
      const { masks, failures: missed } = await oneByOne(target, bits, given, 77n, sparse);
      expect(ticket.masks).toEqual(masks);
      expect(failures).toEqual(missed);
    }
  });

  const wide = targetOf([40, 90, 10], 2, "floor");
  const thin: Scheme = { ...first, units: [9, 9] };

  test("lists failures in the order of the weights, whichever tile is answered first", async () => {
    const { failures } = await oneByOne(wide, 2, thin, 5n, false);
    expect(failures.length).toBeGreaterThan(10);
    let turn = 0;
    const uneven: Runner = {
      ...engines.cpu,
      depth: 3,
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

  test("reports the demands that are decided, and stops at a signal", async () => {
    const reports: number[] = [];
    await prune(engines.cpu, wide, 2, thin, 5n, { onProgress: (done) => reports.push(done) });
    expect(reports).toEqual(reports.toSorted((a, b) => a - b));
    const all = 2 * 40 * 90 + 90 * 10;
    expect(reports.at(-1)).toBeLessThanOrEqual(all);
    expect(reports.at(-1)).toBeGreaterThan(all - 1000);
    const stop = new AbortController();
    let runs = 0;
    const stopping: Runner = {
      ...engines.cpu,
      depth: 1,
      run: (work) => {
        if (++runs === 2) stop.abort();
        return engines.cpu.run(work);
      },
    };
    await prune(stopping, wide, 2, thin, 5n, { signal: stop.signal });
    await prune(stopping, wide, 2, thin, 5n, { signal: AbortSignal.abort() });
    expect(runs).toBe(2);
  });

  test("passes on an error after all other work has ended, and starts none after it", async () => {
    let [started, ended] = [0, 0];
    const failing: Runner = {
      ...engines.cpu,
      depth: 2,
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

  test("refuses more units than tables of their sums can be", async () => {
    const scheme: Scheme = { ...first, initialBits: 10, bits: 10, units: [2048] };
    await expect(prune(engines.cpu, targetOf([1, 1], 2, "floor"), 2, scheme, 1n)).rejects.toThrow(
      new RangeError("units: expected at most 2047 for 10 bits, got 2048"),
    );
  });
});

describe("an audit", () => {
  const random = (range: number) => Math.floor(range / 3);

  test("runs every input of a small network, and finds the first that differs", async () => {
    const target = targetOf([2, 3, 2], 4, "truncate");
    const { ticket } = await prune(engines.cpu, target, 4, { ...first, units: [44, 30] }, 3n);
    expect(audit(target, ticket, random)).toEqual({ inputs: 81, exhaustive: true, difference: undefined });
    const last = ticket.masks.length - 1;
    const masks = ticket.masks.with(
      last,
      ticket.masks[last]!.map(() => 0),
    );
    const { exhaustive, difference } = audit(target, { ...ticket, masks }, random);
    expect(exhaustive).toBe(true);
    expect(forward(target, difference!)).not.toEqual(
      forwardKept(target, keptLayers({ ...ticket, masks }), difference!),
    );
  });

  test("runs extreme and other inputs of a wide one", async () => {
    const target = targetOf([9, 2], 2, "away");
    const { ticket } = await prune(engines.cpu, target, 2, { ...first, units: [40] }, 3n);
    expect(audit(target, ticket, random)).toEqual({ inputs: 37, exhaustive: false, difference: undefined });
  });

  test("refuses what could not be added exactly", () => {
    const layer = { rows: 1, columns: 1, shift: 0, starts: Uint32Array.of(0, 1), places: Uint32Array.of(0) };
    const layers = [{ ...layer, weights: Int32Array.of(2 ** 30) }];
    const network = { quantizer: "floor" as const, activationBits: 2, clamp: false };
    expect(() => forwardKept(network, layers, [2 ** 24])).toThrow(
      /^random layer 1: expected sums of at most /,
    );
  });
});

describe("one weight of a random network", () => {
  const NETWORKS = 1500;

  /** How many networks of so many hidden units, each of its own seed, contain a weight for inputs of both signs. */
  async function contained(weight: number, units: number, zero: boolean): Promise<number> {
    const target: Network = {
      layers: [{ rows: 1, columns: 1, weights: Int32Array.of(weight), shift: 2 }],
      quantizer: "floor",
      activationBits: 2,
      clamp: false,
      constant: false,
    };
    const scheme: Scheme = { ...first, initialBits: 1, bits: 1, zero, units: [units] };
    let count = 0;
    for (let seed = 0; seed < NETWORKS; seed++)
      count += Number((await prune(engines.cpu, target, 2, scheme, BigInt(seed))).failures.length === 0);
    return count;
  }

  test.each([
    [1, 16, false],
    [3, 20, false],
    [-4, 20, false],
    [4, 24, true],
  ] as const)(
    "%i with %i hidden units is there as often as Lemma 5 says exactly (0 among the weights: %s)",
    async (weight, units, zero) => {
      const pools = reachProbabilities(2, units);
      const { success } = lemma5(pools, { units, zero, scheme: "pooled" });
      const probability = success[Math.abs(weight)]!;
      const error = Math.sqrt((probability * (1 - probability)) / NETWORKS);
      const rate = (await contained(weight, units, zero)) / NETWORKS;
      expect(Math.abs(rate - probability)).toBeLessThan(5 * error);
      // With half as many units it would not be.
      const fewer = lemma5(pools, { units: units / 2, zero, scheme: "pooled" }).success[Math.abs(weight)]!;
      expect(Math.abs(rate - fewer)).toBeGreaterThan(5 * error);
    },
  );
});

describe.each(golden.map((row, k) => [k + 1, row] as const))("golden network %i", (_, row) => {
  const target = targetNetwork(row);
  const layers = layersOf(outlineOf(target, 0).widths, row.targetBits, schemeOf(row));
  const random = randomNetwork(row);
  const structure = ({ columns, group, kind }: RandomLayer, place: number) =>
    kind === "hidden" ? place * columns + Math.floor(place / group) : place;
  const weights: RandomWeights = (index) => (place) =>
    random.layers[index]!.weights[structure(layers[index]!, place)]!;
  const masks = layers.map((layer, index) =>
    Uint8Array.from({ length: placesOf(layer) }, (_, place) =>
      Number(row.masks[index]![structure(layer, place)]),
    ),
  );

  test("has the shape of its theorem, and its masks are certified", () => {
    expect(layers.map(({ rows, columns, shift }) => ({ rows, columns, shift }))).toEqual(
      random.layers.map(({ rows, columns, shift }) => ({ rows, columns, shift })),
    );
    expect(firstDeviation(target, layers, weights, masks)).toBeUndefined();
  });

  test("is not certified with a bit flipped", () => {
    const last = masks.length - 1;
    const place = Array.from(masks[last]!).findIndex((bit, at) => bit === 1 && weights(last)(at) !== 0);
    const flipped = masks.with(last, masks[last]!.with(place, 0));
    expect(firstDeviation(target, layers, weights, flipped)).toMatchObject({
      layer: target.layers.length - 1,
    });
  });
});

describe("a scheme", () => {
  const target = targetOf([2, 3, 1], 2, "floor");
  test.each<[string, Partial<Scheme>, number, string]>([
    ["finer than the random weights", { bits: 5 }, 2, "bits: expected at most initialBits, 4, got 5"],
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
    ["without units for a layer", { units: [9] }, 2, "units: expected 2 numbers for 2 layers, got 1"],
    ["with copies it has no use for", { copies: [1] }, 2, "copies: expected 0 numbers for 2 layers, got 1"],
    ["of no theorem", { theorem: 3 as 1 }, 2, "theorem: expected 1 or 2, got 3"],
  ])("%s is refused", (_, change, bits, message) => {
    expect(() => layersOf(outlineOf(target, 0).widths, bits, { ...first, units: [9, 9], ...change })).toThrow(
      message,
    );
  });

  test("draws weights that do not depend on one another's number", () => {
    const [a, b] = [0, 1].map(drawnWeights(first, 3n)) as [
      (place: number) => number,
      (place: number) => number,
    ];
    const list = Array.from({ length: 400 }, (_, place) => a(place));
    expect(list).not.toEqual(Array.from({ length: 400 }, (_, place) => b(place)));
    expect(new Set(list)).toEqual(new Set([-4, -3, -2, -1, 1, 2, 3, 4]));
    expect(list[399]).toBe(drawnWeights(first, 3n)(0)(399));
  });
});
