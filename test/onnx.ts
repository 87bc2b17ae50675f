// ONNX models as data: a writer of their bytes, and an interpreter that computes every node by its definition, index by index.

import type { GivenLayer } from "../src/import/given.ts";
import { field, floatField, join, varint } from "./writers.ts";

/** Numbers of the types by their numbers in onnx.proto. */
export const FLOAT = 1;
export const UINT8 = 2;
export const INT8 = 3;
export const INT32 = 6;
export const INT64 = 7;
export const BOOL = 9;
export const DOUBLE = 11;

export interface Numbers {
  readonly type: number;
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

/** A float is written as a number with `float`, so that 1 and 1.0 differ. */
export type AttributeValue =
  | number
  | readonly number[]
  | string
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | Numbers;

export interface NodeData {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  readonly domain?: string;
}

export interface ModelData {
  /** The version of the default operator set. */
  readonly version: number;
  readonly input: string;
  readonly inputType?: number;
  /** Sizes, or names of sizes that may change. */
  readonly inputShape?: readonly (number | string)[] | undefined;
  readonly nodes: readonly NodeData[];
  readonly initializers: Readonly<Record<string, Numbers>>;
  readonly outputs: readonly string[];
  /** Initializers that no node uses, as bytes. */
  readonly unused?: readonly Uint8Array[];
}

/** The bytes of numbers, little-endian. */
function rawOf({ type, values }: Numbers): Uint8Array {
  const arrays: Record<number, () => ArrayBufferView> = {
    [FLOAT]: () => Float32Array.from(values),
    [UINT8]: () => Uint8Array.from(values),
    [INT8]: () => Int8Array.from(values),
    [INT32]: () => Int32Array.from(values),
    [INT64]: () => BigInt64Array.from(values, (value) => BigInt(value)),
    [BOOL]: () => Uint8Array.from(values),
    [DOUBLE]: () => Float64Array.from(values),
  };
  const { buffer, byteOffset, byteLength } = arrays[type]!();
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function tensorBytes(
  name: string,
  numbers: Numbers,
  external?: { location: string; offset: number },
): Uint8Array {
  const raw = rawOf(numbers);
  const entry = (key: string, value: string) => field(13, join(field(1, key), field(2, value)));
  return join(
    ...numbers.shape.map((size) => field(1, size)),
    field(2, numbers.type),
    field(8, name),
    ...(external
      ? [
          entry("location", external.location),
          entry("offset", String(external.offset)),
          entry("length", String(raw.length)),
          field(14, 1),
        ]
      : [field(9, raw)]),
  );
}

function attributeBytes(name: string, value: AttributeValue): Uint8Array {
  const named = field(1, name);
  if (typeof value === "number") return join(named, field(3, value), field(20, 2));
  if (typeof value === "string") return join(named, field(4, value), field(20, 3));
  if ("float" in value) return join(named, floatField(2, value.float), field(20, 1));
  if ("floats" in value) return join(named, ...value.floats.map((x) => floatField(7, x)), field(20, 6));
  if ("type" in value) return join(named, field(5, tensorBytes("", value)), field(20, 4));
  return join(named, field(8, join(...value.map((x) => varint(x)))), field(20, 7));
}

function nodeBytes({ operator, inputs, outputs, attributes = {}, domain }: NodeData): Uint8Array {
  return join(
    ...inputs.map((name) => field(1, name)),
    ...outputs.map((name) => field(2, name)),
    field(4, operator),
    ...Object.entries(attributes).map(([name, value]) => field(5, attributeBytes(name, value))),
    ...(domain ? [field(7, domain)] : []),
  );
}

/** @param external The file beside the model in which its initializers are, one behind the other. */
export function modelBytes(
  { version, input, inputType = FLOAT, inputShape, nodes, initializers, outputs, unused = [] }: ModelData,
  external?: string,
): Uint8Array<ArrayBuffer> {
  let offset = 0;
  const tensors = Object.entries(initializers).map(([name, numbers]) => {
    const place = external ? { location: external, offset } : undefined;
    if (external) offset += rawOf(numbers).length;
    return field(5, tensorBytes(name, numbers, place));
  });
  const dims = inputShape?.map((size) =>
    field(1, typeof size === "number" ? field(1, size) : field(2, size)),
  );
  const type = field(1, join(field(1, inputType), ...(dims ? [field(2, join(...dims))] : [])));
  const graph = join(
    ...nodes.map((node) => field(1, nodeBytes(node))),
    field(2, "graph"),
    ...tensors,
    ...unused.map((bytes) => field(5, bytes)),
    field(11, join(field(1, input), field(2, type))),
    ...outputs.map((name) => field(12, field(1, name))),
  );
  const set = (domain: string, number: number) => field(8, join(field(1, domain), field(2, number)));
  return join(field(1, 8), field(7, graph), set("", version), set("ai.onnx.ml", 1));
}

/** The bytes of all initializers, one behind the other. */
export function externalBytes({ initializers }: ModelData): Uint8Array {
  return join(...Object.values(initializers).map(rawOf));
}

/** An array of numbers of some kind, in row-major order. */
export interface Value<N> {
  readonly shape: readonly number[];
  readonly values: readonly N[];
}

/** How the interpreter computes: in float64, or in integers of any size. */
export interface Arithmetic<N> {
  readonly of: (value: number) => N;
  readonly toNumber: (value: N) => number;
  readonly add: (a: N, b: N) => N;
  readonly multiply: (a: N, b: N) => N;
  readonly isLess: (a: N, b: N) => boolean;
  /** What only real numbers can do; the number is that of the operator's definition. */
  readonly real: (compute: (...values: number[]) => number, ...values: N[]) => N;
}

export const floats: Arithmetic<number> = {
  of: (value) => value,
  toNumber: (value) => value,
  add: (a, b) => a + b,
  multiply: (a, b) => a * b,
  isLess: (a, b) => a < b,
  real: (compute, ...values) => compute(...values),
};

export const bigIntegers: Arithmetic<bigint> = {
  of: (value) => BigInt(value),
  toNumber: Number,
  add: (a, b) => a + b,
  multiply: (a, b) => a * b,
  isLess: (a, b) => a < b,
  real: () => {
    throw new Error("no operator of integers");
  },
};

function build<N>(shape: readonly number[], valueAt: (index: readonly number[]) => N): Value<N> {
  const count = shape.reduce((product, size) => product * size, 1);
  const values = Array.from({ length: count }, (_, i) => {
    let rest = i;
    const index = shape.map(() => 0);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = rest % shape[axis]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    return valueAt(index);
  });
  return { shape, values };
}

/** The number at an index; axes of size 1 and missing axes in front repeat. */
function at<N>({ shape, values }: Value<N>, index: readonly number[]): N {
  const own = index.slice(index.length - shape.length);
  const place = shape.reduce((sum, size, axis) => sum * size + (size === 1 ? 0 : own[axis]!), 0);
  return values[place]!;
}

function meet(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) =>
    Math.max(a[axis - rank + a.length] ?? 1, b[axis - rank + b.length] ?? 1),
  );
}

/** The places along one axis that each window of a convolution or a pool takes, outside of the axis as well. */
function windowsAlong(
  length: number,
  window: {
    readonly size: number;
    readonly stride: number;
    readonly dilation: number;
    readonly before: number;
    readonly behind: number;
    readonly automatic: string;
  },
): number[][] {
  const { size, stride, dilation, automatic } = window;
  const extent = (size - 1) * dilation + 1;
  let [{ before }, count] = [window, 0];
  if (automatic === "VALID") before = 0;
  if (automatic.startsWith("SAME")) {
    count = Math.ceil(length / stride);
    const pads = Math.max(0, (count - 1) * stride + extent - length);
    before = automatic === "SAME_UPPER" ? Math.floor(pads / 2) : pads - Math.floor(pads / 2);
  } else {
    const end = length + (automatic === "VALID" ? 0 : window.behind);
    while (count * stride - before + extent <= end) count++;
  }
  return Array.from({ length: count }, (_, i) =>
    Array.from({ length: size }, (__, a) => i * stride - before + a * dilation),
  );
}

/**
 * Computes every node of a model.
 * @returns All values by name.
 */
export function interpret<N>(
  { version, input, nodes, initializers }: ModelData,
  given: Value<N>,
  arithmetic: Arithmetic<N>,
): Map<string, Value<N>> {
  const { of, toNumber, add, multiply, isLess, real } = arithmetic;
  const values = new Map<string, Value<N>>([[input, given]]);
  const read = ({ shape, values: list }: Numbers): Value<N> => ({
    shape,
    values: list.map((value) => of(value)),
  });
  for (const [name, numbers] of Object.entries(initializers)) values.set(name, read(numbers));
  for (const node of nodes) {
    const { operator, inputs, outputs, attributes = {} } = node;
    const optional = (k: number) => (inputs[k] ? values.get(inputs[k]) : undefined);
    const value = (k: number) => {
      const found = optional(k);
      if (!found) throw new Error(`${operator}: no input ${k}, ${inputs[k]}`);
      return found;
    };
    const integer = (name: string, otherwise: number) =>
      (attributes[name] as number | undefined) ?? otherwise;
    const float = (name: string, otherwise: number) =>
      Math.fround((attributes[name] as { float: number } | undefined)?.float ?? otherwise);
    const list = (k: number, name: string) =>
      optional(k)?.values.map(toNumber) ?? (attributes[name] as number[] | undefined);
    const each = (compute: (x: N) => N) => ({ shape: value(0).shape, values: value(0).values.map(compute) });
    const pairs = (compute: (x: N, y: N) => N, a = value(0), b = value(1)) =>
      build(meet(a.shape, b.shape), (index) => compute(at(a, index), at(b, index)));
    const negated = (x: N) => multiply(of(-1), x);
    const positive = (x: N) => (isLess(x, of(0)) ? of(0) : x);
    const axisOf = (axis: number, rank: number) => (axis < 0 ? axis + rank : axis);
    const transposed = (x: Value<N>, perm: readonly number[]) =>
      build(
        perm.map((axis) => x.shape[axis]!),
        (index) => {
          const from = x.shape.map((_, axis) => index[perm.indexOf(axis)]!);
          return at(x, from);
        },
      );
    const product = (a: Value<N>, b: Value<N>): Value<N> => {
      const left = a.shape.length === 1 ? { shape: [1, ...a.shape], values: a.values } : a;
      const right = b.shape.length === 1 ? { shape: [...b.shape, 1], values: b.values } : b;
      const inner = left.shape.at(-1)!;
      if (inner !== right.shape.at(-2)) throw new Error(`MatMul of ${a.shape.join()} and ${b.shape.join()}`);
      const outer = meet(left.shape.slice(0, -2), right.shape.slice(0, -2));
      const whole = build([...outer, left.shape.at(-2)!, right.shape.at(-1)!], (index) => {
        const [row, column] = index.slice(-2) as [number, number];
        const front = index.slice(0, -2);
        let sum = of(0);
        for (let k = 0; k < inner; k++)
          sum = add(sum, multiply(at(left, [...front, row, k]), at(right, [...front, k, column])));
        return sum;
      });
      const shape = whole.shape.filter(
        (_, axis) =>
          !(a.shape.length === 1 && axis === whole.shape.length - 2) &&
          !(b.shape.length === 1 && axis === whole.shape.length - 1),
      );
      return { shape, values: whole.values };
    };
    const resized = (target: readonly number[]): Value<N> => {
      const { shape, values: all } = value(0);
      const sizes = target.map((size, axis) => (size === 0 ? shape[axis]! : size));
      const known = sizes.filter((size) => size > 0).reduce((x, y) => x * y, 1);
      return { shape: sizes.map((size) => (size < 0 ? all.length / known : size)), values: all };
    };
    const perChannel = (k: number, axis: number, index: readonly number[]) => {
      const factor = value(k);
      return factor.values.length === 1 ? factor.values[0]! : factor.values[index[axis]!]!;
    };
    const compute = (): Value<N> => {
      switch (operator) {
        case "Constant": {
          const [[name, constant]] = Object.entries(attributes) as [[string, AttributeValue]];
          if (name === "value") return read(constant as Numbers);
          if (name === "value_float")
            return { shape: [], values: [of(Math.fround((constant as { float: number }).float))] };
          if (name === "value_int") return { shape: [], values: [of(constant as number)] };
          const items =
            name === "value_ints"
              ? (constant as number[])
              : (constant as { floats: number[] }).floats.map(Math.fround);
          return { shape: [items.length], values: items.map((item) => of(item)) };
        }
        case "ConstantOfShape": {
          const shape = value(0).values.map(toNumber);
          const filled = read(
            (attributes["value"] as Numbers | undefined) ?? { type: FLOAT, shape: [1], values: [0] },
          );
          return build(shape, () => filled.values[0]!);
        }
        case "Identity":
        case "Dropout":
        case "Cast":
          return value(0);
        case "Shape": {
          const { shape } = value(0);
          const sizes = shape.slice(integer("start", 0), integer("end", shape.length));
          return { shape: [sizes.length], values: sizes.map((size) => of(size)) };
        }
        case "Gather": {
          const [data, indices] = [value(0), value(1)];
          const axis = axisOf(integer("axis", 0), data.shape.length);
          const shape = [...data.shape.slice(0, axis), ...indices.shape, ...data.shape.slice(axis + 1)];
          return build(shape, (index) => {
            const pick = toNumber(at(indices, index.slice(axis, axis + indices.shape.length)));
            return at(data, [
              ...index.slice(0, axis),
              pick < 0 ? pick + data.shape[axis]! : pick,
              ...index.slice(axis + indices.shape.length),
            ]);
          });
        }
        case "Concat": {
          const parts = inputs.map((_, k) => value(k));
          const axis = axisOf(integer("axis", 0), parts[0]!.shape.length);
          const size = parts.reduce((sum, part) => sum + part.shape[axis]!, 0);
          return build(parts[0]!.shape.with(axis, size), (index) => {
            let place = index[axis]!;
            const part = parts.find(({ shape }) => {
              if (place < shape[axis]!) return true;
              place -= shape[axis]!;
              return false;
            })!;
            return at(part, index.with(axis, place));
          });
        }
        case "Slice": {
          const x = value(0);
          const [starts, ends] = [list(1, "starts")!, list(2, "ends")!];
          const axes = (list(3, "axes") ?? starts.map((_, axis) => axis)).map((axis) =>
            axisOf(axis, x.shape.length),
          );
          const steps = list(4, "steps") ?? starts.map(() => 1);
          // The indices that Python's slices take.
          const taken = x.shape.map((size, axis) => {
            const k = axes.indexOf(axis);
            const all = Array.from({ length: size }, (_, i) => i);
            if (k < 0) return all;
            const wrap = (place: number) => (place < 0 ? place + size : place);
            const [start, end, step] = [wrap(starts[k]!), wrap(ends[k]!), steps[k]!];
            const forward = all.filter((i) => i >= start && i < end && (i - start) % step === 0);
            const backward = all
              .filter((i) => i <= start && i > end && (start - i) % step === 0)
              .toReversed();
            return step > 0 ? forward : backward;
          });
          return build(
            taken.map(({ length }) => length),
            (index) =>
              at(
                x,
                index.map((i, axis) => taken[axis]![i]!),
              ),
          );
        }
        case "Reshape":
          return resized(list(1, "shape")!);
        case "Flatten": {
          const { shape } = value(0);
          const size = shape.slice(0, axisOf(integer("axis", 1), shape.length)).reduce((x, y) => x * y, 1);
          return resized([size, -1]);
        }
        case "Squeeze": {
          const { shape } = value(0);
          const axes = list(1, "axes")?.map((axis) => axisOf(axis, shape.length));
          return resized(shape.filter((size, axis) => (axes ? !axes.includes(axis) : size !== 1)));
        }
        case "Unsqueeze": {
          const { shape } = value(0);
          const axes = list(1, "axes")!;
          const rank = shape.length + axes.length;
          const places = new Set(axes.map((axis) => axisOf(axis, rank)));
          const rest = [...shape];
          return resized(Array.from({ length: rank }, (_, axis) => (places.has(axis) ? 1 : rest.shift()!)));
        }
        case "Transpose": {
          const x = value(0);
          return transposed(x, list(1, "perm") ?? x.shape.map((_, axis) => x.shape.length - 1 - axis));
        }
        case "Expand":
          return build(meet(value(0).shape, list(1, "shape")!), (index) => at(value(0), index));
        case "Add":
          return pairs(add);
        case "Sub":
          return pairs((x, y) => add(x, negated(y)));
        case "Mul":
          return pairs(multiply);
        case "Div":
          return pairs((x, y) => real((a, b) => a! / b!, x, y));
        case "Neg":
          return each(negated);
        case "Sqrt":
          return each((x) => real((a) => Math.sqrt(a!), x));
        case "Floor":
          return each((x) => real((a) => Math.floor(a!), x));
        case "Ceil":
          return each((x) => real((a) => Math.ceil(a!), x));
        case "Abs":
          return each((x) => (isLess(x, of(0)) ? negated(x) : x));
        case "Sign":
          return each((x) => of(Number(isLess(of(0), x)) - Number(isLess(x, of(0)))));
        case "Pad": {
          const x = value(0);
          const pads = list(1, "pads")!;
          const rank = x.shape.length;
          const inside = (index: readonly number[]) => index.map((i, axis) => i - pads[axis]!);
          return build(
            x.shape.map((size, axis) => pads[axis]! + size + pads[axis + rank]!),
            (index) =>
              inside(index).every((i, axis) => i >= 0 && i < x.shape[axis]!)
                ? at(x, inside(index))
                : value(2).values[0]!,
          );
        }
        case "ReduceMax":
        case "ReduceSum": {
          const x = value(0);
          const [axis] = list(1, "axes")!;
          return build(x.shape.toSpliced(axis!, 1), (index) => {
            const all = Array.from({ length: x.shape[axis!]! }, (_, i) =>
              at(x, index.toSpliced(axis!, 0, i)),
            );
            return all.reduce((a, b) => (operator === "ReduceSum" ? add(a, b) : isLess(a, b) ? b : a));
          });
        }
        case "ReduceL2": {
          const x = value(0);
          const axes = new Set(list(1, "axes")!.map((axis) => axisOf(axis, x.shape.length)));
          return build(
            x.shape.map((size, axis) => (axes.has(axis) ? 1 : size)),
            (index) => {
              let sum = 0;
              build(
                x.shape.map((size, axis) => (axes.has(axis) ? size : 1)),
                (inner) => {
                  sum +=
                    toNumber(
                      at(
                        x,
                        index.map((i, axis) => i + inner[axis]!),
                      ),
                    ) ** 2;
                },
              );
              return real((a) => a!, of(Math.sqrt(sum)));
            },
          );
        }
        case "Relu":
          return each(positive);
        case "Clip": {
          const [least, most] = [optional(1)?.values[0] ?? of(0), optional(2)?.values[0]];
          return each((x) => {
            const raised = isLess(x, least) ? least : x;
            return most !== undefined && isLess(most, raised) ? most : raised;
          });
        }
        case "Max":
          return pairs((x, y) => (isLess(x, y) ? y : x));
        case "PRelu":
          return pairs((x, slope) => (isLess(x, of(0)) ? multiply(x, slope) : x));
        case "LeakyRelu":
          return each((x) => (isLess(x, of(0)) ? real((a) => a! * float("alpha", 0.01), x) : x));
        case "MatMul":
          return product(value(0), value(1));
        case "Gemm": {
          const [a, b] = [0, 1].map((k) =>
            integer(k === 0 ? "transA" : "transB", 0) ? transposed(value(k), [1, 0]) : value(k),
          ) as [Value<N>, Value<N>];
          const scale = (x: Value<N>, name: string) => {
            const factor = of(float(name, 1));
            return { shape: x.shape, values: x.values.map((y) => multiply(factor, y)) };
          };
          const sum = scale(product(a, b), "alpha");
          const bias = optional(2);
          return bias ? pairs(add, sum, scale(bias, "beta")) : sum;
        }
        case "Conv":
        case "MaxPool":
        case "AveragePool":
        case "GlobalMaxPool":
        case "GlobalAveragePool": {
          const x = value(0);
          const [samples, channels, ...lengths] = x.shape as [number, number, number, number];
          const kernel = operator === "Conv" ? value(1) : undefined;
          const size = operator.startsWith("Global")
            ? lengths
            : (kernel?.shape.slice(2) ?? (attributes["kernel_shape"] as number[]));
          const ints = (name: string, otherwise: number[]) =>
            (attributes[name] as number[] | undefined) ?? otherwise;
          const [strides, dilations] = [ints("strides", [1, 1]), ints("dilations", [1, 1])];
          const places = lengths.map((length, axis) =>
            windowsAlong(length, {
              size: size[axis]!,
              stride: strides[axis]!,
              dilation: dilations[axis]!,
              before: ints("pads", [0, 0, 0, 0])[axis]!,
              behind: ints("pads", [0, 0, 0, 0])[axis + 2]!,
              automatic: (attributes["auto_pad"] as string | undefined) ?? "NOTSET",
            }),
          );
          const outputs = kernel?.shape[0] ?? channels;
          return build([samples, outputs, places[0]!.length, places[1]!.length], (index) => {
            const [n, o, y, x_] = index as [number, number, number, number];
            const taps = places[0]![y]!.flatMap((row, a) =>
              places[1]![x_]!.map((column, b) => ({ row, column, a, b })),
            );
            const inside = taps.filter(
              ({ row, column }) => row >= 0 && row < lengths[0]! && column >= 0 && column < lengths[1]!,
            );
            if (kernel) {
              const perGroup = kernel.shape[1]!;
              const group = Math.floor(o / (outputs / integer("group", 1)));
              let sum = optional(2)?.values[o] ?? of(0);
              for (const { row, column, a, b } of inside)
                for (let i = 0; i < perGroup; i++)
                  sum = add(
                    sum,
                    multiply(at(kernel, [o, i, a, b]), at(x, [n, group * perGroup + i, row, column])),
                  );
              return sum;
            }
            const found = inside.map(({ row, column }) => at(x, [n, o, row, column]));
            if (operator.endsWith("MaxPool"))
              return found.reduce((most, each) => (isLess(most, each) ? each : most));
            const count = integer("count_include_pad", 0) ? taps.length : found.length;
            return real((sum) => sum! / count, found.reduce(add));
          });
        }
        case "ReduceMean": {
          const x = value(0);
          const [n, c, height, width] = x.shape as [number, number, number, number];
          const means = build([n, c, 1, 1], ([sample, channel]) => {
            let sum = of(0);
            for (let y = 0; y < height; y++)
              for (let z = 0; z < width; z++) sum = add(sum, at(x, [sample!, channel!, y, z]));
            return real((total) => total! / (height * width), sum);
          });
          return integer("keepdims", 1) ? means : { shape: [n, c], values: means.values };
        }
        case "BatchNormalization": {
          const x = value(0);
          return build(x.shape, (index) => {
            const [gain, shift, mean, variance] = [1, 2, 3, 4].map((k) => value(k).values[index[1]!]!);
            return real(
              (v, g, s, m, w) => ((v! - m!) / Math.sqrt(w! + float("epsilon", 1e-5))) * g! + s!,
              at(x, index),
              gain!,
              shift!,
              mean!,
              variance!,
            );
          });
        }
        case "DequantizeLinear": {
          const x = value(0);
          const axis = axisOf(integer("axis", 1), Math.max(x.shape.length, 2));
          return build(x.shape, (index) => {
            const zero = optional(2) ? perChannel(2, axis, index) : of(0);
            return multiply(add(at(x, index), negated(zero)), perChannel(1, axis, index));
          });
        }
        case "QuantizeLinear": {
          const x = value(0);
          const axis = axisOf(integer("axis", 1), Math.max(x.shape.length, 2));
          return build(x.shape, (index) => {
            // The writer's zero points are of type INT8, and its numbers are no ties.
            const rounded = Math.round(toNumber(at(x, index)) / toNumber(perChannel(1, axis, index)));
            return of(Math.min(127, Math.max(-128, rounded + toNumber(perChannel(2, axis, index)))));
          });
        }
        default:
          throw new Error(`${operator} of version ${version}`);
      }
    };
    values.set(outputs[0]!, compute());
  }
  return values;
}

/** The outputs of layers for one sample. */
export function outputsOf(layers: readonly GivenLayer[], input: readonly number[]): number[] {
  return layers.reduce(
    (values, { rows, columns, weights, scales, biases }, l) =>
      Array.from({ length: rows }, (_, row) => {
        let sum = 0;
        for (let i = 0; i < columns; i++) sum += weights[row * columns + i]! * values[i]!;
        const output = sum * (scales?.[row] ?? 1) + (biases?.[row] ?? 0);
        return l < layers.length - 1 ? Math.max(output, 0) : output;
      }),
    [...input],
  );
}
