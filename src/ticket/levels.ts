// Weights that are made in depth from random weights of -1, 1 and perhaps 0 (Sreenivasan, Rajput, Sohn & Papailiopoulos 2022, on
// integers; the probabilities are in src/theory/levels.ts).
//
// Level 0 has hidden units of every input, and `copies` of each sign of their weight are kept: copies of relu(x) and of relu(-x).
// Level j has copies of 1, 2, ..., 2^j times these. A copy of a lower power reads one copy of it in the level before, by a weight
// of 1, and a copy of 2^j reads two copies of 2^(j - 1). An output reads one copy for each binary digit of its weight. All sums
// are integers in the units of the target, and none is negative, so that the ReLU of a level changes nothing.

import { RequestError } from "../errors.ts";
import type { KeptCounts, KeptLayer } from "./kept.ts";
import { isKept, keepWeight, type Mask } from "./mask.ts";
import {
  drawnWeights,
  matricesOf,
  slotsOf,
  type GraphScheme,
  type RandomLayer,
  type Target,
} from "./scheme.ts";
import { deviationOf, type Deviation } from "./ticket.ts";

/** The random layers of one layer of the target. */
export interface Stack<Layer> {
  readonly hidden: Layer;
  readonly levels: readonly Layer[];
  readonly pooled: Layer;
}

/** The random layers of each layer of a graph. */
export function stacksOf<Layer extends RandomLayer>(layers: readonly Layer[]): Stack<Layer>[] {
  const stacks: Stack<Layer>[] = [];
  let first = 0;
  for (const [index, layer] of layers.entries()) {
    if (layer.kind !== "pooled") continue;
    stacks.push({ hidden: layers[first]!, levels: layers.slice(first + 1, index), pooled: layer });
    first = index + 1;
  }
  return stacks;
}

/** A row of the first random layers of a target layer, and its place among the edges of a row behind it. */
interface Copy {
  readonly row: number;
  readonly edge: number;
}

/**
 * Prunes a random network whose weights are made in depth: takes the first edges that fit, so that the ticket depends on the seed
 * alone. Sets the bits of `masks`.
 * @returns The first copy of each input and sign that has no edges, and every weight of the others that has none.
 */
export function pruneLevels(
  target: Target,
  layers: readonly RandomLayer[],
  {
    scheme,
    seed,
    masks,
  }: { readonly scheme: GraphScheme; readonly seed: bigint; readonly masks: readonly Mask[] },
): Deviation[] {
  const matrices = matricesOf(target);
  const random = drawnWeights(scheme, seed);
  let first = 0;
  return stacksOf(layers).flatMap(({ hidden, levels, pooled }) => {
    const below = [hidden, ...levels];
    const firstIndex = first;
    first += below.length + 1;
    return pruneStack({
      layers,
      below,
      pooled,
      firstIndex,
      copies: scheme.copies![pooled.layer]!,
      weights: matrices[pooled.layer]!,
      weightAt: Array.from({ length: below.length + 1 }, (_, level) => random(firstIndex + level)),
      masks: masks.slice(firstIndex),
    });
  });
}

interface StackPruning {
  readonly layers: readonly RandomLayer[];
  /** Level 0, 1, ..., and the layer behind them. */
  readonly below: readonly RandomLayer[];
  readonly pooled: RandomLayer;
  /** The index of level 0 in the random network. The random weights and the masks are counted from it. */
  readonly firstIndex: number;
  readonly copies: number;
  readonly weights: Int32Array;
  readonly weightAt: readonly ((weightIndex: number) => number)[];
  readonly masks: readonly Mask[];
}

function pruneStack(stack: StackPruning): Deviation[] {
  const { layers, below, pooled, firstIndex, weights, weightAt, masks } = stack;
  const { inputs, outputs, slots, group, constant } = pooled;
  const failures: Deviation[] = [];
  // The edges of every row of every level that can be kept.
  const edges = below.map(() => new Map<number, readonly Copy[]>());
  const keepCopy = (level: number, row: number): void => {
    if (level === 0) return keepWeight(masks[0]!, row);
    for (const { row: read, edge } of edges[level]!.get(row)!) {
      const index = row * below[level]!.fan + edge;
      if (isKept(masks[level]!, index)) continue;
      keepWeight(masks[level]!, index);
      keepCopy(level - 1, read);
    }
  };
  /** By input and sign, the copies of every power in the last level; undefined where one is missing. */
  const found = new Map<string, readonly (readonly Copy[])[] | undefined>();
  for (let input = 0; input < inputs; input++) {
    const bias = constant && input === inputs - 1;
    for (const sign of pooled.signed && !bias ? ([1, -1] as const) : ([1] as const)) {
      const copies = copiesOf(stack, input, sign, edges);
      if ("level" in copies) {
        const place = { layer: pooled.layer, output: copies.row, input, ...(bias && { bias }), sign };
        failures.push({
          ...place,
          level: copies.level,
          copy: copies.copy,
          expected: copies.power,
          got: undefined,
        });
      } else found.set(`${input} ${sign}`, copies.powers);
    }
  }
  const last = below.length - 1;
  for (let output = 0; output < outputs; output++)
    for (const [slot, { input, signed }] of slotsOf(pooled, output).entries()) {
      const sum = weights[output * slots + slot]!;
      for (const sign of signed ? ([1, -1] as const) : ([1] as const)) {
        const powers = found.get(`${input} ${sign}`);
        if (!powers) continue;
        const firstWeight = (output * slots + slot) * group;
        const wanted = Math.sign(sum) * sign;
        const digits = powers.filter((_, power) => (Math.abs(sum) >> power) & 1);
        const chosen = digits.map((copies) =>
          copies.find(({ edge }) => weightAt[last + 1]!(firstWeight + edge) === wanted),
        );
        if (chosen.includes(undefined))
          failures.push(
            deviationOf(layers, { index: firstIndex + last + 1, row: output, slot, sign, sum }, undefined),
          );
        else
          for (const { row, edge } of chosen as Copy[]) {
            keepWeight(masks[last + 1]!, firstWeight + edge);
            keepCopy(last, row);
          }
      }
    }
  return failures;
}

/**
 * The copies of every power of one input and sign in the last level. Adds the edges of its rows to `edges`.
 * @returns The copies, or the first that has too few edges.
 */
function copiesOf(
  { below, copies, weightAt }: StackPruning,
  input: number,
  sign: 1 | -1,
  edges: readonly Map<number, readonly Copy[]>[],
):
  | { readonly powers: readonly (readonly Copy[])[] }
  | { readonly level: number; readonly row: number; readonly copy: number; readonly power: number } {
  const { group: units } = below[0]!;
  const kept: Copy[] = [];
  for (let q = 0; q < units && kept.length < copies; q++)
    if (weightAt[0]!(input * units + q) === sign) kept.push({ row: input * units + q, edge: q });
  if (kept.length < copies) return { level: 0, row: input * units, copy: kept.length, power: 1 };
  let powers: readonly (readonly Copy[])[] = [kept];
  for (let level = 1; level < below.length; level++) {
    const { group, fan, signed } = below[level]!;
    // The rows of inputs that are negative lie behind those of inputs that are positive.
    const firstRow = input * group + (sign < 0 ? group / 2 : 0);
    const next: Copy[][] = [];
    for (let power = 0; power <= level; power++) {
      next.push([]);
      for (let copy = 0; copy < copies; copy++) {
        const row = firstRow + power * copies + copy;
        const needed = power === level ? 2 : 1;
        const chosen = powers[Math.min(power, level - 1)]!.filter(
          ({ edge }) => weightAt[level]!(row * fan + edge) === 1,
        ).slice(0, needed);
        if (chosen.length < needed) return { level, row, copy, power: 2 ** power };
        edges[level]!.set(row, chosen);
        // A later level reads the rows of one sign, and an output those of both.
        const first = level === below.length - 1 || !signed ? input * group : firstRow;
        next[power]!.push({ row, edge: row - first });
      }
    }
    powers = next;
  }
  return { powers };
}

/**
 * What the kept weights of each level pass on: entry 2 * row is the multiple of relu(x) in a row, entry 2 * row + 1 that of
 * relu(-x), which is 0 where inputs are never negative.
 * @throws {RequestError} Where a multiple is so large that sums could reach 2^31, which no pruning does.
 */
function passedOn({ hidden, levels, pooled }: Stack<KeptLayer>): Float64Array[] {
  const { inputs, constant, signed } = pooled;
  const signedUnits = signed ? (inputs - Number(constant)) * hidden.group : 0;
  const units = new Float64Array(2 * hidden.rows);
  for (let row = 0; row < hidden.rows; row++) {
    const start = hidden.rowStarts[row]!;
    const u = start < hidden.rowStarts[row + 1]! ? hidden.weights[start]! : 0;
    if (u > 0) units[2 * row] = u;
    else if (row < signedUnits) units[2 * row + 1] = -u;
  }
  const all = [units];
  for (const { rows, rowStarts, columnIndices, weights } of levels) {
    const below = all.at(-1)!;
    const sums = new Float64Array(2 * rows);
    for (let row = 0; row < rows; row++)
      for (const part of [0, 1]) {
        let sum = 0;
        for (let w = rowStarts[row]!; w < rowStarts[row + 1]!; w++)
          sum += weights[w]! * below[2 * columnIndices[w]! + part]!;
        if (Math.abs(sum) * pooled.group >= 2 ** 31)
          throw new RequestError("masks", `copies of at most 2^31 / ${pooled.group}`, sum);
        sums[2 * row + part] = Math.max(0, sum);
      }
    all.push(sums);
  }
  return all;
}

/** The pair of layers that equals the random layers of a target layer. Each row of the last level is two of its hidden units. */
export function pairOf(stack: Stack<KeptLayer>): readonly [hidden: KeptLayer, pooled: KeptLayer] {
  const { hidden, levels, pooled } = stack;
  if (levels.length === 0) return [hidden, pooled];
  const units = passedOn(stack).at(-1)!;
  const group = 2 * pooled.group;
  const kept = Array.from(units.keys()).filter((unit) => units[unit] !== 0);
  const rowStarts = new Uint32Array(units.length + 1);
  for (const unit of kept) rowStarts[unit + 1] = 1;
  for (let unit = 0; unit < units.length; unit++) rowStarts[unit + 1]! += rowStarts[unit]!;
  return [
    {
      ...hidden,
      rows: units.length,
      group,
      block: group,
      rowStarts,
      columnIndices: Uint32Array.from(kept, (unit) => Math.floor(unit / group)),
      weights: Int32Array.from(kept, (unit) => (unit % 2 === 0 ? units[unit]! : -units[unit]!)),
    },
    {
      ...pooled,
      columns: 2 * pooled.columns,
      group,
      rowStarts: pooled.rowStarts.map((start) => 2 * start),
      columnIndices: Uint32Array.from(
        { length: 2 * pooled.columnIndices.length },
        (_, i) => 2 * pooled.columnIndices[i >> 1]! + (i & 1),
      ),
      weights: Int32Array.from({ length: 2 * pooled.weights.length }, (_, i) => pooled.weights[i >> 1]!),
    },
  ];
}

/** A pruned network in which a pair of layers takes the place of each weight that is made in depth. */
export function withoutLevels(layers: readonly KeptLayer[]): readonly KeptLayer[] {
  return layers.some(({ kind }) => kind === "level") ? stacksOf(layers).flatMap(pairOf) : layers;
}

/**
 * Counts the kept weights of a target layer by their effect.
 * @param unitOf The row of the last level that a column of a row of the last layer reads.
 */
export function levelCounts(
  stack: Stack<KeptLayer>,
  unitOf: (layer: RandomLayer, row: number, column: number) => number,
): KeptCounts {
  const { hidden, levels, pooled } = stack;
  const below = [hidden, ...levels];
  const passed = passedOn(stack);
  const passesOn = (level: number, row: number) =>
    passed[level]![2 * row]! > 0 || passed[level]![2 * row + 1]! > 0;
  let kept = 0;
  let isRead = new Uint8Array(below.at(-1)!.rows);
  for (let row = 0; row < pooled.rows; row++)
    for (let w = pooled.rowStarts[row]!; w < pooled.rowStarts[row + 1]!; w++) {
      const unit = unitOf(pooled, row, pooled.columnIndices[w]!);
      if (pooled.weights[w] === 0 || !passesOn(levels.length, unit)) continue;
      kept++;
      isRead[unit] = 1;
    }
  for (let level = levels.length; level > 0; level--) {
    const { rows, rowStarts, columnIndices, weights } = below[level]!;
    const readBelow = new Uint8Array(below[level - 1]!.rows);
    for (let row = 0; row < rows; row++)
      for (let w = rowStarts[row]!; isRead[row] === 1 && w < rowStarts[row + 1]!; w++) {
        if (weights[w] === 0 || !passesOn(level - 1, columnIndices[w]!)) continue;
        kept++;
        readBelow[columnIndices[w]!] = 1;
      }
    isRead = readBelow;
  }
  kept += isRead.reduce((sum, read) => sum + read, 0);
  const all = [...below, pooled].reduce((sum, { weights }) => sum + weights.length, 0);
  return { kept, dead: all - kept, outside: 0 };
}
