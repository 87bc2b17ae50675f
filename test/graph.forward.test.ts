// Graphs on engines: outputs that an interpreter of their JSON gives, planted faults in their stages, and refusals.

import { describe, expect, test } from "vitest";
import { forwardStages, runNetwork } from "../host/experiments/network.ts";
import type { Runner } from "../host/runner.ts";
import { outputBlocks } from "../src/graph/blocks.ts";
import { readGraph } from "../src/graph/read.ts";
import { graphStages, type Stage } from "../src/graph/stages.ts";
import { watchedEngines, watchedNames } from "./engines.ts";
import {
  generator,
  oracleGraph,
  randomGraph,
  randomInput,
  type GraphJson,
  type GraphLimits,
  type NodeJson,
} from "./graphs.ts";

const names = watchedNames;
const engines = watchedEngines();

interface Case {
  readonly json: GraphJson;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

/** Random graphs with two inputs each, and the outputs of the interpreter. Graphs whose sums could exceed 2^53 are left out. */
function* randomCases(salt: number, limits: GraphLimits): Generator<Case, never> {
  for (let seed = 0; ; seed++) {
    const random = generator(1000 * salt + seed);
    const json = randomGraph(random, limits);
    try {
      readGraph(json);
    } catch {
      continue;
    }
    const inputs = [randomInput(random, json), randomInput(random, json)];
    yield { json, inputs: inputs.flat(), outputs: inputs.flatMap((input) => oracleGraph(json, input)) };
  }
}

/** Answers the first cases, each of which is made once. */
function firstOf(cases: Generator<Case, never>): (count: number) => Case[] {
  const made: Case[] = [];
  return (count) => {
    while (made.length < count) made.push(cases.next().value);
    return made.slice(0, count);
  };
}

async function compare(engine: Runner, cases: readonly Case[]): Promise<void> {
  for (const { json, inputs, outputs } of cases)
    expect([...(await runNetwork(engine, readGraph(json), inputs))], JSON.stringify(json)).toEqual(outputs);
}

/** A device that packs nothing finds few faults that another does not. */
const tagged = (name: (typeof names)[number]) => (name === "unpacked" ? { tags: ["wide"] } : {});

/** Small numbers, numbers that make sums of 64 bits, and many channels; and how many graphs `npm test` runs on a GPU. */
const limits: readonly [string, GraphLimits, number][] = [
  ["small numbers", {}, 12],
  ["sums of 64 bits", { bits: 20 }, 6],
  ["up to 17 channels", { channels: 17, side: 7 }, 3],
  ["attention", { attention: true, channels: 4, side: 4 }, 10],
  ["attention and sums of 64 bits", { attention: true, bits: 10, side: 3 }, 10],
];
/** The graphs of each class, 300 of all classes together. */
const GRAPHS = 60;
/** A device that packs nothing differs in few of them. */
const UNPACKED_GRAPHS = 12;

describe("Random graphs on engines", () => {
  limits.forEach(([title, given, few], i) => {
    const first = firstOf(randomCases(1 + i, given));
    const ofClass = `random graphs with ${title} have on`;
    for (const name of ["reference", "cpu"] as const)
      test(`${GRAPHS} ${ofClass} ${name} the outputs of the interpreter`, async () => {
        await compare(engines[name], first(GRAPHS));
      });
    test(`${few} ${ofClass} gpu the outputs of the interpreter`, async () => {
      await compare(engines.gpu, first(few));
    });
    test(`${GRAPHS} ${ofClass} gpu the outputs of the interpreter`, { tags: ["wide"] }, async () => {
      await compare(engines.gpu, first(GRAPHS));
    });
    test(
      `${UNPACKED_GRAPHS} ${ofClass} unpacked the outputs of the interpreter`,
      { tags: ["wide"] },
      async () => {
        await compare(engines.unpacked, first(UNPACKED_GRAPHS));
      },
    );
  });
});

const dense = (change: Partial<NodeJson> & { readonly weights: number[][] }, at = 0): NodeJson => ({
  kind: "dense",
  name: `node${at}`,
  from: [at === 0 ? "input" : `node${at - 1}`],
  bits: 20,
  activationBits: "exact",
  quantizer: "floor",
  relu: false,
  clamp: false,
  ...change,
});
const average: NodeJson = {
  kind: "average-pool",
  name: "node0",
  from: ["input"],
  size: [2, 2],
  stride: [1, 1],
  padding: [0, 1, 1, 0],
  dilation: [1, 1],
  countPadding: false,
  activationBits: 4,
  quantizer: "nearest",
  relu: false,
  clamp: false,
};
const flat = { shape: [2], activationBits: 20, nonnegative: false };

const sum = { activationBits: "exact", quantizer: "away", relu: false, clamp: false } as const;
const pooled = { size: [2, 2], stride: [1, 1], padding: [1, 0, 0, 1], dilation: [1, 1] };
const exact = {
  ...sum,
  bits: 20,
  from: ["input"],
  groups: 1,
  stride: [1, 1],
  padding: [0, 0, 0, 0],
  dilation: [1, 1],
};

/** Graphs at the ends of what epilogues have. */
const ends: Readonly<Record<string, GraphJson>> = {
  "a clamp beyond 32 bits": { input: flat, nodes: [dense({ clamp: true, weights: [[2 ** 20, 2 ** 20]] })] },
  "a shift of 40 bits": {
    input: flat,
    nodes: [0, 1, 2, 3].map((_, at) =>
      at === 0
        ? dense({ activationBits: 0, quantizer: "away", weights: [[3, -5]] })
        : dense({ activationBits: 20, bits: 0, quantizer: "truncate", weights: [[1]] }, at),
    ),
  },
  "sums that are multiplied, and clamped": {
    input: { ...flat, activationBits: 1 },
    nodes: [dense({ bits: 1, activationBits: 20, clamp: true, weights: [[2, 2]] })],
  },
  "sums that are multiplied beyond 32 bits": {
    input: { ...flat, activationBits: 0 },
    nodes: [0, 1]
      .map((at) =>
        dense(
          {
            bits: 0,
            activationBits: 20,
            weights:
              at === 0
                ? [
                    [1, 1],
                    [1, -1],
                  ]
                : [[1, 1]],
          },
          at,
        ),
      )
      .concat(dense({ bits: 20, weights: [[2 ** 20]] }, 2)),
  },
  "averages of numbers that are multiplied": {
    input: { shape: [1, 3, 3], activationBits: 1, nonnegative: false },
    nodes: [average],
  },
  "sums of two values, averages and largest numbers beyond 32 bits": {
    input: { shape: [1, 3, 3], activationBits: 20, nonnegative: false },
    nodes: [
      { ...exact, kind: "conv", name: "first", weights: [[[[2 ** 20]]], [[[-(2 ** 19)]]]] },
      { ...exact, kind: "conv", name: "second", weights: [[[[2 ** 20 - 1]]], [[[7]]]] },
      { ...sum, kind: "add", name: "sum", from: ["first", "second"] },
      { ...sum, ...pooled, kind: "average-pool", name: "average", from: ["sum"], countPadding: true },
      { ...pooled, kind: "max-pool", name: "node0", from: ["average"] },
    ],
  },
  "an input that is flattened": {
    input: { shape: [2, 2, 3], activationBits: 4, nonnegative: false },
    nodes: [{ kind: "flatten", name: "node0", from: ["input"] }],
  },
  "an image of one channel that is flattened": {
    input: { shape: [1, 2, 3], activationBits: 4, nonnegative: true },
    nodes: [{ kind: "flatten", name: "node0", from: ["input"] }],
  },
};

describe("Graphs at the ends of what engines take", () => {
  for (const [title, json] of Object.entries(ends))
    for (const name of names)
      test(`A graph with ${title} has on ${name} the outputs of the interpreter`, tagged(name), async () => {
        const random = generator(5);
        const some = Array.from({ length: 6 }, () => randomInput(random, json));
        const inputs = [...some, some[0]!.map(() => 2 ** json.input.activationBits)];
        const outputs = inputs.flatMap((input) => oracleGraph(json, input));
        await compare(engines[name], [{ json, inputs: inputs.flat(), outputs }]);
      });

  test("These graphs take both kernels, with words of both sizes", async () => {
    const ran = new Set<string>();
    const recording: Runner = {
      ...engines.reference,
      run(work) {
        ran.add(`${work.kernel} ${"wide" in work.params ? work.params.wide : ""}`);
        return engines.reference.run(work);
      },
    };
    for (const json of Object.values(ends))
      await runNetwork(recording, readGraph(json), randomInput(generator(1), json));
    expect([...ran].toSorted()).toEqual(["forward 0", "forward 1", "pool 0", "pool 1"]);
  });

  test("No inputs have no outputs", async () => {
    for (const name of names)
      expect(await runNetwork(engines[name], readGraph(ends["a shift of 40 bits"]!), [])).toEqual(
        new Float64Array(),
      );
  });

  test("Inputs beside the range of the graph, or of another number, are refused", async () => {
    const graph = readGraph(ends["an image of one channel that is flattened"]!);
    for (const [inputs, message] of [
      [[0, 1, 2, 3, 4, -1], "number 6 of input 1: expected an integer in 0..16, got -1"],
      [[0, 1, 2, 3, 4, 17], "number 6 of input 1: expected an integer in 0..16, got 17"],
      [[0, 1, 2], "inputs: expected 6 numbers for each, got 3"],
    ] as const)
      await expect(runNetwork(engines.cpu, graph, inputs)).rejects.toThrow(message);
  });
});

/** Two convolutions, of which the second has groups, with padding, a pool, an addition and biases. */
const deep: GraphJson = (() => {
  const random = generator(9);
  const list = (...lengths: number[]): never =>
    (lengths.length === 0
      ? random(9) - 4
      : Array.from({ length: lengths[0]! }, () => list(...lengths.slice(1)))) as never;
  const rest = { activationBits: 3, quantizer: "nearest", relu: true, clamp: false } as const;
  const rounding = { bits: 2, ...rest };
  const window = { stride: [1, 1], padding: [1, 1, 1, 1], dilation: [1, 1] };
  const conv = { ...rounding, ...window, kind: "conv" } as const;
  return {
    input: { shape: [3, 6, 5], activationBits: 3, nonnegative: false },
    nodes: [
      { ...conv, name: "first", from: ["input"], groups: 1, weights: list(4, 3, 3, 3), biases: list(4) },
      { ...conv, name: "second", from: ["first"], groups: 2, weights: list(4, 2, 3, 3) },
      { ...rest, kind: "add", name: "sum", from: ["first", "second"] },
      { ...average, name: "average", from: ["sum"], stride: [2, 2] },
      { kind: "flatten", name: "flat", from: ["average"] },
      { ...dense({ weights: list(3, 36) }), ...rounding, name: "output", from: ["flat"], relu: false },
    ],
  };
})();

describe("Stages of graphs", () => {
  const random = generator(11);
  const inputs = Array.from({ length: 3 }, () => randomInput(random, deep));
  const expected = inputs.flatMap((input) => oracleGraph(deep, input));
  const staged = graphStages(readGraph(deep));
  const outputsOf = async (stages: readonly Stage[]) => [
    ...(await forwardStages(engines.cpu, { ...staged, stages }, Int32Array.from(inputs.flat()))),
  ];
  const change = (name: string, changed: (stage: never) => object) =>
    staged.stages.map((stage) =>
      stage.name === name ? ({ ...stage, ...changed(stage as never) } as Stage) : stage,
    );

  test("Stages as they are give the outputs of the interpreter", async () => {
    expect(await outputsOf(staged.stages)).toEqual(expected);
  });

  type Linear = Extract<Stage, { kind: "linear" }>;
  type Pool = Extract<Stage, { kind: "pool" }>;
  type Bilinear = Extract<Stage, { kind: "bilinear" }>;
  test.each<[string, () => readonly Stage[]]>([
    [
      "places of another window",
      () =>
        change("first", ({ grid }: Linear) => ({
          grid: { ...grid, placesOf: (from: number, to: number) => grid.placesOf(from, to).toReversed() },
        })),
    ],
    ["a constant unit of another power", () => change("first", () => ({ constantBits: 4 }))],
    [
      "the first channels for every group",
      () =>
        change("second", ({ unitsOf, weightsOf }: Linear) => ({
          unitsOf,
          weightsOf: (from: number, to: number) => weightsOf(from % 2, (from % 2) + to - from),
        })),
    ],
    [
      "sums that are not shifted",
      () => change("sum", ({ epilogue }: Pool) => ({ epilogue: { ...epilogue, shift: 1 } })),
    ],
    [
      "an addition of one value twice",
      () => change("sum", ({ from }: Pool) => ({ from: [from[0], from[0]] })),
    ],
    [
      "averages of all windows alike",
      () =>
        change("average", () => ({
          divisorsOf: (from: number, to: number) => new Uint32Array(to - from).fill(4),
        })),
    ],
    ["a flattening in the order of points", () => change("flat", () => ({ rows: 1, columns: 36 }))],
  ])("The interpreter finds %s", async (_, plant) => {
    expect(await outputsOf(plant())).not.toEqual(expected);
  });

  test("The interpreter finds logits of other points, and logits of products with themselves", async () => {
    const json: GraphJson = {
      input: { shape: [2, 3, 1], activationBits: 3, nonnegative: false },
      nodes: [
        {
          ...sum,
          kind: "bilinear",
          name: "logits",
          from: ["input"],
          bits: 2,
          queries: [
            [1, -2],
            [3, 0],
          ],
          keys: [
            [2, 1],
            [-1, 4],
          ],
        },
      ],
    };
    const tokens = randomInput(generator(12), json);
    const expected = oracleGraph(json, tokens);
    const whole = graphStages(readGraph(json));
    const outputsOf = async (plant: (stage: Bilinear) => object) => {
      const stages = whole.stages.map((stage) =>
        stage.kind === "bilinear" ? ({ ...stage, ...plant(stage) } as Stage) : stage,
      );
      return [...(await forwardStages(engines.cpu, { ...whole, stages }, Int32Array.from(tokens)))];
    };
    expect(await outputsOf(() => ({}))).toEqual(expected);
    const { grid } = whole.stages.find((stage) => stage.kind === "bilinear")!;
    const reversed = (from: number, to: number) => grid.placesOf(from, to).toReversed();
    expect(await outputsOf(() => ({ grid: { ...grid, placesOf: reversed } }))).not.toEqual(expected);
    expect(await outputsOf(({ from }) => ({ from: [from[0], from[0]] }))).not.toEqual(expected);
    expect(await outputsOf(({ from }) => ({ from: from.toReversed() }))).not.toEqual(expected);
  });

  test("Logits of many points are cut into blocks, which cover every output once", () => {
    const [channels, points] = [2 ** 10, 1300];
    const row = Array.from({ length: channels }, () => [1]);
    const graph = readGraph({
      input: { shape: [channels, points, 1], activationBits: 1 },
      bits: 1,
      activationBits: 1,
      nodes: [{ kind: "bilinear", queries: row, keys: row }],
    });
    const stage = graphStages(graph).stages.find(({ kind }) => kind === "bilinear") as Bilinear;
    const elements = 2 * channels * points;
    const value = { numbers: new Int32Array(elements), elements: channels * points, largest: 2 };
    const covered = new Map<number, number>();
    for (const { row, rows, point, sample, work } of outputBlocks(stage, [value, value]))
      for (let at = 0; at < work.params.points; at++) {
        const key = sample * points + point + at;
        // Blocks of rows follow each other.
        expect(covered.get(key) ?? 0).toBe(row);
        covered.set(key, row + rows);
      }
    expect([covered.size, new Set(covered.values())]).toEqual([2 * points, new Set([points])]);
  });

  test("A layer of many points is cut into blocks of points, which cover every output once", () => {
    const size = 2 ** 10;
    const graph = readGraph({
      input: { shape: [1, size, size], activationBits: 1 },
      bits: 1,
      activationBits: 1,
      nodes: [{ kind: "conv", weights: Array.from({ length: 9 }, () => [[[1, -1]]]) }],
    });
    const [stage] = graphStages(graph).stages;
    const value = { numbers: new Int32Array(size ** 2), elements: size ** 2, largest: 2 };
    const blocks = [...outputBlocks(stage as Linear, [value])];
    expect(blocks.length).toBeGreaterThan(1);
    let next = 0;
    for (const { point, work } of blocks) {
      expect(point).toBe(next);
      next += work.params.points;
    }
    expect(next).toBe(size * (size - 1));
  });
});
