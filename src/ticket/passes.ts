// Forward passes as stages, each a call of kernel `forward`: a layer, or a pair of layers with hidden units between them.
//
// For every mask, relu(u x) = |u| relu(sgn(u) x) makes a pruned pair equal to one dense layer on [relu(x), relu(-x)]. The
// audit pass of a ticket evaluates every hidden unit of the pruned network, the collapsed pass that layer.

import type { Network } from "../network.ts";
import { drawnWeights, layersOf, type RandomLayer, type RandomWeights } from "./scheme.ts";
import type { Ticket } from "./ticket.ts";

export const passes = ["audit", "collapsed"] as const;
export type Pass = (typeof passes)[number];

export interface Stage {
  /** Numbers of an input, hidden units of each, and outputs. */
  readonly columns: number;
  readonly group: number;
  readonly rows: number;
  /** Whether hidden units are rectified. */
  readonly rectify: boolean;
  /** Bits that the quantizer takes off sums. */
  readonly shift: number;
  /** Hidden unit q of column c is at q * columns + c. */
  readonly units: Int32Array<ArrayBuffer>;
  /** Row by row, the weights of outputs `from` to `to` to all hidden units. */
  readonly weightsOf: (from: number, to: number) => Int32Array<ArrayBuffer>;
}

/** The layers of a network as stages. */
export function networkStages({ layers }: Pick<Network, "layers">): Stage[] {
  return layers.map(({ rows, columns, shift, weights }) => ({
    ...dense(columns),
    rows,
    shift,
    weightsOf: (from, to) => weights.slice(from * columns, to * columns),
  }));
}

/** The pruned network of a ticket as stages. Weights are drawn as they are asked for. */
export function ticketStages({ scheme, seed, target, masks }: Ticket, pass: Pass): Stage[] {
  const layers = layersOf(target.widths, target.bits, scheme);
  return maskedStages(layers, drawnWeights(scheme, seed), masks, pass);
}

/** The same for masks over any random network. */
export function maskedStages(
  layers: readonly RandomLayer[],
  random: RandomWeights,
  masks: Ticket["masks"],
  pass: Pass,
): Stage[] {
  return layers.flatMap((layer, index): Stage[] => {
    if (layer.kind === "hidden") return [];
    const { rows, columns, shift } = layer;
    const { slots, factors, ...inputs } =
      layer.kind === "direct"
        ? direct(columns)
        : (pass === "audit" ? audited : collapsed)(layer, hiddenUnits(random, masks[index - 1]!, index - 1));
    const width = inputs.columns * inputs.group;
    const mask = masks[index]!;
    const weightsOf = (from: number, to: number) => {
      const weightAt = random(index);
      const weights = new Int32Array((to - from) * width);
      for (let row = from; row < to; row++)
        for (let column = 0; column < columns; column++) {
          const place = row * columns + column;
          if (mask[place] && factors[column] !== 0)
            weights[(row - from) * width + slots[column]!]! += weightAt(place) * factors[column]!;
        }
      return weights;
    };
    return [{ ...inputs, rows, shift, weightsOf }];
  });
}

type Inputs = Pick<Stage, "columns" | "group" | "rectify" | "units">;
/** Where the weight of each column of a random layer goes in a row of a stage, and what it is multiplied by. */
type Slots = Inputs & { readonly slots: Int32Array; readonly factors: Int32Array };

const dense = (columns: number): Inputs => ({
  columns,
  group: 1,
  rectify: false,
  units: new Int32Array(columns).fill(1),
});

function direct(columns: number): Slots {
  const slots = Int32Array.from({ length: columns }, (_, column) => column);
  return { ...dense(columns), slots, factors: new Int32Array(columns).fill(1) };
}

/** What is kept of a layer of hidden units: 0 where one is pruned. */
function hiddenUnits(random: RandomWeights, mask: Uint8Array, index: number): Int32Array {
  const weightAt = random(index);
  return Int32Array.from(mask, (kept, place) => (kept ? weightAt(place) : 0));
}

/** All hidden units, by their number and then by their input. */
function audited({ inputs, group }: RandomLayer, hidden: Int32Array): Slots {
  const slots = Int32Array.from(hidden, (_, i) => (i % group) * inputs + Math.floor(i / group));
  const units = new Int32Array(hidden.length);
  slots.forEach((slot, i) => (units[slot] = hidden[i]!));
  const factors = new Int32Array(hidden.length).fill(1);
  return { columns: inputs, group, rectify: true, units, slots, factors };
}

/** The positive and, where there is one, the negative part of each input. */
function collapsed({ inputs, group, signed }: RandomLayer, hidden: Int32Array): Slots {
  const parts = signed ? 2 : 1;
  return {
    columns: inputs,
    group: parts,
    rectify: true,
    units: Int32Array.from({ length: parts * inputs }, (_, i) => (i < inputs ? 1 : -1)),
    slots: Int32Array.from(hidden, (u, i) => (u < 0 && signed ? inputs : 0) + Math.floor(i / group)),
    factors: Int32Array.from(hidden, (u) => (signed ? Math.abs(u) : Math.max(u, 0))),
  };
}
