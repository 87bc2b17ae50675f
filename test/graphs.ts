// Random graphs as JSON, and an interpreter of that JSON that shares no code with the project: nested lists of BigInts, and
// convolutions that scatter each input to the outputs that it reaches.

/** An integer of 0..range - 1, from a generator of its own for each seed (xorshift32). */
export function generator(seed: number): (range: number) => number {
  let state = Math.imul(seed + 1, 0x9e3779b1) >>> 0 || 1;
  return (range) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % range;
  };
}

type Random = (range: number) => number;
type Nested = number | Nested[];

/** A node of the JSON form. */
export interface NodeJson {
  kind: "dense" | "conv" | "bilinear" | "product" | "max-pool" | "average-pool" | "flatten" | "add";
  name: string;
  from: string[];
  bits?: number;
  activationBits?: number | "exact";
  quantizer?: string;
  relu?: boolean;
  clamp?: boolean;
  weights?: Nested;
  biases?: number[];
  queries?: number[][];
  keys?: number[][];
  first?: number[][];
  second?: number[][];
  size?: number[];
  stride?: number[];
  padding?: number[];
  dilation?: number[];
  groups?: number;
  countPadding?: boolean;
}

/** A graph in its JSON form, every field stated. */
export interface GraphJson {
  input: { shape: number[]; activationBits: number; nonnegative: boolean };
  nodes: NodeJson[];
}

const QUANTIZERS = ["floor", "truncate", "nearest", "away"];

/** What a random graph may have. */
export interface GraphLimits {
  /** The most bits of a weight. Default 3. */
  readonly bits?: number;
  /** The most channels, and the longest side of an image. Defaults 3 and 6. */
  readonly channels?: number;
  readonly side?: number;
  /** Whether graphs have attention logits and products of two matrices, where what they read allows it. Default false. */
  readonly attention?: boolean;
}

/** A random graph: 1 to 6 nodes of all kinds, with strides, padding, dilation, groups, skips and precisions of their own. */
export function randomGraph(random: Random, limits: GraphLimits = {}): GraphJson {
  const { bits: mostBits = 3, channels: mostChannels = 3, side = 6, attention = false } = limits;
  const between = (low: number, high: number) => low + random(high - low + 1);
  const isFlat = random(5) === 0;
  const inputShape = isFlat
    ? [between(1, 5)]
    : [between(1, mostChannels), between(1, side), between(1, side)];
  const input = { shape: inputShape, activationBits: between(0, 4), nonnegative: random(2) === 0 };
  const nodes: NodeJson[] = [];
  const values = [{ name: "input", shape: inputShape, bits: input.activationBits }];
  const nested = (lengths: number[], bits: number): Nested =>
    lengths.length === 0
      ? between(-(2 ** bits), 2 ** bits)
      : Array.from({ length: lengths[0]! }, () => nested(lengths.slice(1), bits));
  const rounding = (unitBits: number) => {
    const asked = random(4) === 0 && unitBits <= 12 ? ("exact" as const) : between(0, 5);
    return {
      epilogue: {
        activationBits: asked,
        quantizer: QUANTIZERS[random(4)]!,
        relu: random(3) > 0,
        clamp: random(3) === 0,
      },
      bits: asked === "exact" ? unitBits : asked,
    };
  };
  const count = between(1, 6);
  for (let i = 0; i < count; i++) {
    const read = values.at(-1)!;
    const name = `node${i}`;
    const isImage = read.shape.length === 3;
    const twin = values.find(
      (value) => value !== read && value.shape.join() === read.shape.join() && value.name !== "input",
    );
    const push = (
      node: Omit<NodeJson, "name" | "from">,
      shape: number[],
      bits: number,
      from = [read.name],
    ) => {
      nodes.push({ name, from, ...node });
      values.push({ name, shape, bits });
    };
    const skip = twin ?? values.find((value) => value !== read && value.shape.join() === read.shape.join());
    if (skip && random(2) === 0) {
      const { epilogue, bits } = rounding(Math.max(read.bits, skip.bits));
      push({ kind: "add", ...epilogue }, read.shape, bits, [read.name, skip.name]);
    } else if (attention && random(3) > 0) {
      const [channels, ...sides] = read.shape as [number, ...number[]];
      const isLogits = isImage && random(2) === 0;
      const bits = between(0, Math.min(mostBits, 10));
      const [inner, outputs] = [between(1, 3), isLogits ? sides.reduce((a, b) => a * b) : between(1, 4)];
      const { epilogue, bits: unit } = rounding(2 * bits + (isLogits ? 2 : 1) * read.bits);
      const matrix = (rows: number, columns: number) => nested([rows, columns], bits) as number[][];
      push(
        isLogits
          ? {
              kind: "bilinear",
              bits,
              ...epilogue,
              queries: matrix(channels, inner),
              keys: matrix(channels, inner),
            }
          : {
              kind: "product",
              bits,
              ...epilogue,
              first: matrix(channels, inner),
              second: matrix(inner, outputs),
            },
        [outputs, ...sides],
        unit,
      );
    } else if (!isImage) {
      const bits = between(0, mostBits);
      const outputs = random(3) === 0 ? read.shape[0]! : between(1, 4);
      const { epilogue, bits: unit } = rounding(bits + read.bits);
      const biases = random(2) === 0 ? (nested([outputs], bits) as number[]) : undefined;
      push(
        {
          kind: "dense",
          bits,
          ...epilogue,
          weights: nested([outputs, read.shape[0]!], bits),
          ...(biases && { biases }),
        },
        [outputs],
        unit,
      );
    } else if (random(6) === 0) push({ kind: "flatten" }, [read.shape.reduce((a, b) => a * b)], read.bits);
    else {
      const [channels, height, width] = read.shape as [number, number, number];
      const isPool = random(3) === 0;
      const isDense = random(3) === 0;
      const sized = (length: number) => Math.min(length, between(1, 3));
      const size = isDense && !isPool ? [3, 3] : [sized(height), sized(width)];
      const stride = isDense ? [1, 1] : [between(1, 2), between(1, 2)];
      const dilation = isPool || random(3) > 0 ? [1, 1] : [between(1, 2), between(1, 2)];
      const pad = (axis: number) => (isPool ? Math.min(1, size[axis]! - 1) : random(3));
      const padding = isDense && !isPool ? [1, 1, 1, 1] : [pad(0), pad(1), pad(0), pad(1)];
      const along = (length: number, axis: number) =>
        Math.floor(
          (length + padding[axis]! + padding[axis + 2]! - dilation[axis]! * (size[axis]! - 1) - 1) /
            stride[axis]!,
        ) + 1;
      const outputSize = [along(height, 0), along(width, 1)];
      if (outputSize.some((length) => length < 1)) {
        push({ kind: "flatten" }, [channels * height * width], read.bits);
        continue;
      }
      const window = { stride, padding, dilation };
      if (isPool && random(2) === 0) {
        push({ kind: "max-pool", size, ...window }, [channels, ...outputSize], read.bits);
        continue;
      }
      if (isPool) {
        const { epilogue, bits } = rounding(read.bits);
        push(
          { kind: "average-pool", size, ...window, countPadding: random(2) === 0, ...epilogue },
          [channels, ...outputSize],
          bits,
        );
        continue;
      }
      const groups = channels > 1 && random(3) === 0 ? channels : 1;
      const outputs = isDense ? channels : groups * between(1, 2);
      const bits = between(0, mostBits);
      const { epilogue, bits: unit } = rounding(bits + read.bits);
      const biases = random(2) === 0 ? (nested([outputs], bits) as number[]) : undefined;
      push(
        {
          kind: "conv",
          bits,
          ...epilogue,
          ...window,
          groups,
          weights: nested([outputs, channels / groups, ...size], bits),
          ...(biases && { biases }),
        },
        [outputs, ...outputSize],
        unit,
      );
    }
  }
  // Values that nothing reads are refused, so that only what the last node depends on stays.
  const used = new Set([nodes.at(-1)!.name]);
  for (const node of nodes.toReversed()) if (used.has(node.name)) node.from.forEach((read) => used.add(read));
  return { input, nodes: nodes.filter(({ name }) => used.has(name)) };
}

/** A random input of a graph, row by row. */
export function randomInput(random: Random, { input }: GraphJson): number[] {
  const most = 2 ** input.activationBits;
  return Array.from({ length: input.shape.reduce((a, b) => a * b) }, () =>
    input.nonnegative ? random(most + 1) : random(2 * most + 1) - most,
  );
}

/** The quotient of integers, rounded. */
function divided(quantizer: string, numerator: bigint, denominator: bigint): bigint {
  const magnitude = numerator < 0n ? -numerator : numerator;
  const sign = numerator < 0n ? -1n : 1n;
  const rest = magnitude % denominator;
  const truncated = magnitude / denominator;
  if (quantizer === "truncate" || rest === 0n) return sign * truncated;
  if (quantizer === "away") return sign * (truncated + 1n);
  if (quantizer === "floor") return sign < 0n ? -truncated - 1n : truncated;
  return sign * (2n * rest >= denominator ? truncated + 1n : truncated);
}

type Image = bigint[][][];
interface Value {
  image: Image;
  bits: number;
}

/** The outputs of a graph for one input, row by row. */
export function oracleGraph({ input, nodes }: GraphJson, given: readonly number[]): number[] {
  const [channels, height, width] = input.shape.length === 3 ? input.shape : [input.shape[0]!, 1, 1];
  const image = fill(channels!, height!, width!, (c, y, x) => BigInt(given[(c * height! + y) * width! + x]!));
  const values = new Map<string, Value>([["input", { image, bits: input.activationBits }]]);
  for (const node of nodes)
    values.set(
      node.name,
      oracleNode(
        node,
        node.from.map((name) => values.get(name)!),
      ),
    );
  return values.get(nodes.at(-1)!.name)!.image.flat(2).map(Number);
}

function fill(c: number, h: number, w: number, at: (c: number, y: number, x: number) => bigint): Image {
  return Array.from({ length: c }, (_, i) =>
    Array.from({ length: h }, (_, y) => Array.from({ length: w }, (_, x) => at(i, y, x))),
  );
}

function oracleNode(node: NodeJson, reads: readonly Value[]): Value {
  const [{ image, bits }] = reads as [Value];
  const finish = (sums: Image, unitBits: number, counts?: Image): Value => {
    const outputBits = node.activationBits === "exact" ? unitBits : node.activationBits!;
    const up = 2n ** BigInt(Math.max(outputBits - unitBits, 0));
    const down = 2n ** BigInt(Math.max(unitBits - outputBits, 0));
    const unit = 2n ** BigInt(outputBits);
    const one = (sum: bigint, count: bigint) => {
      let output = divided(node.quantizer!, sum * up, down * count);
      if (node.relu && output < 0n) output = 0n;
      if (node.clamp && output > unit) output = unit;
      if (node.clamp && output < -unit) output = -unit;
      return output;
    };
    return {
      image: sums.map((plane, c) =>
        plane.map((line, y) => line.map((sum, x) => one(sum, counts?.[c]![y]![x] ?? 1n))),
      ),
      bits: outputBits,
    };
  };
  const size = node.size ?? [0, 0];
  const [strideY, strideX] = node.stride ?? [1, 1];
  const [top, left, bottom, right] = node.padding ?? [0, 0, 0, 0];
  const [dilationY, dilationX] = node.dilation ?? [1, 1];
  const [inputHeight, inputWidth] = [image[0]!.length, image[0]![0]!.length];
  const lengthOf = (length: number, pads: number, window: number, dilation: number, stride: number) =>
    Math.floor((length + pads - (window - 1) * dilation - 1) / stride) + 1;
  /** Every place of the image with every tap that brings it to an output. */
  const scatter = (
    window: number[],
    visit: (y: number, x: number, a: number, b: number, outY: number, outX: number) => void,
  ): [number, number] => {
    const outHeight = lengthOf(inputHeight, top! + bottom!, window[0]!, dilationY!, strideY!);
    const outWidth = lengthOf(inputWidth, left! + right!, window[1]!, dilationX!, strideX!);
    for (let y = 0; y < inputHeight; y++)
      for (let x = 0; x < inputWidth; x++)
        for (let a = 0; a < window[0]!; a++)
          for (let b = 0; b < window[1]!; b++) {
            const outY = (y + top! - a * dilationY!) / strideY!;
            const outX = (x + left! - b * dilationX!) / strideX!;
            if (Number.isInteger(outY) && Number.isInteger(outX) && outY >= 0 && outX >= 0)
              if (outY < outHeight && outX < outWidth) visit(y, x, a, b, outY, outX);
          }
    return [outHeight, outWidth];
  };
  switch (node.kind) {
    case "flatten":
      return { image: image.flat(2).map((value) => [[value]]), bits };
    case "add": {
      const finest = Math.max(...reads.map((read) => read.bits));
      const scaled = reads.map((read) => 2n ** BigInt(finest - read.bits));
      return finish(
        image.map((plane, c) =>
          plane.map((line, y) =>
            line.map((value, x) => value * scaled[0]! + reads[1]!.image[c]![y]![x]! * scaled[1]!),
          ),
        ),
        finest,
      );
    }
    case "dense": {
      const rows = node.weights as number[][];
      const sums = rows.map((row, o) => {
        const bias = BigInt(node.biases?.[o] ?? 0) * 2n ** BigInt(bits);
        return [[row.reduce((sum, weight, i) => sum + BigInt(weight) * image[i]![0]![0]!, bias)]];
      });
      return finish(sums, bits + node.bits!);
    }
    case "product": {
      // First the inner numbers, then the outputs, as the two matrices stand.
      const [first, second] = [node.first!, node.second!];
      const inner = second.map((_, c) =>
        image[0]!.map((line, y) =>
          line.map((_, x) =>
            image.reduce((sum, plane, a) => sum + BigInt(first[a]![c]!) * plane[y]![x]!, 0n),
          ),
        ),
      );
      const sums = second[0]!.map((_, o) =>
        image[0]!.map((line, y) =>
          line.map((_, x) =>
            inner.reduce((sum, plane, c) => sum + BigInt(second[c]![o]!) * plane[y]![x]!, 0n),
          ),
        ),
      );
      return finish(sums, bits + 2 * node.bits!);
    }
    case "bilinear": {
      const tokens = image[0]!.flatMap((line, y) => line.map((_, x) => image.map((plane) => plane[y]![x]!)));
      const through = (matrix: number[][], token: bigint[]) =>
        matrix[0]!.map((_, c) => token.reduce((sum, value, a) => sum + BigInt(matrix[a]![c]!) * value, 0n));
      const queries = tokens.map((token) => through(node.queries!, token));
      const keys = tokens.map((token) => through(node.keys!, token));
      const sums = keys.map((key) =>
        image[0]!.map((line, y) =>
          line.map((_, x) =>
            key.reduce((sum, value, c) => sum + value * queries[y * line.length + x]![c]!, 0n),
          ),
        ),
      );
      return finish(sums, 2 * node.bits! + 2 * bits);
    }
    case "conv": {
      const kernels = node.weights as number[][][][];
      const window = [kernels[0]![0]!.length, kernels[0]![0]![0]!.length];
      const [outHeight, outWidth] = scatter(window, () => {});
      const sums = fill(
        kernels.length,
        outHeight,
        outWidth,
        (o) => BigInt(node.biases?.[o] ?? 0) * 2n ** BigInt(bits),
      );
      const [perGroup, outputsPerGroup] = [kernels[0]!.length, kernels.length / node.groups!];
      scatter(window, (y, x, a, b, outY, outX) => {
        for (let o = 0; o < kernels.length; o++)
          for (let i = 0; i < perGroup; i++)
            sums[o]![outY]![outX]! +=
              BigInt(kernels[o]![i]![a]![b]!) *
              image[Math.floor(o / outputsPerGroup) * perGroup + i]![y]![x]!;
      });
      return finish(sums, bits + node.bits!);
    }
    default: {
      const [outHeight, outWidth] = scatter(size, () => {});
      const found: bigint[][][][] = image.map(() =>
        Array.from({ length: outHeight }, () => Array.from({ length: outWidth }, () => [])),
      );
      scatter(size, (y, x, _a, _b, outY, outX) => {
        image.forEach((plane, c) => found[c]![outY]![outX]!.push(plane[y]![x]!));
      });
      const each = (value: (list: bigint[]) => bigint): Image =>
        found.map((plane) => plane.map((line) => line.map(value)));
      if (node.kind === "max-pool")
        return { image: each((list) => list.reduce((a, b) => (a > b ? a : b))), bits };
      const whole = BigInt(size[0]! * size[1]!);
      return finish(
        each((list) => list.reduce((a, b) => a + b, 0n)),
        bits,
        each((list) => (node.countPadding ? whole : BigInt(list.length))),
      );
    }
  }
}
