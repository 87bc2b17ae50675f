// Random ONNX models with convolutions, pools and sums of two branches.

import {
  FLOAT,
  INT32,
  INT64,
  INT8,
  type AttributeValue,
  type ModelData,
  type NodeData,
  type Numbers,
} from "./onnx.ts";

/** Random numbers that a seed fixes (xorshift32). */
export function randomFrom(seed: number) {
  let state = Math.imul(seed + 1, 0x9e3779b1) >>> 0 || 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
  return {
    below: (count: number) => Math.floor(next() * count),
    real: () => Math.fround(4 * next() - 2),
    positive: () => Math.fround(0.5 + next()),
    integer: (most: number) => Math.floor(next() * (2 * most + 1)) - most,
  };
}

export const sizeOf = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);

/** A value of one sample: [channels, height, width] or [features]. */
interface State {
  readonly name: string;
  readonly shape: readonly number[];
}

class Model {
  readonly nodes: NodeData[] = [];
  readonly initializers: Record<string, Numbers> = {};
  readonly random;
  readonly isReal: boolean;
  /** Values that a sum may read once more. */
  readonly states: State[] = [];
  private count = 0;

  constructor(seed: number, isReal: boolean) {
    this.random = randomFrom(seed);
    this.isReal = isReal;
  }

  node(operator: string, inputs: string[], attributes: Record<string, AttributeValue> = {}): string {
    const output = `v${this.count++}`;
    this.nodes.push({ operator, inputs, outputs: [output], attributes });
    return output;
  }

  of(shape: number[], draw = () => this.number(), type = this.isReal ? FLOAT : INT32): string {
    const name = `c${this.count++}`;
    this.initializers[name] = { type, shape, values: Array.from({ length: sizeOf(shape) }, draw) };
    return name;
  }

  list(...values: number[]): string {
    const name = `c${this.count++}`;
    this.initializers[name] = { type: INT64, shape: [values.length], values };
    return name;
  }

  number(): number {
    return this.isReal ? this.random.real() : this.random.integer(2);
  }

  chance(oneIn: number): boolean {
    return this.random.below(oneIn) === 0;
  }

  /** Weights, of a quarter of the layers of real numbers as integers with scales. */
  weights(shape: number[]): string {
    if (!this.isReal || !this.chance(4)) return this.of(shape);
    const integers = this.of(shape, () => this.random.integer(100), INT8);
    const axis = this.random.below(3) > 0 ? 0 : 1;
    const isSingle = this.chance(2);
    const scaleShape = isSingle ? [] : [shape[axis]!];
    return this.node(
      "DequantizeLinear",
      [
        integers,
        this.of(scaleShape, () => Math.fround(this.random.positive() / 64)),
        this.of(scaleShape, () => this.random.integer(3), INT8),
      ],
      isSingle ? {} : { axis },
    );
  }
}

/** Random window attributes, and the size of the output; undefined where the window does not fit. */
function windowFor(model: Model, [, height, width]: readonly number[], isPool: boolean) {
  const { random } = model;
  const size = [1 + random.below(3), 1 + random.below(3)];
  const attributes: Record<string, AttributeValue> = {};
  const [strides, dilations] = [
    [1 + random.below(2), 1 + random.below(2)],
    [1 + random.below(isPool ? 1 : 2), 1 + random.below(2)],
  ];
  if (!model.chance(3)) attributes["strides"] = strides;
  if (!isPool && !model.chance(2)) attributes["dilations"] = dilations;
  const stride = (attributes["strides"] as number[] | undefined) ?? [1, 1];
  const dilation = (attributes["dilations"] as number[] | undefined) ?? [1, 1];
  const automatic = model.chance(4)
    ? ["VALID", "SAME_UPPER", "SAME_LOWER"][random.below(3)]!
    : model.chance(2)
      ? "NOTSET"
      : "";
  if (automatic) attributes["auto_pad"] = automatic;
  const pads = size.concat(size).map((length) => (isPool ? random.below(length) : random.below(3)));
  const isPadded = !["VALID", "SAME_UPPER", "SAME_LOWER"].includes(automatic) && model.chance(2);
  if (isPadded) attributes["pads"] = pads;
  const outputs = [height!, width!].map((length, axis) => {
    const sum = automatic.startsWith("SAME") ? Infinity : isPadded ? pads[axis]! + pads[axis + 2]! : 0;
    if (sum === Infinity) return Math.ceil(length / stride[axis]!);
    return Math.floor((length + sum - (size[axis]! - 1) * dilation[axis]! - 1) / stride[axis]!) + 1;
  });
  return outputs.every((length) => length >= 1) ? { size, attributes, outputs } : undefined;
}

type Block = (model: Model, state: State) => State;

const conv: Block = (model, state) => {
  const [channels] = state.shape as [number];
  const window = windowFor(model, state.shape, false);
  if (!window) return state;
  const groups = model.chance(3) ? channels : 1;
  const outputs = groups * (1 + model.random.below(groups > 1 ? 2 : 3));
  const inputs = [state.name, model.weights([outputs, channels / groups, ...window.size])];
  if (model.chance(2)) inputs.push(model.of([outputs]));
  return {
    name: model.node("Conv", inputs, {
      ...window.attributes,
      ...(groups > 1 ? { group: groups } : {}),
      ...(model.chance(2) ? { kernel_shape: window.size } : {}),
    }),
    shape: [outputs, ...window.outputs],
  };
};

/** A convolution that fits any image. */
const point: Block = (model, state) => {
  const outputs = 1 + model.random.below(3);
  const kernel = model.weights([outputs, state.shape[0]!, 1, 1]);
  return { name: model.node("Conv", [state.name, kernel]), shape: [outputs, ...state.shape.slice(1)] };
};

const pool: Block = (model, state) => {
  const window = windowFor(model, state.shape, true);
  if (!window) return state;
  const isAverage = model.isReal && model.chance(2);
  return {
    name: model.node(isAverage ? "AveragePool" : "MaxPool", [state.name], {
      kernel_shape: window.size,
      ...window.attributes,
      ...(isAverage ? { count_include_pad: model.random.below(2) } : {}),
    }),
    shape: [state.shape[0]!, ...window.outputs],
  };
};

const relu: Block = (model, state) => {
  const zero = () => model.of([], () => 0);
  const forms = [
    () => model.node("Relu", [state.name]),
    () => model.node("Clip", [state.name, zero()]),
    () => model.node("Max", [state.name, zero()]),
  ];
  return { ...state, name: forms[model.random.below(3)]!() };
};

/** A constant for each channel or feature, or one for all. */
function operandFor(model: Model, { shape }: State): string {
  const rest = shape.slice(1).map(() => 1);
  const shapes = [[shape[0]!, ...rest], [1, shape[0]!, ...rest], [1], []];
  return model.of(shapes[model.random.below(shapes.length)]!);
}

const affine: Block = (model, state) => {
  const operator = ["Add", "Mul", "Sub"][model.random.below(3)]!;
  return { ...state, name: model.node(operator, [state.name, operandFor(model, state)]) };
};

const normalization: Block = (model, state) => {
  if (!model.isReal) return affine(model, state);
  const of = (draw?: () => number) => model.of([state.shape[0]!], draw);
  const scale = of(model.chance(3) ? undefined : model.random.positive);
  const inputs = [state.name, scale, of(), of(), of(model.random.positive)];
  return { ...state, name: model.node("BatchNormalization", inputs, { epsilon: { float: 0.001 } }) };
};

/** The sum with an earlier value of the same shape, or with itself. */
const sum: Block = (model, state) => {
  const others = model.states.filter(({ shape }) => shape.join() === state.shape.join());
  const other = others[model.random.below(others.length)] ?? state;
  const names = model.chance(2) ? [state.name, other.name] : [other.name, state.name];
  return { ...state, name: model.node("Add", names) };
};

/** A residual block of two convolutions that keep the shape. */
const residual: Block = (model, state) => {
  const [channels] = state.shape as [number];
  const same = (from: State) => ({
    ...state,
    name: model.node("Conv", [from.name, model.weights([channels, channels, 3, 3])], { pads: [1, 1, 1, 1] }),
  });
  const inner = same(relu(model, normalization(model, same(state))));
  return relu(model, { ...state, name: model.node("Add", [inner.name, state.name]) });
};

const idle: Block = (model, state) => {
  const forms = [
    () => model.node("Identity", [state.name]),
    () => model.node("Dropout", [state.name]),
    () => model.node("Squeeze", [model.node("Unsqueeze", [state.name, model.list(1)]), model.list(1)]),
  ];
  return { ...state, name: forms[model.random.below(forms.length)]!() };
};

const flatten = (model: Model, given: State): State => {
  // Exporters of networks with channels last change the order before they flatten; others have two transpositions that cancel.
  const turned = (name: string, ...perm: number[]) => model.node("Transpose", [name], { perm });
  const turns = [
    () => given.name,
    () => given.name,
    () => turned(given.name, 0, 2, 3, 1),
    () => turned(turned(given.name, 0, 3, 1, 2), 0, 2, 3, 1),
  ];
  const state = { ...given, name: turns[model.random.below(4)]!() };
  const view = () => {
    const size = model.node("Unsqueeze", [
      model.node("Gather", [model.node("Shape", [state.name]), model.of([], () => 0, INT64)]),
      model.list(0),
    ]);
    return model.node("Reshape", [state.name, model.node("Concat", [size, model.list(-1)], { axis: 0 })]);
  };
  const width = sizeOf(state.shape);
  const forms = [
    () => model.node("Flatten", [state.name], { axis: 1 }),
    () => model.node("Reshape", [state.name, model.list(-1, width)]),
    () => model.node("Reshape", [state.name, model.list(0, -1)]),
    view,
  ];
  return { name: forms[model.random.below(forms.length)]!(), shape: [width] };
};

const whole: Block = (model, state) => {
  const [channels] = state.shape as [number];
  if (!model.isReal || model.chance(3))
    return { name: model.node("GlobalMaxPool", [state.name]), shape: [channels, 1, 1] };
  if (model.chance(2))
    return { name: model.node("GlobalAveragePool", [state.name]), shape: [channels, 1, 1] };
  const keepdims = model.random.below(2);
  const name = model.node("ReduceMean", [state.name], { axes: [-2, -1], keepdims });
  return { name, shape: keepdims ? [channels, 1, 1] : [channels] };
};

const dense: Block = (model, state) => {
  const [width] = state.shape as [number];
  const outputs = model.chance(3) ? width : 1 + model.random.below(4);
  if (model.chance(2))
    return {
      name: model.node("Gemm", [state.name, model.weights([outputs, width]), model.of([outputs])], {
        transB: 1,
      }),
      shape: [outputs],
    };
  return { name: model.node("MatMul", [state.name, model.of([width, outputs])]), shape: [outputs] };
};

const imageBlocks = { conv, pool, relu, affine, normalization, sum, residual, idle };
const featureBlocks = { dense, relu, affine, sum, idle };
export type BlockName = keyof typeof imageBlocks | keyof typeof featureBlocks;

/** A model, and the shape of an input. */
export interface ImageModel {
  readonly model: ModelData;
  readonly shape: readonly number[];
}

export const blockNames = Object.keys({ ...imageBlocks, ...featureBlocks }) as BlockName[];

/** A model of blocks on images, then blocks on features. */
export function imageModel(seed: number, names: readonly BlockName[], isReal: boolean): ImageModel {
  const model = new Model(seed, isReal);
  const { random } = model;
  const image = [1 + random.below(3), 2 + random.below(5), 2 + random.below(5)];
  const isFlat = model.chance(5);
  let state: State = { name: "x", shape: image };
  if (isFlat) state = { name: model.node("Reshape", ["x", model.list(-1, ...image)]), shape: image };
  else model.states.push(state);
  const half = Math.ceil(names.length * 0.7);
  const run = (block: Block) => {
    const next = block(model, state);
    // What only rearranges a value does not fix its shape yet.
    if (next !== state && block !== idle) model.states.push(next);
    state = next;
  };
  for (const name of names.slice(0, half))
    if (name in imageBlocks) run(imageBlocks[name as keyof typeof imageBlocks]);
  run(point);
  if (model.chance(3)) run(whole);
  if (model.chance(6) || state.shape.length === 1) {
    // The output is an image, or flat already.
  } else {
    // Only a matrix takes up another order.
    state = dense(model, flatten(model, state));
  }
  if (state.shape.length === 1) {
    for (const name of names.slice(half))
      if (name in featureBlocks) run(featureBlocks[name as keyof typeof featureBlocks]);
    run(dense);
  }
  const { nodes, initializers } = model;
  return {
    model: {
      version: 13,
      input: "x",
      inputType: isReal ? FLOAT : INT32,
      inputShape: ["N", ...(isFlat ? [sizeOf(image)] : image)],
      nodes,
      initializers,
      outputs: [state.name],
    },
    shape: isFlat ? [sizeOf(image)] : image,
  };
}
