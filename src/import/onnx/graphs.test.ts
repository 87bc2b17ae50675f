// Random graphs of all operators that are read, written byte by byte: the layers that are read compute what an interpreter of the
// graph computes, node by node.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readChain } from "../../../test/chains.ts";
import {
  bigIntegers,
  DOUBLE,
  externalBytes,
  FLOAT,
  floats,
  INT32,
  INT64,
  INT8,
  interpret,
  modelBytes,
  outputsOf,
  type AttributeValue,
  type ModelData,
  type NodeData,
  type Numbers,
} from "../../../test/onnx.ts";
import type { GivenLayer, GivenNetwork } from "../given.ts";

/** A sequence of numbers that a seed fixes. */
function numbersFrom(seed: number) {
  let state = seed >>> 0;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return {
    below: (count: number) => Math.floor(next() * count),
    real: () => Math.fround(4 * next() - 2),
    positive: () => Math.fround(0.5 + 1.5 * next()),
    integer: (most: number) => Math.floor(next() * (2 * most + 1)) - most,
  };
}

type Random = ReturnType<typeof numbersFrom>;

const sizeOf = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);

/** A graph that grows by nodes. */
class Graph {
  readonly nodes: NodeData[] = [];
  readonly initializers: Record<string, Numbers> = {};
  readonly random: Random;
  readonly type: number;
  private count = 0;

  constructor(random: Random, type: number) {
    this.random = random;
    this.type = type;
  }

  node(operator: string, inputs: readonly string[], attributes: Record<string, AttributeValue> = {}): string {
    const output = `v${this.count++}`;
    this.nodes.push({ operator, inputs, outputs: [output], attributes });
    return output;
  }

  initializer(shape: readonly number[], values: readonly number[], type = this.type): string {
    const name = `c${this.count++}`;
    this.initializers[name] = { type, shape, values };
    return name;
  }

  list(...values: number[]): string {
    return this.initializer([values.length], values, INT64);
  }

  draw(shape: readonly number[], draw = () => this.number()): number[] {
    return Array.from({ length: sizeOf(shape) }, draw);
  }

  number(): number {
    return this.type === FLOAT ? this.random.real() : this.random.integer(3);
  }

  /** A constant of random numbers, computed from others in one of many ways. */
  constant(shape: readonly number[], draw?: () => number): string {
    const drawn = this.draw(shape, draw);
    const plain = () => this.initializer(shape, drawn);
    const isMatrix = shape.length === 2;
    const ways: (() => string)[] = [
      plain,
      () => this.node("Constant", [], { value: { type: this.type, shape, values: drawn } }),
      () => this.node("Identity", [plain()]),
      () => this.node("Reshape", [this.initializer([drawn.length], drawn), this.list(...shape, 1)]),
      () => this.node("Expand", [plain(), this.list(...shape)]),
      () =>
        this.node("Slice", [
          this.initializer(
            [shape[0]! + 1, ...shape.slice(1)],
            [...this.draw([1, ...shape.slice(1)]), ...drawn],
          ),
          this.list(1),
          this.list(2 ** 40),
        ]),
      () => this.node("Concat", [plain()], { axis: 0 }),
      () =>
        this.node("Squeeze", [
          this.node("Unsqueeze", [plain(), this.list(0, -1)]),
          this.list(0, shape.length + 1),
        ]),
    ];
    // Reshape appended an axis of size 1, which is taken off again.
    ways[3] = () =>
      this.node("Squeeze", [
        this.node("Reshape", [this.initializer([drawn.length], drawn), this.list(...shape, 1)]),
        this.list(shape.length),
      ]);
    if (isMatrix) {
      const [rows, columns] = shape as [number, number];
      ways.push(
        () => this.node("Transpose", [this.initializer([columns, rows], drawn)], { perm: [1, 0] }),
        () => this.node("Transpose", [this.initializer([columns, rows], drawn)]),
        () =>
          this.node("Gather", [plain(), this.list(...this.draw([rows], () => this.random.below(rows)))], {
            axis: 0,
          }),
        () =>
          this.node("Slice", [plain(), this.list(-1), this.list(-(2 ** 40)), this.list(0), this.list(-1)]),
      );
    }
    if (this.type === FLOAT && !isMatrix) {
      ways.push(() => this.node("Cast", [this.initializer(shape, drawn, DOUBLE)], { to: FLOAT }));
      if (shape.length === 1) ways.push(() => this.node("Constant", [], { value_floats: { floats: drawn } }));
    }
    if (this.type === FLOAT && isMatrix && !draw)
      ways.push(...this.realMatrices(shape as [number, number], drawn));
    return ways[this.random.below(ways.length)]!();
  }

  /** Ways to matrices of real numbers. */
  private realMatrices(shape: [number, number], drawn: readonly number[]): (() => string)[] {
    const { random } = this;
    const plain = () => this.initializer(shape, drawn);
    const integers = () =>
      this.initializer(
        shape,
        this.draw(shape, () => random.integer(100)),
        INT8,
      );
    const scales = (axis: number) =>
      this.initializer([shape[axis]!], this.draw([shape[axis]!], random.positive));
    const zeros = (count: number) =>
      this.initializer(
        [count],
        this.draw([count], () => random.integer(9)),
        INT8,
      );
    return [
      () => this.node("Sub", [plain(), this.initializer([1], [random.real()])]),
      () =>
        this.node("Mul", [
          plain(),
          this.initializer(
            shape,
            this.draw(shape, () => random.below(2)),
          ),
        ]),
      () =>
        this.node("Div", [plain(), this.initializer([shape[0], 1], this.draw([shape[0]], random.positive))]),
      () => this.node("Mul", [this.node("Cast", [integers()], { to: FLOAT }), scales(1)]),
      () => this.node("Div", [this.node("Neg", [plain()]), this.node("Sqrt", [scales(1)])]),
      () =>
        this.node("Mul", [
          plain(),
          this.node("Div", [scales(1), this.node("ReduceL2", [plain(), this.list(1)])]),
        ]),
      () => this.node("DequantizeLinear", [integers(), this.initializer([], [random.positive()]), zeros(1)]),
      () => this.node("DequantizeLinear", [integers(), scales(0), zeros(shape[0])], { axis: 0 }),
      () => this.node("DequantizeLinear", [integers(), scales(1), zeros(shape[1])], { axis: 1 }),
      () => {
        const parts = [
          this.initializer(
            [shape[1]],
            this.draw([shape[1]], () => Math.fround(0.0123)),
          ),
          zeros(shape[1]),
        ];
        return this.node("DequantizeLinear", [this.node("QuantizeLinear", [plain(), ...parts]), ...parts]);
      },
    ];
  }
}

/** Where samples are: the first axis, the last one, or none. */
type Layout = "rows" | "columns" | "vector";

/** A value of a graph that depends on the input. */
interface State {
  readonly name: string;
  readonly width: number;
  readonly layout: Layout;
}

type Block = (graph: Graph, state: State) => State;

/** A constant of one number for each of `width` features, or of one for all, in some shape. */
function operandOf(graph: Graph, { layout }: State, width: number, draw?: () => number): string {
  const shapes =
    layout === "columns"
      ? [[width, 1], [1, 1], [1]]
      : layout === "vector"
        ? [[width], [1]]
        : [[width], [1, width], [1], [1, 1]];
  return graph.constant(shapes[graph.random.below(shapes.length)]!, draw);
}

const gemm: Block = (graph, state) => {
  if (state.layout === "vector") return matmul(graph, state);
  const { random } = graph;
  const width = 1 + random.below(4);
  const isTransposed = random.below(2);
  const isFirst = state.layout === "rows";
  const kernel = isFirst ? [state.width, width] : [width, state.width];
  const matrix = graph.constant(isTransposed ? kernel.toReversed() : kernel);
  const isFlipped = random.below(3) === 0;
  const input = isFlipped ? graph.node("Transpose", [state.name], { perm: [1, 0] }) : state.name;
  const inputs = isFirst ? [input, matrix] : [matrix, input];
  if (random.below(2)) inputs.push(operandOf(graph, state, width));
  const own = isFirst ? "transA" : "transB";
  const factor = () => ({ float: graph.type === FLOAT ? random.real() : random.integer(2) });
  const name = graph.node("Gemm", inputs, {
    [isFirst ? "transB" : "transA"]: isTransposed,
    ...(isFlipped ? { [own]: 1 } : {}),
    ...(random.below(2) ? { alpha: factor() } : {}),
    ...(random.below(2) ? { beta: factor() } : {}),
  });
  return { ...state, name, width };
};

const matmul: Block = (graph, state) => {
  const width = 1 + graph.random.below(4);
  const isLeft = state.layout === "columns" || (state.layout === "vector" && graph.random.below(2) === 1);
  const name = isLeft
    ? graph.node("MatMul", [graph.constant([width, state.width]), state.name])
    : graph.node("MatMul", [state.name, graph.constant([state.width, width])]);
  return { ...state, name, width };
};

/** An elementwise operator, with the operands in either order where that is affine. */
const elementwise =
  (operator: string, isFirst: boolean): Block =>
  (graph, state) => {
    const constant = operandOf(
      graph,
      state,
      state.width,
      operator === "Div" ? graph.random.positive : undefined,
    );
    const inputs = isFirst || graph.random.below(2) ? [state.name, constant] : [constant, state.name];
    return { ...state, name: graph.node(operator, inputs) };
  };

const unary =
  (operator: string, attributes: Record<string, AttributeValue> = {}): Block =>
  (graph, state) => ({ ...state, name: graph.node(operator, [state.name], attributes) });

const normalization: Block = (graph, state) => {
  if (state.layout !== "rows") return state;
  const of = (draw: () => number) => graph.initializer([state.width], graph.draw([state.width], draw));
  const { real, positive } = graph.random;
  const name = graph.node("BatchNormalization", [state.name, of(real), of(real), of(real), of(positive)], {
    epsilon: { float: 0.001 },
  });
  return { ...state, name };
};

const rectifier: Block = (graph, state) => {
  const zero = () => graph.initializer([], [0]);
  const forms = [
    () => graph.node("Relu", [state.name]),
    () => graph.node("Clip", [state.name, zero()]),
    () => graph.node("Max", graph.random.below(2) ? [state.name, zero()] : [zero(), state.name]),
    ...(graph.type === FLOAT
      ? [
          () => graph.node("PRelu", [state.name, graph.initializer([1], [0])]),
          () => graph.node("LeakyRelu", [state.name], { alpha: { float: 0 } }),
          () => graph.node("Clip", [state.name, zero(), graph.initializer([], [Infinity])]),
        ]
      : []),
  ];
  return { ...state, name: forms[graph.random.below(forms.length)]!() };
};

/** Nodes that change nothing. */
const idle: Block = (graph, state) => {
  const { name, width, layout } = state;
  const view = () => {
    const size = graph.node("Unsqueeze", [
      graph.node("Gather", [graph.node("Shape", [name]), graph.initializer([], [0], INT64)]),
      graph.list(0),
    ]);
    return graph.node("Reshape", [name, graph.node("Concat", [size, graph.list(-1)], { axis: 0 })]);
  };
  const forms = [
    () => graph.node("Identity", [name]),
    () => graph.node("Dropout", [name]),
    () => graph.node("Squeeze", [graph.node("Unsqueeze", [name, graph.list(0)]), graph.list(0)]),
    ...(layout === "rows"
      ? [
          view,
          () => graph.node("Flatten", [name], { axis: 1 }),
          () => graph.node("Reshape", [name, graph.list(-1, width)]),
          () => graph.node("Reshape", [name, graph.list(0, -1)]),
          () =>
            graph.node("Reshape", [
              graph.node("Reshape", [name, graph.list(0, 1, -1)]),
              graph.list(-1, width),
            ]),
          () => graph.node("Transpose", [graph.node("Transpose", [name])], { perm: [1, 0] }),
        ]
      : []),
  ];
  return { ...state, name: forms[graph.random.below(forms.length)]!() };
};

/** Samples become columns, or rows again. */
const turn: Block = (graph, state) =>
  state.layout === "vector"
    ? state
    : {
        ...state,
        layout: state.layout === "rows" ? "columns" : "rows",
        name: graph.node("Transpose", [state.name]),
      };

const blocks = {
  gemm,
  matmul,
  add: elementwise("Add", false),
  sub: elementwise("Sub", false),
  mul: elementwise("Mul", false),
  neg: unary("Neg"),
  idle,
  turn,
  rectifier,
  // Only for real numbers.
  div: elementwise("Div", true),
  normalization,
  cast: unary("Cast", { to: FLOAT }),
};
type BlockName = keyof typeof blocks;
const realOnly: ReadonlySet<BlockName> = new Set<BlockName>(["div", "normalization", "cast"]);

interface Made {
  readonly model: ModelData;
  /** The value that the layers compute. */
  readonly scores: string;
  readonly layout: Layout;
  readonly last: Layout;
  readonly width: number;
}

/** A graph of blocks between two matrices. */
function made(seed: number, names: readonly BlockName[], layout: Layout, type: number): Made {
  const random = numbersFrom(seed);
  const graph = new Graph(random, type);
  const width = 1 + random.below(5);
  let state: State = { name: "x", width, layout };
  const shape = { rows: ["N", width], columns: [width, "N"], vector: [width] }[layout];
  const half = Math.floor(names.length / 2);
  for (const name of names.slice(0, half)) state = blocks[name](graph, state);
  state = matmul(graph, state);
  for (const name of names.slice(half)) state = blocks[name](graph, state);
  // The last ReLU is no part of a network.
  state = matmul(graph, state);
  const scores = state.name;
  const isLeftOut = type === FLOAT && random.below(3) === 0;
  const output = isLeftOut ? graph.node("Softmax", [scores]) : scores;
  const { nodes, initializers } = graph;
  return {
    model: {
      version: 17,
      input: "x",
      inputType: type,
      inputShape: shape,
      nodes,
      initializers,
      outputs: [output],
    },
    scores,
    layout,
    last: state.layout,
    width,
  };
}

/** The outputs of layers of integers for one sample. */
function exactOutputsOf({ layers }: GivenNetwork, input: readonly bigint[]): bigint[] {
  return layers.reduce(
    (values, { rows, columns, weights, scales, biases }, l) =>
      Array.from({ length: rows }, (_, row) => {
        let sum = BigInt(biases?.[row] ?? 0);
        for (let i = 0; i < columns; i++) sum += BigInt(weights[row * columns + i]!) * values[i]!;
        expect(scales?.[row] ?? 1).toBe(1);
        return l < layers.length - 1 && sum < 0n ? 0n : sum;
      }),
    [...input],
  );
}

const SAMPLES = 3;

/** The numbers of sample k in an array whose samples lie as `layout` says. */
function sampleOf<N>(values: readonly N[], layout: Layout, k: number): N[] {
  if (layout === "vector") return [...values];
  const width = values.length / SAMPLES;
  return Array.from(
    { length: width },
    (_, i) => values[layout === "rows" ? k * width + i : i * SAMPLES + k]!,
  );
}

const inputShape = ({ layout, width }: Made) =>
  ({ rows: [SAMPLES, width], columns: [width, SAMPLES], vector: [width] })[layout];

const graphs = (names: readonly BlockName[]) =>
  [
    fc.integer({ min: 0, max: 2 ** 31 }),
    fc.array(fc.constantFrom(...names), { maxLength: 10 }),
    fc.constantFrom<Layout>("rows", "rows", "columns", "vector"),
  ] as const;

/** How far the layers that are read are from the graph, relative to the largest output. */
function distance(graph: Made, layers: readonly GivenLayer[], seed: number): number {
  const random = numbersFrom(seed);
  const shape = inputShape(graph);
  const values = Array.from({ length: sizeOf(shape) }, random.real);
  const outputs = interpret(graph.model, { shape, values }, floats).get(graph.scores)!;
  let far = 0;
  for (let k = 0; k < (graph.layout === "vector" ? 1 : SAMPLES); k++) {
    const expected = sampleOf(outputs.values, graph.last, k);
    const got = outputsOf(layers, sampleOf(values, graph.layout, k));
    expect(got.length).toBe(expected.length);
    expected.forEach((y, i) => {
      far = Math.max(far, Math.abs(y - got[i]!) / Math.max(1, ...expected.map(Math.abs)));
    });
  }
  return far;
}

const withoutTail = ({ model, scores }: Made): ModelData => ({
  ...model,
  nodes: model.nodes.filter(({ operator }) => operator !== "Softmax"),
  outputs: [scores],
});

function check(runs: number): void {
  const names = Object.keys(blocks) as BlockName[];
  fc.assert(
    fc.property(...graphs(names), (seed, list, layout) => {
      const whole = made(seed, list, layout, FLOAT);
      const graph = { ...whole, model: withoutTail(whole) };
      const { layers, notes } = readChain(modelBytes(whole.model));
      expect(notes.some((note) => note.startsWith("Softmax"))).toBe(
        whole.model !== graph.model && whole.model.outputs[0] !== whole.scores,
      );
      expect(distance(graph, layers, seed + 1)).toBeLessThan(1e-9);
    }),
    { seed: 17, numRuns: runs },
  );
}

function checkIntegers(runs: number): void {
  const names = (Object.keys(blocks) as BlockName[]).filter((name) => !realOnly.has(name));
  fc.assert(
    fc.property(...graphs(names), (seed, list, layout) => {
      const graph = made(seed, list, layout, INT32);
      const network = readChain(modelBytes(graph.model));
      const random = numbersFrom(seed + 1);
      const shape = inputShape(graph);
      const values = Array.from({ length: sizeOf(shape) }, () => BigInt(random.integer(9)));
      const outputs = interpret(graph.model, { shape, values }, bigIntegers).get(graph.scores)!;
      for (let k = 0; k < (layout === "vector" ? 1 : SAMPLES); k++)
        expect(exactOutputsOf(network, sampleOf(values, layout, k))).toEqual(
          sampleOf(outputs.values, graph.last, k),
        );
    }),
    { seed: 17, numRuns: runs },
  );
}

describe("Random ONNX graph", () => {
  test("Layers that are read from a graph of real numbers compute what its nodes compute, within 1e-9", () => {
    expect(() => check(200)).not.toThrow();
  });

  test("Layers that are read from a graph of integers compute exactly what its nodes compute", () => {
    expect(() => checkIntegers(100)).not.toThrow();
  });

  test("Layers of many more random graphs compute what their nodes compute", { tags: ["wide"] }, () => {
    expect(() => check(1000)).not.toThrow();
    expect(() => checkIntegers(500)).not.toThrow();
  });

  test("The distance of layers from a graph shows one weight of a layer that is off by 0.01", () => {
    const shown = [0, 1, 2, 3, 4, 5, 6, 7].map((seed) => {
      const graph = made(seed, ["sub"], "rows", FLOAT);
      const plain = { ...graph, model: withoutTail(graph) };
      const { layers } = readChain(modelBytes(graph.model));
      expect(distance(plain, layers, 1)).toBeLessThan(1e-9);
      const wrong = layers.map((layer) => ({
        ...layer,
        weights: layer.weights.map((w, i) => (i === 0 ? w + 0.01 : w)),
      }));
      return distance(plain, wrong, 1) > 1e-9;
    });
    expect(shown).toEqual(shown.map(() => true));
  });

  test("A graph whose initializers lie beside it gives the same layers", () => {
    const { model } = made(3, ["gemm", "rectifier", "add"], "rows", FLOAT);
    const data = externalBytes(model);
    const asked: string[] = [];
    const outside = readChain(modelBytes(model, "model.onnx.data"), (location, offset, length) => {
      asked.push(location);
      return data.subarray(offset, offset + length);
    });
    expect(outside).toEqual(readChain(modelBytes(model)));
    expect(new Set(asked)).toEqual(new Set(["model.onnx.data"]));
  });
});
