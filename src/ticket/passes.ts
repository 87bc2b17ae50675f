// Forward passes as stages, each a call of kernel `forward`: a layer, or a pair of layers with hidden units between them.
//
// For every mask, relu(u x) = |u| relu(sgn(u) x) makes a pruned pair equal to one dense layer on [relu(x), relu(-x)]. The
// audit pass of a ticket evaluates every hidden unit of the pruned network, the collapsed pass that layer.

import type { Network } from "../network.ts";
import { hiddenWeights, type KeptLayer } from "./kept.ts";
import type { RandomLayer } from "./scheme.ts";

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

/** The pruned network of a ticket as stages. */
export function ticketStages(layers: readonly KeptLayer[], pass: Pass): Stage[] {
  return layers.flatMap((layer, index): Stage[] => {
    if (layer.kind === "hidden") return [];
    const { kind, rows, columns, shift, starts, places, weights: kept } = layer;
    const { slots, factors, ...inputs } =
      kind === "direct"
        ? direct(columns)
        : (pass === "audit" ? audited : collapsed)(layer, hiddenWeights(layers[index - 1]!));
    const width = inputs.columns * inputs.group;
    const weightsOf = (from: number, to: number) => {
      const weights = new Int32Array((to - from) * width);
      for (let row = from; row < to; row++)
        for (let w = starts[row]!; w < starts[row + 1]!; w++) {
          const [slot, factor] = [slots[places[w]!]!, factors[places[w]!]!];
          if (factor !== 0) weights[(row - from) * width + slot]! += kept[w]! * factor;
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

/** The hidden units that are left of each input, one behind the other. */
function audited({ inputs, group }: RandomLayer, hidden: Int32Array): Slots {
  const left = new Int32Array(inputs);
  const slots = Int32Array.from(hidden, (u, i) => {
    const input = Math.floor(i / group);
    return u === 0 ? 0 : left[input]!++ * inputs + input;
  });
  const most = left.reduce((a, b) => Math.max(a, b), 1);
  const units = new Int32Array(most * inputs);
  hidden.forEach((u, i) => {
    if (u !== 0) units[slots[i]!] = u;
  });
  return {
    columns: inputs,
    group: most,
    rectify: true,
    units,
    slots,
    factors: hidden.map((u) => Math.abs(Math.sign(u))),
  };
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
    factors: hidden.map((u) => (signed ? Math.abs(u) : Math.max(u, 0))),
  };
}
