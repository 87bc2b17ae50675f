// The operators on images of shape [samples, channels, height, width]: convolutions and pools.

import { Described, RequestError } from "../../errors.ts";
import { windowOutput, type Window } from "../../graph/model.ts";
import { Affine } from "./affine.ts";
import { imageAxes, imageOf, MAX_FEATURES, shown } from "./axes.ts";
import { axesOf, plain } from "./fold.ts";
import { absorbed, countsPadding, nodeOf, spread, type NodeOrigin, type Origin } from "./origin.ts";
import {
  changed,
  commonType,
  constantAt,
  expectFirst,
  listAt,
  matrixOf,
  refusal,
  type Apply,
  type Step,
  type Walk,
} from "./step.ts";

type Image = readonly [channels: number, height: number, width: number];

/** The most that a window is moved, padded or spread out by. */
const MAX_LENGTH = 2 ** 16;

/** The shape of the image that an operator reads. @throws {RequestError} For a value that is no image of a fixed size. */
function imageAt(step: Step): Image {
  const { axes } = step.activation;
  const image = imageOf(axes);
  if (!image)
    throw refusal(
      step,
      "an input of shape [samples, channels, height, width]",
      shown(axes),
      axes.length === 3 || axes.length === 5
        ? "convolutions and pools of one or three dimensions are not read"
        : undefined,
    );
  if (image.some(Number.isNaN))
    throw refusal(
      step,
      "an image of a fixed size",
      shown(axes),
      "export the model with fixed channels, height and width; only the number of samples may change",
    );
  if (!(image[0] * image[1] * image[2] <= MAX_FEATURES))
    throw refusal(step, `an image of at most ${MAX_FEATURES} numbers`, shown(axes));
  return image;
}

/** Integers of an attribute, `otherwise` where it is absent. */
function listOf(step: Step, name: string, otherwise: readonly number[], least: number): readonly number[] {
  const list = step.attributes.integers(name) ?? otherwise;
  if (list.length !== otherwise.length || !list.every((value) => value >= least && value <= MAX_LENGTH))
    throw refusal(step, `${otherwise.length} integers of ${least}..${MAX_LENGTH} as ${name}`, list);
  return list;
}

/** The window of a node. @throws {RequestError} For a window that does not fit, and where sizes would be rounded up. */
function windowOf(step: Step, size: readonly [number, number], image: Image): Window {
  const { attributes } = step;
  const [stride, dilation] = ["strides", "dilations"].map(
    (name) => listOf(step, name, [1, 1], 1) as readonly [number, number],
  ) as [Window["stride"], Window["dilation"]];
  const extents = size.map((length, axis) => (length - 1) * dilation[axis]! + 1);
  const automatic = attributes.text("auto_pad") || "NOTSET";
  let padding = listOf(step, "pads", [0, 0, 0, 0], 0) as Window["padding"];
  if (automatic === "VALID") padding = [0, 0, 0, 0];
  else if (automatic === "SAME_UPPER" || automatic === "SAME_LOWER") {
    const sums = extents.map((extent, axis) => {
      const length = image[axis + 1]!;
      return Math.max((Math.ceil(length / stride[axis]!) - 1) * stride[axis]! + extent - length, 0);
    });
    const [top, left] = sums.map((sum) =>
      automatic === "SAME_UPPER" ? Math.floor(sum / 2) : Math.ceil(sum / 2),
    ) as [number, number];
    padding = [top, left, sums[0]! - top, sums[1]! - left];
  } else if (automatic !== "NOTSET")
    throw refusal(step, "NOTSET, VALID, SAME_UPPER or SAME_LOWER as auto_pad", automatic);
  const window: Window = { size, stride, dilation, padding };
  if (windowOutput(window, image).some((length) => length < 1))
    throw refusal(step, `a window that fits into an image of ${image[1]} x ${image[2]}`, size);
  const isRoundedUp = extents.some(
    (extent, axis) => (image[axis + 1]! + padding[axis]! + padding[axis + 2]! - extent) % stride[axis]! !== 0,
  );
  if (attributes.integer("ceil_mode", 0) !== 0 && isRoundedUp)
    throw refusal(
      step,
      "ceil_mode 0",
      1,
      "windows that lie partly behind the image are not read: export the pool with ceil_mode=False",
    );
  return window;
}

/** What an operator on images reads. */
interface Before {
  readonly origin: Origin;
  /** The map of each channel from the origin to what is read. */
  readonly channels: Affine;
  /** A node that computes what is read, where the origin can take the map up. */
  readonly taken: Origin | undefined;
}

/** @throws {RequestError} For features that become an image, and for constants that differ between the pixels of a channel. */
function before(walk: Walk, { node, activation }: Step, image: Image): Before {
  const { origin, map, axes } = activation;
  if (origin.kind === "input" && !map.hasMatrix) walk.takeImage(node, image);
  else if (origin.kind === "input" || map.hasMatrix || origin.shape.join() !== image.join())
    throw new RequestError(
      node.what,
      "an image that a convolution or a pool computes, or that is the input",
      shown(axes),
      "features that become an image are not read",
    );
  const channels = map.ofBlocks(image[1] * image[2]);
  if (!channels)
    throw new RequestError(
      node.what,
      "constants before it that are the same for all pixels of a channel",
      new Described("others"),
    );
  return { origin, channels, taken: absorbed(origin, map, false) };
}

function outputShape(step: Step, channels: number, window: Window, image: Image): Image {
  const shape: Image = [channels, ...windowOutput(window, image)];
  const size = shape[0] * shape[1] * shape[2];
  if (!(size <= MAX_FEATURES)) throw refusal(step, `at most ${MAX_FEATURES} outputs`, size);
  return shape;
}

/** A node as an activation. */
function asActivation(step: Step, origin: NodeOrigin, shape: Image, map = Affine.identity()) {
  return changed(step, { axes: imageAxes(step.activation.axes, shape), origin, map });
}

const convolve: Apply = (walk, step) => {
  const { node, attributes, activation } = step;
  expectFirst(step);
  const kernel = constantAt(step, 1);
  const [outputs, perGroup, height, width, ...more] = kernel.shape;
  const image = imageAt(step);
  if (outputs === undefined || perGroup === undefined || !height || !width || more.length > 0)
    throw refusal(step, "weights of shape [outputs, inputs, height, width]", kernel.shape);
  const size = [height, width] as const;
  const stated = attributes.integers("kernel_shape") ?? size;
  if (stated.join() !== size.join()) throw refusal(step, `kernel_shape ${size.join(" x ")}`, stated);
  const groups = attributes.integer("group", 1);
  const [channels] = image;
  if (groups < 1 || perGroup * groups !== channels || outputs % groups !== 0)
    throw refusal(step, `groups that divide ${channels} inputs and ${outputs} outputs`, groups);
  const window = windowOf(step, size, image);
  const shape = outputShape(step, outputs, window, image);
  const taps = height * width;
  const columns = perGroup * taps;
  const type = commonType(step, kernel);
  const matrix = matrixOf(walk, step, kernel, false, [outputs, columns]);
  // Factors and shifts in front go into the layer before, or into the kernel; else they are a layer of their own.
  const { origin, channels: channelMap, taken } = before(walk, step, image);
  const isPadded = window.padding.some((pad) => pad > 0);
  const isFolded = !taken && groups === 1 && !(isPadded && channelMap.hasShifts);
  const factors = isFolded
    ? channelMap.picked(Array.from({ length: columns }, (_, i) => Math.floor(i / taps)))
    : Affine.identity();
  const product = factors.times(matrix);
  if (matrix.integer && !product.integer)
    walk.note(`the integers of "${matrix.name}" are multiplied by real factors`);
  const biases = step.inputs[2] && constantAt(step, 2);
  if (biases && biases.shape.join() !== String(outputs))
    throw refusal(step, `${outputs} biases`, biases.shape);
  const map = biases
    ? product.shifted(plain(node.what, biases, walk.budget), biases.exact && !biases.scales)
    : product;
  const from = taken ?? (isFolded ? origin : walk.flushed(node, activation, false));
  const layer = nodeOf({
    kind: "layer",
    what: node.what,
    from: [from],
    shape,
    relu: false,
    map,
    rows: outputs,
    image: { window, groups },
  });
  return { ...asActivation(step, layer, shape), type };
};

/** The window of a pool, or the whole image. */
type WindowAt = (step: Step, image: Image) => Window;

const stated: WindowAt = (step, image) => {
  const [height, width, ...more] = step.attributes.integers("kernel_shape") ?? [];
  if (!height || !width || height < 1 || width < 1 || more.length > 0)
    throw refusal(step, "height and width as kernel_shape", step.attributes.integers("kernel_shape"));
  const window = windowOf(step, [height, width], image);
  const { padding, size, dilation } = window;
  if (padding.some((pad, side) => pad > (size[side % 2]! - 1) * dilation[side % 2]!))
    throw refusal(step, "pads smaller than the window", padding);
  return window;
};

const whole: WindowAt = (_, [, height, width]) => ({
  size: [height, width],
  stride: [1, 1],
  padding: [0, 0, 0, 0],
  dilation: [1, 1],
});

/** A pool. Factors and shifts before it become the same ones behind it where that changes nothing. */
function pooled(walk: Walk, step: Step, kind: "max-pool" | "average-pool", windowAt: WindowAt) {
  const { node, attributes, activation } = step;
  const image = imageAt(step);
  const window = windowAt(step, image);
  const shape = outputShape(step, image[0], window, image);
  const countPadding = attributes.integer("count_include_pad", 0) !== 0;
  const { origin, taken, ...read } = before(walk, step, image);
  const channels = taken ? Affine.identity() : read.channels;
  const commutes =
    kind === "max-pool"
      ? channels.isIncreasing
      : !(channels.hasShifts && countsPadding({ window, countPadding }));
  const from = [taken ?? (commutes ? origin : walk.flushed(node, activation, false))];
  const common = { what: node.what, from, shape, window, relu: false };
  const pool = kind === "max-pool" ? nodeOf({ kind, ...common }) : nodeOf({ kind, ...common, countPadding });
  return asActivation(step, pool, shape, commutes ? spread(channels, shape) : Affine.identity());
}

const pool =
  (kind: "max-pool" | "average-pool", windowAt: WindowAt): Apply =>
  (walk, step) => {
    expectFirst(step);
    return pooled(walk, step, kind, windowAt);
  };

/** The mean of each channel, as exporters write global pooling. */
const mean: Apply = (walk, step) => {
  const { node, attributes, activation } = step;
  expectFirst(step);
  const axes = axesOf(node, attributes, listAt(walk, step, 1), activation.axes.length) ?? [];
  if (axes.toSorted((a, b) => a - b).join() !== "2,3")
    throw refusal(step, "the mean of height and width, axes 2 and 3", axes);
  const result = pooled(walk, step, "average-pool", whole);
  const isKept = attributes.integer("keepdims", 1) !== 0;
  return isKept ? result : { ...result, axes: result.axes.slice(0, 2) };
};

const window = ["auto_pad", "kernel_shape", "pads", "strides", "dilations"];

/** The operators on images, each with the attributes that are read. */
export const imageSteps: Readonly<Record<string, readonly [Apply, ...string[]]>> = {
  Conv: [convolve, "group", ...window],
  // The order of the indices of the largest numbers, which nothing reads.
  MaxPool: [pool("max-pool", stated), "ceil_mode", "storage_order", ...window],
  AveragePool: [pool("average-pool", stated), "ceil_mode", "count_include_pad", ...window],
  GlobalMaxPool: [pool("max-pool", whole)],
  GlobalAveragePool: [pool("average-pool", whole)],
  ReduceMean: [mean, "axes", "keepdims", "noop_with_empty_axes"],
};
