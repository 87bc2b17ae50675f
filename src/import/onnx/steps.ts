// The operators of a network: each turns an affine map of the outputs of the last ReLU into another one, or closes a layer.

import { RequestError } from "../../errors.ts";
import { quoted } from "../text.ts";
import { entryOf, type Matrix } from "./affine.ts";
import {
  alignedTo,
  contractedAxes,
  flattenedAxes,
  LayoutError,
  reshapedAxes,
  shown,
  squeezedAxes,
  transposedAxes,
  unsqueezedAxes,
  widthOf,
  type Axes,
} from "./axes.ts";
import { axesOf, plain, productOf } from "./fold.ts";
import { imageSteps } from "./images.ts";
import {
  changed,
  commonType,
  constantAt,
  expectFirst,
  isInteger,
  listAt,
  matrixOf,
  numbersAt,
  refusal,
  type Activation,
  type Apply,
  type Step,
  type Walk,
} from "./step.ts";
import { isFloat, rangeOf, typeName, type Constant } from "./tensor.ts";

/** A bound of Clip beyond which it bounds no float of 4 bytes. */
const LARGEST_FLOAT = 3.4028234e38;

/** The number that is input k; undefined where it is left out. */
function numberAt(walk: Walk, step: Step, k: number): number | undefined {
  const numbers = numbersAt(walk, step, k);
  if (numbers && numbers.length !== 1) throw refusal(step, `one number as input ${k}`, numbers.length);
  return numbers?.[0];
}

/** The constant that is the other one of two inputs. */
function otherOf(step: Step): Constant {
  if (step.inputs.length !== 2) throw refusal(step, "2 inputs", step.inputs.length);
  return constantAt(step, 1 - step.at);
}

/** One number for every feature, or one for all, from an operand of an elementwise operator. */
interface Operand {
  readonly values: Float64Array<ArrayBuffer>;
  readonly exact: boolean;
  readonly type: number;
  readonly axes: Axes;
}

function operand(
  walk: Walk,
  step: Step,
  constant: Constant,
  axes = step.activation.axes,
  shape = constant.shape,
): Operand {
  const type = commonType(step, constant);
  const values = plain(step.node.what, constant, walk.budget);
  const aligned = alignedTo(step.node, axes, { name: constant.name, shape }, values);
  return { ...aligned, exact: constant.exact && !constant.scales, type };
}

/** The operand of Add, Sub, Mul and Div. Before version 7 an attribute says with which axis it begins. */
function elementwise(walk: Walk, step: Step): Operand {
  const { attributes, activation, node } = step;
  const constant = otherOf(step);
  const rank = activation.axes.length;
  if (node.version >= 7 || !attributes.has("axis")) return operand(walk, step, constant);
  expectFirst(step);
  const axis = attributes.integer("axis", 0);
  const behind = rank - (axis < 0 ? axis + rank : axis) - constant.shape.length;
  if (behind < 0) throw refusal(step, `axes of ${quoted(constant.name)} from axis ${axis}`, constant.shape);
  return operand(walk, step, constant, activation.axes, [
    ...constant.shape,
    ...Array.from({ length: behind }, () => 1),
  ]);
}

const one = (value: number) => Float64Array.of(value);
const negative = (values: Float64Array<ArrayBuffer>) => values.map((value) => -value);

/** @throws {RequestError} For integers that have no sign, where a difference below 0 would wrap around. */
function expectSigned(step: Step, type: number): void {
  if (rangeOf(type)?.[0] === 0)
    throw refusal(step, "numbers that have a sign", typeName(type), "cast them to floats before");
}

/** @throws {RequestError} For factors that are no integers where products are integers, and would be rounded. */
function expectIntegers(step: Step, type: number, factors: ArrayLike<number>): void {
  const wrong = isInteger(type) ? Array.from(factors).find((factor) => !Number.isInteger(factor)) : undefined;
  if (wrong !== undefined)
    throw refusal(step, "results that are not rounded to integers", wrong, "cast the input to floats before");
}

const add: Apply = (walk, step) => {
  const { values, exact, ...rest } = elementwise(walk, step);
  return changed(step, { ...rest, map: step.activation.map.shifted(values, exact) });
};

const subtract: Apply = (walk, step) => {
  const { values, exact, ...rest } = elementwise(walk, step);
  const { map } = step.activation;
  expectSigned(step, rest.type);
  return changed(step, {
    ...rest,
    map:
      step.at === 0 ? map.shifted(negative(values), exact) : map.scaled(one(-1), true).shifted(values, exact),
  });
};

const multiply: Apply = (walk, step) => {
  const { values, exact, ...rest } = elementwise(walk, step);
  return changed(step, { ...rest, map: step.activation.map.scaled(values, exact) });
};

const divide: Apply = (walk, step) => {
  expectFirst(step);
  const { values, ...rest } = elementwise(walk, step);
  const factors = values.map((value) => 1 / value);
  expectIntegers(step, rest.type, factors);
  const exact = rest.exact && factors.every(Number.isInteger);
  return changed(step, { axes: rest.axes, type: rest.type, map: step.activation.map.scaled(factors, exact) });
};

/** Applies a matrix along an axis. Its outputs take the place of that axis; undefined drops the axis. */
function contract(
  walk: Walk,
  step: Step,
  matrix: Matrix,
  at: number,
  outputs: number | undefined,
): Activation {
  const { activation } = step;
  const axis = activation.axes[at];
  const fits = axis && !axis.isSample && (axis.size === matrix.columns || Number.isNaN(axis.size));
  if (!fits) {
    const expected = `${matrix.columns} features along axis ${at}, as ${quoted(matrix.name)} takes`;
    const Refusal = axis?.isSample ? LayoutError : RequestError;
    throw new Refusal(step.node.what, expected, shown(activation.axes));
  }
  const { order } = activation;
  if (order && order.length !== matrix.columns)
    throw refusal(step, `a matrix for all ${order.length} features`, shown(activation.axes));
  const { axes, map } = repeatedAlong(walk, step, at, matrix.columns);
  const next = map.times(order ? reordered(matrix, order) : matrix);
  if (map.hasMatrix)
    walk.note(`${quoted(map.name)} and ${quoted(matrix.name)} have no ReLU between them and are multiplied`);
  if ((matrix.integer || (map.hasMatrix && map.integer)) && !next.integer)
    walk.note(`the integers of ${quoted(next.name)} are multiplied by real factors`);
  return changed(step, { axes: contractedAxes(axes, at, outputs), map: next, order: undefined });
}

/** A matrix whose column j becomes column order[j]. */
function reordered(matrix: Matrix, order: Int32Array): Matrix {
  const { columns } = matrix;
  const values = new Float64Array(matrix.values.length);
  for (let i = 0; i < values.length; i++) values[i - (i % columns) + order[i % columns]!] = matrix.values[i]!;
  return { ...matrix, values };
}

/**
 * A matrix along the last of several axes of features is applied at every index of the others, which then count samples.
 * @throws {RequestError} Where another operator has mixed or told apart these indices.
 */
function repeatedAlong(walk: Walk, step: Step, at: number, width: number): Pick<Activation, "axes" | "map"> {
  const { axes, map, origin, name } = step.activation;
  const isOther = (i: number) => i !== at && !axes[i]!.isSample && axes[i]!.size !== 1;
  if (!axes.some((_, i) => isOther(i))) return { axes, map };
  const isLast = axes.findLastIndex((_, i) => i === at || isOther(i)) === at;
  const periodic = isLast && origin.kind === "input" ? map.periodic(width) : undefined;
  if (!periodic)
    throw refusal(
      step,
      `a matrix for all ${widthOf(axes)} features`,
      shown(axes),
      "flatten the features before",
    );
  walk.note(
    `the network takes rows of ${width} numbers: every row of ${quoted(name)}, of shape ${shown(axes)}, is a sample`,
  );
  return { axes: axes.map((axis, i) => (isOther(i) ? { ...axis, isSample: true } : axis)), map: periodic };
}

const matrixProduct: Apply = (walk, step) => {
  const { activation, at } = step;
  const constant = otherOf(step);
  const type = commonType(step, constant);
  const rank = activation.axes.length;
  const { shape } = constant;
  // Axes of size 1 in front repeat the matrix for nothing.
  const own =
    shape.length > 2 && shape.length <= rank && productOf(shape.slice(0, -2)) === 1 ? shape.slice(-2) : shape;
  const isVector = own.length === 1;
  const size = own[0]!;
  const matrix =
    at === 0
      ? matrixOf(walk, step, constant, true, isVector ? [size, 1] : own)
      : matrixOf(walk, step, constant, false, isVector ? [1, size] : own);
  const axis = at === 0 || rank === 1 ? rank - 1 : rank - 2;
  return { ...contract(walk, step, matrix, axis, isVector ? undefined : matrix.rows), type };
};

const gemm: Apply = (walk, step) => {
  const { attributes, activation, at } = step;
  const { length } = step.inputs;
  if (length !== 2 && length !== 3) throw refusal(step, "2 or 3 inputs", length);
  if (activation.axes.length !== 2 || at > 1)
    throw refusal(step, `a matrix as input ${at}`, shown(activation.axes), "flatten the features before");
  const [isTransposed, isKernelTransposed] = (at === 0 ? ["transA", "transB"] : ["transB", "transA"]).map(
    (name) => attributes.integer(name, 0) !== 0,
  );
  const constant = constantAt(step, 1 - at);
  const type = commonType(step, constant);
  // On the left, a constant is a matrix that is not transposed; on the right it is a kernel.
  const matrix = matrixOf(walk, step, constant, (at === 0) !== isKernelTransposed);
  const axis = (at === 0) === isTransposed ? 0 : 1;
  const product = contract(walk, step, matrix, axis, matrix.rows);
  const axes = isTransposed ? product.axes.toReversed() : product.axes;
  const [alpha, beta] = ["alpha", "beta"].map((name) => attributes.float(name, 1)) as [number, number];
  expectIntegers(step, type, [alpha, beta]);
  const map = alpha === 1 ? product.map : product.map.scaled(one(alpha), Number.isInteger(alpha));
  if (!step.inputs[2]) return { ...product, axes, map, type };
  const typed = { ...step, activation: { ...activation, type } };
  const { values, exact, axes: result } = operand(walk, typed, constantAt(step, 2), axes);
  const shifts = beta === 1 ? values : values.map((value) => value * beta);
  return { ...product, axes: result, map: map.shifted(shifts, exact && Number.isInteger(beta)), type };
};

/** (x - mean) / sqrt(variance + epsilon) * scale + shift, for each index of axis 1. */
const normalize: Apply = (walk, step) => {
  const { node, attributes, activation } = step;
  expectFirst(step);
  const { version } = node;
  const trains =
    version < 7
      ? attributes.integer("is_test", 0) === 0
      : attributes.integer("training_mode", 0) !== 0 || node.outputs.slice(1).some(Boolean);
  if (trains) throw training(step);
  const rank = activation.axes.length;
  if (rank < 2) throw refusal(step, "features along axis 1", shown(activation.axes));
  const isSpatial = attributes.integer("spatial", 1) !== 0;
  const [scale, shift, mean, variance] = [1, 2, 3, 4].map((k) => {
    const constant = constantAt(step, k);
    const ones = Array.from({ length: rank - 2 }, () => 1);
    const shape = isSpatial ? [...constant.shape, ...ones] : constant.shape;
    return operand(walk, step, constant, activation.axes, shape);
  }) as [Operand, Operand, Operand, Operand];
  const epsilon = attributes.float("epsilon", Math.fround(1e-5));
  const factors = scale.values.map((value, i) => value / Math.sqrt(entryOf(variance.values, i) + epsilon));
  const shifts = factors.map((factor, i) => entryOf(shift.values, i) - entryOf(mean.values, i) * factor);
  return changed(step, {
    axes: scale.axes,
    type: scale.type,
    map: activation.map.scaled(factors, false).shifted(shifts, false),
  });
};

function training(step: Step): RequestError {
  return refusal(
    step,
    "a model in inference mode",
    "training mode",
    "call model.eval() before the export, and export without training=TrainingMode.TRAINING",
  );
}

const dropout: Apply = (walk, step) => {
  const { node, attributes } = step;
  expectFirst(step);
  if (node.version < 7 && attributes.integer("is_test", 0) === 0) throw training(step);
  // Since version 12 an input says so. A ratio of 0 drops nothing.
  const trains = node.version >= 12 && (numberAt(walk, step, 2) ?? 0) !== 0;
  if (trains && (numberAt(walk, step, 1) ?? 0.5) !== 0) throw training(step);
  return changed(step, {});
};

const cast: Apply = (walk, step) => {
  const { node, attributes, activation } = step;
  const to = attributes.integer("to", 0) || textType(attributes.text("to"));
  if (isFloat(to)) return changed(step, { type: to });
  // From floats to integers a cast rounds, and to smaller ones it wraps around.
  const [own, other] = [rangeOf(activation.type), rangeOf(to)];
  if (!own || !other || other[0] > own[0] || other[1] < own[1]) return walk.leave(node, activation);
  return changed(step, { type: to });
};

/** The type that old versions of Cast name. */
function textType(text: string): number {
  return [
    "",
    "FLOAT",
    "UINT8",
    "INT8",
    "UINT16",
    "INT16",
    "INT32",
    "INT64",
    "STRING",
    "BOOL",
    "FLOAT16",
    "DOUBLE",
  ].indexOf(text);
}

const relu: Apply = (walk, step) => {
  expectFirst(step);
  return { ...walk.rectified(step), name: step.node.outputs[0] ?? "" };
};

/** A ReLU with a slope for numbers below 0. */
const sloped =
  (slopesOf: (walk: Walk, step: Step) => ArrayLike<number>): Apply =>
  (walk, step) => {
    expectFirst(step);
    const slopes = Array.from(slopesOf(walk, step));
    if (slopes.every((slope) => slope === 0)) return relu(walk, step);
    if (slopes.every((slope) => slope === 1)) return changed(step, {});
    return walk.leave(step.node, step.activation);
  };

const clip: Apply = (walk, step) => {
  const { node, attributes, activation } = step;
  expectFirst(step);
  const least = numberAt(walk, step, 1) ?? attributes.float("min", -Infinity);
  const most = numberAt(walk, step, 2) ?? attributes.float("max", Infinity);
  if (most < LARGEST_FLOAT) return walk.leave(node, activation);
  if (least === 0) return relu(walk, step);
  return least <= -LARGEST_FLOAT ? changed(step, {}) : walk.leave(node, activation);
};

/** Max(x, 0), in either order. */
const maximum: Apply = (walk, step) => {
  const { values, axes, type } = operand(walk, step, otherOf(step));
  if (values.some((value) => value !== 0)) return walk.leave(step.node, step.activation);
  return relu(walk, { ...step, at: 0, activation: { ...step.activation, axes, type } });
};

const reshape: Apply = (walk, step) => {
  const { node, attributes, activation } = step;
  expectFirst(step);
  const target = Array.from(numbersAt(walk, step, 1) ?? attributes.integers("shape") ?? []);
  if (attributes.integer("allowzero", 0) !== 0 && target.includes(0))
    throw refusal(step, "sizes other than 0", target);
  return changed(step, { axes: reshapedAxes(node, activation.axes, target) });
};

/** An operator that only rearranges axes. */
const rearranged =
  (axes: (walk: Walk, step: Step) => Axes): Apply =>
  (walk, step) => {
    expectFirst(step);
    return changed(step, { axes: axes(walk, step) });
  };

const transpose: Apply = (_, step) => {
  const { node, attributes, activation } = step;
  expectFirst(step);
  const { axes, order } = transposedAxes(node, activation.axes, attributes);
  const before = activation.order;
  const now = order && before ? order.map((place) => before[place]!) : (order ?? before);
  return changed(step, { axes, order: now?.every((place, i) => place === i) ? undefined : now });
};

/** (x - offset) * scale, of scikit-learn's scalers. */
const scaler: Apply = (_, step) => {
  const { node, attributes, activation } = step;
  const [offset, scale] = ["offset", "scale"].map((name, i) => {
    const values = attributes.floats(name) ?? one(i);
    return alignedTo(node, activation.axes, { name, shape: [values.length] }, Float64Array.from(values));
  }) as [ReturnType<typeof alignedTo>, ReturnType<typeof alignedTo>];
  const map = activation.map.shifted(negative(offset.values), false).scaled(scale.values, false);
  const { axes } = offset.values.length > 1 ? offset : scale;
  return changed(step, { axes, map });
};

const elementwiseAttributes = ["broadcast", "axis", "consumed_inputs"];

/** The operators of a network, each with the attributes that are read. Attributes of others would change what it computes. */
export const steps: Readonly<Record<string, readonly [Apply, ...string[]]>> = {
  Gemm: [gemm, "alpha", "beta", "transA", "transB", "broadcast"],
  MatMul: [matrixProduct],
  Add: [add, ...elementwiseAttributes],
  Sub: [subtract, ...elementwiseAttributes],
  Mul: [multiply, ...elementwiseAttributes],
  Div: [divide, ...elementwiseAttributes],
  Neg: [
    (_, step) => {
      expectSigned(step, step.activation.type);
      return changed(step, { map: step.activation.map.scaled(one(-1), true) });
    },
    "consumed_inputs",
  ],
  BatchNormalization: [
    normalize,
    "epsilon",
    "momentum",
    "spatial",
    "is_test",
    "training_mode",
    "consumed_inputs",
  ],
  Relu: [relu, "consumed_inputs"],
  Clip: [clip, "min", "max", "consumed_inputs"],
  Max: [maximum, "consumed_inputs"],
  PRelu: [sloped((walk, step) => numbersAt(walk, step, 1) ?? []), "consumed_inputs"],
  LeakyRelu: [sloped((_, { attributes }) => [attributes.float("alpha", 0.01)]), "alpha", "consumed_inputs"],
  Flatten: [
    rearranged((_, { node, activation, attributes }) =>
      flattenedAxes(node, activation.axes, attributes.integer("axis", 1)),
    ),
    "axis",
  ],
  Reshape: [reshape, "allowzero", "shape", "consumed_inputs"],
  Squeeze: [
    rearranged((walk, step) => {
      const { node, attributes, activation } = step;
      const { axes } = activation;
      return squeezedAxes(node, axes, axesOf(node, attributes, listAt(walk, step, 1), axes.length));
    }),
    "axes",
  ],
  Unsqueeze: [
    rearranged((walk, step) => {
      const { node, attributes, activation } = step;
      return unsqueezedAxes(
        node,
        activation.axes,
        listAt(walk, step, 1) ?? attributes.integers("axes") ?? [],
      );
    }),
    "axes",
  ],
  Transpose: [transpose, "perm"],
  Identity: [(_, step) => changed(step, {})],
  Cast: [cast, "to", "saturate", "round_mode"],
  Dropout: [dropout, "ratio", "seed", "is_test", "consumed_inputs"],
  ...imageSteps,
  "ai.onnx.ml.Scaler": [scaler, "offset", "scale"],
};
