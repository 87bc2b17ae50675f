// Turns graphs of real numbers into graphs of integers, and measures how far their outputs are off.
//
// Every value has a total scale, the real value of 2^m in it (see real.ts). A layer multiplies the one of its input by the scale
// of its weights. Pools and flattening keep it: a maximum and an average of multiples of one number are multiples of it. A sum
// needs two values of one scale. The layers behind which the value of the smaller scale comes are raised: they get larger scales,
// and use fewer of their bits. Where that is not possible, because the larger scale follows from the smaller one as around a
// residual block, or because the input of the graph is added, a 1 x 1 convolution of each channel by itself (of features, a
// diagonal matrix) multiplies the value of the smaller scale by an integer f 2^-k. The other one is then raised so that f is
// exact; only where that is not possible either, f is rounded.
//
// With a clamp, an output is at most its total scale. A layer then has at least the total scale with which no value behind it is
// clamped on random inputs.

import { RequestError } from "../errors.ts";
import { MAX_NODES, MAX_WEIGHTS, type GraphPart } from "../graph/build.ts";
import { graphForward } from "../graph/forward.ts";
import { sizeOf, type Graph, type Shape, type Window } from "../graph/model.ts";
import type { Quantizer } from "../network.ts";
import { largestOf } from "./given.ts";
import {
  isGivenLinear,
  forwardGiven,
  givenValues,
  productsOf,
  shapesOf,
  type GivenGraph,
  type GivenLinear,
} from "./givenGraph.ts";
import {
  checkTotal,
  fewestRounded,
  layerQuantizationOf,
  notesOf,
  outputErrorsOf,
  quantizeLayer,
  realOutputs,
  roundAway,
  sampledInputs,
  shortNumber,
  type Quantization,
  type QuantizedLayer,
  type Total,
} from "./real.ts";
import { quoted } from "./text.ts";

/** By what a value is multiplied before it is added. */
interface Factor {
  /** Which of the two values of the addition. */
  readonly operand: 0 | 1;
  /** f: it is multiplied by f 2^-k. */
  readonly factor: number;
}

/** The integers of a graph. */
interface QuantizedGraph {
  /** By nodes. */
  readonly layers: ReadonlyMap<number, QuantizedLayer>;
  /** Of additions, by nodes. */
  readonly factors: ReadonlyMap<number, Factor>;
  /** The layers that were raised, and how many times. */
  readonly raised: ReadonlyMap<number, number>;
  readonly clamp: boolean;
  readonly bits: number;
  readonly total: Total;
}

/**
 * Turns the layers of a graph into integers.
 * @param asked The bits; by default as for a chain of layers.
 * @throws {RequestError} For scales beyond 2^-1000..2^1000, and for values that are added and whose scales differ too much.
 */
export function quantizeGraph(
  graph: GivenGraph,
  asked: number | undefined,
  inputScale: number,
  { activationBits, clamp }: Pick<Rounding, "activationBits" | "clamp">,
): QuantizedGraph {
  const floors = clamp ? floorsOf(graph, { activationBits, inputScale }) : new Map<number, number>();
  const layers = graph.nodes.filter(isGivenLinear).map(({ layer }) => layer);
  return fewestRounded(layers, asked, (bits) => {
    const result = new Quantizing(graph, bits, inputScale, floors).graph();
    return { ...result, quantized: [...result.layers.values()] };
  });
}

/** The largest magnitudes, by layers, of the values that they decide, on random inputs. */
function floorsOf(graph: GivenGraph, scales: InputScales): Map<number, number> {
  const { size, count, reals } = inputsOf(graph, scales, MAX_REAL_PRODUCTS);
  const largest = graph.nodes.map(() => 0);
  for (let k = 0; k < count; k++)
    givenValues(graph, reals.subarray(k * size, (k + 1) * size))
      .slice(1)
      .forEach((values, i) => (largest[i] = Math.max(largest[i]!, largestOf(values))));
  const floors = new Map<number, number>();
  for (const [i, most] of largest.entries())
    for (const root of rootsOf(graph, i + 1).layers) floors.set(root, Math.max(most, floors.get(root) ?? 0));
  return floors;
}

/** The layers, by nodes, whose scales decide that of a value, and the values between: 0, the input, decides as well. */
function rootsOf({ nodes }: GivenGraph, value: number): { layers: number[]; between: number[] } {
  const values = new Set([value]);
  for (const each of values) {
    const node = nodes[each - 1];
    if (node && !isGivenLinear(node)) for (const read of node.from) values.add(read);
  }
  const isLayer = (each: number) => each > 0 && isGivenLinear(nodes[each - 1]!);
  const all = [...values];
  return {
    layers: all.filter(isLayer).map((each) => each - 1),
    between: all.filter((each) => !isLayer(each)),
  };
}

/** The search for scales with which all additions have values of one scale. */
class Quantizing {
  private readonly given: GivenGraph;
  private readonly bits: number;
  private readonly inputScale: number;
  private readonly shapes: readonly Shape[];
  /** Layers as they were computed last, which stay where nothing before them was raised. */
  private readonly layers = new Map<number, QuantizedLayer & { readonly least: number | undefined }>();
  /** The least total scales of raised layers, by nodes. */
  private readonly least = new Map<number, number>();
  /** The additions that multiply a value. */
  private readonly multiplied = new Set<number>();
  private readonly factors = new Map<number, Factor>();
  /** The least total scales of layers with which clamps change nothing on random inputs, by nodes. */
  private readonly floors: ReadonlyMap<number, number>;
  /** How often layers may still be raised. Beyond, values are multiplied. */
  private left: number;

  constructor(given: GivenGraph, bits: number, inputScale: number, floors: ReadonlyMap<number, number>) {
    this.given = given;
    this.bits = bits;
    this.inputScale = inputScale;
    this.floors = floors;
    this.shapes = shapesOf(given);
    this.left = 4 * given.nodes.length;
  }

  graph(): QuantizedGraph {
    let totals: readonly Total[] | undefined;
    while (!totals) totals = this.totals();
    const layers = new Map([...this.layers].toSorted(([a], [b]) => a - b));
    const raised = new Map<number, number>();
    for (const [i, { before, scale, factors }] of layers) {
      if (factors || (!this.least.get(i) && !this.floors.has(i))) continue;
      const smallest = this.quantized(i, before, 0).scale;
      if (scale > smallest) raised.set(i, scale / smallest);
    }
    const { factors, bits, floors } = this;
    return { layers, factors, raised, clamp: floors.size > 0, bits, total: totals.at(-1)! };
  }

  /** Layer i in integers. */
  private quantized(i: number, before: Total, least: number | undefined): QuantizedLayer {
    const { nodes } = this.given;
    const isLast = i === nodes.length - 1;
    const { layer } = nodes[i] as GivenLinear;
    return quantizeLayer(layer, this.bits, before, { isLast, inputOf: this.inputOf(i), least });
  }

  /** The total scales of all values; undefined where a layer was raised, and they have to be computed anew. */
  private totals(): Total[] | undefined {
    const totals: Total[] = [this.inputScale];
    for (const [i, node] of this.given.nodes.entries()) {
      const [first, second] = node.from.map((value) => totals[value]!) as [Total, Total];
      let total: Total | undefined;
      if (isGivenLinear(node)) total = this.layerOf(i, first).total;
      else if (node.kind === "add") total = this.sumOf(i, first, second);
      else if (node.kind === "flatten") total = this.flattened(first, this.shapes[node.from[0]!]!);
      else total = first;
      if (total === undefined) return undefined;
      checkTotal(`scale of ${node.what}`, total);
      totals.push(total);
    }
    return totals;
  }

  private flattened(total: Total, shape: Shape): Total {
    if (typeof total === "number") return total;
    const points = sizeOf(shape) / shape[0];
    return Float64Array.from({ length: sizeOf(shape) }, (_, i) => total[Math.floor(i / points)]!);
  }

  private layerOf(i: number, before: Total): QuantizedLayer {
    const known = this.layers.get(i);
    const least = this.least.get(i);
    if (known && known.before === before && known.least === least) return known;
    let quantized = this.quantized(i, before, least);
    const floor = this.floors.get(i) ?? 0;
    if (smallestOf(quantized.total) < floor) quantized = this.quantized(i, before, floor);
    this.layers.set(i, { ...quantized, least });
    return quantized;
  }

  /** Which channel or feature of its input weight w of a layer multiplies. */
  private inputOf(i: number): (w: number) => number {
    const { layer, window, groups, from } = this.given.nodes[i] as GivenLinear;
    const { rows, columns } = layer;
    const taps = window ? window.size[0] * window.size[1] : 1;
    const perGroup = this.shapes[from[0]!]![0] / groups;
    return (w) =>
      Math.floor((Math.floor(w / columns) * groups) / rows) * perGroup + Math.floor((w % columns) / taps);
  }

  /** The total scale of a sum; undefined where a layer was raised. */
  private sumOf(i: number, ...totals: [Total, Total]): number | undefined {
    const { from } = this.given.nodes[i]!;
    const several = totals.findIndex((total) => typeof total === "object");
    if (several >= 0) {
      // Rows with scales of their own come from layers alone, which then get one scale.
      this.raise(from[several]!, 0);
      return undefined;
    }
    const [a, b] = totals as [number, number];
    this.factors.delete(i);
    if (a === b) return a;
    const operand = a < b ? 0 : 1;
    const [low, high] = [Math.min(a, b), Math.max(a, b)];
    const [lower, higher] = [from[operand]!, from[1 - operand]!];
    if (!this.multiplied.has(i)) {
      if (this.canRaise(lower, higher)) {
        this.raise(lower, high);
        return undefined;
      }
      this.multiplied.add(i);
    }
    const most = 2 ** this.bits;
    // A scale that was raised to an exact factor gives the same factor again.
    const exact = Math.floor(((most * low) / high) * (1 + 2 ** -40));
    if (exact < 1)
      throw new RequestError(
        this.given.nodes[i]!.what,
        `two values whose scales differ at most 2^${this.bits} times`,
        high / low,
        "take more bits for weights",
      );
    const total = (low * most) / exact;
    if (total !== high && this.canRaise(higher, lower)) {
      this.raise(higher, total);
      return undefined;
    }
    this.factors.set(i, { operand, factor: total === high ? exact : roundAway((most * low) / high) });
    return high;
  }

  /** Whether the layers behind which a value comes can be raised without a change of `other`. */
  private canRaise(value: number, other: number): boolean {
    const roots = this.left > 0 ? this.roots(value) : undefined;
    if (!roots) return false;
    const before = this.allBefore(other);
    return roots.every((root) => !before.has(root));
  }

  /** Gives the layers behind which a value comes one scale each, of `least` or more. */
  private raise(value: number, least: number): void {
    this.left--;
    for (const root of this.roots(value) ?? [])
      this.least.set(root, Math.max(least, this.least.get(root) ?? 0));
  }

  /** The layers, by nodes, whose scales decide that of a value; undefined where the input does, or a value that is multiplied. */
  private roots(value: number): number[] | undefined {
    const { layers, between } = rootsOf(this.given, value);
    const isFixed = between.some((each) => each === 0 || this.multiplied.has(each - 1));
    return isFixed ? undefined : layers;
  }

  /** The nodes that a value depends on. */
  private allBefore(value: number): Set<number> {
    const values = new Set([value]);
    for (const each of values) for (const read of this.given.nodes[each - 1]?.from ?? []) values.add(read);
    return new Set([...values].map((each) => each - 1));
  }
}

function smallestOf(total: Total): number {
  return typeof total === "number" ? total : total.reduce((a, b) => Math.min(a, b));
}

/** How sums become outputs in every node. */
interface Rounding {
  readonly activationBits: number;
  readonly quantizer: Quantizer;
  readonly clamp: boolean;
}

const POINT: Window = { size: [1, 1], stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1] };

/**
 * The nodes of a graph of integers.
 * @param quantized The integers of its layers; undefined where those of the file stay as they are.
 * @param bits k of every layer.
 */
export function partsOf(
  given: GivenGraph,
  quantized: Pick<QuantizedGraph, "layers" | "factors"> | undefined,
  bits: number,
  rounding: Rounding,
): GraphPart[] {
  const shapes = shapesOf(given);
  const parts: GraphPart[] = [];
  const names = ["input"];
  const push = (part: GraphPart): string => {
    const name = `${part.kind}${parts.length + 1}`;
    parts.push({ ...part, name });
    return name;
  };
  for (const [i, node] of given.nodes.entries()) {
    const from = node.from.map((value) => names[value]!);
    const relu = "relu" in node && node.relu;
    if (isGivenLinear(node)) {
      const { weights, biases } = quantized?.layers.get(i) ?? node.layer;
      const linear = {
        from,
        ...rounding,
        relu,
        bits,
        weights: Int32Array.from(weights),
        outputs: node.layer.rows,
        biases: biases && Int32Array.from(biases),
      };
      const { window, groups } = node;
      names.push(push(window ? { kind: "conv", ...linear, window, groups } : { kind: "dense", ...linear }));
    } else if (node.kind === "add") {
      const multiplied = quantized?.factors.get(i);
      if (multiplied) {
        const { operand, factor } = multiplied;
        const value = { from: [from[operand]!], ...rounding, relu: false, bits, biases: undefined };
        from[operand] = push(diagonal(node.what, value, shapes[node.from[operand]!]!, factor));
      }
      names.push(push({ kind: node.kind, from, ...rounding, relu }));
    } else if (node.kind === "average-pool") names.push(push({ ...node, from, ...rounding, relu }));
    else names.push(push({ ...node, from }));
  }
  if (parts.length > MAX_NODES) throw new RequestError("nodes", `1..${MAX_NODES}`, parts.length);
  return parts;
}

/** The layer that multiplies every number by an integer. @throws {RequestError} For features whose matrix is too large. */
function diagonal(
  what: string,
  common: Omit<GraphPart & { kind: "dense" }, "kind" | "weights" | "outputs">,
  shape: Shape,
  factor: number,
): GraphPart {
  const outputs = shape[0];
  if (shape.length === 3)
    return {
      kind: "conv",
      ...common,
      weights: new Int32Array(outputs).fill(factor),
      outputs,
      window: POINT,
      groups: outputs,
    };
  if (outputs * outputs > MAX_WEIGHTS)
    throw new RequestError(
      what,
      `features whose diagonal matrix has at most ${MAX_WEIGHTS} weights`,
      outputs,
      "the scales of the two values differ, and one of them is multiplied before",
    );
  const weights = new Int32Array(outputs * outputs);
  for (let row = 0; row < outputs; row++) weights[row * outputs + row] = factor;
  return { kind: "dense", ...common, weights, outputs };
}

/** The multiplications by which a graph of real numbers and one of integers are run, a second or so; one input at least. */
const MAX_REAL_PRODUCTS = 2 ** 27;
const MAX_PRODUCTS = 2 ** 24;

type InputScales = Parameters<typeof sampledInputs>[1];

/** Random inputs of a graph, the same ones in every run. */
function inputsOf(given: GivenGraph, scales: InputScales, most: number) {
  const size = sizeOf(given.input);
  const count = Math.max(Math.floor(most / productsOf(given.nodes)), 1);
  return { size, ...sampledInputs({ count, size }, scales) };
}

/** Compares the outputs of a graph of real numbers with those of the graph of its integers. */
export function graphQuantizationOf(
  given: GivenGraph,
  { layers, bits, total }: QuantizedGraph,
  graph: Graph,
  inputScale: number,
): Quantization {
  const { activationBits } = graph.input;
  const { size, count, integers, reals } = inputsOf(given, { activationBits, inputScale }, MAX_PRODUCTS);
  const output = sizeOf(graph.nodes.at(-1)!.shape);
  const outputScale =
    typeof total === "number"
      ? total
      : Array.from({ length: output }, (_, i) => total[Math.floor((i * total.length) / output)]!);
  const real = new Float64Array(count * output);
  for (let k = 0; k < count; k++)
    real.set(forwardGiven(given, reals.subarray(k * size, (k + 1) * size)), k * output);
  return {
    inputScale,
    outputScale,
    layers: [...layers].map(([i, quantized]) =>
      layerQuantizationOf((given.nodes[i] as GivenLinear).layer, quantized, bits),
    ),
    inputs: count,
    ...outputErrorsOf(real, realOutputs({ activationBits, outputScale }, graphForward(graph, integers))),
  };
}

/** Sentences about layers that are raised, values that are multiplied, and integers that did not stay as they are. */
export function graphNotesOf(
  given: GivenGraph,
  { layers, factors, raised, clamp, bits }: QuantizedGraph,
  quantization: Quantization,
): string[] {
  const layerOf = (i: number) => (given.nodes[i] as GivenLinear).layer;
  const kept = [...layers.keys()].map(layerOf);
  const reason = clamp
    ? "so that no output is clamped on random inputs, or to that of a value to which its outputs are added"
    : "to that of a value to which its outputs are added";
  return [
    ...notesOf(kept, [...layers.values()], quantization, bits),
    ...[...raised].map(
      ([i, times]) =>
        `${quoted(layerOf(i).name)}: its scale is raised ${shortNumber(times)} times, ${reason}`,
    ),
    ...[...factors].map(
      ([i, { factor }]) =>
        `${given.nodes[i]!.what}: one of its values is multiplied by ${factor} / ${2 ** bits} before, so that both have one scale`,
    ),
  ];
}
