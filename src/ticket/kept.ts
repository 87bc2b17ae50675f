// The pruned network of a ticket: the weights that are kept, drawn again from its seed, and nothing else.

import { keptCount } from "./mask.ts";
import { drawnWeights, layersOf, serves, type RandomLayer, type RandomWeights } from "./scheme.ts";
import { acceptance } from "./support.ts";
import type { Ticket } from "./ticket.ts";

/** The kept weights of one layer, row by row. */
export interface KeptLayer extends RandomLayer {
  /** Where the weights of each row start, and of one more behind the last; the column of each weight, and the weight. */
  readonly starts: Uint32Array;
  readonly places: Uint32Array;
  readonly weights: Int32Array;
}

/** The pruned network of a ticket; `random` has the weights of its random network, by default those of its seed. */
export function keptLayers(
  { scheme, seed, target, masks }: Ticket,
  random: RandomWeights = drawnWeights(scheme, seed),
): KeptLayer[] {
  return layersOf(target.widths, target.bits, scheme).map((layer, index) => {
    const { kind, rows, columns, group } = layer;
    const weightAt = random(index);
    const mask = masks[index]!;
    const kept = keptCount(mask);
    const starts = new Uint32Array(rows + 1);
    const [places, weights] = [new Uint32Array(kept), new Int32Array(kept)];
    const length = kind === "hidden" ? 1 : columns;
    let [at, row] = [0, 0];
    for (let byte = 0; byte < mask.length; byte++)
      for (let rest = mask[byte]!; rest > 0; rest &= rest - 1) {
        const place = 8 * byte + 31 - Math.clz32(rest & -rest);
        const its = Math.floor(place / length);
        while (row < its) starts[++row] = at;
        places[at] = kind === "hidden" ? Math.floor(row / group) : place - row * length;
        weights[at++] = weightAt(place);
      }
    starts.fill(at, row + 1);
    return { ...layer, starts, places, weights };
  });
}

/** The kept weight of each hidden unit, 0 where it has none. */
export function hiddenWeights({ rows, starts, weights }: KeptLayer): Int32Array {
  return Int32Array.from({ length: rows }, (_, row) =>
    starts[row] === starts[row + 1] ? 0 : weights[starts[row]!]!,
  );
}

/** What the kept weights of one row sum up to. */
interface RowSums {
  readonly layer: KeptLayer;
  readonly row: number;
  /** For positive values of each input, then for negative ones; of the next row once that is asked for. */
  readonly sums: Float64Array;
}

/** The sums of every row that serves an output of the target, layer by layer. */
export function* rowSums(kept: readonly KeptLayer[]): Generator<RowSums, void, undefined> {
  for (const [index, layer] of kept.entries()) {
    const { kind, rows, group, inputs, starts, places, weights } = layer;
    if (kind === "hidden") continue;
    const hidden = kind === "pooled" ? hiddenWeights(kept[index - 1]!) : undefined;
    const sums = new Float64Array(2 * inputs);
    for (let row = 0; row < rows; row++) {
      sums.fill(0);
      for (let w = starts[row]!; w < starts[row + 1]!; w++) {
        const unit = places[w]!;
        const u = hidden ? hidden[unit]! : 1;
        sums[Math.floor(unit / group) + (u < 0 ? inputs : 0)]! += u * weights[w]!;
      }
      yield { layer, row, sums };
    }
  }
}

/** How many weights are kept. */
export interface KeptCounts {
  /** Those that matter for some input. */
  readonly kept: number;
  /** Those that do not: weights of 0 or of a unit that is 0 or not kept, of one that no input reaches, units that none reads. */
  readonly dead: number;
  /** Products among those that matter which the scheme leaves out: from the other half of the units, or rejected. */
  readonly outside: number;
}

/** Tells kept weights that matter from those that do not; pruning keeps none of these, and none outside its scheme. */
export function countsOf(
  layers: readonly KeptLayer[],
  { scheme, seed }: Pick<Ticket, "scheme" | "seed">,
): KeptCounts {
  const accepts = acceptance(scheme, seed);
  let [all, kept, outside] = [0, 0, 0];
  layers.forEach(({ kind, rows, columns, group, signed, starts, places, weights }, index) => {
    all += weights.length;
    if (kind === "hidden") return;
    const hidden = kind === "pooled" ? hiddenWeights(layers[index - 1]!) : undefined;
    const read = new Uint8Array(hidden?.length ?? 0);
    const accepted = hidden && accepts(index);
    for (let row = 0; row < rows; row++)
      for (let w = starts[row]!; w < starts[row + 1]!; w++) {
        const [unit, weight] = [places[w]!, weights[w]!];
        const u = hidden ? hidden[unit]! : 1;
        if (u === 0 || weight === 0 || (u < 0 && !signed)) continue;
        kept++;
        if (!hidden) continue;
        read[unit] = 1;
        const used = !accepted || accepted(row * columns + unit, u * weight);
        if (!used || !serves(scheme.pools, group, unit % group, u)) outside++;
      }
    for (let unit = 0; unit < read.length; unit++) kept += read[unit]!;
  });
  return { kept, dead: all - kept, outside };
}
