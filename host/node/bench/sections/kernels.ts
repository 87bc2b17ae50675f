// The section `kernels`: the rate of every kernel on every engine, on the GPU in every variant that fits, with the shares of the
// ceilings that are measured alternately with it. All of them run the same fixed work, and rows have the digest of its output.

import { RequestError } from "../../../../src/errors.ts";
import { phaseConfig, plan } from "../../../../src/experiments/phase.ts";
import type { SolveRequest } from "../../../../src/experiments/solve.ts";
import type { KernelName } from "../../../../src/kernels/index.ts";
import { batchWork, type Plan, type Work, type WorkOf } from "../../../../src/plan.ts";
import type { Instance } from "../../../../src/solve/problem.ts";
import { cpuRunner } from "../../../cpu/runner.ts";
import { gpuRunner } from "../../../gpu/runner.ts";
import type { Store } from "../../../gpu/store.ts";
import { variantsOf } from "../../../gpu/kernels/index.ts";
import { referenceRunner } from "../../../reference.ts";
import type { Runner } from "../../../runner.ts";
import { solve } from "../../../experiments/solve.ts";
import { startThread } from "../../platform/threads.ts";
import { cpuMicros, openGpuMicros, type Ceiling } from "./ceilings.ts";
import type { Context, Measured, Section } from "../context.ts";
import { ratioOf, rowOf, rowsTable } from "../records/rows.ts";
import { digestOf } from "../measure/digest.ts";
import { CONVOLUTIONS, convolutionOf, convolutionText, layerOf, LAYER_SIZES } from "../../../bench/layers.ts";
import { demandsOf } from "../../../bench/demands.ts";
import { instancesOf } from "../measure/instances.ts";
import { median, timed, type Pass } from "../measure/measure.ts";
import { sizeText, threadsText, trialsPass, worksPass } from "../measure/passes.ts";
import type { Row } from "../records/record.ts";
import { updatesOf } from "../measure/updates.ts";

/** A kernel with fixed work. */
interface Case {
  readonly kernel: KernelName;
  readonly size: string;
  /** The unit of the rate, and how many units the fixed work has. */
  readonly unit: string;
  readonly units: number;
  readonly works: readonly Work[];
  /** Trials, which are measured in batches of a size that suits the engine instead of as the fixed work. */
  readonly trials?: Plan;
  /** The fixed work repeated in one work, since a GPU may finish the fixed work before it gets the next. */
  readonly grown?: (times: number) => Work;
  /** Ceilings that may bind the kernel, with what a unit, or an update of it, uses of each. */
  readonly bound: Readonly<Partial<Record<Ceiling, number>>>;
  /** The words that each engine updates for a unit, in the order in which its items enter. */
  readonly updates?: Readonly<Record<Measured, number>>;
  /** Whether the reference engine is fast enough to be measured. */
  readonly small: boolean;
}

/** Where the fixed work takes more seconds, it is measured once. */
const SLOW_SECONDS = 0.3;

/** Trials of the fixed work of `reach`. */
const TRIALS = 512;

function trialCases(): Case[] {
  return [6, 8, 10, 12, 14].map((bits) => {
    const trials = plan(phaseConfig({ bits, items: bits + 6, targets: [0], seed: 1 }));
    const updates = {
      cpu: updatesOf(trials, "cpu"),
      gpu: updatesOf(trials, "gpu"),
      reference: updatesOf(trials),
    };
    return {
      kernel: "reach",
      size: sizeText(bits),
      unit: "trials/s",
      units: TRIALS,
      works: [batchWork(trials, { first: 0, count: TRIALS })],
      trials,
      bound: { registers: 1, memory: 1 },
      updates,
      small: bits <= 8,
    };
  });
}

/** The works of one kernel when `solve` answers a request for instances. */
async function instanceCase(
  kernel: KernelName,
  size: string,
  instances: readonly Instance[],
  request: SolveRequest,
  small: boolean,
): Promise<Case> {
  const works: Work[] = [];
  const runner = await cpuRunner(1, startThread);
  const recorder: Runner = {
    ...runner,
    run(work) {
      if (work.kernel === kernel) works.push(work);
      return runner.run(work);
    },
  };
  try {
    for await (const _ of solve(recorder, instances, request));
  } finally {
    runner.close();
  }
  const units = instances.length;
  return { kernel, size, unit: "instances/s", units, works, bound: {}, small };
}

async function instanceCases(): Promise<Case[]> {
  const cases: Case[] = [];
  const sizes = [
    { count: 1000, bits: 6 },
    { count: 100, bits: 10 },
  ];
  for (const kernel of ["witness", "count", "smallest"] as const)
    for (const { count, bits } of sizes)
      cases.push(
        await instanceCase(
          kernel,
          sizeText(bits),
          instancesOf(count, bits + 6, 2 ** bits),
          { ask: [kernel], method: "bitset" },
          bits === 6,
        ),
      );
  const large = instancesOf(1, 60, 2 ** 16);
  cases.push(
    await instanceCase("witness", "M = 2^16, n = 60", large, { ask: ["witness"], method: "tiles" }, false),
    await instanceCase(
      "meet",
      "M = 2^20, n = 28",
      instancesOf(4, 28, 2 ** 20),
      { ask: ["witness", "count"], method: "meet-in-the-middle" },
      false,
    ),
  );
  return cases;
}

function pruneCase(): Case {
  const chunks = demandsOf(32, 16);
  return {
    kernel: "prune",
    size: "32 -> 16, 8 bits from 4",
    unit: "sums/s",
    units: chunks.reduce((sum, { count }) => sum + count, 0),
    works: chunks.map(({ work }) => work),
    bound: {},
    small: true,
  };
}

/** The work of a layer with its inputs repeated `times` times. */
function repeatedInputs({ kernel, params, inputs }: WorkOf<"forward">, times: number): Work {
  const given = new Int32Array(times * inputs.inputs.length);
  for (let k = 0; k < times; k++) given.set(inputs.inputs, k * inputs.inputs.length);
  return {
    kernel,
    params: { ...params, samples: times * params.samples },
    inputs: { ...inputs, inputs: given },
  };
}

function layerCases(): Case[] {
  return LAYER_SIZES.flatMap(({ columns, rows, few }) => {
    const { audit, collapsed } = layerOf(columns, rows, few);
    return [audit, collapsed].map((work) => ({
      kernel: "forward" as const,
      size: `${columns} -> ${rows}, ${work === audit ? "audit" : "collapsed"}`,
      unit: "MAC/s",
      units: few * columns * rows * work.params.group,
      works: [work],
      grown: (times: number) => repeatedInputs(work, times),
      bound: { dot: 1 },
      small: work === collapsed && columns === 64,
    }));
  });
}

function convolutionCases(): Case[] {
  return CONVOLUTIONS.map(({ few, ...convolution }) => {
    const work = convolutionOf(convolution, few);
    const { points, taps, channels, rows } = work.params;
    return {
      kernel: "forward",
      size: convolutionText(convolution),
      unit: "MAC/s",
      units: few * points * taps * channels * rows,
      works: [work],
      grown: (times: number) => repeatedInputs(work, times),
      bound: { dot: 1 },
      small: channels === 1,
    };
  });
}

/** Averages of the first convolution of LeNet-5. */
function poolCase(): Case {
  const [channels, side, samples] = [6, 24, 2 ** 6];
  const [pixels, points, taps] = [side ** 2, (side / 2) ** 2, 4];
  const places = Int32Array.from({ length: points * taps }, (_, i) => {
    const [point, tap] = [Math.floor(i / taps), i % taps];
    const [row, column] = [Math.floor(point / (side / 2)), point % (side / 2)];
    return (2 * row + (tap >> 1)) * side + 2 * column + (tap & 1);
  });
  const work: WorkOf<"pool"> = {
    kernel: "pool",
    params: {
      samples,
      pixels,
      channels,
      points,
      taps,
      largest: 0,
      shift: 0,
      quantizer: 0,
      relu: 0,
      most: 0,
      wide: 0,
    },
    inputs: {
      inputs: Int32Array.from({ length: samples * pixels * channels }, (_, i) => ((i * 61) % 127) - 63),
      places,
      divisors: new Uint32Array(points).fill(taps),
    },
  };
  return {
    kernel: "pool",
    size: `averages of 2 x 2, ${channels} x ${side} x ${side}`,
    unit: "outputs/s",
    units: samples * points * channels,
    works: [work],
    bound: {},
    small: true,
  };
}

/** Cases by kernel. Making their work takes longer than measuring a small case, so only chosen kernels have it made. */
const cases: readonly (readonly [readonly KernelName[], () => readonly Case[] | Promise<readonly Case[]>])[] =
  [
    [["reach"], trialCases],
    [["witness", "count", "smallest", "meet"], instanceCases],
    [["prune"], () => [pruneCase()]],
    [["forward"], () => [...layerCases(), ...convolutionCases()]],
    [["pool"], () => [poolCase()]],
  ];

/** An engine, or one variant of it. */
interface Candidate {
  readonly engine: Measured;
  readonly variant: string;
  readonly runner: Runner;
  /** The factor of ceilings, which are measured on one thread. */
  readonly parallelism: number;
}

const CHOSEN = "chosen";
/** A store that keeps no choice of variants, so that every run chooses anew. */
const forgetful: Store = { read: async () => undefined, write: async () => {} };

/** Runners of every engine, opened when they are needed and closed together. */
function openRunners({ engines, threads, gpu }: Context) {
  const opened = new Map<string, Promise<Runner>>();
  const runnerOf = (name: string, open: () => Promise<Runner>) => {
    const runner = opened.get(name) ?? open();
    opened.set(name, runner);
    return runner;
  };
  return {
    async candidates({ kernel, small }: Case): Promise<Candidate[]> {
      const found: Candidate[] = [];
      if (engines.has("cpu"))
        for (const parallelism of new Set([1, threads])) {
          const variant = threadsText(parallelism);
          const runner = await runnerOf(variant, () => cpuRunner(parallelism, startThread));
          found.push({ engine: "cpu", variant, runner, parallelism });
        }
      if (gpu) {
        const { requestAdapter, language } = gpu;
        for (const variant of variantsOf(kernel)) {
          const runner = await runnerOf(variant, () => gpuRunner(requestAdapter, { variant, language }));
          found.push({ engine: "gpu", variant, runner, parallelism: 1 });
        }
        // The variant that users get, which is the fastest when measured.
        const runner = await runnerOf(CHOSEN, () =>
          gpuRunner(requestAdapter, { store: forgetful, language }),
        );
        found.push({ engine: "gpu", variant: CHOSEN, runner, parallelism: 1 });
      }
      if (engines.has("reference") && small)
        found.push({ engine: "reference", variant: "", runner: referenceRunner(), parallelism: 1 });
      return found;
    },
    async close() {
      for (const runner of opened.values()) (await runner).close();
    },
  };
}

/** Runs the fixed work once: its cost, its seconds, and the digest of its output. */
async function once({ works, units }: Case, runner: Runner) {
  const outputs: Uint32Array[] = [];
  const seconds = await timed(async () => {
    for (const work of works) outputs.push((await runner.run(work)).words);
  });
  return { cost: seconds / units, seconds, digest: digestOf(outputs) };
}

/** Seconds that a piece of work for a GPU should take, and how often it may repeat the fixed work. */
const WORK_SECONDS = 0.01;
const MAX_REPETITIONS = 2 ** 8;
/** Pieces of work of a repetition: a second one is in the queue when the first is done. */
const WORKS = 4;

async function passOf({ trials, grown, units, works }: Case, runner: Runner): Promise<Pass> {
  if (trials) return trialsPass(runner, trials);
  if (!grown || runner.engine !== "gpu") return worksPass(runner, units, works);
  for (let times = 1; ; times *= 4) {
    const work = grown(times);
    if (times >= MAX_REPETITIONS || (await timed(() => runner.run(work))) >= WORK_SECONDS)
      return worksPass(runner, WORKS * times * units, new Array<Work>(WORKS).fill(work));
  }
}

/** Passes of the micro-kernels that may bind a kernel, by engine. */
type Ceilings = Partial<Record<Measured, Partial<Record<Ceiling, Pass>>>>;

/** Opens the micro-kernels. `close` destroys the device. */
async function openCeilings({ engines, gpu }: Context): Promise<{ ceilings: Ceilings; close: () => void }> {
  const names = ["registers", "memory", "dot"] as const;
  const passesOf = (micros: Partial<Record<Ceiling, { readonly pass: Pass }>>) =>
    Object.fromEntries(names.flatMap((name) => (micros[name] ? [[name, micros[name].pass]] : [])));
  const onGpu = gpu && (await openGpuMicros(gpu, names));
  return {
    ceilings: {
      ...(engines.has("cpu") && { cpu: passesOf(await cpuMicros()) }),
      ...(onGpu && { gpu: passesOf(onGpu.micros) }),
    },
    close: () => onGpu?.close(),
  };
}

const ceilingOf = (engine: Measured, name: string) => `ceiling of ${engine}: ${name}`;

async function rowsOf(
  context: Context,
  ceilings: Ceilings,
  candidates: readonly Candidate[],
  each: Case,
): Promise<Row[]> {
  if (candidates.length === 0) return [];
  const { kernel, size, unit, bound, updates } = each;
  const passes: Record<string, Pass> = {};
  const costs: Record<string, number[]> = {};
  const digests = new Map<Candidate, string>();
  const nameOf = ({ engine, variant }: Candidate) => `${engine} ${variant}`;
  for (const candidate of candidates) {
    const { engine, variant, runner } = candidate;
    if (context.signal.aborted) return [];
    try {
      let { digest, seconds, cost } = await once(each, runner);
      // Slow work is measured once, by its second run, since the first one may include compilation.
      if (seconds > SLOW_SECONDS) ({ seconds, cost } = await once(each, runner));
      if (seconds > SLOW_SECONDS) costs[nameOf(candidate)] = [cost];
      else passes[nameOf(candidate)] = await passOf(each, runner);
      digests.set(candidate, digest);
    } catch (error) {
      // Not every size fits a variant.
      if (engine !== "gpu" || !(error instanceof RequestError)) throw error;
      context.note(`        ${kernel}, ${size}: the variant ${variant} does not fit on this GPU`);
    }
  }
  // Ceilings are measured alternately with the kernel, since the speed of a machine changes from one minute to the next.
  for (const engine of new Set(candidates.map(({ engine }) => engine)))
    for (const name of Object.keys(bound) as Ceiling[]) {
      const pass = ceilings[engine]?.[name];
      if (pass) passes[ceilingOf(engine, name)] = pass;
    }
  const alternated = await context.measure(`${kernel}, ${size}`, passes);
  if (!alternated) return [];
  Object.assign(costs, alternated);
  return [...digests].map(([candidate, digest]) => {
    const { engine, variant, parallelism } = candidate;
    const found = costs[nameOf(candidate)]!;
    const cost = median(found);
    const shares = Object.entries(bound).flatMap(([ceiling, taken]) => {
      const most = costs[ceilingOf(engine, ceiling)];
      if (!most) return [];
      // Work that was measured once has no rounds to compare, so medians are.
      const ratio = found.length === most.length ? ratioOf(most, found) : median(most) / cost;
      return [[ceiling, (taken * (updates?.[engine] ?? 1) * ratio) / parallelism] as const];
    });
    return rowOf({ section: "kernels", engine, kernel, size, variant }, unit, found, {
      digest,
      ...(updates && { updates: updates[engine] / cost }),
      ...(shares.length > 0 && { shares: Object.fromEntries(shares) }),
    });
  });
}

/** Measures every kernel that is asked for, size by size. */
export async function benchKernels(context: Context): Promise<Section> {
  const rows: Row[] = [];
  const runners = openRunners(context);
  const { ceilings, close } = await openCeilings(context);
  try {
    for (const [kernels, casesOf] of cases) {
      if (context.signal.aborted) break;
      if (!kernels.some((kernel) => context.kernels.has(kernel))) continue;
      for (const each of await casesOf()) {
        if (context.signal.aborted) break;
        if (!context.kernels.has(each.kernel)) continue;
        rows.push(...(await rowsOf(context, ceilings, await runners.candidates(each), each)));
      }
    }
  } finally {
    close();
    await runners.close();
  }
  const found = [...new Set(rows.map(({ kernel }) => kernel))];
  return {
    title: "kernels on every engine, and their shares of ceilings that are measured alternately with them",
    rows,
    table: [
      ...found.flatMap((name) => [name, ...rowsTable(rows.filter(({ kernel }) => kernel === name)), ""]),
      "updates: words of 32 bits in the live window, for every item, items entering in the order of the engine. registers: by",
      "shifts or by products, whichever is faster on the device.",
    ],
  };
}
