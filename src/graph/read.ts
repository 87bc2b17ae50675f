// Reads a graph from JSON.

import * as z from "zod/mini";
import { integer, parse } from "../check.ts";
import { Described, RequestError } from "../errors.ts";
import { quantizers } from "../network.ts";
import { buildGraph, MAX_ELEMENTS, type GraphPart } from "./build.ts";
import type { Graph, Window } from "./model.ts";

/** The most bits of weights and of quantized activations. */
export const MAX_BITS = 20;
const MAX_STRIDE = 2 ** 16;
/** The kinds of nodes, for messages. */
export const KINDS = "dense, conv, bilinear, product, max-pool, average-pool, flatten or add";

const whole = z.number("an integer");
const row = z.array(whole, "a list of integers").check(z.minLength(1, "one integer or more"));
const pair = (least: number) =>
  z.tuple([integer(least, MAX_STRIDE), integer(least, MAX_STRIDE)], "two integers");
const length = integer(1, MAX_ELEMENTS);
export const shapeSchema = z.union(
  [z.tuple([length]), z.tuple([length, length, length])],
  "[features] or [channels, height, width]",
);

const base = {
  name: z.optional(
    z.string("a text").check(z.regex(/^\P{Cc}{1,200}$/u, "1 to 200 characters, without control characters")),
  ),
  from: z.optional(z.union([z.string(), z.array(z.string("a name"))], "a name, or a list of names")),
};
const rounding = {
  activationBits: z.optional(
    z.union([integer(0, MAX_BITS), z.literal("exact")], `an integer in 0..${MAX_BITS}, or "exact"`),
  ),
  quantizer: z.optional(z.enum(quantizers, `one of ${quantizers.join(", ")}`)),
  relu: z._default(z.boolean("true or false"), false),
  clamp: z.optional(z.boolean("true or false")),
};
const side = integer(0, MAX_STRIDE);
const sides = z.tuple([side, side, side, side], "four integers: top, left, bottom, right");
/** A window with every field stated. */
export const windowSchema = z.strictObject({
  size: pair(1),
  stride: pair(1),
  padding: sides,
  dilation: pair(1),
});
const window = {
  stride: z._default(pair(1), [1, 1]),
  padding: z._default(sides, [0, 0, 0, 0]),
  dilation: z._default(pair(1), [1, 1]),
};
const linear = { ...base, ...rounding, bits: z.optional(integer(0, MAX_BITS)), biases: z.optional(row) };

const factored = { ...base, ...rounding, bits: z.optional(integer(0, MAX_BITS)) };
const matrix = z.array(row, "rows of integers").check(z.minLength(1, "one row or more"));

const nodeSchema = z.discriminatedUnion(
  "kind",
  [
    z.strictObject({
      kind: z.literal("dense"),
      ...linear,
      weights: z.array(row, "rows of integers").check(z.minLength(1, "a row for each output")),
    }),
    z.strictObject({
      kind: z.literal("conv"),
      ...linear,
      ...window,
      groups: z._default(integer(1, MAX_ELEMENTS), 1),
      weights: z
        .array(z.array(z.array(row, "rows of integers"), "a list of channels"), "a list of output channels")
        .check(z.minLength(1, "a kernel for each output channel")),
    }),
    z.strictObject({ kind: z.literal("bilinear"), ...factored, queries: matrix, keys: matrix }),
    z.strictObject({ kind: z.literal("product"), ...factored, first: matrix, second: matrix }),
    z.strictObject({ kind: z.literal("max-pool"), ...base, ...window, size: pair(1) }),
    z.strictObject({
      kind: z.literal("average-pool"),
      ...base,
      ...rounding,
      ...window,
      size: pair(1),
      countPadding: z._default(z.boolean("true or false"), false),
    }),
    z.strictObject({ kind: z.literal("flatten"), ...base }),
    z.strictObject({ kind: z.literal("add"), ...base, ...rounding }),
  ],
  { error: `a node whose kind is ${KINDS}` },
);

/** The JSON form of a graph; docs/graph.schema.json is made of it. */
export const graphSchema = z.strictObject(
  {
    input: z.strictObject(
      {
        shape: shapeSchema,
        activationBits: integer(0, MAX_BITS),
        nonnegative: z._default(z.boolean("true or false"), false),
      },
      "an object with shape and activationBits",
    ),
    bits: z.optional(integer(0, MAX_BITS)),
    activationBits: rounding.activationBits,
    quantizer: z._default(z.enum(quantizers, `one of ${quantizers.join(", ")}`), "floor"),
    clamp: z._default(z.boolean("true or false"), false),
    nodes: z.array(nodeSchema, "a list of nodes").check(z.minLength(1, "one node or more")),
  },
  "an object with input and nodes",
);

type Description = z.output<typeof graphSchema>;
type NodeDescription = Description["nodes"][number];

/**
 * Reads a graph from an object: `input` (`shape`, `activationBits`, `nonnegative`) and `nodes` in the order in which they are
 * computed, of which the last is the output.
 *
 * A node has a `kind` and, where they are not obvious, a `name` and what it reads: `from`, by default the node before it. Layers
 * (`dense`, `conv`) have `weights`, and perhaps `biases`, integers of -2^bits..2^bits. Attention has two more kinds: `bilinear`
 * has the logits x_i queries keys^T x_j of all pairs of points of an image (`queries` and `keys`, both [channels][inner]), and
 * `product` multiplies every point by `first` [channels][inner] and `second` [inner][outputs]. `bits`, `activationBits`,
 * `quantizer` and `clamp` of the object are the defaults of its nodes; `activationBits: "exact"` leaves the quantizer out. `relu`
 * is false unless a node says otherwise.
 * @throws {RequestError} A field is missing, has another form or is out of range, shapes do not fit, or sums could exceed 2^53.
 * @example
 * ```ts
 * import { readGraph } from "exacta/ticket";
 *
 * const graph = readGraph({
 *   input: { shape: [1, 4, 4], activationBits: 3 },
 *   bits: 1,
 *   activationBits: 3,
 *   nodes: [
 *     { kind: "conv", weights: [[[[1, -2], [0, 2]]]], relu: true },
 *     { kind: "max-pool", size: [2, 2], stride: [1, 1] },
 *     { kind: "flatten" },
 *     { kind: "dense", weights: [[1, 1, 1, -1]] },
 *   ],
 * });
 * console.log(graph.nodes.map(({ name, shape }) => `${name} ${shape.join("x")}`).join(", "));
 * // conv1 1x3x3, max-pool2 1x2x2, flatten3 4, dense4 1
 * ```
 */
export function readGraph(value: unknown): Graph {
  const { input, nodes, ...defaults } = parse(graphSchema, value, "network");
  return buildGraph(
    input,
    nodes.map((node, i) => partOf(node, i, defaults)),
  );
}

function partOf(node: NodeDescription, i: number, defaults: Omit<Description, "input" | "nodes">): GraphPart {
  const label = node.name ?? `nodes.${i}`;
  const { name } = node;
  const from = node.from === undefined ? undefined : [node.from].flat();
  const common = { name, from };
  if (node.kind === "flatten") return { kind: node.kind, ...common };
  if (node.kind === "max-pool") return { kind: node.kind, ...common, window: windowOf(node, node.size) };
  const activationBits = node.activationBits ?? defaults.activationBits;
  if (activationBits === undefined)
    throw new RequestError(
      `${label}: activationBits`,
      `an integer, or "exact"`,
      undefined,
      "state a default for all nodes",
    );
  const { quantizer = defaults.quantizer, clamp = defaults.clamp, relu } = node;
  const rounded = { ...common, activationBits, quantizer, clamp, relu };
  if (node.kind === "add") return { kind: node.kind, ...rounded };
  if (node.kind === "average-pool")
    return {
      kind: node.kind,
      ...rounded,
      window: windowOf(node, node.size),
      countPadding: node.countPadding,
    };
  const bits = node.bits ?? defaults.bits;
  if (bits === undefined)
    throw new RequestError(
      `${label}: bits`,
      `an integer in 0..${MAX_BITS}`,
      undefined,
      "state a default for all nodes",
    );
  const integers = (given: unknown, field: string) => integersOf(`${label}: ${field}`, given, 2 ** bits);
  if (node.kind === "bilinear") {
    const [queries, keys] = [integers(node.queries, "queries"), integers(node.keys, "keys")];
    if (keys.lengths.join() !== queries.lengths.join())
      throw new RequestError(
        `${label}: keys`,
        `${queries.lengths.join(" x ")} integers, as queries have`,
        new Described(keys.lengths.join(" x ")),
      );
    const [channels, inner] = queries.lengths as [number, number];
    const weights = productOf(
      channels,
      channels,
      inner,
      (a, b, c) => queries.values[a * inner + c]! * keys.values[b * inner + c]!,
    );
    return { kind: node.kind, ...rounded, bits, weights, inner, outputs: channels };
  }
  if (node.kind === "product") {
    const [first, second] = [integers(node.first, "first"), integers(node.second, "second")];
    const [channels, inner] = first.lengths as [number, number];
    const outputs = second.lengths[1]!;
    if (second.lengths[0] !== inner)
      throw new RequestError(`${label}: second`, `${inner} rows, as first has columns`, second.lengths[0]);
    const weights = productOf(
      channels,
      outputs,
      inner,
      (a, b, c) => first.values[a * inner + c]! * second.values[c * outputs + b]!,
    );
    return { kind: node.kind, ...rounded, bits, weights, inner, outputs };
  }
  const biases = node.biases && integers(node.biases, "biases").values;
  const { values: weights, lengths } = integers(node.weights, "weights");
  const layer = { ...rounded, bits, weights, biases, outputs: lengths[0]! };
  if (node.kind === "dense") return { kind: node.kind, ...layer };
  const size = [lengths[2]!, lengths[3]!] as const;
  return { kind: node.kind, ...layer, window: windowOf(node, size), groups: node.groups };
}

/** A product of two matrices, transposed: entry [b, a] is the sum of `term` over the inner index. */
function productOf(
  rows: number,
  columns: number,
  inner: number,
  term: (a: number, b: number, c: number) => number,
): Int32Array {
  return Int32Array.from({ length: rows * columns }, (_, i) => {
    let sum = 0;
    for (let c = 0; c < inner; c++) sum += term(i % rows, Math.floor(i / rows), c);
    return sum;
  });
}

function windowOf({ stride, padding, dilation }: Omit<Window, "size">, size: Window["size"]): Window {
  return { size, stride, padding, dilation };
}

/** The numbers of nested lists, all of one length at each level. */
function integersOf(what: string, given: unknown, most: number): { values: Int32Array; lengths: number[] } {
  const lengths: number[] = [];
  for (let list = given; Array.isArray(list); list = list[0] as unknown) lengths.push(list.length);
  const values = new Int32Array(lengths.reduce((product, length) => product * length, 1));
  let at = 0;
  const visit = (list: unknown, level: number, path: string) => {
    if (level === lengths.length) {
      if (!Number.isInteger(list) || Math.abs(list as number) > most)
        throw new RequestError(path, `an integer in ${-most}..${most}`, list);
      values[at++] = list as number;
      return;
    }
    if ((list as unknown[]).length !== lengths[level])
      throw new RequestError(path, `${lengths[level]} entries, as the first has`, (list as unknown[]).length);
    (list as unknown[]).forEach((entry, k) => visit(entry, level + 1, `${path}.${k}`));
  };
  visit(given, 0, what);
  return { values, lengths };
}
