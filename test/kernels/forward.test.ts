// Forward passes: kernel `forward` writes the same words on every engine, golden networks and tickets give their outputs
// by either pass, and faults planted in shaders are found.

import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cpuRunner } from "../../host/cpu/runner.ts";
import { runNetwork, forwardStages } from "../../host/experiments/network.ts";
import { gpuRunner } from "../../host/gpu/runner.ts";
import { launchesOf } from "../../host/gpu/kernels/index.ts";
import { dawn } from "../../host/node/platform/dawn.ts";
import { startThread } from "../../host/node/platform/threads.ts";
import { referenceRunner } from "../../host/reference.ts";
import type { Runner } from "../../host/runner.ts";
import { DifferenceError, shadowRunner } from "../../host/shadow.ts";
import { pruneToTicket } from "../../host/experiments/ticket.ts";
import type { ForwardParams } from "../../src/kernels/forward.ts";
import { forward as defined, quantizers, readNetwork, withConstant } from "../../src/network.ts";
import type { WorkOf } from "../../src/plan.ts";
import { keptLayers } from "../../src/ticket/kept.ts";
import { passes, ticketStages } from "../../src/ticket/passes.ts";
import type { Scheme } from "../../src/ticket/scheme.ts";
import {
  rewriteShaders,
  tamperedAdapter,
  testAdapter,
  watchIndices,
  watchedAdapter,
} from "../gpu/devices.ts";
import { golden, goldenTicket, targetNetwork } from "../golden.ts";

/** `gpu` packs numbers into words where they fit, `poisoned` does not. */
const names = ["reference", "cpu", "gpu", "poisoned"] as const;
const engines = {} as Record<(typeof names)[number], Runner>;
beforeAll(async () => {
  engines.reference = referenceRunner();
  engines.cpu = await cpuRunner(2, startThread);
  engines.gpu = await gpuRunner(watchedAdapter, { poison: 0x55555555, language: await language() });
  engines.poisoned = await gpuRunner(watchedAdapter, { poison: 0xdeadbeef });
});
afterAll(() => Object.values(engines).forEach((engine) => engine.close()));

/** What Dawn's WGSL knows, packed products among it on every device. */
async function language(): Promise<ReadonlySet<string>> {
  const { wgslLanguageFeatures } = (await dawn())!;
  expect(wgslLanguageFeatures.has("packed_4x8_integer_dot_product")).toBe(true);
  return wgslLanguageFeatures;
}

const scheme1: Scheme = {
  theorem: 1,
  initialBits: 4,
  bits: 2,
  weightQuantizer: "away",
  zero: false,
  pools: "shared",
  support: false,
  units: [],
  copies: [],
};

const DEFAULTS: ForwardParams = {
  samples: 1,
  columns: 1,
  group: 1,
  rows: 1,
  rectify: 1,
  shift: 0,
  quantizer: 0,
  relu: 0,
  most: 0,
  wide: 0,
};

/** How large the numbers of a pass are, in bits with the sign. */
interface Sizes {
  readonly inputs: number;
  readonly units: number;
  readonly weights: number;
}

/** Work with numbers by a simple rule, all of the bits of each size in use. */
function workOf(change: Partial<ForwardParams>, sizes: Sizes, salt = 1): WorkOf<"forward"> {
  const params = { ...DEFAULTS, ...change };
  const { samples, columns, group, rows, wide } = params;
  let state = 12345 + salt;
  const number = (bits: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    // Some are extreme.
    if (state % 13 === 0) return -(2 ** (bits - 1));
    if (state % 13 === 1) return 2 ** (bits - 1) - 1;
    return Math.floor((state / 2 ** 32 - 0.5) * 2 ** bits);
  };
  const list = (length: number, bits: number) => Int32Array.from({ length }, () => number(bits));
  const inputs = Array.from({ length: samples * columns }, () => number(sizes.inputs));
  return {
    kernel: "forward",
    params,
    inputs: {
      inputs: wide ? new Int32Array(BigInt64Array.from(inputs, BigInt).buffer) : Int32Array.from(inputs),
      units: list(columns * group, sizes.units),
      weights: list(rows * columns * group, sizes.weights),
    },
  };
}

const small: Sizes = { inputs: 9, units: 5, weights: 8 };
/** Hidden units and weights of a byte, hidden units of two, weights of two. */
const bytes: readonly Sizes[] = [
  { inputs: 5, units: 3, weights: 8 },
  small,
  { inputs: 5, units: 3, weights: 15 },
];

/** What the bytes are packed in, or how else the work is done. */
async function packing(work: WorkOf<"forward">): Promise<string> {
  const { limits, info } = await testAdapter();
  const sizes = { subgroupMaxSize: info.subgroupMaxSize || 32, subgroupMinSize: info.subgroupMinSize || 4 };
  const room = { limits, ...sizes, features: new Set(["packed"] as const) };
  const { variant, constants } = launchesOf(work, room)[0]!;
  return variant === "packed" ? `${constants.HIDDEN_BYTES} ${constants.WEIGHT_BYTES}` : variant;
}

/** The words of an answer by long arithmetic, one sum after the other. */
function oracleWords({ params, inputs }: WorkOf<"forward">): number[] {
  const { samples, columns, group, rows, rectify, wide, ...rest } = params as unknown as ForwardParams;
  const modulus = wide ? 64 : 32;
  const x = wide ? new BigInt64Array(inputs.inputs.buffer) : BigInt64Array.from(inputs.inputs, BigInt);
  const words: number[] = [];
  for (let s = 0; s < samples; s++)
    for (let r = 0; r < rows; r++) {
      let sum = 0n;
      for (let c = 0; c < columns; c++)
        for (let q = 0; q < group; q++) {
          const unit = q * columns + c;
          const weight = BigInt(inputs.weights[(r * group + q) * columns + c]!);
          const given = x[s * columns + c]!;
          const hidden = BigInt.asIntN(modulus, BigInt(inputs.units[unit]!) * given);
          sum += weight * (rectify && hidden < 0n ? 0n : hidden);
        }
      const output = followed(rest, BigInt.asIntN(modulus, sum));
      const pattern = BigInt.asUintN(64, output);
      words.push(Number(pattern % 2n ** 32n), ...(wide ? [Number(pattern >> 32n)] : []));
    }
  return words;
}

/** Division of whole numbers with the rounding that each quantizer is named for. */
function followed({ shift, quantizer, relu, most }: Partial<ForwardParams>, sum: bigint): bigint {
  const unit = 2n ** BigInt(shift!);
  const below = sum / unit - (sum % unit < 0n ? 1n : 0n);
  const rest = sum - below * unit;
  const above = below + (rest > 0n ? 1n : 0n);
  const outward = sum < 0n ? below : above;
  const inward = sum < 0n ? above : below;
  const outwardRest = sum < 0n ? unit - rest : rest;
  const nearest = rest === 0n ? below : outwardRest * 2n >= unit ? outward : inward;
  const output = { floor: below, truncate: inward, nearest, away: outward }[quantizers[quantizer!]!];
  const [low, high] = [relu ? 0n : most ? -BigInt(most) : output, most ? BigInt(most) : output];
  return output < low ? low : output > high ? high : output;
}

/** Whether every engine writes the words of the reference; a difference is an error that names the word. */
async function compare(work: WorkOf<"forward">): Promise<Uint32Array> {
  const { words: expected } = await engines.reference.run(work);
  const reference = { ...engines.reference, run: () => Promise.resolve({ words: expected }) };
  for (const name of ["cpu", "gpu", "poisoned"] as const)
    await shadowRunner(reference, engines[name]).run(work);
  return expected;
}

describe("kernel forward", () => {
  test("is what its definition says, by long arithmetic", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          samples: fc.integer({ min: 1, max: 5 }),
          columns: fc.integer({ min: 1, max: 5 }),
          group: fc.integer({ min: 0, max: 4 }),
          rows: fc.integer({ min: 1, max: 5 }),
          rectify: fc.nat(1),
          shift: fc.integer({ min: 0, max: 31 }),
          quantizer: fc.nat(3),
          relu: fc.nat(1),
          most: fc.constantFrom(0, 1, 100, 2 ** 20, 2 ** 31 - 1),
          wide: fc.nat(1),
        }),
        fc.oneof(
          fc.constantFrom(...bytes),
          fc.record({
            inputs: fc.integer({ min: 1, max: 32 }),
            units: fc.integer({ min: 1, max: 32 }),
            weights: fc.integer({ min: 1, max: 32 }),
          }),
        ),
        fc.nat(),
        async (params, sizes, salt) => {
          const work = workOf(params, sizes, salt);
          expect(Array.from(await compare(work))).toEqual(oracleWords(work));
        },
      ),
      { seed: 11, numRuns: 150 },
    );
  });

  test.each([1, 2, 3, 4, 5, 7, 8, 9, 16, 31, 32, 33, 63, 64, 65])(
    "has the same words on every engine around the seams of its tiles: %i",
    async (n) => {
      const shapes: Partial<ForwardParams>[] = [
        { samples: n, columns: 3, group: 5, rows: 9 },
        { samples: 5, columns: n, group: 3, rows: 9 },
        { samples: 5, columns: 3, group: n, rows: 9 },
        { samples: 5, columns: 7, group: 3, rows: n },
        { samples: n, columns: n, group: 2, rows: n, relu: 1, shift: 3, quantizer: n & 3 },
        { samples: n, columns: n, group: 1, rows: n, rectify: 0, most: 64, quantizer: n & 3, shift: 2 },
      ];
      for (const shape of shapes) {
        for (const sizes of bytes) await compare(workOf(shape, sizes, n));
        await compare(workOf(shape, { ...small, inputs: 20 }, n));
        await compare(workOf({ ...shape, wide: 1 }, { ...small, inputs: 32 }, n));
      }
    },
  );

  test("has the same words where its numbers only just fit into halves of words, and where they do not", async () => {
    for (const inputs of [15, 16, 17])
      for (const units of [1, 2, 3])
        for (const weights of [15, 16, 17])
          await compare(workOf({ samples: 9, columns: 6, group: 2, rows: 9 }, { inputs, units, weights }));
  });

  test("is packed where its numbers have few bytes, and has the same words at both ends of those", async () => {
    /** Small numbers and a few that are given; units of 0 and 1, or `u`. */
    const holding = (x: number, w: number, { u = 1, ...change }: Partial<ForwardParams> & { u?: number }) => {
      const shape = { samples: 6, columns: 5, group: 3, rows: 9, shift: 3, ...change };
      const { params, inputs } = workOf(shape, { inputs: 3, units: 1, weights: 3 });
      const list = (key: keyof typeof inputs, map: (number: number, i: number) => number) =>
        inputs[key].map(map);
      return {
        kernel: "forward",
        params,
        inputs: {
          inputs: list("inputs", (number, i) => (i % 7 === 3 ? x : number)),
          units: list("units", (_, i) => (i % 4 === 1 ? 0 : u)),
          weights: list("weights", (number, i) => (i % 5 === 2 ? w : number)),
        },
      } as const;
    };
    const signed = { rectify: 0 };
    const rows: [WorkOf<"forward">, string][] = [
      [holding(127, 127, {}), "1 1"],
      [holding(128, 127, {}), "2 1"],
      [holding(127, 128, {}), "1 2"],
      [holding(128, 128, {}), "workgroup"],
      [holding(-128, -128, signed), "1 1"],
      [holding(-129, -128, signed), "2 1"],
      [holding(-128, -129, signed), "1 2"],
      [holding(-129, -129, signed), "workgroup"],
      [holding(-129, -129, {}), "1 2"],
      [holding(-32896, 3, signed), "2 1"],
      [holding(-32897, 3, signed), "workgroup"],
      [holding(32639, 3, {}), "2 1"],
      [holding(32640, 3, {}), "workgroup"],
      [holding(3, -32896, {}), "1 2"],
      [holding(3, -32897, {}), "workgroup"],
      [holding(3, 32639, {}), "1 2"],
      [holding(3, 32640, {}), "workgroup"],
      [holding(-64, 3, { u: -2 }), "2 1"],
      [holding(64, 3, { ...signed, u: -2 }), "1 1"],
      // A product that wraps is not below 0.
      [holding(-(2 ** 27), 3, { u: 16 }), "1 1"],
      [holding(-(2 ** 27) - 1, 3, { u: 16 }), "workgroup"],
    ];
    for (const [work, packed] of rows) {
      const { inputs, weights } = work.inputs;
      expect([inputs, weights, await packing(work)]).toEqual([inputs, weights, packed]);
      for (let quantizer = 0; quantizer < 4; quantizer++)
        await compare({ ...work, params: { ...work.params, quantizer, relu: quantizer & 1 } });
    }
    expect(await packing({ ...rows[0]![0], params: { ...rows[0]![0].params, wide: 1 } })).toBe("workgroup");
  });

  test("has the same words where sums only just fit into words, and where they do not", async () => {
    for (const [weight, columns] of [
      [127, 1331],
      [127, 1332],
      [-128, 1331],
      [32639, 5],
      [32639, 6],
      [-32896, 6],
    ] as const) {
      const work = workOf({ samples: 2, columns, group: 100, rows: 3 }, bytes[0]!);
      const full = (key: keyof typeof work.inputs, number: number) =>
        new Int32Array(work.inputs[key].length).fill(number);
      const inputs = {
        inputs: full("inputs", 127),
        units: full("units", 1),
        weights: full("weights", weight),
      };
      for (const shift of [0, 5])
        await compare({ ...work, params: { ...work.params, shift, quantizer: 3 }, inputs });
    }
  });

  test("has the same words in wide tiles, and where few workgroups take many tiles in turns", async () => {
    const many = { samples: 33_000, columns: 2, group: 3, rows: 3, quantizer: 2, shift: 2 };
    for (const sizes of bytes.slice(0, 2)) await compare(workOf(many, sizes));
    const one = await gpuRunner(
      tamperedAdapter((device) => {
        const limits = new Proxy(device.limits, {
          get: (limits, name: keyof GPUSupportedLimits) =>
            name === "maxComputeWorkgroupsPerDimension" ? 1 : limits[name],
        });
        Object.defineProperty(device, "limits", { value: limits });
      }),
    );
    const work = workOf({ samples: 140, columns: 3, group: 5, rows: 140 }, small);
    await shadowRunner(engines.reference, one).run(work);
    one.close();
  });

  test("has the same words over many blocks of hidden units, and for no work at all", async () => {
    for (const sizes of bytes)
      await compare(workOf({ samples: 6, columns: 700, group: 12, rows: 20, shift: 6 }, sizes));
    await compare(workOf({ samples: 2, columns: 5000, group: 3, rows: 33, relu: 1 }, small));
    for (const none of [{ samples: 0 }, { rows: 0 }, { group: 0 }])
      await compare(workOf({ samples: 3, columns: 4, group: 2, rows: 5, ...none }, small));
  });

  /** Work for numbers of one word, of two, and packed. */
  const shape = { samples: 10, columns: 9, group: 3, rows: 11, shift: 3 };
  const all = [0, 1, 2, 3].map((quantizer) => ({ ...shape, quantizer, relu: quantizer & 1 }));
  const kinds = {
    single: all.map((params) => workOf({ ...params, most: 90 * params.relu }, small)),
    wide: all.map((params) => workOf({ ...params, wide: 1 }, { ...small, inputs: 32, weights: 20 })),
    packed: all.map((params) => workOf(params, small)),
  };

  test.each([
    ["single", "a hidden unit that is not rectified", "params.rectify == 1u && isNegative(value)", "false"],
    ["single", "the input before", "input * params.columns", "(max(input, 1u) - 1u) * params.columns"],
    ["single", "a last hidden unit that is left out", "k < DEPTH; k++", "k < DEPTH - 1u; k++"],
    ["single", "an output that is not rectified", "params.relu == 1u && isNegative(output)", "false"],
    ["single", "a floor towards 0", "(params.quantizer == FLOOR && negative)", "false"],
    ["single", "no clamp", "params.most > 0u", "false"],
    ["single", "a half that is rounded down", "params.quantizer == NEAREST", "params.quantizer == 9u"],
    [
      "wide",
      "a carry that is lost",
      "sums.high + high + select(vec4u(), vec4u(1u), sum < low)",
      "sums.high + high",
    ],
    ["wide", "a negative weight taken for a large one", "f * number.y - negative", "f * number.y"],
    ["single", "a sum of four that is another's", "sumOf(sums, r)", "sumOf(sums, r & 2u)"],
    ["wide", "a negative factor taken for a large one", "select(0u, number.x, factor < 0)", "0u"],
    ["wide", "a middle product cut short", "ah * bl + (low >> 16u)", "ah * bl"],
    ["single", "rows of a tile's lower half in the upper one", "row + ROWS / 2u", "row"],
    ["single", "an index past a tile", "array<Hidden, HIDDEN_PITCH * DEPTH>", "array<Hidden, HIDDEN_PITCH>"],
    ["packed", "a high byte without its carry", "(numbers + vec4i(128))", "numbers"],
    ["packed", "a high byte worth no more than a low one", "sums << vec4u(8u)", "sums"],
    ["packed", "a low byte left out", "pass_ > 0u; pass_--", "pass_ > PASSES - 1u; pass_--"],
    ["packed", "a hidden unit that is not rectified", "max(values, vec4i())", "values"],
    [
      "packed",
      "weights behind the last hidden unit",
      "select(vec4i(), numbers, unit < vec4u(unitCount()))",
      "numbers",
    ],
    ["packed", "hidden units that enter twice", "unit + 2u * DEPTH", "unit + DEPTH"],
    ["packed", "a product left out", "dot4I8Packed(hidden, weights.w)", "0"],
  ] as const)("of %s numbers, %s is found", async (kind, _, from, to) => {
    expect(await isFound(kind, from, to)).toBe(true);
  });

  test.each(["single", "wide", "packed"] as const)("of %s numbers, nothing is found", async (kind) => {
    expect(await isFound(kind, "fn main", "fn main")).toBe(false);
  });

  /** Whether a GPU whose shaders have `to` for `from` differs from the reference. */
  async function isFound(kind: keyof typeof kinds, from: string, to: string): Promise<boolean> {
    let planted = 0;
    const faulty = await gpuRunner(
      tamperedAdapter((device) =>
        rewriteShaders(device, (code) => {
          planted += Number(code.includes(from));
          return watchIndices(code.replaceAll(from, to));
        }),
      ),
      kind === "packed" ? { language: await language() } : {},
    );
    const shadow = shadowRunner(engines.reference, faulty);
    try {
      const outcomes = await Promise.allSettled(kinds[kind].map((work) => shadow.run(work)));
      expect(planted).toBe(1);
      for (const outcome of outcomes)
        if (outcome.status === "rejected" && !(outcome.reason instanceof DifferenceError))
          throw outcome.reason;
      return outcomes.some(({ status }) => status === "rejected");
    } finally {
      faulty.close();
    }
  }
});

describe.each(golden.map((row, k) => [k + 1, row] as const))("golden network %i", (_, row) => {
  const target = targetNetwork(row);
  const { ticket, random } = goldenTicket(row);
  const size = 2 ** (row.activationBits + 1) + 1;
  const columns = row.widths[0]!;
  // Every input, the last number of it fastest.
  const inputs = Int32Array.from({ length: size ** columns * columns }, (_, i) => {
    const place = columns - 1 - (i % columns);
    return (Math.floor(Math.floor(i / columns) / size ** place) % size) - 2 ** row.activationBits;
  });
  const units = row.widths.at(-1)!;
  const count = inputs.length / columns;
  function isRight(outputs: Float64Array): boolean {
    const step = Math.max(Math.floor(count / 40), 1);
    const sampled = outputs.filter((_, at) => Math.floor(at / units) % step === 0);
    const checksum = outputs.reduce(
      (sum, y, at) => sum + y * ((((at % units) * count + Math.floor(at / units)) % 1009) + 1),
      0,
    );
    return String(sampled) === String(row.outputs) && checksum === row.checksum;
  }

  test.each(["reference", "cpu", "gpu"] as const)(
    "has its outputs and its checksum on %s, and so has the pruned network by both passes",
    async (name) => {
      expect(isRight(await runNetwork(engines[name], target, inputs))).toBe(true);
      for (const pass of passes) {
        const stages = ticketStages(keptLayers(ticket, random), pass);
        const outputs = await forwardStages(engines[name], target, stages, Float64Array.from(inputs));
        expect([pass, isRight(outputs)]).toEqual([pass, true]);
      }
    },
  );

  test("has others with another mask", async () => {
    const masks = ticket.masks.with(
      ticket.masks.length - 1,
      ticket.masks.at(-1)!.map(() => 0),
    );
    for (const pass of passes) {
      const stages = ticketStages(keptLayers({ ...ticket, masks }, random), pass);
      expect(isRight(await forwardStages(engines.cpu, target, stages, Float64Array.from(inputs)))).toBe(
        false,
      );
    }
  });
});

describe("a forward pass", () => {
  const wide = readNetwork({
    bits: 12,
    activationBits: 12,
    layers: [
      { weights: [Array<number>(100).fill(2 ** 12), Array<number>(100).fill(-(2 ** 12))], biases: [7, 4096] },
      {
        weights: [
          [4096, -4096],
          [4096, 4095],
        ],
      },
      {
        weights: [
          [4096, 4095],
          [-4096, 3],
        ],
      },
    ],
  }).network;

  test("takes wider words where sums need them, and its inputs without the constant unit", async () => {
    const inputs = Int32Array.from({ length: 300 }, (_, i) => (i < 100 ? 4096 : -4096 + 70 * (i % 99)));
    const wanted = defined(wide, withConstant(wide, 101, inputs));
    expect(Math.max(...wanted) * 4096).toBeGreaterThan(2 ** 31);
    const share: number[] = [];
    for (const name of names)
      expect([
        name,
        await runNetwork(engines[name], wide, inputs, {
          onProgress: ({ done, total }) => share.push(done / total),
        }),
      ]).toEqual([name, wanted]);
    expect(share.at(-1)).toBe(1);
  });

  test("refuses inputs that it cannot have, and sums that no words hold", async () => {
    const engine = engines.cpu;
    await expect(runNetwork(engine, wide, new Int32Array(101))).rejects.toThrow(
      "inputs: expected 100 numbers for each, got 101",
    );
    await expect(runNetwork(engine, wide, new Int32Array(200).fill(-4097, 107))).rejects.toThrow(
      "number 8 of input 2: expected an integer in -4096..4096, got -4097",
    );
    const far = { ...wide, layers: wide.layers.map((layer) => ({ ...layer, shift: 0 })) };
    await expect(runNetwork(engine, far, new Int32Array(100))).rejects.toThrow(
      /^layer 3 of the pass: expected sums of at most 9007199254740992, got \d+/,
    );
  });

  test("of a ticket is that of its target, by both passes, in several pieces, until it is stopped", async () => {
    const bits = 2;
    const { network: target } = readNetwork({
      bits,
      activationBits: 7,
      quantizer: "nearest",
      clamp: true,
      layers: [40, 9, 5].slice(1).map((rows, l) => ({
        weights: Array.from({ length: rows }, (_, r) =>
          Array.from({ length: [40, 9][l]! }, (_, c) => ((r * 5 + c * 3 + l) % 9) - 4),
        ),
        biases: Array.from({ length: rows }, (_, r) => (r % 9) - 4),
      })),
    });
    const inputs = Int32Array.from({ length: 40 * 300 }, (_, i) => ((i * 37) % 257) - 128);
    const wanted = defined(target, withConstant(target, 41, inputs));
    for (const scheme of [
      { ...scheme1, units: [64, 50] },
      { ...scheme1, theorem: 2 as const, units: [70], copies: [24] },
    ]) {
      const { ticket, failures } = await pruneToTicket(engines.cpu, {
        network: target,
        bits,
        scheme,
        seed: 6n,
      });
      expect(failures).toEqual([]);
      for (const pass of passes)
        for (const name of ["cpu", "gpu"] as const)
          expect([pass, name, await runNetwork(engines[name], ticket, inputs, { pass })]).toEqual([
            pass,
            name,
            wanted,
          ]);
      const stop = new AbortController();
      const stopped = runNetwork(engines.cpu, ticket, inputs, {
        signal: stop.signal,
        onProgress: () => stop.abort(),
      });
      await expect(stopped).rejects.toThrow("abort");
    }
  });
});
