// Small samples of work, with which the programs of a kernel can be looked at.

import { ensembles, slicingOf } from "../../../src/ensemble.ts";
import { phaseConfig, plan } from "../../../src/experiments/phase.ts";
import { denseColumns, densePlaces } from "../../../src/kernels/forward.ts";
import { residueParams } from "../../../src/kernels/tail.ts";
import { batchWork, type WorkOf } from "../../../src/plan.ts";

const trials = plan(phaseConfig({ ensemble: ensembles[0], halfRange: 9, items: { from: 8, to: 8 } }));

/** One trial. */
export const sampleTrial = (): WorkOf<"reach"> => batchWork(trials, { first: 0, count: 1 });

/** One layer with one weight. */
export const sampleLayer = (): WorkOf<"forward"> => ({
  kernel: "forward",
  params: {
    samples: 1,
    ...denseColumns(1),
    group: 1,
    rows: 1,
    rectify: 1,
    shift: 1,
    quantizer: 1,
    relu: 1,
    most: 1,
    wide: 0,
  },
  inputs: {
    inputs: Int32Array.of(1, 0),
    places: densePlaces(),
    units: Int32Array.of(1),
    weights: Int32Array.of(1),
  },
});

/** One window of two numbers. */
export const samplePool = (): WorkOf<"pool"> => ({
  kernel: "pool",
  params: {
    samples: 1,
    pixels: 2,
    channels: 1,
    points: 1,
    taps: 2,
    largest: 0,
    shift: 1,
    quantizer: 1,
    relu: 1,
    most: 1,
    wide: 0,
  },
  inputs: { inputs: Int32Array.of(1, 2, 0, 0), places: Int32Array.of(0, 1), divisors: Uint32Array.of(1) },
});

/** One demand on four products of values that are drawn as the items of `sampleTrial` are. */
export function sampleDemand(): WorkOf<"prune"> {
  const { range, bits, threshold } = trials.params;
  const keys = { hiddenLow: 1, hiddenHigh: 2, weightsLow: 3, weightsHigh: 4 };
  return {
    kernel: "prune",
    params: { ...keys, demands: 1, group: 4, range, bits, threshold, sparse: 0, sums: 200 },
    inputs: { values: new Int32Array(range), demands: Int32Array.of(0, 0, 1, 0) },
  };
}

/** One trial of four items of 1..9, with one divisor and one target. */
export function sampleTail(): WorkOf<"tail"> {
  const { keyLow, keyHigh } = trials.params;
  const { range, bits, threshold } = slicingOf(9);
  return {
    kernel: "tail",
    params: {
      firstLow: 0,
      firstHigh: 0,
      count: 1,
      classes: 1,
      strata: 1,
      items: 4,
      halfRange: 9,
      listed: 9,
      divisors: 1,
      targets: 1,
      ...residueParams(4),
    },
    inputs: {
      classes: Uint32Array.of(keyLow, keyHigh, range, bits, threshold, 0),
      strata: Uint32Array.of(0, 4),
      magnitudes: Uint32Array.from({ length: 9 }, (_, i) => i + 1),
      divisors: Uint32Array.of(2),
      targets: Uint32Array.of(1),
    },
  };
}

const params = { instances: 1, items: 2, targets: 1, answers: 7, longest: 2 };
/** The first item and the first target of the instance, and their ends. */
const starts = Uint32Array.of(0, 0, 2, 1);

/** The parameters and inputs of an instance with items 3 and -2 and target 1. */
export const sampleInstance = () => ({
  params: { ...params, sums: 4, masks: 1, tiles: 0, reduction: 0 },
  inputs: { items: Int32Array.of(3, -2), starts, targets: Int32Array.of(1, 1, 1, 0) },
});

/** The same instance with items and targets of 64 bits. */
export const sampleWideInstance = (): WorkOf<"meet"> => ({
  kernel: "meet",
  params: { ...params, fewest: 0 },
  inputs: { items: Uint32Array.of(3, 0, -2, -1), starts, targets: Uint32Array.of(1, 0, 1, 0, 1, 0, 0, 0) },
});
