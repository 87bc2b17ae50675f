// The work whose pipelines are compiled: every kernel at the sizes at which launches differ.

import { phaseConfig, plan } from "../../src/experiments/phase.ts";
import type { SolveRequest } from "../../src/experiments/solve.ts";
import type { KernelName } from "../../src/kernels/index.ts";
import { batchWork, type Work } from "../../src/plan.ts";
import type { Instance } from "../../src/solve/problem.ts";
import { solve } from "../../host/experiments/solve.ts";
import { demandsOf } from "../../host/bench/demands.ts";
import { instancesOf } from "../../host/node/bench/measure/instances.ts";
import { convolutionOf, CONVOLUTIONS, convolutionText, layerOf } from "../../host/bench/layers.ts";
import { referenceRunner } from "../../host/reference.ts";
import type { Runner } from "../../host/runner.ts";

/** A piece of work, and what tells it from others of its kernel. */
export interface NamedWork {
  readonly name: string;
  readonly work: Work;
}

/** Trials of one batch: as many as one dispatch takes. */
const TRIALS = 2 ** 24;

/** One number of items, log2 M + 6, at which nearly every trial reaches its target. */
export const oneSize = (bits: number) => plan(phaseConfig({ bits, items: bits + 6, targets: [0], seed: 1 }));

function* trialWorks(sizes: readonly number[]): Generator<NamedWork> {
  for (const bits of sizes) {
    const batch = { first: 0, count: TRIALS };
    yield { name: `2^${bits}, one size`, work: batchWork(oneSize(bits), batch) };
    const items = { from: Math.max(bits - 2, 1), to: bits + 14 };
    const range = plan(phaseConfig({ bits, items, targets: [0, 1], seed: 1 }));
    yield { name: `2^${bits}, a range`, work: batchWork(range, batch) };
  }
}

/** The first work of a kernel by which instances are solved. */
async function solvingWork(
  kernel: KernelName,
  instances: readonly Instance[],
  request: SolveRequest,
): Promise<Work> {
  const reference = referenceRunner();
  const found = new Set<Work>();
  const recorder: Runner = {
    ...reference,
    async run(work) {
      if (work.kernel !== kernel) return reference.run(work);
      found.add(work);
      throw new Error("the work is recorded");
    },
  };
  try {
    for await (const _ of solve(recorder, instances, request));
  } catch (error) {
    if (found.size === 0) throw error;
  }
  const [first] = found;
  if (!first) throw new Error(`${kernel}: solving ran no work of this kernel`);
  return first;
}

async function* instanceWorks(): AsyncGenerator<NamedWork> {
  for (const kernel of ["witness", "count", "smallest"] as const)
    for (const { count, bits } of [
      { count: 2 ** 11, bits: 6 },
      { count: 100, bits: 10 },
    ]) {
      const instances = instancesOf(count, bits + 6, 2 ** bits);
      const work = await solvingWork(kernel, instances, { ask: [kernel], method: "bitset" });
      yield { name: `2^${bits}`, work };
    }
  const meeting = await solvingWork("meet", instancesOf(4, 28, 2 ** 20), {
    ask: ["witness", "count"],
    method: "meet-in-the-middle",
  });
  yield { name: "2^20, n = 28", work: meeting };
}

/** The first demands of a layer. */
function pruneWork(): NamedWork {
  const [chunk] = demandsOf(32, 16);
  return { name: "32 to 16", work: chunk!.work };
}

function* layerWorks(): Generator<NamedWork> {
  for (const { columns, rows, samples } of [
    { columns: 256, rows: 256, samples: 2 ** 10 },
    { columns: 784, rows: 32, samples: 2 ** 11 },
  ]) {
    const { audit, collapsed } = layerOf(columns, rows, samples);
    const size = `${columns} to ${rows}`;
    yield { name: `${size}, audit`, work: audit };
    yield { name: `${size}, collapsed`, work: collapsed };
    if (columns === 256)
      yield { name: `${size}, wide`, work: { ...collapsed, params: { ...collapsed.params, wide: 1 } } };
  }
  for (const { samples, ...convolution } of CONVOLUTIONS.slice(1))
    yield { name: convolutionText(convolution), work: convolutionOf(convolution, samples) };
}

/** Work of every kernel. `sizes` are the log2 M of `reach`. */
export async function namedWorks(sizes: readonly number[]): Promise<NamedWork[]> {
  const instances: NamedWork[] = [];
  for await (const named of instanceWorks()) instances.push(named);
  return [...trialWorks(sizes), ...instances, pruneWork(), ...layerWorks()];
}
