// Batch normalizations in inference, y = (x - mean) / sqrt(variance + eps) * weight + bias, folded into the layer beside them.

import { Described, RequestError } from "../errors.ts";
import { positiveScales, realWeights, type GivenLayer } from "./given.ts";
import type { Role } from "./names.ts";
import type { Link } from "./order.ts";
import type { Tensor } from "./tensor.ts";
import { quoted } from "./text.ts";

/** What PyTorch adds to variances by default; files of weights do not hold it. */
const EPSILON = 1e-5;

export const EXPORT_AS_ONNX = "export the model as ONNX, which holds the order of its operations";

/** A batch normalization and the layer that takes it up. */
export interface Place {
  /** y = factor x + shift in each unit. */
  readonly factors: Float64Array;
  readonly shifts: Float64Array;
  readonly layer: number;
  /** Whether it works on the outputs of the layer, before the ReLU, or on its inputs. */
  readonly isBehind: boolean;
  readonly note: string;
}

/**
 * Finds the layer beside a batch normalization. Where names differ in a number at their end only, it is directly behind the layer
 * whose number is smaller by 1, or else directly in front of the one whose number is larger by 1. Otherwise it is directly behind
 * the layer with the same numbers, of the same module if there is one; or beside the only layer of its length.
 * @param layers In their order.
 * @throws {RequestError} For a normalization whose place its name does not tell, and for one without its parts.
 */
export function placeOf(
  stem: string,
  parts: { readonly [R in Role]?: Tensor },
  layers: readonly Link[],
): Place {
  const { mean, variance, weight, bias } = parts;
  const what = quoted((mean ?? variance)!.name);
  const [width] = (mean ?? variance)!.shape;
  const all = [mean, variance, weight, bias];
  if (
    !mean ||
    !variance ||
    all.some((tensor) => tensor && (tensor.shape.length !== 1 || tensor.shape[0] !== width))
  )
    throw new RequestError(
      what,
      "running_mean and running_var, and perhaps weight and bias, of one length",
      new Described(
        all
          .flatMap((tensor) => (tensor ? [`${quoted(tensor.name)} [${tensor.shape.join(", ")}]`] : []))
          .join(", "),
      ),
    );
  const sides = sidesOf(stem, width!, layers);
  const place = sides.length === 1 ? sides[0] : undefined;
  if (!place)
    throw new RequestError(
      what,
      `a layer of ${width} units beside it, which names tell`,
      new Described(
        sides.length === 0
          ? "none"
          : sides.map(({ layer, isBehind }) => sideOf(isBehind, layers[layer]!)).join(" or "),
      ),
      EXPORT_AS_ONNX,
    );
  const [means, variances, weights, biases] = all.map((tensor) => tensor?.values());
  const wrong = variances!.find((value) => !(value >= 0 && value < Infinity));
  if (wrong !== undefined) throw new RequestError(quoted(variance.name), "numbers of 0 or more", wrong);
  const factors = variances!.map((value, i) => (weights?.[i] ?? 1) / Math.sqrt(value + EPSILON));
  const shifts = factors.map((factor, i) => (biases?.[i] ?? 0) - means![i]! * factor);
  const side = sideOf(place.isBehind, layers[place.layer]!);
  const where = place.isBehind && place.layer < layers.length - 1 ? `${side}, before the ReLU` : side;
  return {
    ...place,
    factors,
    shifts,
    note: `batch normalization ${quoted(stem)} is folded in, as one ${where}, with eps ${EPSILON}`,
  };
}

function sideOf(isBehind: boolean, { name }: Link): string {
  return `directly ${isBehind ? "behind" : "in front of"} ${quoted(name)}`;
}

type Side = Pick<Place, "layer" | "isBehind">;

const behind = (layer: number): Side => ({ layer, isBehind: true });
const inFront = (layer: number): Side => ({ layer, isBehind: false });

/** The places of a normalization of `width` units that names and lengths admit. */
function sidesOf(stem: string, width: number, layers: readonly Link[]): Side[] {
  const fits = ({ layer, isBehind }: Side) => layers[layer]![isBehind ? "rows" : "columns"] === width;
  const steps = layers.map((layer) => stepsBetween(layer.stem, stem));
  // Between numbers of a Sequential that do not follow one another there may be a ReLU.
  if (steps.some((step) => step !== undefined))
    return [
      ...steps.flatMap((step, l) => (step === 1 ? [behind(l)] : [])),
      ...steps.flatMap((step, l) => (step === -1 && !steps.includes(1) ? [inFront(l)] : [])),
    ].filter(fits);
  const indices = layers.map((_, l) => l);
  for (const isBeside of [isInSameModule, hasSameNumbers]) {
    const beside = indices.filter((l) => isBeside(stem, layers[l]!.stem));
    if (beside.length === 1) return [behind(beside[0]!), inFront(beside[0]!)].filter(fits).slice(0, 1);
  }
  return [...indices.map(behind), inFront(0)].filter(fits);
}

/** The number of `b` less that of `a`, for names that differ only in the number at their end. */
function stepsBetween(a: string, b: string): number | undefined {
  const [left, right] = [/^(.*?)(\d+)$/s.exec(a), /^(.*?)(\d+)$/s.exec(b)];
  return left && right && left[1] === right[1] ? Number(right[2]) - Number(left[2]) : undefined;
}

/** Whether two names are of one module and have the same numbers, as `block.fc1` and `block.bn1` do. */
function isInSameModule(a: string, b: string): boolean {
  return moduleOf(a) === moduleOf(b) && hasSameNumbers(a, b);
}

const moduleOf = (name: string) => name.replace(/[^./]*$/, "");

function hasSameNumbers(a: string, b: string): boolean {
  return numbersOf(a) === numbersOf(b);
}

const numbersOf = (name: string) => name.match(/\d+/g)?.map(Number).join();

/** Folds a normalization into its layer. */
export function fold({ factors, shifts, layer: l, isBehind }: Place, layers: GivenLayer[]): void {
  const layer = layers[l]!;
  layers[l] = isBehind ? foldBehind(layer, factors, shifts) : foldInFront(layer, factors, shifts);
}

/** The layer whose row r is multiplied by factors[r]; integers with scales stay integers. */
function foldBehind(layer: GivenLayer, factors: Float64Array, shifts: Float64Array): GivenLayer {
  const { columns, weights, scales, biases } = layer;
  return {
    ...layer,
    ...(scales
      ? positiveScales(
          weights,
          scales.map((scale, row) => scale * factors[row]!),
        )
      : { weights: weights.map((weight, i) => weight * factors[Math.floor(i / columns)]!) }),
    biases: shifts.map((shift, row) => (biases?.[row] ?? 0) * factors[row]! + shift),
  };
}

/** The layer on inputs that are multiplied by a factor each and shifted: its weights are real numbers. */
function foldInFront(layer: GivenLayer, factors: Float64Array, shifts: Float64Array): GivenLayer {
  const { rows, columns, biases } = layer;
  const weights = realWeights(layer);
  return {
    ...layer,
    weights: weights.map((weight, i) => weight * factors[i % columns]!),
    scales: undefined,
    biases: Float64Array.from({ length: rows }, (_, row) =>
      shifts.reduce((sum, shift, c) => sum + weights[row * columns + c]! * shift, biases?.[row] ?? 0),
    ),
  };
}
