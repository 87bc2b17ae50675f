// The forward passes of networks and tickets as stages: a dense layer, or a pair of layers with hidden units between them.
//
// Since relu(u x) = |u| relu(sgn(u) x), a pruned pair of layers equals one dense layer on [relu(x), relu(-x)], whatever its
// masks. The audit pass of a ticket evaluates every kept hidden unit; the collapsed pass evaluates that dense layer.

import { graphOf } from "../graph/outline.ts";
import { imageOf, type LinearNode, type Window } from "../graph/model.ts";
import {
  denseStage,
  graphStages,
  linearStage,
  unhidden,
  windowGrid,
  type Hidden,
  type LinearStage,
  type Read,
  type StagedNetwork,
} from "../graph/stages.ts";
import type { Activation } from "../network.ts";
import { edgeOf, hiddenWeights, keptLayers, unitOf, type KeptLayer } from "./kept.ts";
import { pairOf, stacksOf, type Stack } from "./levels.ts";
import { skipSlot, slotsOf } from "./scheme.ts";
import { skipped } from "./skips.ts";
import type { GraphTicket } from "./ticket.ts";

export const passes = ["audit", "collapsed"] as const;
/** A way to run a ticket: `audit` evaluates every kept hidden unit, `collapsed` the dense layers that equal them. */
export type Pass = (typeof passes)[number];

/** The pruned network of a ticket as stages. */
export function ticketStages(
  layers: readonly KeptLayer[],
  { quantizer, activationBits, clamp }: Activation,
  pass: Pass,
): StagedNetwork {
  const stages = layers.flatMap((layer, index) => {
    const { kind, rows, shift, slots, columns } = layer;
    if (kind === "hidden") return [];
    if (kind === "direct") return [{ hidden: { ...directHidden(layer), rows, columns }, shift }];
    return [{ hidden: { ...pairHidden(layers[index - 1]!, layer, pass), rows, columns: slots }, shift }];
  });
  return {
    elements: stages[0]!.hidden.columns,
    largest: 2 ** activationBits,
    stages: stages.map(({ hidden, shift }, i) =>
      denseStage(i, hidden, { quantizer, activationBits, clamp, shift, relu: i < stages.length - 1 }),
    ),
  };
}

/** The pruned network of a graph's ticket as stages. */
export function graphTicketStages(ticket: GraphTicket, pass: Pass): StagedNetwork {
  const layers = keptLayers(ticket);
  const { graph } = skipped(graphOf(ticket.target), ticket.scheme.skip);
  const stacks = stacksOf(layers);
  let index = 0;
  return graphStages(graph, (node, read, from) => {
    const stack = stacks[index++]!;
    if (pass === "audit" && stack.levels.length > 0) return levelStages(stack, node, read, from);
    const [hidden, pooled] = pairOf(stack);
    return [linearStage(node, read, from, { ...pairHidden(hidden, pooled, pass), shift: pooled.shift })];
  });
}

/** A window over one point. */
const POINT: Window = { size: [1, 1], stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1] };

/**
 * A layer whose weights are made in depth: a stage for each level, which computes its rows at every point, and one for outputs.
 * The copies of the constant unit are the same at every point and for every input, so that they are weights of the last stage.
 */
function levelStages(stack: Stack<KeptLayer>, node: LinearNode, read: Read, from: number): LinearStage[] {
  const { hidden, levels, pooled } = stack;
  const [channels, height, width] = imageOf(read.shape);
  const units = hiddenWeights(hidden);
  const { activationBits } = read;
  const stages = levels.map((layer, l): LinearStage => {
    const below = (levels[l - 1] ?? hidden).group;
    const weightsOf = (first: number, end: number) => {
      const weights = new Int32Array((end - first) * below);
      const { group, rowStarts, columnIndices, weights: kept } = layer;
      for (let row = first; row < end; row++)
        for (let w = rowStarts[row]!; w < rowStarts[row + 1]!; w++)
          weights[(row - first) * below + columnIndices[w]! - Math.floor(row / group) * below] = kept[w]!;
      return weights;
    };
    const unitsOf = (channel: number) => units.slice(channel * below, (channel + 1) * below);
    return {
      ...(l === 0 ? { group: below, rectify: true, unitsOf, weightsOf } : unhidden(below, weightsOf)),
      kind: "linear",
      name: node.name,
      from: [from],
      grid: windowGrid(POINT, [channels, height, width]),
      channels: channels * (l === 0 ? 1 : below),
      rows: channels * layer.group,
      groups: channels,
      constantBits: undefined,
      epilogue: { activationBits, shift: 0, quantizer: "floor", relu: true, clamp: false },
    };
  });
  const { group, slots, taps, constant, shift } = pooled;
  const perGroup = channels / pooled.groups;
  const columns = (slots - Number(constant)) * group + Number(constant);
  const tapCount = taps ? taps[0] * taps[1] : 1;
  const [composedHidden, composed] = pairOf(stack);
  const composedUnits = hiddenWeights(composedHidden);
  const weightsOf = (first: number, end: number) => {
    const weights = new Int32Array((end - first) * columns);
    for (let row = first; row < end; row++) {
      const start = (row - first) * columns;
      for (let w = pooled.rowStarts[row]!; w < pooled.rowStarts[row + 1]!; w++) {
        const slot = Math.floor(pooled.columnIndices[w]! / group);
        if (constant && slot === slots - 1) continue;
        const channel = (slot % tapCount) * perGroup + Math.floor(slot / tapCount);
        weights[start + channel * group + (pooled.columnIndices[w]! % group)] = pooled.weights[w]!;
      }
      for (let w = composed.rowStarts[row]!; constant && w < composed.rowStarts[row + 1]!; w++) {
        const column = composed.columnIndices[w]!;
        if (Math.floor(column / composed.group) === slots - 1)
          weights[start + columns - 1]! +=
            composed.weights[w]! * Math.max(0, composedUnits[unitOf(composed, row, column)]!);
      }
    }
    return weights;
  };
  const shape = [channels * group, height, width] as const;
  return [
    ...stages,
    linearStage(node, { shape, activationBits }, from, { ...unhidden(columns, weightsOf), shift }),
  ];
}

/** A layer without hidden units. */
function directHidden({ columns, rowStarts, columnIndices, weights: kept }: KeptLayer): Hidden {
  return {
    group: 1,
    rectify: false,
    unitsOf: () => new Int32Array(columns).fill(1),
    weightsOf: (from, to) => {
      const weights = new Int32Array((to - from) * columns);
      for (let row = from; row < to; row++)
        for (let w = rowStarts[row]!; w < rowStarts[row + 1]!; w++)
          weights[(row - from) * columns + columnIndices[w]!] = kept[w]!;
      return weights;
    },
  };
}

/**
 * The hidden units of a pair of layers, and the weights behind them. Of an input, the audit pass has all kept units, moved
 * together and padded with units of 0; the collapsed pass has relu(x) and, for signed inputs, relu(-x), or x itself where units
 * are not rectified. A random skip passes
 * through two more units of the audit pass, x = relu(x) - relu(-x).
 */
function pairHidden(first: KeptLayer, layer: KeptLayer, pass: Pass): Hidden {
  const { inputs, group, slots, groups, constant, taps, rectified, signed, skip } = layer;
  const unitsAndEdges = hiddenWeights(first);
  const hidden = unitsAndEdges.subarray(0, inputs * group);
  const isAudit = pass === "audit";
  const keptUnits = new Int32Array(inputs);
  const partOf = Int32Array.from(hidden, (u, unit) => {
    if (!isAudit) return Number(u < 0 && signed);
    return u === 0 ? 0 : keptUnits[Math.floor(unit / group)]!++;
  });
  const most = keptUnits.reduce((a, b) => Math.max(a, b), 1);
  const parts = isAudit ? most + (skip?.edge ? 2 : 0) : signed ? 2 : 1;
  /** The parts of a random skip: the unit of weight 1, and that of weight -1 if there is one. */
  const edgeParts = skip?.edge ? [isAudit ? most : 0, isAudit ? most + 1 : 1].slice(0, parts) : [];
  const factors = hidden.map((u) => {
    if (isAudit) return Math.abs(Math.sign(u));
    if (!rectified) return u;
    return signed ? Math.abs(u) : Math.max(u, 0);
  });
  const tapCount = taps ? taps[0] * taps[1] : 1;
  const channels = (inputs - Number(constant)) / groups;
  /** The column of a slot in a stage, where the channels of a tap are adjacent. */
  const columnOf = (slot: number) =>
    constant && slot === slots - 1 ? slot : (slot % tapCount) * channels + Math.floor(slot / tapCount);
  return {
    group: parts,
    rectify: rectified,
    unitsOf(channelGroup) {
      if (!isAudit) return Int32Array.from({ length: parts * slots }, (_, i) => (i < slots ? 1 : -1));
      const units = new Int32Array(parts * slots);
      for (const [slot, { input }] of slotsOf(layer, (channelGroup * layer.outputs) / groups).entries())
        for (let unit = input * group; unit < (input + 1) * group; unit++)
          if (hidden[unit] !== 0) units[partOf[unit]! * slots + columnOf(slot)] = hidden[unit]!;
      for (const [i, part] of edgeParts.entries()) units.fill(1 - 2 * i, part * slots, (part + 1) * slots);
      return units;
    },
    weightsOf(from, to) {
      const weights = new Int32Array((to - from) * parts * slots);
      const { rowStarts, columnIndices, weights: kept } = layer;
      for (let row = from; row < to; row++) {
        const start = (row - from) * parts * slots;
        for (let w = rowStarts[row]!; w < rowStarts[row + 1]!; w++) {
          const column = columnIndices[w]!;
          const unit = unitOf(layer, row, column);
          const place = partOf[unit]! * slots + columnOf(Math.floor(column / group));
          if (factors[unit] !== 0) weights[start + place]! += kept[w]! * factors[unit]!;
        }
        for (const [i, part] of edgeParts.entries())
          weights[start + part * slots + columnOf(skipSlot(layer, row)!)]! +=
            (1 - 2 * i) * edgeOf(layer, unitsAndEdges, row);
      }
      return weights;
    },
  };
}
