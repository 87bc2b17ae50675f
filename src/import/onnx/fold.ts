// Operators on constants, computed in float64.

import { RequestError } from "../../errors.ts";
import { MAX_WEIGHTS } from "../given.ts";
import type { Attributes, Node } from "./model.ts";
import {
  FLOAT,
  INT64,
  isFloat,
  rangeOf,
  readTensor,
  roundedEven,
  roundedTo,
  typeName,
  type Constant,
  type ReadExternal,
  type Scales,
} from "./tensor.ts";

/** The most numbers that constants of one model are decoded and computed to, which bounds time and memory. */
const MAX_NUMBERS = 8 * MAX_WEIGHTS;
/** The most products of a constant matrix by another one. */
const MAX_PRODUCTS = 2 ** 33;

export function productOf(sizes: readonly number[]): number {
  return sizes.reduce((product, size) => product * size, 1);
}

/** Counts the numbers that constants are decoded and computed to. */
export class Budget {
  private numbers = 0;

  /** @throws {RequestError} Where a model asks for too many. */
  spend(what: string, count: number): void {
    this.numbers += count;
    if (!(this.numbers <= MAX_NUMBERS))
      throw new RequestError(what, `constants of at most ${MAX_NUMBERS} numbers in all`, this.numbers);
  }
}

/** The numbers of a constant, with its scales multiplied out. */
export function plain(what: string, constant: Constant, budget: Budget): Float64Array<ArrayBuffer> {
  const { shape, scales } = constant;
  budget.spend(what, productOf(shape));
  const values = constant.values();
  if (!scales) return values;
  const strides = shape.map((_, axis) => Number(axis === scales.axis));
  return values.map(byScale(strided(scales.values, shape, strides)));
}

const byScale = (factors: Float64Array) => (value: number, i: number) => value * factors[i]!;

/** A node whose inputs are all constant. */
interface Folding {
  readonly node: Node;
  readonly attributes: Attributes;
  readonly budget: Budget;
  readonly external: ReadExternal | undefined;
  /** Undefined for inputs that are left out. */
  readonly inputs: readonly (Constant | undefined)[];
}

type Fold = (folding: Folding) => Constant;

function refusal(
  { node }: Pick<Folding, "node">,
  expected: string,
  received: unknown,
  remedy?: string,
): RequestError {
  return new RequestError(node.what, expected, received, remedy);
}

/** @throws {RequestError} Where the input is left out. */
function required(folding: Folding, k: number): Constant {
  const constant = folding.inputs[k];
  if (!constant) throw refusal(folding, `an input ${k}`, undefined);
  return constant;
}

function numbersOf(folding: Folding, k: number): Float64Array<ArrayBuffer> {
  return plain(folding.node.what, required(folding, k), folding.budget);
}

/** A result of given numbers. Its scales are multiplied out. */
function constantOf(
  folding: Folding,
  { name, type, exact }: Pick<Constant, "name" | "type" | "exact">,
  shape: readonly number[],
  values: Float64Array<ArrayBuffer>,
): Constant {
  if (!shape.every((size) => Number.isSafeInteger(size) && size > 0))
    throw refusal(folding, "a result that is not empty", shape);
  const [least, most] = rangeOf(type) ?? [-Infinity, Infinity];
  const wrong = values.find((value) => value < least || value > most);
  if (wrong !== undefined) throw refusal(folding, `results in the range of ${typeName(type)}`, wrong);
  return { kind: "constant", name, type, shape, exact, values: () => values };
}

/** A result with the numbers of input 0, arranged by `move`. One scale for all numbers stays. */
function moved(
  folding: Folding,
  shape: readonly number[],
  move: (values: Float64Array<ArrayBuffer>) => Float64Array<ArrayBuffer>,
): Constant {
  const input = required(folding, 0);
  if (input.scales?.axis !== undefined)
    return constantOf(folding, { ...input, exact: false }, shape, move(numbersOf(folding, 0)));
  return { ...constantOf(folding, input, shape, move(unscaled(folding, input))), scales: input.scales };
}

function unscaled({ node, budget }: Folding, constant: Constant): Float64Array<ArrayBuffer> {
  budget.spend(node.what, productOf(constant.shape));
  return constant.values();
}

/** Numbers of a shape that are `strides` apart in `values`, from index `from` on. */
export function strided(
  values: Float64Array,
  shape: readonly number[],
  strides: readonly number[],
  from = 0,
): Float64Array<ArrayBuffer> {
  const result = new Float64Array(productOf(shape));
  const index = shape.map(() => 0);
  let at = from;
  for (let i = 0; i < result.length; i++) {
    result[i] = values[at]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      at -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}

/** How far apart neighbours of each axis are in row-major order. */
export function stridesOf(shape: readonly number[]): number[] {
  return shape.map((_, axis) => productOf(shape.slice(axis + 1)));
}

/** The shape in which two shapes meet, aligned at their last axes. */
function broadcast(folding: Folding, a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const [x, y] = [a, b].map((shape) => shape[axis - rank + shape.length] ?? 1) as [number, number];
    if (x !== y && x !== 1 && y !== 1) throw refusal(folding, "shapes that fit", [a, b]);
    return Math.max(x, y);
  });
}

/** The numbers of a constant, repeated to a shape. */
function spread(folding: Folding, k: number, shape: readonly number[]): Float64Array<ArrayBuffer> {
  const { shape: own } = required(folding, k);
  const values = numbersOf(folding, k);
  if (own.length === shape.length && own.every((size, axis) => size === shape[axis])) return values;
  folding.budget.spend(folding.node.what, productOf(shape));
  const strides = stridesOf(own);
  return strided(
    values,
    shape,
    shape.map((_, axis) => {
      const at = axis - shape.length + own.length;
      return (own[at] ?? 1) === 1 ? 0 : strides[at]!;
    }),
  );
}

const unary =
  (compute: (x: number) => number, keepsIntegers = false): Fold =>
  (folding) => {
    const { name, type, shape, exact } = required(folding, 0);
    const values = numbersOf(folding, 0).map(compute);
    return constantOf(folding, { name, type, exact: exact && keepsIntegers }, shape, values);
  };

const binary =
  (compute: (x: number, y: number) => number, keepsIntegers = true): Fold =>
  (folding) => {
    const [a, b] = [required(folding, 0), required(folding, 1)];
    const shape = broadcast(folding, a.shape, b.shape);
    const [x, y] = [0, 1].map((k) => spread(folding, k, shape)) as [Float64Array<ArrayBuffer>, Float64Array];
    const isInteger = !isFloat(a.type);
    const values = x.map((value, i) => {
      const result = compute(value, y[i]!);
      return isInteger ? Math.trunc(result) : result;
    });
    const areExact = a.exact && b.exact && !a.scales && !b.scales && keepsIntegers;
    const exact = areExact && values.every((value) => Number.isSafeInteger(value));
    // The larger one is the matrix, whose name the result gets.
    const { name } = productOf(b.shape) > productOf(a.shape) ? b : a;
    return constantOf(folding, { name, type: a.type, exact }, shape, values);
  };

/** A product of integers by real numbers that differ along one axis at most keeps both apart. */
const scaling =
  (inverse: boolean): Fold =>
  (folding) => {
    const [a, b] = [required(folding, 0), required(folding, 1)];
    for (const [matrix, factors, k] of inverse
      ? ([[a, b, 1]] as const)
      : ([
          [a, b, 1],
          [b, a, 0],
        ] as const)) {
      const axes = factors.shape.flatMap((size, axis) =>
        size === 1 ? [] : [axis + matrix.shape.length - factors.shape.length],
      );
      if (!matrix.exact || matrix.scales || factors.exact || !isFloat(matrix.type)) continue;
      if (factors.shape.length > matrix.shape.length || axes.length > 1) continue;
      if (axes.some((axis) => matrix.shape[axis] !== productOf(factors.shape))) continue;
      const values = numbersOf(folding, k).map((value) => (inverse ? 1 / value : value));
      return { ...matrix, scales: { axis: axes[0], values } };
    }
    return binary(inverse ? (x, y) => x / y : (x, y) => x * y)(folding);
  };

/** The axes of an operator that takes them as an attribute, or since a later version as input 1. Undefined where it has none. */
export function axesOf(
  node: Node,
  attributes: Attributes,
  input: readonly number[] | undefined,
  rank: number,
): number[] | undefined {
  const axes = input ?? attributes.integers("axes");
  return axes?.map((axis) => axisOf(node, axis, rank));
}

export function axisOf(node: Node, axis: number, rank: number): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank)
    throw new RequestError(`${node.what}, axis`, `an integer in ${-rank}..${rank - 1}`, axis);
  return axis < 0 ? axis + rank : axis;
}

/** The integers of an input that lists sizes or axes; undefined where it is left out. */
function listOf(folding: Folding, k: number): number[] | undefined {
  return folding.inputs[k] && Array.from(numbersOf(folding, k));
}

/** The shape that Reshape asks for. At most one size may be unknown: -1, or one that only the input fixes. */
function reshaped(folding: Folding, shape: readonly number[], target: readonly number[]): number[] {
  const sizes = target.map((size, axis) => (size === 0 ? (shape[axis] ?? 0) : size));
  const known = productOf(sizes.filter((size) => size >= 0));
  const result = sizes.map((size) => (size >= 0 ? size : productOf(shape) / known));
  if (productOf(result) !== productOf(shape))
    throw refusal(folding, `a shape of ${productOf(shape)} numbers`, target);
  return result;
}

const reshape: Fold = (folding) => {
  const { shape } = required(folding, 0);
  const target = listOf(folding, 1) ?? folding.attributes.integers("shape") ?? [];
  return moved(folding, reshaped(folding, shape, target), (values) => values);
};

const transpose: Fold = (folding) => {
  const input = required(folding, 0);
  const { shape, scales } = input;
  const perm = permOf(folding.node, folding.attributes, shape.length);
  const strides = stridesOf(shape);
  const permute = <T>(list: readonly T[]) => perm.map((axis) => list[axis]!);
  const { axis } = scales ?? {};
  const values = strided(unscaled(folding, input), permute(shape), permute(strides));
  return {
    ...constantOf(folding, input, permute(shape), values),
    scales: scales && { ...scales, axis: axis === undefined ? undefined : perm.indexOf(axis) },
  };
};

export function permOf(node: Node, attributes: Attributes, rank: number): number[] {
  const perm = attributes.integers("perm") ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
  if (perm.toSorted((a, b) => a - b).join() !== Array.from({ length: rank }, (_, axis) => axis).join())
    throw new RequestError(`${node.what}, perm`, `each axis of 0..${rank - 1} once`, perm);
  return perm;
}

const concat: Fold = (folding) => {
  const inputs = folding.inputs.map((_, k) => required(folding, k));
  const [first] = inputs;
  if (!first) throw refusal(folding, "an input", undefined);
  const axis = axisOf(folding.node, folding.attributes.integer("axis", 1), first.shape.length);
  const fits = ({ shape }: Constant) =>
    shape.length === first.shape.length && shape.every((size, i) => i === axis || size === first.shape[i]);
  if (!inputs.every(fits))
    throw refusal(
      folding,
      "shapes that fit",
      inputs.map(({ shape }) => shape),
    );
  const shape = first.shape.with(
    axis,
    inputs.reduce((sum, input) => sum + input.shape[axis]!, 0),
  );
  const inner = productOf(shape.slice(axis + 1));
  const values = new Float64Array(productOf(shape));
  let from = 0;
  inputs.forEach((input, k) => {
    const part = numbersOf(folding, k);
    const width = input.shape[axis]! * inner;
    for (let outer = 0; outer * width < part.length; outer++)
      values.set(part.subarray(outer * width, (outer + 1) * width), outer * shape[axis]! * inner + from);
    from += width;
  });
  const exact = inputs.every((input) => input.exact && !input.scales);
  return constantOf(folding, { ...first, exact }, shape, values);
};

const gather: Fold = (folding) => {
  const [data, indices] = [required(folding, 0), required(folding, 1)];
  const axis = axisOf(folding.node, folding.attributes.integer("axis", 0), data.shape.length);
  const size = data.shape[axis]!;
  const inner = productOf(data.shape.slice(axis + 1));
  const picks = Array.from(numbersOf(folding, 1), (index) => (index < 0 ? index + size : index));
  const wrong = picks.find((index) => !(index >= 0 && index < size));
  if (wrong !== undefined) throw refusal(folding, `indices below ${size}`, wrong);
  const shape = [...data.shape.slice(0, axis), ...indices.shape, ...data.shape.slice(axis + 1)];
  folding.budget.spend(folding.node.what, productOf(shape));
  return moved(folding, shape, (values) => {
    const result = new Float64Array(productOf(shape));
    let at = 0;
    for (let outer = 0; outer < productOf(data.shape.slice(0, axis)); outer++)
      for (const index of picks) {
        const from = (outer * size + index) * inner;
        result.set(values.subarray(from, from + inner), at);
        at += inner;
      }
    return result;
  });
};

const slice: Fold = (folding) => {
  const { node, attributes } = folding;
  const { shape } = required(folding, 0);
  const starts = listOf(folding, 1) ?? attributes.integers("starts") ?? [];
  const ends = listOf(folding, 2) ?? attributes.integers("ends") ?? [];
  const axes = axesOf(node, attributes, listOf(folding, 3), shape.length) ?? starts.map((_, axis) => axis);
  const steps = listOf(folding, 4) ?? starts.map(() => 1);
  const sizes = [...shape];
  const strides = stridesOf(shape);
  let from = 0;
  if (ends.length !== starts.length || axes.length !== starts.length || steps.length !== starts.length)
    throw refusal(folding, "one start, end, axis and step for each axis", starts);
  axes.forEach((axis, i) => {
    const [size, step] = [shape[axis]!, steps[i]!];
    if (!Number.isInteger(step) || step === 0) throw refusal(folding, "steps other than 0", step);
    const clamp = (at: number) => {
      const counted = at < 0 ? at + size : at;
      return step > 0 ? Math.min(Math.max(counted, 0), size) : Math.min(Math.max(counted, -1), size - 1);
    };
    const [start, end] = [clamp(starts[i]!), clamp(ends[i]!)];
    sizes[axis] = Math.max(0, Math.ceil((end - start) / step));
    from += start * strides[axis]!;
    strides[axis]! *= step;
  });
  if (sizes.some((size) => !(size > 0))) throw refusal(folding, "a result that is not empty", sizes);
  return moved(folding, sizes, (values) => strided(values, sizes, strides, from));
};

const squeeze: Fold = (folding) => {
  const { shape } = required(folding, 0);
  const axes = axesOf(folding.node, folding.attributes, listOf(folding, 1), shape.length);
  const isRemoved = (size: number, axis: number) => (axes ? axes.includes(axis) : size === 1);
  if (axes?.some((axis) => shape[axis] !== 1)) throw refusal(folding, "axes of size 1", shape);
  return moved(
    folding,
    shape.filter((size, axis) => !isRemoved(size, axis)),
    (values) => values,
  );
};

const unsqueeze: Fold = (folding) => {
  const { node, attributes } = folding;
  const { shape } = required(folding, 0);
  const given = listOf(folding, 1) ?? attributes.integers("axes") ?? [];
  return moved(folding, unsqueezed(node, shape, given, 1), (values) => values);
};

/** Inserts `one` at axes of the result. */
export function unsqueezed<T>(node: Node, shape: readonly T[], axes: readonly number[], one: T): T[] {
  const rank = shape.length + axes.length;
  const places = axes.map((axis) => axisOf(node, axis, rank));
  if (new Set(places).size < places.length)
    throw new RequestError(`${node.what}, axes`, "each axis once", axes);
  const rest = [...shape];
  return Array.from({ length: rank }, (_, axis) => (places.includes(axis) ? one : rest.shift()!));
}

const flatten: Fold = (folding) => {
  const { shape } = required(folding, 0);
  const axis = folding.attributes.integer("axis", 1);
  const at = axis === shape.length ? axis : axisOf(folding.node, axis, shape.length);
  return moved(folding, [productOf(shape.slice(0, at)), productOf(shape.slice(at))], (values) => values);
};

/** The sizes of a shape from `start` to `end`, as a constant. */
export function shapeOf(node: Node, attributes: Attributes, shape: readonly number[]): Constant {
  attributes.allow(["start", "end"]);
  const values = Float64Array.from(
    shape.slice(
      attributes.integer("start", 0),
      attributes.has("end") ? attributes.integer("end", 0) : undefined,
    ),
  );
  if (values.length === 0) throw new RequestError(node.what, "a result that is not empty", shape);
  const name = node.outputs[0] ?? "";
  return { kind: "constant", name, type: INT64, shape: [values.length], exact: true, values: () => values };
}

const constantOfShape: Fold = (folding) => {
  const shape = listOf(folding, 0) ?? [];
  const tensor = folding.attributes.tensor("value");
  const value = tensor && readTensor(tensor, folding.external, folding.node.what);
  folding.budget.spend(folding.node.what, productOf(shape));
  const name = folding.node.outputs[0] ?? "";
  const { type, exact } = value ?? { type: FLOAT, exact: false };
  const values = new Float64Array(productOf(shape)).fill(value?.values()[0] ?? 0);
  return constantOf(folding, { name, type, exact }, shape, values);
};

const constant: Fold = (folding) => {
  const { node, attributes, external } = folding;
  const name = node.outputs[0] ?? "";
  const tensor = attributes.tensor("value");
  if (tensor) return readTensor(tensor, external, name);
  const list = (values: Float64Array<ArrayBuffer>, type: number, shape: readonly number[]): Constant =>
    constantOf(folding, { name, type, exact: type === INT64 }, shape, values);
  if (attributes.has("value_float"))
    return list(Float64Array.of(attributes.float("value_float", 0)), FLOAT, []);
  if (attributes.has("value_int"))
    return list(Float64Array.of(attributes.integer("value_int", 0)), INT64, []);
  const floats = attributes.floats("value_floats");
  if (floats) return list(floats, FLOAT, [floats.length]);
  const integers = attributes.integers("value_ints");
  if (integers) return list(Float64Array.from(integers), INT64, [integers.length]);
  throw refusal(folding, "a tensor or numbers as its value", undefined);
};

const expand: Fold = (folding) => {
  const input = required(folding, 0);
  const target = broadcast(folding, input.shape, listOf(folding, 1) ?? []);
  const exact = input.exact && !input.scales;
  return constantOf(folding, { ...input, exact }, target, spread(folding, 0, target));
};

const cast: Fold = (folding) => {
  const input = required(folding, 0);
  const to = folding.attributes.integer("to", 0);
  const range = rangeOf(to);
  if (!range && !isFloat(to)) throw refusal(folding, "a type of numbers", typeName(to));
  if (input.scales && !range) return { ...input, type: to };
  const values = numbersOf(folding, 0);
  if (typeName(to) === "BOOL")
    return constantOf(
      folding,
      { ...input, type: to, exact: true },
      input.shape,
      values.map((x) => Number(x !== 0)),
    );
  if (range)
    return constantOf(folding, { ...input, type: to, exact: true }, input.shape, values.map(Math.trunc));
  // Integers stay integers in a float, which rounds large ones.
  return constantOf(folding, { ...input, type: to }, input.shape, roundedTo(to, values));
};

/** The factors of a (de)quantization: one, or one for every index of an axis. Undefined for blocks. */
function quantizationOf(folding: Folding): Scales | undefined {
  const { attributes, node } = folding;
  const [{ shape }, scale] = [required(folding, 0), required(folding, 1)];
  const values = numbersOf(folding, 1);
  if (values.length === 1) return { axis: undefined, values };
  if (scale.shape.length !== 1 || attributes.integer("block_size", 0) !== 0) return undefined;
  const axis = axisOf(node, attributes.integer("axis", 1), shape.length);
  if (shape[axis] !== values.length) throw refusal(folding, `${shape[axis]} scales`, values.length);
  return { axis, values };
}

/** Numbers of input k, one for each number of input 0: the same for all, for an index of an axis, or for a block of one. */
function perNumber(folding: Folding, k: number): (index: number) => number {
  const { attributes, node } = folding;
  const [{ shape }, factors] = [required(folding, 0), required(folding, k)];
  const values = numbersOf(folding, k);
  if (values.length === 1) return () => values[0]!;
  const axis = axisOf(node, attributes.integer("axis", 1), shape.length);
  const inner = productOf(shape.slice(axis + 1));
  const size = shape[axis]!;
  if (factors.shape.length === 1) {
    if (values.length !== size) throw refusal(folding, `${size} numbers as input ${k}`, values.length);
    return (index) => values[Math.floor(index / inner) % size]!;
  }
  const block = attributes.integer("block_size", 0);
  const blocks = Math.ceil(size / block);
  const expected = shape.with(axis, blocks);
  if (!(block > 0) || factors.shape.join() !== expected.join())
    throw refusal(folding, `one number for every block as input ${k}`, factors.shape);
  return (index) => {
    const outer = Math.floor(index / (inner * size));
    const along = Math.floor((Math.floor(index / inner) % size) / block);
    return values[(outer * blocks + along) * inner + (index % inner)]!;
  };
}

const dequantize: Fold = (folding) => {
  const input = required(folding, 0);
  const { type } = required(folding, 1);
  if (!input.exact || input.scales) throw refusal(folding, "integers as input 0", typeName(input.type));
  const zero = folding.inputs[2] ? perNumber(folding, 2) : () => 0;
  const integers = unscaled(folding, input).map((value, i) => value - zero(i));
  const scales = quantizationOf(folding);
  const result = { kind: "constant", name: input.name, type, shape: input.shape } as const;
  if (scales) return { ...result, exact: true, values: () => integers, scales };
  const scale = perNumber(folding, 1);
  const values = integers.map((value, i) => value * scale(i));
  return { ...result, exact: false, values: () => values };
};

const quantize: Fold = (folding) => {
  const input = required(folding, 0);
  const type = folding.inputs[2]?.type ?? (folding.attributes.integer("output_dtype", 0) || 2);
  const range = rangeOf(type);
  if (!range) throw refusal(folding, "a type of integers", typeName(type));
  const zero = folding.inputs[2] ? perNumber(folding, 2) : () => 0;
  const scale = perNumber(folding, 1);
  // The quotient is rounded as the element type holds it.
  const quotients = numbersOf(folding, 0).map((value, i) => value / scale(i));
  const values = roundedTo(input.type, quotients).map((value, i) =>
    Math.min(Math.max(roundedEven(value) + zero(i), range[0]), range[1]),
  );
  return constantOf(folding, { name: input.name, type, exact: true }, input.shape, values);
};

const matrixProduct: Fold = (folding) => {
  const [a, b] = [required(folding, 0), required(folding, 1)];
  const [rows = 0, inner = 0, ...more] = a.shape;
  const [height, columns = 0, ...others] = b.shape;
  if (inner !== height || !inner || !columns || more.length > 0 || others.length > 0)
    throw refusal(folding, "two matrices that fit", [a.shape, b.shape]);
  if (rows * inner * columns > MAX_PRODUCTS)
    throw refusal(folding, `at most ${MAX_PRODUCTS} products`, rows * inner * columns);
  folding.budget.spend(folding.node.what, rows * columns);
  const [x, y] = [numbersOf(folding, 0), numbersOf(folding, 1)];
  const values = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++)
    for (let k = 0; k < inner; k++)
      for (let column = 0; column < columns; column++)
        values[row * columns + column]! += x[row * inner + k]! * y[k * columns + column]!;
  return constantOf(folding, { ...a, exact: false }, [rows, columns], values);
};

/** A reduction along axes; `finish` takes the sum of the parts and their number. */
const reduction =
  (
    start: number,
    step: (sum: number, x: number) => number,
    finish = (sum: number, _count: number) => sum,
  ): Fold =>
  (folding) => {
    const { node, attributes } = folding;
    const input = required(folding, 0);
    const { shape, name, type } = input;
    const axes = axesOf(node, attributes, listOf(folding, 1), shape.length) ?? shape.map((_, axis) => axis);
    const kept = shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
    const strides = stridesOf(kept).map((stride, axis) => (axes.includes(axis) ? 0 : stride));
    // The place of each number in the result.
    const places = strided(
      Float64Array.from({ length: productOf(kept) }, (_, i) => i),
      shape,
      strides,
    );
    const values = new Float64Array(productOf(kept)).fill(start);
    numbersOf(folding, 0).forEach((x, i) => (values[places[i]!] = step(values[places[i]!]!, x)));
    const count = productOf(shape) / productOf(kept);
    const keeps = attributes.integer("keepdims", 1) !== 0;
    return constantOf(
      folding,
      { name, type, exact: false },
      keeps ? kept : shape.filter((_, axis) => !axes.includes(axis)),
      values.map((sum) => finish(sum, count)),
    );
  };

const reductionAttributes = ["axes", "keepdims"];

/** The operators that are computed, each with the attributes that are read. */
const folds: Readonly<Record<string, readonly [Fold, ...string[]]>> = {
  Constant: [constant, "value", "value_float", "value_floats", "value_int", "value_ints"],
  ConstantOfShape: [constantOfShape, "value"],
  Identity: [(folding) => required(folding, 0)],
  Cast: [cast, "to", "saturate", "round_mode"],
  Reshape: [reshape, "allowzero", "shape"],
  Flatten: [flatten, "axis"],
  Squeeze: [squeeze, "axes"],
  Unsqueeze: [unsqueeze, "axes"],
  Expand: [expand],
  Transpose: [transpose, "perm"],
  Concat: [concat, "axis"],
  Gather: [gather, "axis"],
  Slice: [slice, "starts", "ends", "axes"],
  Neg: [unary((x) => -x, true)],
  Abs: [unary(Math.abs, true)],
  Sqrt: [unary(Math.sqrt)],
  Reciprocal: [unary((x) => 1 / x)],
  Exp: [unary(Math.exp)],
  Log: [unary(Math.log)],
  Add: [binary((x, y) => x + y)],
  Sub: [binary((x, y) => x - y)],
  Mul: [scaling(false)],
  Div: [scaling(true)],
  Pow: [binary((x, y) => x ** y, false)],
  Min: [binary(Math.min)],
  Max: [binary(Math.max)],
  MatMul: [matrixProduct],
  DequantizeLinear: [dequantize, "axis", "block_size", "output_dtype"],
  QuantizeLinear: [quantize, "axis", "block_size", "output_dtype", "saturate", "precision"],
  ReduceSum: [reduction(0, (sum, x) => sum + x), ...reductionAttributes],
  ReduceProd: [reduction(1, (product, x) => product * x), ...reductionAttributes],
  ReduceMean: [
    reduction(
      0,
      (sum, x) => sum + x,
      (sum, count) => sum / count,
    ),
    ...reductionAttributes,
  ],
  ReduceL2: [reduction(0, (sum, x) => sum + x * x, Math.sqrt), ...reductionAttributes],
};

/** The operators that are computed where all their inputs are constant. */
export const foldedOperators: readonly string[] = Object.keys(folds);

/**
 * The output of a node whose inputs are constant.
 * @throws {RequestError} For other operators, inputs that do not fit, and results that are too large.
 */
export function fold(
  node: Node,
  inputs: readonly (Constant | undefined)[],
  budget: Budget,
  external: ReadExternal | undefined,
): Constant {
  const [compute, ...known] = folds[node.operator]!;
  const attributes = node.attributes();
  attributes.allow(known);
  return compute({ node, attributes, budget, external, inputs });
}
