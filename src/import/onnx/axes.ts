// The axes of a value that depends on the input. A sample is a list of features in row-major order; the value has one such list
// for each sample. Operators that only rearrange axes change neither.

import { RequestError } from "../../errors.ts";
import { axisOf, permOf, productOf, strided, stridesOf, unsqueezed } from "./fold.ts";
import type { Attributes, Node } from "./model.ts";

interface Axis {
  /** NaN where the model does not fix it. */
  readonly size: number;
  /** Whether it counts samples; otherwise it is an axis of the features. */
  readonly isSample: boolean;
}

export type Axes = readonly Axis[];

/** An error that another reading of the axes may mend: samples lie along an axis where features are expected. */
export class LayoutError extends RequestError {}

/** The most features of a value. */
export const MAX_FEATURES = 2 ** 24;

const ONE: Axis = { size: 1, isSample: false };

/** The number of features of one sample, NaN where it is not known. */
export function widthOf(axes: Axes): number {
  return productOf(axes.filter(({ isSample }) => !isSample).map(({ size }) => size));
}

/**
 * The shape [channels, height, width] of a sample; undefined for a value that is no image: its first axis counts samples, or is
 * of size 1, and three axes are features.
 */
export function imageOf(axes: Axes): readonly [number, number, number] | undefined {
  const [first, ...rest] = axes;
  if (!first || rest.length !== 3 || !(first.isSample || first.size === 1)) return undefined;
  if (rest.some(({ isSample, size }) => isSample && size !== 1)) return undefined;
  const [channels, height, width] = rest.map(({ size }) => size) as [number, number, number];
  return [channels, height, width];
}

/** The axes of an image of another shape. */
export function imageAxes(axes: Axes, image: readonly [number, number, number]): Axes {
  return [axes[0]!, ...image.map((size): Axis => ({ size, isSample: false }))];
}

function samplesOf(axes: Axes): number {
  return productOf(axes.filter(({ isSample }) => isSample).map(({ size }) => size));
}

/** The sizes of axes for a message, with ? for those that are not known. */
export function shown(axes: Axes): string {
  return `[${axes.map(({ size }) => (Number.isNaN(size) ? "?" : size)).join(", ")}]`;
}

/**
 * The numbers of a constant for each feature, as an elementwise operator aligns them: one for all, or one for each.
 * @returns The axes of the result as well. Sizes that were not known may be by now.
 * @throws {RequestError} For a constant that differs between samples, and for one that does not fit.
 */
export function alignedTo(
  node: Node,
  axes: Axes,
  constant: { readonly name: string; readonly shape: readonly number[] },
  values: Float64Array<ArrayBuffer>,
): { axes: Axes; values: Float64Array<ArrayBuffer> } {
  const refusal = (expected: string) =>
    new RequestError(node.what, `${expected} as "${constant.name}"`, constant.shape);
  const differing = () =>
    new LayoutError(node.what, `the same numbers for all samples as "${constant.name}"`, constant.shape);
  const missing = constant.shape.length - axes.length;
  const padded = [...Array.from({ length: Math.max(missing, 0) }, () => ONE), ...axes];
  const shape = [...Array.from({ length: Math.max(-missing, 0) }, () => 1), ...constant.shape];
  const result = padded.map((axis, i): Axis => {
    const size = shape[i]!;
    if (size === 1 || size === axis.size) {
      if (size > 1 && axis.isSample) throw differing();
      return axis;
    }
    if (axis.isSample) throw differing();
    if (!Number.isNaN(axis.size)) throw refusal(`numbers for features of shape ${shown(axes)}`);
    return { ...axis, size };
  });
  if (values.length === 1) return { axes: result, values };
  const strides = stridesOf(shape);
  const features = result.flatMap((axis, i) => (axis.isSample ? [] : [{ size: axis.size, i }]));
  const count = productOf(features.map(({ size }) => size));
  if (Number.isNaN(count))
    throw new RequestError(node.what, "an input whose shape the model states", shown(axes));
  if (count > MAX_FEATURES)
    throw new RequestError(node.what, `at most ${MAX_FEATURES} features`, shown(axes));
  return {
    axes: result,
    values: strided(
      values,
      features.map(({ size }) => size),
      features.map(({ i }) => (shape[i] === 1 ? 0 : strides[i]!)),
    ),
  };
}

/**
 * The axes after Reshape, which must keep every sample whole.
 * @param target Sizes; 0 copies one, and -1 or NaN stands for a size that the others fix.
 */
export function reshapedAxes(node: Node, axes: Axes, target: readonly number[]): Axes {
  const sizes = target.map((size, i) => (size === 0 ? (axes[i]?.size ?? NaN) : size === -1 ? NaN : size));
  // Samples are counted by the first axes, or by the last ones where samples are columns.
  const first = (isOne: (axis: Axis) => boolean) => axes.findIndex((axis) => !axis.isSample && isOne(axis));
  const feature = [first(({ size }) => size !== 1), first(() => true)].find((i) => i >= 0) ?? axes.length;
  const isReversed = feature < axes.findLastIndex(({ isSample, size }) => isSample && size !== 1);
  const ordered = isReversed ? axes.toReversed() : axes;
  const [samples, width] = [samplesOf(axes), widthOf(axes)];
  const last = ordered.findLastIndex(({ isSample, size }) => isSample && size !== 1);
  if (ordered.slice(0, last + 1).some(({ isSample, size }) => !isSample && size !== 1))
    throw notRows(node, axes, target);
  const turned = isReversed ? sizes.toReversed() : sizes;
  for (const split of [...turned.keys()].map((k) => k + 1).concat(0)) {
    const outer = fit(turned.slice(0, split), samples, split > 0);
    const inner = fit(turned.slice(split), width, true);
    if (!outer || !inner) continue;
    const result = [
      ...outer.map((size): Axis => ({ size, isSample: true })),
      ...inner.map((size): Axis => ({ size, isSample: false })),
    ];
    return isReversed ? result.toReversed() : result;
  }
  throw notRows(node, axes, target);
}

function notRows(node: Node, axes: Axes, received: unknown): RequestError {
  return new RequestError(node.what, `rows that stay as they are, of features ${shown(axes)}`, received);
}

/**
 * The sizes whose product is `total`, with at most one unknown size filled in; undefined where they do not fit.
 * @param isOpen Whether an unknown total fits any sizes.
 */
function fit(sizes: readonly number[], total: number, isOpen: boolean): number[] | undefined {
  const unknown = sizes.filter((size) => Number.isNaN(size)).length;
  const known = productOf(sizes.filter((size) => !Number.isNaN(size)));
  if (Number.isNaN(total)) return isOpen && (sizes.length > 0 || unknown > 0) ? [...sizes] : undefined;
  if (unknown === 0) return known === total ? [...sizes] : undefined;
  if (unknown > 1 || total % known !== 0) return undefined;
  return sizes.map((size) => (Number.isNaN(size) ? total / known : size));
}

/** The axes after Flatten. */
export function flattenedAxes(node: Node, axes: Axes, attribute: number): Axes {
  const at = attribute === axes.length ? attribute : axisOf(node, attribute, axes.length);
  return [axes.slice(0, at), axes.slice(at)].map((group): Axis => {
    const size = productOf(group.map((axis) => axis.size));
    const more = group.filter((axis) => axis.size !== 1);
    const isSample = more.some((axis) => axis.isSample);
    if (isSample && more.some((axis) => !axis.isSample)) throw notRows(node, axes, `axis ${attribute}`);
    return { size, isSample };
  });
}

export function squeezedAxes(node: Node, axes: Axes, removed: readonly number[] | undefined): Axes {
  // A size that is not known can only be the number of samples, of which there is then one.
  const wrong = removed?.find(
    (i) => !(axes[i]!.size === 1 || (axes[i]!.isSample && Number.isNaN(axes[i]!.size))),
  );
  if (wrong !== undefined) throw new RequestError(node.what, "axes of size 1", shown(axes));
  return axes.filter((axis, i) => (removed ? !removed.includes(i) : axis.size !== 1));
}

export function unsqueezedAxes(node: Node, axes: Axes, added: readonly number[]): Axes {
  return unsqueezed(node, axes, added, ONE);
}

/** The axes after Transpose, and the place that each feature had before; undefined where features keep their order. */
export function transposedAxes(
  node: Node,
  axes: Axes,
  attributes: Attributes,
): { axes: Axes; order: Int32Array | undefined } {
  const perm = permOf(node, attributes, axes.length);
  const result = perm.map((i) => axes[i]!);
  const isFeature = (i: number) => !axes[i]!.isSample && axes[i]!.size !== 1;
  const features = perm.filter(isFeature);
  if (features.every((axis, i) => i === 0 || axis > features[i - 1]!))
    return { axes: result, order: undefined };
  const sizes = features.map((axis) => axes[axis]!.size);
  const count = productOf(sizes);
  if (!(count <= MAX_FEATURES))
    throw new RequestError(
      node.what,
      `at most ${MAX_FEATURES} features, whose number the model states`,
      shown(axes),
    );
  const before = features.toSorted((a, b) => a - b);
  const strides = stridesOf(before.map((axis) => axes[axis]!.size));
  const places = Float64Array.from({ length: count }, (_, i) => i);
  const moved = strided(
    places,
    sizes,
    features.map((axis) => strides[before.indexOf(axis)]!),
  );
  return { axes: result, order: Int32Array.from(moved) };
}

/** The axes of an operand that a matrix contracts along an axis of `size`, and that axis becomes one of `result` features. */
export function contractedAxes(axes: Axes, at: number, result: number | undefined): Axes {
  const axis = axes[at]!;
  return result === undefined
    ? axes.filter((other) => other !== axis)
    : axes.map((other, i) => (i === at ? { ...other, size: result } : other));
}
