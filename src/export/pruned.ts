// The pruned network of a ticket as tensors in the shapes of PyTorch: the drawn weights of every random layer with their masks,
// or the sums that make up the layers which equal them.

import { RequestError } from "../errors.ts";
import { isLinear, rangesOf, type DenseNode, type Graph } from "../graph/model.ts";
import { graphOf } from "../graph/outline.ts";
import { MAX_SUM } from "../network.ts";
import { keptLayers, rowSums, unitOf, type KeptLayer } from "../ticket/kept.ts";
import { withoutLevels } from "../ticket/levels.ts";
import { isKept } from "../ticket/mask.ts";
import { drawnWeights, rowLength, weightCount, withMatrices, type RandomLayer } from "../ticket/scheme.ts";
import { skipped } from "../ticket/skips.ts";
import { isGraphTicket, type GraphTicket, type Ticket } from "../ticket/ticket.ts";

/** Numbers of a layer. */
export interface ExportTensor {
  readonly shape: readonly number[];
  readonly values: Int16Array | Int32Array;
  /** 1 for each kept weight and 0 for each other; undefined for sums of kept weights. */
  readonly mask: Uint8Array | undefined;
}

/** A layer with weights of the pruned network. */
export interface ExportLayer {
  /** Hidden units of each input. */
  readonly group: number;
  /** Weights of the target are in units of 2^scaleBits of the sums. */
  readonly scaleBits: number;
  /** What random skips are multiplied by, beside the input. */
  readonly edge: number;
  /**
   * The tensors of a layer by their parts. In the pruned random network these are
   * - `hidden.weight`: [inputs, h] for a dense layer or attention, [channels h, 1, 1, 1] for a convolution
   * - `hidden.constant`: [h], the units of the constant unit; `hidden.skip`: [outputs], random skips
   * - `level<j>.weight`: [rows, fan], or [rows, fan, 1, 1] for a convolution: level j of weights that are made in depth. Rows
   *   that read the same units of the layer before are side by side, and each of these blocks reads `fan` units
   * - `level<j>.constant`: [rows, fan], the rows of the constant unit
   * - `pooled.weight`: [outputs, inputs h], or [outputs, (channels / groups) h, height, width]; [rows, channels h] of attention;
   *   behind levels, h are the rows of an input in the last one
   * - `pooled.constant`: [outputs, h]
   * - `direct.weight`: [outputs, inputs]
   *
   * and in the layers that equal it
   * - `weight`: [outputs, inputs], or [outputs, channels / groups, height, width]; [rows, channels] of attention
   * - `positive.weight` and `negative.weight` instead, where the sums for inputs of both signs differ
   * - `bias`: [outputs]
   */
  readonly tensors: Readonly<Record<string, ExportTensor>>;
}

/** The pruned network. The shifts of its layers are those of the random network. */
export interface ExportNetwork extends Pick<Graph, "input"> {
  readonly nodes: Graph["nodes"];
  /** Whether the last of the inputs is the constant unit, which is not given. */
  readonly constant: boolean;
  readonly seed: bigint;
  readonly collapsed: boolean;
  /** The layers with weights, in the order of the nodes. */
  readonly layers: readonly ExportLayer[];
}

/** The most weights of a random network that is exported: a file with 3 bytes for each stays below 2 GiB. */
const MAX_EXPORTED = 2 ** 29;

/**
 * The pruned network of a ticket.
 * @param collapsed Whether each pair of random layers is replaced by the layer that equals it.
 * @throws {RequestError} Where a sum could exceed 2^53, beyond which float64 does not add exactly, and for a random network of
 * more than 2^29 weights.
 */
export function prunedNetwork(ticket: Ticket | GraphTicket, collapsed: boolean): ExportNetwork {
  const kept = keptLayers(ticket);
  const weights = kept.reduce((sum, layer) => sum + weightCount(layer), 0);
  if (weights > MAX_EXPORTED && !collapsed)
    throw new RequestError("ticket", `a random network of at most ${MAX_EXPORTED} weights`, weights, {
      option: "collapsed",
      value: true,
    });
  const pairs = withoutLevels(kept);
  const network = architectureOf(ticket, pairs);
  const sums = sumsOf(pairs);
  checkSums(network, kept, sums, collapsed);
  const random = drawnWeights(ticket.scheme, ticket.seed);
  const drawn = (index: number): Drawn => {
    const weightAt = random(index);
    const length = weightCount(kept[index]!);
    return {
      values: Int16Array.from({ length }, (_, i) => weightAt(i)),
      mask: Uint8Array.from({ length }, (_, i) => Number(isKept(ticket.masks[index]!, i))),
    };
  };
  const layers = kept.flatMap((layer, index): ExportLayer[] => {
    const { kind, scaleBits, skip, layer: own } = layer;
    if (!isLast(layer)) return [];
    const first = kept.findIndex((other) => other.layer === own);
    const { group } = kept[first]!;
    const tensors = collapsed
      ? summedTensors(layer, sums[own]!)
      : kind === "direct"
        ? directTensors(layer, drawn(index))
        : randomTensors(kept.slice(first, index + 1), (number) => drawn(first + number));
    return [{ group, scaleBits, edge: skip?.edge ?? 0, tensors }];
  });
  const constant = !isGraphTicket(ticket) && ticket.target.constant;
  return { ...network, constant, seed: ticket.seed, collapsed, layers };
}

/** Whether a random layer is the last of those of a layer of the target. */
const isLast = ({ kind }: RandomLayer) => kind === "pooled" || kind === "direct";

/** The nodes of the pruned network, which have no weights. */
function architectureOf(
  ticket: Ticket | GraphTicket,
  kept: readonly KeptLayer[],
): Pick<ExportNetwork, "input" | "nodes"> {
  const layers = kept.filter(isLast);
  if (isGraphTicket(ticket)) {
    const { graph } = skipped(graphOf(ticket.target), ticket.scheme.skip);
    let index = 0;
    return {
      input: graph.input,
      nodes: graph.nodes.map((node) => {
        if (!isLinear(node)) return node;
        return { ...node, epilogue: { ...node.epilogue, shift: layers[index++]!.shift } };
      }),
    };
  }
  const { widths, bits, activationBits, quantizer, clamp, constant } = ticket.target;
  if (constant && widths[0] === 1) throw new RequestError("widths", "inputs beside the constant", 0);
  const input = { shape: [widths[0]!], activationBits, nonnegative: false } as const;
  const nodes = layers.map(({ rows, shift }, l): DenseNode => ({
    kind: "dense",
    name: `dense${l + 1}`,
    from: [l],
    shape: [rows],
    bits,
    weights: new Int32Array(),
    biases: undefined,
    epilogue: { activationBits, shift, quantizer, relu: l < layers.length - 1, clamp },
  }));
  return { input, nodes };
}

/** What kept weights sum up to. */
interface Sums {
  /** For inputs of each sign, shape [rows, columns]: a column for each slot, or for each input of a direct layer. */
  readonly positive: Int32Array;
  readonly negative: Int32Array;
  readonly columns: number;
}

/** The sums of every layer of the target. */
function sumsOf(kept: readonly KeptLayer[]): Sums[] {
  const all = kept.filter(isLast).map((layer): Sums => {
    const columns = layer.kind === "direct" ? layer.columns : layer.slots;
    const empty = () => new Int32Array(layer.rows * columns);
    return { positive: empty(), negative: empty(), columns };
  });
  for (const { layer, row, sums } of rowSums(kept)) {
    const { positive, negative, columns } = all[layer.layer]!;
    if (layer.kind === "direct") {
      for (let w = layer.rowStarts[row]!; w < layer.rowStarts[row + 1]!; w++)
        positive[row * columns + layer.columnIndices[w]!] = layer.weights[w]!;
      continue;
    }
    const large = sums.find((sum) => Math.abs(sum) >= 2 ** 31);
    if (large !== undefined)
      throw new RequestError(`layer ${layer.layer}`, "sums of kept weights within 2^31", large);
    positive.set(sums.subarray(0, columns), row * columns);
    if (layer.signed) negative.set(sums.subarray(columns), row * columns);
    // The constant unit is positive.
    if (layer.constant) negative[(row + 1) * columns - 1] = 0;
  }
  return all;
}

/** @throws {RequestError} Where a sum could exceed 2^53; names the node. */
function checkSums(
  network: Pick<Graph, "input" | "nodes">,
  kept: readonly KeptLayer[],
  sums: readonly Sums[],
  collapsed: boolean,
): void {
  // An input has one sign, so that the larger sum of both bounds what it adds.
  const bounds = sums.map(({ positive, negative }) =>
    positive.map((sum, i) => Math.max(Math.abs(sum), Math.abs(negative[i]!))),
  );
  const ranges = rangesOf(withMatrices(network, bounds));
  if (collapsed) return;
  const magnitudes = magnitudesOf(kept);
  for (const [i, node] of network.nodes.filter(isLinear).entries()) {
    const { largest, activationBits } = ranges[node.from[0]!]!;
    const factor = Math.max(largest, 2 ** activationBits);
    const { most, all } = magnitudes[i]!;
    const sum = node.kind === "bilinear" ? all * factor ** 2 : most * factor;
    if (sum > MAX_SUM)
      throw new RequestError(node.name, `sums of at most ${MAX_SUM}`, sum, {
        option: "collapsed",
        value: true,
      });
  }
}

/** Bounds on what the random layers of a layer multiply an input by: the largest of any row, and the sum of the last rows. */
interface Magnitudes {
  readonly most: number;
  readonly all: number;
}

/** The sums of the magnitudes of what rows keep, for each layer of the target. */
function magnitudesOf(kept: readonly KeptLayer[]): Magnitudes[] {
  const result: Magnitudes[] = [];
  let below: Float64Array | undefined;
  let most = 0;
  for (const layer of kept) {
    const { kind, rows, rowStarts, columnIndices, weights } = layer;
    const sums = new Float64Array(rows);
    for (let row = 0; row < rows; row++)
      for (let w = rowStarts[row]!; w < rowStarts[row + 1]!; w++) {
        const column = columnIndices[w]!;
        const unit = kind === "pooled" ? unitOf(layer, row, column) : column;
        sums[row]! += Math.abs(weights[w]!) * (below?.[unit] ?? 1);
      }
    if (kind === "pooled" && layer.skip?.edge)
      for (let row = 0; row < rows; row++)
        sums[row]! += below![layer.inputs * layer.group + row]! * layer.skip.edge;
    most = sums.reduce((largest, sum) => Math.max(largest, sum), most);
    below = sums;
    if (!isLast(layer)) continue;
    result.push({ most, all: sums.reduce((total, sum) => total + sum, 0) });
    [below, most] = [undefined, 0];
  }
  return result;
}

/** The layer that a pair of random layers equals, or a direct layer of kept weights. */
function summedTensors(layer: RandomLayer, { positive, negative, columns }: Sums): ExportLayer["tensors"] {
  const { rows, constant, signed } = layer;
  const width = columns - Number(constant);
  const weights = (sums: Int32Array): ExportTensor => ({
    shape: weightShape(layer, width, 1),
    values: sums.filter((_, i) => i % columns < width),
    mask: undefined,
  });
  const [first, second] = [weights(positive), weights(negative)];
  const differ = signed && first.values.some((sum, i) => sum !== second.values[i]);
  const bias: ExportTensor = {
    shape: [rows],
    values: positive.filter((_, i) => i % columns === width),
    mask: undefined,
  };
  return {
    ...(differ ? { "positive.weight": first, "negative.weight": second } : { weight: first }),
    ...(constant && { bias }),
  };
}

/** The shape of weights of `width` slots of `units` hidden units each, as PyTorch has it. */
function weightShape({ rows, taps }: RandomLayer, width: number, units: number): readonly number[] {
  return taps ? [rows, (width / (taps[0] * taps[1])) * units, ...taps] : [rows, width * units];
}

/** The drawn weights of a layer and its mask, in the order of the mask. */
type Drawn = Omit<ExportTensor, "shape">;

function directTensors({ rows, columns }: RandomLayer, own: Drawn): ExportLayer["tensors"] {
  return { "direct.weight": part(own, [rows, columns], (i) => i) };
}

/** The random layers of one layer of the target. @param drawnAt The weights of those layers, by their number among them. */
function randomTensors(
  layers: readonly RandomLayer[],
  drawnAt: (number: number) => Drawn,
): ExportLayer["tensors"] {
  const layer = layers.at(-1)!;
  const { rows, inputs, outputs, group: h, slots, taps, constant, skip } = layer;
  const channels = inputs - Number(constant);
  const width = slots - Number(constant);
  const count = taps ? taps[0] * taps[1] : 1;
  const parts: Record<string, ExportTensor> = {};
  for (const [number, below] of layers.slice(0, -1).entries()) {
    const drawn = drawnAt(number);
    const name = number === 0 ? "hidden" : `level${number}`;
    // Every channel has as many weights, and those of the constant unit follow.
    const [own, fan] = [below.group, rowLength(below)];
    const flat = number === 0 ? [channels, own] : [channels * own, fan];
    parts[`${name}.weight`] = part(drawn, taps ? [channels * own, fan, 1, 1] : flat, (i) => i);
    if (constant)
      parts[`${name}.constant`] = part(
        drawn,
        number === 0 ? [own] : [own, fan],
        (i) => channels * own * fan + i,
      );
    if (number === 0 && skip?.edge) parts["hidden.skip"] = part(drawn, [outputs], (o) => inputs * own + o);
  }
  const own = drawnAt(layers.length - 1);
  // The mask has the units of a tap side by side, PyTorch the taps of a unit.
  parts["pooled.weight"] = part(own, weightShape(layer, width, h), (i) => {
    const unit = Math.floor(i / count) % h;
    const input = Math.floor(i / (count * h)) % (width / count);
    const row = Math.floor(i / (width * h));
    return (row * slots + input * count + (i % count)) * h + unit;
  });
  if (constant)
    parts["pooled.constant"] = part(own, [rows, h], (i) => (Math.floor(i / h) * slots + width) * h + (i % h));
  return parts;
}

/** A part of a layer. @param indexOf The index in the mask of each of its weights. */
function part(
  { values, mask }: Drawn,
  shape: readonly number[],
  indexOf: (i: number) => number,
): ExportTensor {
  const length = shape.reduce((product, size) => product * size, 1);
  return {
    shape,
    values: Int16Array.from({ length }, (_, i) => values[indexOf(i)]!),
    mask: Uint8Array.from({ length }, (_, i) => mask![indexOf(i)]!),
  };
}
