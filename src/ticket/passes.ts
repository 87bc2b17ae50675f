// The forward passes of networks and tickets as stages: a dense layer, or a pair of layers with hidden units between them.
//
// Since relu(u x) = |u| relu(sgn(u) x), a pruned pair of layers equals one dense layer on [relu(x), relu(-x)], whatever its
// masks. The audit pass of a ticket evaluates every kept hidden unit; the collapsed pass evaluates that dense layer.

import { denseStage, type Hidden, type StagedNetwork } from "../graph/stages.ts";
import type { Activation } from "../network.ts";
import { hiddenWeights, type KeptLayer } from "./kept.ts";
import type { RandomLayer } from "./scheme.ts";

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
    if (layer.kind === "hidden") return [];
    const { kind, rows, columns, shift, rowStarts, columnIndices, weights: kept } = layer;
    const { stageColumns, factors, units, ...inputs } =
      kind === "direct"
        ? directColumns(columns)
        : (pass === "audit" ? auditColumns : collapsedColumns)(layer, hiddenWeights(layers[index - 1]!));
    const width = inputs.columns * inputs.group;
    const weightsOf = (from: number, to: number) => {
      const weights = new Int32Array((to - from) * width);
      for (let row = from; row < to; row++)
        for (let w = rowStarts[row]!; w < rowStarts[row + 1]!; w++) {
          const column = columnIndices[w]!;
          const factor = factors[column]!;
          if (factor !== 0) weights[(row - from) * width + stageColumns[column]!]! += kept[w]! * factor;
        }
      return weights;
    };
    return [{ hidden: { ...inputs, rows, unitsOf: () => units, weightsOf }, shift }];
  });
  return {
    elements: stages[0]!.hidden.columns,
    largest: 2 ** activationBits,
    stages: stages.map(({ hidden, shift }, i) =>
      denseStage(i, hidden, { quantizer, activationBits, clamp, shift, relu: i < stages.length - 1 }),
    ),
  };
}

type StageInputs = Pick<Hidden, "group" | "rectify"> & {
  readonly columns: number;
  /** The weight u of each hidden unit, shape [group, columns], row by row. */
  readonly units: Int32Array<ArrayBuffer>;
};

/** How a random layer maps to a stage: the stage column of each of its columns, and the factor of the weights there. */
type ColumnMap = StageInputs & { readonly stageColumns: Int32Array; readonly factors: Int32Array };

/** One hidden unit of weight 1, not rectified, for each input: the dense layer itself. */
const denseInputs = (columns: number): StageInputs => ({
  columns,
  group: 1,
  rectify: false,
  units: new Int32Array(columns).fill(1),
});

function directColumns(columns: number): ColumnMap {
  const stageColumns = Int32Array.from({ length: columns }, (_, column) => column);
  return { ...denseInputs(columns), stageColumns, factors: new Int32Array(columns).fill(1) };
}

/** The kept hidden units of each input, moved together; inputs with fewer units than others are padded with units of 0. */
function auditColumns({ inputs, group }: RandomLayer, hidden: Int32Array): ColumnMap {
  const keptUnits = new Int32Array(inputs);
  const stageColumns = Int32Array.from(hidden, (u, unit) => {
    const input = Math.floor(unit / group);
    return u === 0 ? 0 : keptUnits[input]!++ * inputs + input;
  });
  const most = keptUnits.reduce((a, b) => Math.max(a, b), 1);
  const units = new Int32Array(most * inputs);
  hidden.forEach((u, unit) => {
    if (u !== 0) units[stageColumns[unit]!] = u;
  });
  return {
    columns: inputs,
    group: most,
    rectify: true,
    units,
    stageColumns,
    factors: hidden.map((u) => Math.abs(Math.sign(u))),
  };
}

/** The positive part of each input, relu(x), and for signed inputs the negative part, relu(-x), too. */
function collapsedColumns({ inputs, group, signed }: RandomLayer, hidden: Int32Array): ColumnMap {
  const parts = signed ? 2 : 1;
  return {
    columns: inputs,
    group: parts,
    rectify: true,
    units: Int32Array.from({ length: parts * inputs }, (_, i) => (i < inputs ? 1 : -1)),
    stageColumns: Int32Array.from(
      hidden,
      (u, unit) => (u < 0 && signed ? inputs : 0) + Math.floor(unit / group),
    ),
    factors: hidden.map((u) => (signed ? Math.abs(u) : Math.max(u, 0))),
  };
}
