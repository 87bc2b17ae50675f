// Recognizes the layers in named tensors: matrices called weight or kernel, each perhaps with a bias, scales, zero points, masks,
// and batch normalizations beside them.

import { Described, RequestError } from "../errors.ts";
import { MAX_LAYERS } from "../ticket/scheme.ts";
import { MAX_WEIGHTS, positiveScales, transposed, type GivenLayer, type GivenNetwork } from "./given.ts";
import { notLayers, partOf, refuseForeignNames, type Role } from "./names.ts";
import { EXPORT_AS_ONNX, fold, placeOf, type Place } from "./normalization.ts";
import { orderAsStated, orderByShapes, orderInMetadata, type Link } from "./order.ts";
import { countOf, type Tensor } from "./tensor.ts";
import { quoted } from "./text.ts";

/** The most characters of a name, which bounds the time that comparing names takes. */
const MAX_NAME_LENGTH = 1024;

/** The tensors of one name, by what they are. */
type Parts = { readonly [R in Role]?: Tensor };

interface Matrix extends Link {
  readonly parts: Parts;
  readonly tensor: Tensor;
  /** Whether the tensor has shape [inputs, outputs], y = x K, instead of [outputs, inputs]. */
  readonly isKernel: boolean;
}

/**
 * The network of named tensors. Weights have a row for every output, kernels a column; all are transposed if only then the layers
 * fit together and have their biases. Layers are in the order that shapes and numbers in names decide, or that is stated.
 * @param stated The names of the layers in their order.
 * @param metadata Entries of the file that may state the order.
 * @throws {RequestError} For tensors that are not such layers, for layers that do not fit together, and for an order that nothing
 * decides.
 */
export function networkOfTensors(
  tensors: readonly Tensor[],
  stated?: readonly string[],
  metadata: Readonly<Record<string, unknown>> = {},
): GivenNetwork {
  const long = tensors.find(({ name }) => name.length > MAX_NAME_LENGTH);
  if (long) throw notNamed(long, tensors, `names have at most ${MAX_NAME_LENGTH} characters`);
  refuseForeignNames(tensors);
  const named = partsOfLayers(tensors);
  const normalizations = [...named].filter(([, { mean, variance }]) => mean ?? variance);
  const stems = [...named].filter(([, { mean, variance }]) => !(mean ?? variance));
  checkStems(stems, tensors);
  const read = (swapped: boolean) => {
    const matrices = stems.map(([stem, parts]) => matrixOf(stem, parts, swapped));
    return matrices.every(hasItsRows) ? inOrder(matrices, stated, metadata) : undefined;
  };
  const asNamed = read(false);
  // Without the bias of a rectangular matrix, transposed layers cannot be told from layers in the opposite order.
  const isDecided = stems.some(([, { weight, kernel, bias }]) => {
    const [first, second] = (weight ?? kernel)!.shape;
    return bias && first !== second;
  });
  const swapped = asNamed === undefined && isDecided ? read(true) : undefined;
  const matrices = asNamed ?? swapped;
  if (!matrices)
    throw notLayers(
      "matrices that follow one another, in the order of the numbers in their names",
      tensors,
      "each needs as many inputs as the one before has outputs; the option order states another order",
    );
  const weights = matrices.reduce((sum, { tensor }) => sum + countOf(tensor.name, tensor.shape), 0);
  if (weights > MAX_WEIGHTS) throw new RequestError("weights", `at most ${MAX_WEIGHTS}`, weights);
  const integer = isInteger(matrices, normalizations.length > 0, tensors);
  if (normalizations.length > 2 * stems.length)
    throw notLayers("at most two batch normalizations beside a layer", tensors);
  const places = normalizations.map(([stem, parts]) => placeOf(stem, parts, matrices));
  const twice = places.find(({ layer, isBehind }, i) =>
    places.slice(0, i).some((other) => other.layer === layer && other.isBehind === isBehind),
  );
  if (twice)
    throw new RequestError(
      quoted(matrices[twice.layer]!.name),
      "one batch normalization on each side",
      new Described(twice.note),
      EXPORT_AS_ONNX,
    );
  const layers = matrices.map(layerOf);
  for (const place of places) fold(place, layers);
  return { layers, integer, notes: notesOf(swapped !== undefined, tensors, places, matrices) };
}

/** The tensors of each name; counters and the scales of activations are left out. */
function partsOfLayers(tensors: readonly Tensor[]): Map<string, Parts> {
  const named = new Map<string, Parts>();
  for (const tensor of tensors) {
    const { stem, role } = partOf(tensor.name) ?? {};
    if (role === "counter" || role === "activation") continue;
    const parts = (stem !== undefined && named.get(stem)) || {};
    const isTwice =
      role &&
      (role in parts || (role === "kernel" && "weight" in parts) || (role === "weight" && "kernel" in parts));
    if (stem === undefined || isTwice) throw notNamed(tensor, tensors);
    named.set(stem, { ...parts, [role!]: tensor });
  }
  return named;
}

/** The refusal of a tensor that is no part of a layer; it is listed first. */
function notNamed(tensor: Tensor, tensors: readonly Tensor[], remedy = NAMES): RequestError {
  return notLayers(
    "a weight (two dimensions), and perhaps a bias (one), for every layer",
    [tensor, ...tensors.filter((other) => other !== tensor)],
    remedy,
  );
}

const NAMES = `names such as fc1.weight [outputs, inputs] or fc1.kernel [inputs, outputs], and fc1.bias, are read; rename with Python:
  from safetensors.numpy import load_file, save_file
  names = {"W1": "fc1.weight", "b1": "fc1.bias"}
  save_file({names.get(k, k): v for k, v in load_file("model.safetensors").items()}, "renamed.safetensors")`;

const NORMALIZATION =
  "a weight of one dimension without running_mean and running_var is a layer normalization, which depends on each input";
const CONVOLUTION = `a state dict does not say how convolutions are connected: ${EXPORT_AS_ONNX}`;

/** @throws {RequestError} For parts without a matrix, and for shapes that parts do not have. */
function checkStems(stems: readonly (readonly [string, Parts])[], tensors: readonly Tensor[]): void {
  for (const [, { weight, kernel, bias }] of stems) {
    const matrix = weight ?? kernel;
    const dimensions = matrix?.shape.length ?? 2;
    if (matrix && dimensions !== 2)
      throw notNamed(
        matrix,
        tensors,
        dimensions === 1 ? NORMALIZATION : dimensions > 2 ? CONVOLUTION : NAMES,
      );
    if (bias && bias.shape.length !== 1) throw notNamed(bias, tensors);
  }
  const alone = stems.find(([, { weight, kernel }]) => !(weight ?? kernel));
  if (stems.length === 0 || stems.length > MAX_LAYERS || alone)
    throw notLayers(`1..${MAX_LAYERS} weights, each bias with one of the same name`, tensors);
  for (const [, parts] of stems) checkParts(parts);
}

/** @throws {RequestError} For masks of another shape than what they mask, and for scales beside real numbers. */
function checkParts({ weight, kernel, bias, weightMask, biasMask, scale, zeroPoint }: Parts): void {
  const matrix = (weight ?? kernel)!;
  for (const [mask, masked] of [
    [weightMask, matrix],
    [biasMask, bias],
  ] as const)
    if (mask && mask.shape.join() !== masked?.shape.join())
      throw new RequestError(
        quoted(mask.name),
        `the shape of what it masks, ${masked ? `[${masked.shape.join(", ")}]` : "a bias"}`,
        mask.shape,
      );
  const orphan = [matrix, bias].find(
    (tensor) => tensor?.name.endsWith("_orig") && !(tensor === bias ? biasMask : weightMask),
  );
  if (orphan)
    throw new RequestError(
      quoted(orphan.name),
      "a mask of the same name, such as weight_mask",
      new Described("none"),
      "call torch.nn.utils.prune.remove, or remove_spectral_norm, before saving",
    );
  if (zeroPoint && !scale) throw new RequestError(quoted(zeroPoint.name), "a scale beside it", undefined);
  if (scale && !matrix.integer)
    throw new RequestError(
      quoted(scale.name),
      "integers as the weights beside a scale",
      new Described(`real numbers, ${quoted(matrix.name)}`),
      "save the weights multiplied out, without scales, or as integers with scales",
    );
  if (scale && bias?.integer)
    throw new RequestError(
      quoted(bias.name),
      "real numbers beside weights with scales",
      new Described("integers"),
      "multiply integer biases by their scale, that of the inputs times that of the weights",
    );
}

function matrixOf(stem: string, parts: Parts, swapped: boolean): Matrix {
  const tensor = (parts.weight ?? parts.kernel)!;
  const isKernel = (parts.kernel !== undefined) !== swapped;
  const [first, second] = tensor.shape as readonly [number, number];
  const [rows, columns] = isKernel ? [second, first] : [first, second];
  return { stem, name: tensor.name, tensor, parts, isKernel, rows, columns };
}

/** Whether a bias has a number for each row of its matrix. */
function hasItsRows({ parts: { bias }, rows }: Matrix): boolean {
  return !bias || bias.shape[0] === rows;
}

/** The layers in the order that is stated or that shapes decide; undefined where they do not fit together. */
function inOrder(
  matrices: readonly Matrix[],
  stated: readonly string[] | undefined,
  metadata: Readonly<Record<string, unknown>>,
): Matrix[] | undefined {
  const names = stated ?? (matrices.length > 1 ? orderInMetadata(matrices, metadata) : undefined);
  if (!names) return orderByShapes(matrices);
  const ordered = orderAsStated(matrices, names);
  return ordered.every(({ columns }, l) => l === 0 || columns === ordered[l - 1]!.rows) ? ordered : undefined;
}

/**
 * Whether all numbers are integers without scales.
 * @throws {RequestError} For integers without scales beside real numbers.
 */
function isInteger(matrices: readonly Matrix[], isNormalized: boolean, tensors: readonly Tensor[]): boolean {
  const plain = matrices.filter(({ parts }) => !parts.scale);
  const numbers = plain.flatMap(({ tensor, parts: { bias } }) => (bias ? [tensor, bias] : [tensor]));
  if (numbers.every((tensor) => !tensor.integer)) return false;
  if (numbers.some((tensor) => !tensor.integer) || plain.length < matrices.length || isNormalized)
    throw notLayers(
      "integers only, or real numbers only",
      tensors,
      "integer weights beside real numbers need a scale: name.weight_scale, for the whole matrix or for each output",
    );
  return true;
}

function layerOf({ tensor, parts, isKernel, rows, columns }: Matrix): GivenLayer {
  const { bias, weightMask, biasMask, scale, zeroPoint } = parts;
  const [first, second] = tensor.shape as readonly [number, number];
  const given = weightMask ? masked(tensor, weightMask) : tensor.values();
  const values = isKernel ? transposed(given, first, second) : given;
  const zeros = zeroPoint && perRow(zeroPoint, rows, isKernel);
  const broken = zeros?.findIndex((zero) => !Number.isSafeInteger(zero)) ?? -1;
  if (broken >= 0) throw new RequestError(quoted(zeroPoint!.name), "integers", zeros![broken]);
  const shifted = zeros ? values.map((value, i) => value - zeros[Math.floor(i / columns)]!) : values;
  return {
    name: tensor.name,
    rows,
    columns,
    ...(scale ? positiveScales(shifted, perRow(scale, rows, isKernel)) : { weights: shifted }),
    biases: bias && (biasMask ? masked(bias, biasMask) : bias.values()),
  };
}

/** The numbers of a tensor where its mask is 1, and 0 where that is 0. */
function masked(tensor: Tensor, mask: Tensor): Float64Array {
  const kept = mask.values();
  const wrong = kept.find((value) => value !== 0 && value !== 1);
  if (wrong !== undefined) throw new RequestError(quoted(mask.name), "0 and 1", wrong);
  return tensor.values().map((value, i) => (kept[i] === 1 ? value : 0));
}

/** One number for each output, from as many or from one for all. */
function perRow({ name, shape, values }: Tensor, rows: number, isKernel: boolean): Float64Array {
  const count = countOf(name, shape);
  // A matrix of scales has a row for each output, or a column behind a kernel; 1 elsewhere.
  const isPerRow =
    count === rows && (shape.length === 1 || shape[isKernel ? 1 : 0] === rows) && shape.length <= 2;
  if (count !== 1 && !isPerRow)
    throw new RequestError(
      quoted(name),
      `1 number, or ${rows}, one for each output`,
      shape,
      "scales for groups of inputs or for each input are not read; multiply the weights out",
    );
  const numbers = values();
  return Float64Array.from({ length: rows }, (_, row) => numbers[count === 1 ? 0 : row]!);
}

function notesOf(
  swapped: boolean,
  tensors: readonly Tensor[],
  places: readonly Place[],
  matrices: readonly Matrix[],
): string[] {
  const activation = tensors.find(({ name }) => partOf(name)?.role === "activation");
  return [
    ...(swapped
      ? ["matrices are read with inputs and outputs swapped: only then do they follow one another"]
      : []),
    ...(activation
      ? [
          `${quoted(activation.name)} and others like it are left out: activations are rounded by this network's own bits`,
        ]
      : []),
    ...places.map(({ note, layer, isBehind }) =>
      !isBehind && matrices[layer]!.parts.scale
        ? `${note}; its integers are multiplied by real numbers and rounded`
        : note,
    ),
  ];
}
