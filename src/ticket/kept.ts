// The pruned network of a ticket, as sparse matrices: the kept weights, drawn again from the seed.

import { levelCounts, stacksOf } from "./levels.ts";
import { keptCount } from "./mask.ts";
import {
  drawnWeights,
  rowLength,
  serves,
  skipSlot,
  ticketLayers,
  type GraphScheme,
  type RandomLayer,
  type RandomWeights,
  type Scheme,
} from "./scheme.ts";
import { acceptance } from "./support.ts";
import type { GraphTicket, Ticket } from "./ticket.ts";

/** The kept weights of one layer, row by row, in compressed sparse rows (CSR). */
export interface KeptLayer extends RandomLayer {
  /** Row r has the entries rowStarts[r]..rowStarts[r + 1] - 1; length rows + 1. */
  readonly rowStarts: Uint32Array;
  /** The column and the value of each entry. */
  readonly columnIndices: Uint32Array;
  readonly weights: Int32Array;
}

/** The pruned network of a ticket. `random` gives the weights of the random network, by default those of the seed. */
export function keptLayers(
  ticket: Ticket | GraphTicket,
  random: RandomWeights = drawnWeights(ticket.scheme, ticket.seed),
): KeptLayer[] {
  const { masks } = ticket;
  return ticketLayers(ticket).map((layer, layerIndex) => {
    const { kind, rows, block, fan } = layer;
    const weightAt = random(layerIndex);
    const mask = masks[layerIndex]!;
    const kept = keptCount(mask);
    const rowStarts = new Uint32Array(rows + 1);
    const [columnIndices, weights] = [new Uint32Array(kept), new Int32Array(kept)];
    const isOwn = kind === "hidden" || kind === "level";
    const length = rowLength(layer);
    let [entry, row] = [0, 0];
    for (let byte = 0; byte < mask.length; byte++)
      for (let bits = mask[byte]!; bits > 0; bits &= bits - 1) {
        const index = 8 * byte + 31 - Math.clz32(bits & -bits);
        const entryRow = Math.floor(index / length);
        while (row < entryRow) rowStarts[++row] = entry;
        const first = isOwn ? Math.floor(entryRow / block) * fan : 0;
        columnIndices[entry] = first + index - entryRow * length;
        weights[entry++] = weightAt(index);
      }
    rowStarts.fill(entry, row + 1);
    return { ...layer, rowStarts, columnIndices, weights };
  });
}

/** The weight u of each hidden unit, and behind them that of each random skip, 0 where it is not kept. */
export function hiddenWeights({ rows, rowStarts, weights }: KeptLayer): Int32Array {
  return Int32Array.from({ length: rows }, (_, row) =>
    rowStarts[row] === rowStarts[row + 1] ? 0 : weights[rowStarts[row]!]!,
  );
}

/** The hidden unit whose weight a column of a row has. */
export function unitOf(layer: RandomLayer, row: number, column: number): number {
  const { inputs, copies, outputs, group, slots, taps, groups, constant } = layer;
  const slot = Math.floor(column / group);
  const channels = inputs - Number(constant);
  if (constant && slot === slots - 1) return channels * group + (column % group);
  const first = Math.floor((Math.floor(row / copies) * groups) / outputs) * (channels / groups);
  const channel = first + (taps ? Math.floor(slot / (taps[0] * taps[1])) : slot);
  return channel * group + (column % group);
}

/** What the kept random skip of an output adds to the sums of its own input, 0 where there is none. */
export function edgeOf({ inputs, group, skip }: RandomLayer, hidden: Int32Array, output: number): number {
  return skip?.edge ? hidden[inputs * group + output]! * skip.edge : 0;
}

/** The subset sums that the kept weights of one row have. */
interface RowSums {
  readonly index: number;
  readonly layer: KeptLayer;
  readonly row: number;
  /**
   * Entry s: the sum of slot s for positive inputs. Entry slots + s: the sum for negative ones. Where hidden units are not
   * rectified, entry s has the sum for both. The generator overwrites the array when the next row is taken.
   */
  readonly sums: Float64Array;
}

/** The sums of every row that computes an output of the target, layer by layer. */
export function* rowSums(kept: readonly KeptLayer[]): Generator<RowSums, void, undefined> {
  for (const [index, layer] of kept.entries()) {
    const { kind, rows, group, slots, rectified, rowStarts, columnIndices, weights } = layer;
    if (kind === "hidden") continue;
    const hidden = kind === "pooled" ? hiddenWeights(kept[index - 1]!) : undefined;
    const sums = new Float64Array(2 * slots);
    for (let row = 0; row < rows; row++) {
      sums.fill(0);
      for (let w = rowStarts[row]!; w < rowStarts[row + 1]!; w++) {
        const column = columnIndices[w]!;
        const u = hidden ? hidden[unitOf(layer, row, column)]! : 1;
        sums[Math.floor(column / group) + (u < 0 && rectified ? slots : 0)]! += u * weights[w]!;
      }
      if (layer.skip) {
        const slot = skipSlot(layer, row)!;
        const edge = edgeOf(layer, hidden!, row);
        sums[slot]! += edge;
        sums[slots + slot]! += edge;
      }
      yield { index, layer, row, sums };
    }
  }
}

/** The kept weights, by whether they have an effect. */
export interface KeptCounts {
  /** Kept weights that change the output for some input. */
  readonly kept: number;
  /**
   * Kept weights without effect: weights of 0, weights of a hidden unit that is 0, not kept, or 0 for every allowed input,
   * and hidden units that no row reads.
   */
  readonly dead: number;
  /** Products with an effect that the scheme does not use: rejected, or of a unit in the half for the other sign. */
  readonly outside: number;
}

/** Counts the kept weights by their effect. Pruning keeps none that are dead or outside its scheme. */
export function countsOf(
  layers: readonly KeptLayer[],
  { scheme, seed }: { readonly scheme: Scheme | GraphScheme; readonly seed: bigint },
): KeptCounts {
  if (layers.some(({ kind }) => kind === "level")) {
    const counts = stacksOf(layers).map((stack) => levelCounts(stack, unitOf));
    const total = (name: keyof KeptCounts) => counts.reduce((sum, count) => sum + count[name], 0);
    return { kept: total("kept"), dead: total("dead"), outside: total("outside") };
  }
  const accepts = acceptance(scheme, seed);
  let [all, kept, outside] = [0, 0, 0];
  for (const [index, layer] of layers.entries()) {
    const { kind, rows, columns, group, inputs, constant, rectified, signed } = layer;
    const { rowStarts, columnIndices, weights } = layer;
    all += weights.length;
    if (kind === "hidden") continue;
    const hidden = kind === "pooled" ? hiddenWeights(layers[index - 1]!) : undefined;
    const isRead = new Uint8Array(hidden ? inputs * group : 0);
    const accepted = hidden && accepts(index);
    // The units of the constant come last.
    const signedUnits = signed || !rectified ? (inputs - Number(constant)) * group : 0;
    for (let row = 0; row < rows; row++)
      for (let w = rowStarts[row]!; w < rowStarts[row + 1]!; w++) {
        const [column, weight] = [columnIndices[w]!, weights[w]!];
        const unit = unitOf(layer, row, column);
        const u = hidden ? hidden[unit]! : 1;
        if (u === 0 || weight === 0 || (u < 0 && unit >= signedUnits)) continue;
        kept++;
        if (!hidden) continue;
        isRead[unit] = 1;
        const used = !accepted || accepted(row * columns + column, u * weight);
        if (!used || !serves(layer, scheme.pools, unit % group, u)) outside++;
      }
    for (let unit = 0; unit < isRead.length; unit++) kept += isRead[unit]!;
    for (let row = 0; hidden && row < rows; row++) kept += Number(edgeOf(layer, hidden, row) !== 0);
  }
  return { kept, dead: all - kept, outside };
}
