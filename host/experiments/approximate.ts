// The approximation experiment on an engine.

import type { ApproximateFinding, ApproximateFailure } from "../../src/finding.ts";
import {
  approximateConfig,
  approximatePiece,
  approximatePieces,
  GRID,
  gridLayer,
  type ApproximateRequest,
} from "../../src/experiments/approximate.ts";
import { checkLayers, type GivenLayer } from "../../src/import/given.ts";
import { pump } from "../pump.ts";
import { provenanceOf, runnerOf, type Engine } from "../runner.ts";
import type { Progress } from "../schedule.ts";

/** How `approximateNetwork` is stopped and watched. */
export interface ApproximateOptions {
  readonly signal?: AbortSignal;
  /** Called after every piece of work with the weights done. */
  readonly onProgress?: (progress: Progress) => void;
}

/** A network whose weights are subset sums of random numbers. */
export interface ApproximatedNetwork {
  readonly finding: ApproximateFinding;
  /** The layers with the sums as weights and biases: multiples of 2^-24. */
  readonly layers: readonly GivenLayer[];
  /**
   * By layer, shape [rows, columns], one column more where it has biases: the candidates whose sum a weight is, bit i for
   * candidate i.
   */
  readonly subsets: readonly BigUint64Array[];
}

/**
 * Approximates every weight of a network by a subset sum of random candidates, uniform on -1..1 in steps of 2^-24 (Pensia et
 * al., arXiv 2006.07990, section 4). Biases are weights of an input that is always 1.
 *
 * The numbers depend on the request alone, not on the engine.
 * @param layers Layers of real weights, each -2^10..2^10, as `readLayers` returns them.
 * @returns The network of the sums. A weight that no subset approximates within the tolerance becomes the nearest sum, and is
 * among the failures of the finding.
 * @throws {RequestError} A field of the request or a layer is out of range; nothing has run then.
 * @throws {CapacityError} The engine has too little memory for the sums of one weight.
 * @throws The reason of `options.signal`, if it aborts before the last weight.
 * @example
 * ```ts
 * import { openEngine } from "exacta";
 * import { approximateNetwork } from "exacta/ticket";
 *
 * const engine = await openEngine({ engine: "cpu" });
 * const layer = { name: "0", rows: 1, columns: 2, weights: Float64Array.of(0.3, -0.7), biases: undefined };
 * const { layers, finding } = await approximateNetwork(engine, [layer], { tolerance: 0.001 });
 * console.log(layers[0]!.weights.map((weight) => Math.round(1000 * weight))); // Float64Array(2) [ 300, -700 ]
 * console.log(finding.failed); // 0
 * engine.close();
 * ```
 */
export async function approximateNetwork(
  engine: Engine,
  layers: readonly GivenLayer[],
  request: ApproximateRequest = {},
  { signal, onProgress }: ApproximateOptions = {},
): Promise<ApproximatedNetwork> {
  const config = approximateConfig(request);
  checkLayers(layers);
  const grid = layers.map(gridLayer);
  const runner = runnerOf(engine);
  const total = grid.reduce((sum, { weights }) => sum + weights.length, 0);
  const sums = grid.map(({ weights }) => new Float64Array(weights.length));
  const subsets = grid.map(({ weights }) => new BigUint64Array(weights.length));
  const failures: ApproximateFailure[] = [];
  let [done, within] = [0, 0];
  const pieces = pump(
    approximatePieces(grid, config),
    async (piece) => ({
      piece,
      found: await approximatePiece(config, grid[piece.layer]!, piece, async (work) => {
        const { words } = await runner.run(work);
        return words;
      }),
    }),
    { depth: runner.queueDepth, ordered: true, signal },
  );
  for await (const { piece, found } of pieces) {
    const { layer, first, count } = piece;
    sums[layer]!.set(found.sums, first);
    subsets[layer]!.set(found.masks, first);
    within += found.subsets;
    const { columns } = grid[layer]!;
    for (const index of found.failures)
      failures.push({
        layer: layer + 1,
        row: Math.floor(index / columns) + 1,
        column: (index % columns) + 1,
        weight: given(layers[layer]!, Math.floor(index / columns), index % columns),
        nearest: sums[layer]![index]! / GRID,
      });
    done += count;
    onProgress?.({ done, total });
  }
  const approximated = layers.map((layer, l) => withSums(layer, sums[l]!));
  const { items, candidates, sparse, seed, tolerance } = config;
  let [nonzero, kept, largestError, squares] = [0, 0, 0, 0];
  const failed = new Set(failures.map(({ layer, row, column }) => `${layer},${row},${column}`));
  layers.forEach((layer, l) => {
    const { columns } = grid[l]!;
    subsets[l]!.forEach((mask, index) => {
      const [row, column] = [Math.floor(index / columns), index % columns];
      const weight = given(layer, row, column);
      nonzero += Number(weight !== 0);
      for (let rest = mask; rest > 0n; rest &= rest - 1n) kept++;
      const error = Math.abs(sums[l]![index]! / GRID - weight);
      squares += error * error;
      if (!failed.has(`${l + 1},${row + 1},${column + 1}`)) largestError = Math.max(largestError, error);
    });
  });
  const finding: ApproximateFinding = {
    kind: "approximate",
    items,
    tolerance: tolerance / GRID,
    candidates,
    sparse,
    seed: String(seed),
    weights: total,
    nonzero,
    drawn:
      items *
      grid.reduce((sum, { rows, weights }) => sum + (candidates === "row" ? rows : weights.length), 0),
    kept,
    meanSubsets: within / total,
    largestError,
    rmsError: Math.sqrt(squares / total),
    failed: failures.length,
    failures,
    ...provenanceOf(engine),
  };
  return { finding, layers: approximated, subsets };
}

/** A weight of a layer, or a bias, which is in the column behind the last one. */
function given({ columns, weights, scales, biases }: GivenLayer, row: number, column: number): number {
  if (column === columns) return biases![row]!;
  return weights[row * columns + column]! * (scales?.[row] ?? 1);
}

/** A layer with sums in the place of its weights and biases. */
function withSums({ name, rows, columns, biases }: GivenLayer, sums: Float64Array): GivenLayer {
  const width = sums.length / rows;
  const real = sums.map((sum) => sum / GRID);
  return {
    name,
    rows,
    columns,
    weights: Float64Array.from(
      { length: rows * columns },
      (_, i) => real[Math.floor(i / columns) * width + (i % columns)]!,
    ),
    biases: biases && Float64Array.from(biases, (_, row) => real[row * width + columns]!),
  };
}
