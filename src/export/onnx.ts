// The pruned network of a ticket as an ONNX model that computes with integers in float64, which is exact up to 2^53.
//
// Between nodes a value has shape [samples, channels, points]; a feature is a channel of one point. ONNX Runtime
// has neither Conv nor AveragePool for float64, so that a window is a Gather of its places, and its sums are a matrix product.

import {
  imageOf,
  isFactored,
  isLinear,
  sizeOf,
  type FactoredNode,
  type GraphNode,
  type LinearNode,
  type Shape,
  type Window,
} from "../graph/model.ts";
import { windowGrid } from "../graph/stages.ts";
import { EXPORTER } from "../import/foreign.ts";
import { MAX_SUM } from "../network.ts";
import { bytesField, integerField, integersField, joined, textField, type Pieces } from "./protobuf.ts";
import type { ExportLayer, ExportNetwork, ExportTensor } from "./pruned.ts";

/** Numbers of ONNX: the version of the file format, of the operators, and of types. */
const IR_VERSION = 8;
const OPERATORS = 13;
const types = { int16: 5, int32: 6, int64: 7, bool: 9, double: 11 } as const;

/** Attributes: an integer, or a list of them. */
type Attributes = Readonly<Record<string, number | readonly number[]>>;

/** A value of the network, and what is known of it. */
interface Value {
  /** Its name in the model. */
  readonly name: string;
  readonly shape: Shape;
  readonly activationBits: number;
}

/** The bytes of a model that maps `input` to `output`, integers of 64 bits whose first axis is that of samples. */
export function onnxModel({ input, nodes, constant, layers, seed }: ExportNetwork): Uint8Array<ArrayBuffer> {
  const writer = new GraphWriter();
  const given = constant ? ([input.shape[0] - 1] as const) : input.shape;
  writer.scope = "input";
  let name = writer.shaped(writer.cast("input", "double"), [0, given[0], -1]);
  if (constant) name = writer.padded(name, [0, 0, 0, 0, 1, 0], 2 ** input.activationBits);
  const values: Value[] = [{ ...input, name }];
  let index = 0;
  for (const node of nodes) {
    const reads = node.from.map((value) => values[value]!);
    writer.scope = node.name;
    const sums = isFactored(node)
      ? factoredSums(writer, node, layers[index++]!, reads[0]!)
      : isLinear(node)
        ? layerSums(writer, node, layers[index++]!, reads[0]!)
        : nodeSums(writer, node, reads);
    values.push({
      name: epilogue(writer, node, sums, reads[0]!),
      shape: node.shape,
      activationBits: node.epilogue.activationBits,
    });
  }
  writer.scope = "output";
  const { shape } = nodes.at(-1)!;
  writer.cast(writer.shaped(values.at(-1)!.name, [0, ...shape]), "int64", "output");
  return joined([
    ...integerField(1, IR_VERSION),
    ...textField(2, EXPORTER),
    ...bytesField(7, writer.graph(given, shape)),
    ...bytesField(8, [...textField(1, ""), ...integerField(2, OPERATORS)]),
    ...bytesField(14, [...textField(1, "seed"), ...textField(2, String(seed))]),
  ]);
}

/** Collects the nodes and the constants of a model. */
class GraphWriter {
  /** The name of the node that is written; the names of values begin with it. */
  scope = "";
  readonly #nodes: Pieces[] = [];
  readonly #constants = new Map<string, Pieces>();

  /** Adds a node and answers the name of its output. */
  node(operator: string, inputs: readonly string[], attributes: Attributes = {}, output?: string): string {
    const name = output ?? `${this.scope}/${operator}_${this.#nodes.length}`;
    this.#nodes.push([
      ...inputs.flatMap((value) => textField(1, value)),
      ...textField(2, name),
      ...textField(3, `${this.scope}/${operator}_${this.#nodes.length}`),
      ...textField(4, operator),
      ...Object.entries(attributes).flatMap(([key, value]) =>
        bytesField(5, [
          ...textField(1, key),
          ...(typeof value === "number"
            ? [...integerField(3, value), ...integerField(20, 2)]
            : [...integersField(8, value), ...integerField(20, 7)]),
        ]),
      ),
    ]);
    return name;
  }

  /** Adds a constant and answers its name. */
  constant(
    name: string,
    type: keyof typeof types,
    shape: readonly number[],
    values: ArrayBufferView,
  ): string {
    const { buffer, byteOffset, byteLength } = values;
    this.#constants.set(name, [
      ...integersField(1, shape),
      ...integerField(2, types[type]),
      ...textField(8, name),
      ...bytesField(9, [new Uint8Array(buffer, byteOffset, byteLength)]),
    ]);
    return name;
  }

  number(value: number): string {
    return this.constant(`number ${value}`, "double", [], Float64Array.of(value));
  }

  integers(values: readonly number[]): string {
    return this.constant(
      `integers ${values.join(" ")}`,
      "int64",
      [values.length],
      BigInt64Array.from(values, BigInt),
    );
  }

  cast(value: string, type: keyof typeof types, output?: string): string {
    return this.node("Cast", [value], { to: types[type] }, output);
  }

  /** A value in another shape; 0 keeps a size, and -1 is what is left. */
  shaped(value: string, shape: readonly number[]): string {
    return this.node("Reshape", [value, this.integers(shape)]);
  }

  /** A value with the number `filler` around it. @param pads How many before each axis, and then behind each axis. */
  padded(value: string, pads: readonly number[], filler: number): string {
    return this.node("Pad", [value, this.integers(pads), this.number(filler)]);
  }

  /** The product of a value and a number, which is left out where it is 1. */
  scaled(value: string, factor: number): string {
    return factor === 1 ? value : this.node("Mul", [value, this.number(factor)]);
  }

  /** The graph from `input` to `output`, integers of these shapes. */
  graph(input: readonly number[], output: readonly number[]): Pieces {
    return [
      ...this.#nodes.flatMap((node) => bytesField(1, node)),
      ...textField(2, "exacta"),
      ...[...this.#constants.values()].flatMap((constant) => bytesField(5, constant)),
      ...bytesField(11, valueInfo("input", input)),
      ...bytesField(12, valueInfo("output", output)),
    ];
  }
}

/** The declaration of integers of a shape, for any number of samples. */
function valueInfo(name: string, shape: readonly number[]): Pieces {
  const sizes = [textField(2, "samples"), ...shape.map((size) => integerField(1, size))];
  const dims = sizes.flatMap((size) => bytesField(1, size));
  const tensor = [...integerField(1, types.int64), ...bytesField(2, dims)];
  return [...textField(1, name), ...bytesField(2, bytesField(1, tensor))];
}

/** The kept weights of a part of a layer, or its sums, as float64. */
function weightsOf(writer: GraphWriter, part: string, { shape, values, mask }: ExportTensor): string {
  const name = `${writer.scope}.${part}`;
  const type = values instanceof Int16Array ? "int16" : "int32";
  if (!mask) return writer.cast(writer.constant(name, type, shape, values), "double");
  const drawn = writer.cast(writer.constant(`${name}_orig`, type, shape, values), "double");
  return writer.node("Mul", [
    drawn,
    writer.cast(writer.constant(`${name}_mask`, "bool", shape, mask), "double"),
  ]);
}

/** Writes the kept weights of the parts of a layer, where it has them. */
function partsOf(writer: GraphWriter, tensors: ExportLayer["tensors"]): (name: string) => string | undefined {
  return (name) => tensors[name] && weightsOf(writer, name, tensors[name]);
}

/** The sums of attention: with a pair of random matrices, whose hidden units have no ReLU, or with the matrix that they equal. */
function factoredSums(
  writer: GraphWriter,
  node: FactoredNode,
  { group, tensors }: ExportLayer,
  read: Value,
): string {
  const part = partsOf(writer, tensors);
  const [channels] = read.shape;
  const value = writer.shaped(read.name, [0, channels, -1]);
  const hidden = part("hidden.weight");
  const pooled = part("pooled.weight") ?? part("weight")!;
  let units = value;
  if (hidden) {
    const images = writer.shaped(value, [0, channels, 1, -1]);
    units = writer.node("Mul", [images, writer.shaped(hidden, [channels, group, 1])]);
    units = writer.shaped(units, [0, channels * group, -1]);
  }
  if (node.kind === "product") return writer.node("MatMul", [pooled, units]);
  // Queries x_i A and keys x_j B, of which output channel j has the products at point i.
  const keys = writer.node("MatMul", [writer.node("Transpose", [value], { perm: [0, 2, 1] }), pooled]);
  return writer.node("MatMul", [keys, units]);
}

/**
 * The outputs of the levels behind hidden units; of the hidden units, where there are none.
 * @param kind Whether they are those of the channels or those of the constant unit.
 * @param value The outputs of the hidden units, [samples, channels, units, points], or [1, units, points] of the constant unit.
 * @param lead The axes before the units, for a Reshape.
 * @param units The number of hidden units.
 */
function levelOutputs(
  writer: GraphWriter,
  tensors: ExportLayer["tensors"],
  kind: "weight" | "constant",
  value: string,
  lead: readonly number[],
  units: number,
): string {
  let [outputs, rows] = [value, units];
  for (let level = 1; ; level++) {
    const name = `level${level}.${kind}`;
    const tensor = tensors[name];
    if (!tensor) return outputs;
    const [above, fan] = tensor.shape as [number, number];
    // Rows that read the same units are side by side: a level is a product of matrices for each block of them.
    const blocks = rows / fan;
    const matrix = writer.shaped(weightsOf(writer, name, tensor), [blocks, above / blocks, fan]);
    const sums = writer.node("MatMul", [matrix, writer.shaped(outputs, [lead[0]!, blocks, fan, -1])]);
    outputs = writer.shaped(writer.node("Relu", [sums]), [...lead, above / (lead[1] ?? 1), -1]);
    rows = above;
  }
}

/** The sums of a layer of the kinds dense and conv. */
function layerSums(
  writer: GraphWriter,
  node: Exclude<LinearNode, FactoredNode>,
  { group, edge, tensors }: ExportLayer,
  read: Value,
): string {
  const part = partsOf(writer, tensors);
  const [channels] = read.shape;
  const [outputs] = node.shape;
  const groups = node.kind === "conv" ? node.groups : 1;
  /** The product of weights, [outputs, ...], and the windows of a value, [samples, channels, units, points]. */
  const product = (weights: string, value: string): string => {
    const taken = node.kind === "conv" ? places(writer, value, 3, node.window, read.shape, 0) : value;
    const columns = writer.shaped(taken, [0, groups, -1, sizeOf(node.shape) / outputs]);
    const matrix = writer.shaped(weights, [groups, outputs / groups, -1]);
    return writer.shaped(writer.node("MatMul", [matrix, columns]), [0, outputs, -1]);
  };
  const images = writer.shaped(read.name, [0, channels, 1, -1]);
  const hidden = part("hidden.weight");
  const sums: string[] = [];
  if (hidden) {
    const units = writer.node("Relu", [
      writer.node("Mul", [images, writer.shaped(hidden, [channels, group, 1])]),
    ]);
    const taken = levelOutputs(writer, tensors, "weight", units, [0, channels], channels * group);
    sums.push(product(part("pooled.weight")!, taken));
  } else if (tensors["positive.weight"]) {
    const negated = writer.node("Neg", [images]);
    const positive = product(part("positive.weight")!, writer.node("Relu", [images]));
    const negative = product(part("negative.weight")!, writer.node("Relu", [negated]));
    sums.push(writer.node("Sub", [positive, negative]));
  } else sums.push(product((part("direct.weight") ?? part("weight"))!, images));
  const [constant, bias, skip] = [part("hidden.constant"), part("bias"), part("hidden.skip")];
  const unit = 2 ** read.activationBits;
  if (constant) {
    const units = writer.node("Relu", [writer.scaled(writer.shaped(constant, [1, group, 1]), unit)]);
    const taken = levelOutputs(writer, tensors, "constant", units, [1], group);
    sums.push(writer.node("MatMul", [part("pooled.constant")!, taken]));
  }
  if (bias) sums.push(writer.scaled(writer.shaped(bias, [outputs, 1]), unit));
  if (skip)
    sums.push(writer.node("Mul", [read.name, writer.scaled(writer.shaped(skip, [outputs, 1]), edge)]));
  return sums.reduce((sum, more) => writer.node("Add", [sum, more]));
}

/** The numbers at the places of a window's taps, [..., points] as [..., taps, points]. @param axis The axis of the points. */
function places(
  writer: GraphWriter,
  value: string,
  axis: number,
  window: Window,
  shape: Shape,
  filler: number,
): string {
  const grid = windowGrid(window, imageOf(shape));
  const given = grid.placesOf(0, grid.points);
  // One more point stands for all that lie beside the image.
  const ends = Array.from({ length: 2 * axis + 2 }, (_, i) => Number(i === 2 * axis + 1));
  const padded = given.includes(-1) ? writer.padded(value, ends, filler) : value;
  const indices = BigInt64Array.from({ length: given.length }, (_, i) => {
    const place = given[(i % grid.points) * grid.taps + Math.floor(i / grid.points)]!;
    return BigInt(place < 0 ? grid.pixels : place);
  });
  const table = writer.constant(`${writer.scope}.places`, "int64", [grid.taps, grid.points], indices);
  return writer.node("Gather", [padded, table], { axis });
}

/** The sums of a node without weights, before the quantizer; for a pool the sums or the largest numbers of its windows. */
function nodeSums(writer: GraphWriter, node: GraphNode, reads: readonly Value[]): string {
  const [read] = reads as readonly [Value];
  switch (node.kind) {
    case "max-pool":
      return writer.node("ReduceMax", [places(writer, read.name, 2, node.window, read.shape, -MAX_SUM)], {
        axes: [2],
        keepdims: 0,
      });
    case "average-pool":
      return writer.node(
        "ReduceSum",
        [places(writer, read.name, 2, node.window, read.shape, 0), writer.integers([2])],
        { keepdims: 0 },
      );
    case "add": {
      const finest = Math.max(...reads.map(({ activationBits }) => activationBits));
      const scaled = reads.map(({ name, activationBits }) =>
        writer.scaled(name, 2 ** (finest - activationBits)),
      );
      return writer.node("Add", scaled);
    }
    default:
      return writer.shaped(read.name, [0, sizeOf(node.shape), 1]);
  }
}

/** What the sums of a node are divided by: a number, or a constant with a number for each point. */
function divisorOf(writer: GraphWriter, node: GraphNode, read: Value): string | undefined {
  const unit = 2 ** Math.max(node.epilogue.shift, 0);
  if (node.kind !== "average-pool") return unit === 1 ? undefined : writer.number(unit);
  const { taps, points, placesOf } = windowGrid(node.window, imageOf(read.shape));
  const given = placesOf(0, points);
  const divisors = Float64Array.from({ length: points }, (_, point) => {
    const inside = given.subarray(point * taps, (point + 1) * taps).filter((place) => place >= 0).length;
    return (node.countPadding ? taps : inside) * unit;
  });
  return writer.constant(`${writer.scope}.divisors`, "double", [points], divisors);
}

/** The outputs of sums: quantized, rectified and clamped. */
function epilogue(writer: GraphWriter, node: GraphNode, sums: string, read: Value): string {
  const { activationBits, shift, quantizer, relu, clamp } = node.epilogue;
  let value = writer.scaled(sums, 2 ** Math.max(-shift, 0));
  const divisor = divisorOf(writer, node, read);
  if (divisor && quantizer === "floor") value = writer.node("Floor", [writer.node("Div", [value, divisor])]);
  else if (divisor) {
    const magnitude = writer.node("Abs", [value]);
    const quotient = writer.node("Div", [magnitude, divisor]);
    let rounded = writer.node(quantizer === "away" ? "Ceil" : "Floor", [quotient]);
    if (quantizer === "nearest") {
      // Adding half of the divisor to a magnitude near 2^53 would not be exact.
      const rest = writer.node("Sub", [magnitude, writer.node("Mul", [rounded, divisor])]);
      const half = writer.node("Div", [writer.scaled(rest, 2), divisor]);
      rounded = writer.node("Add", [rounded, writer.node("Floor", [half])]);
    }
    value = writer.node("Mul", [writer.node("Sign", [value]), rounded]);
  }
  const most = 2 ** activationBits;
  if (clamp) return writer.node("Clip", [value, writer.number(relu ? 0 : -most), writer.number(most)]);
  return relu ? writer.node("Relu", [value]) : value;
}
