// Every kernel on every engine there is, and on the GPU in every variant that fits: how much of the work that counts a
// second holds, and what share of the ceilings of the same run. All answer the same fixed work, whose digest is told.

import { RequestError } from "../../../../src/errors.ts";
import { drawValue } from "../../../../src/ensemble.ts";
import { phaseConfig, plan } from "../../../../src/experiments/phase.ts";
import type { SolveRequest } from "../../../../src/experiments/solve.ts";
import type { KernelName } from "../../../../src/kernels/index.ts";
import { outlineOf, readNetwork } from "../../../../src/network.ts";
import { batchWork, type Plan, type Work, type WorkOf } from "../../../../src/plan.ts";
import type { Instance } from "../../../../src/solve/problem.ts";
import { streamKey } from "../../../../src/random.ts";
import { demandChunks } from "../../../../src/ticket/chunks.ts";
import { layersOf } from "../../../../src/ticket/scheme.ts";
import { schemeFor } from "../../../../src/ticket/width.ts";
import { cpuRunner } from "../../../cpu/runner.ts";
import { gpuRunner } from "../../../gpu/runner.ts";
import type { Store } from "../../../gpu/tune.ts";
import { variantsOf } from "../../../gpu/kernels/index.ts";
import { referenceRunner } from "../../../reference.ts";
import type { Runner } from "../../../runner.ts";
import { solve } from "../../../experiments/solve.ts";
import { startThread } from "../../platform/threads.ts";
import { cpuMicros, openGpuMicros, type Ceiling } from "./ceilings.ts";
import { ratioOf, rowOf, rowsTable, type Context, type Measured, type Section } from "../context.ts";
import { digestOf } from "../measure/digest.ts";
import { layerOf, SHAPES } from "../measure/layers.ts";
import { median, timed, type Pass } from "../measure/measure.ts";
import { sizeText, threadsText, trialsPass, worksPass } from "../measure/passes.ts";
import type { Row } from "../records/record.ts";
import { updatesOf } from "../measure/updates.ts";

interface Case {
  readonly kernel: KernelName;
  readonly size: string;
  /** What is counted, and how many of them the fixed work has. */
  readonly unit: string;
  readonly units: number;
  readonly works: readonly Work[];
  /** Trials are measured in batches of the size that an engine likes. */
  readonly trials?: Plan;
  /** The fixed work so many times in one piece: a GPU would have done it before it is told of the next. */
  readonly grown?: (times: number) => Work;
  /** Ceilings that may bind it, and what of theirs a unit takes. */
  readonly bound: Readonly<Partial<Record<Ceiling, number>>>;
  /** Whether the definition is quick enough to be measured. */
  readonly small: boolean;
}

/** Seconds from which on a go of the fixed work is measured once. */
const SLOW = 0.3;

/** Trials of the fixed work. */
const TRIALS = 512;

function trialCases(): Case[] {
  return [6, 8, 10, 12, 14].map((bits) => {
    const trials = plan(phaseConfig({ bits, items: bits + 6, targets: [0], seed: 1 }));
    const updates = updatesOf(trials);
    return {
      kernel: "reach",
      size: sizeText(bits),
      unit: "trials/s",
      units: TRIALS,
      works: [batchWork(trials, { first: 0, count: TRIALS })],
      trials,
      bound: { registers: updates, memory: updates },
      small: bits <= 8,
    };
  });
}

/** Instances of n items of +-1..M, each with a target that it may reach. */
function instancesOf(count: number, n: number, M: number): Instance[] {
  const key = streamKey(1n, [1001, n]);
  const item = (trial: number, i: number) => {
    const value = drawValue(2 * M, key, trial, i) - M;
    return value < 0 ? value : value + 1;
  };
  return Array.from({ length: count }, (_, trial) => ({
    items: Array.from({ length: n }, (_, i) => item(trial, i)),
    target: item(trial, n),
  }));
}

/** What a request has a kernel do for instances. */
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
  const [columns, rows] = [32, 16];
  const key = streamKey(1n, [1002, columns]);
  const weights = Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_, i) => drawValue(513, key, row * columns + i, 0) - 256),
  );
  const { network, bits } = readNetwork({ bits: 8, activationBits: 8, layers: [{ weights }] });
  const { scheme } = schemeFor(network, bits, { bits: 4 });
  const layers = layersOf(outlineOf(network, bits).widths, bits, scheme);
  const tiles = [...demandChunks(network, layers, scheme, 1n, false)];
  return {
    kernel: "prune",
    size: `${columns} -> ${rows}, 8 bits from 4`,
    unit: "sums/s",
    units: tiles.reduce((sum, { count }) => sum + count, 0),
    works: tiles.map(({ work }) => work),
    bound: {},
    small: true,
  };
}

/** A layer's work with its inputs so many times. */
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
  return SHAPES.flatMap(({ columns, rows, few }) => {
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

/** An engine, or one variant of it. */
interface Candidate {
  readonly engine: Measured;
  readonly variant: string;
  readonly runner: Runner;
  /** How many times as high ceilings are as those of one thread. */
  readonly lanes: number;
}

const CHOSEN = "chosen";
/** Every run of a bench chooses anew. */
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
        for (const lanes of new Set([1, threads])) {
          const variant = threadsText(lanes);
          const runner = await runnerOf(variant, () => cpuRunner(lanes, startThread));
          found.push({ engine: "cpu", variant, runner, lanes });
        }
      if (gpu) {
        const { requestAdapter, language } = gpu;
        for (const variant of variantsOf(kernel)) {
          const runner = await runnerOf(variant, () => gpuRunner(requestAdapter, { variant, language }));
          found.push({ engine: "gpu", variant, runner, lanes: 1 });
        }
        // What users get: the fastest shape of all, as measured before.
        const runner = await runnerOf(CHOSEN, () =>
          gpuRunner(requestAdapter, { store: forgetful, language }),
        );
        found.push({ engine: "gpu", variant: CHOSEN, runner, lanes: 1 });
      }
      if (engines.has("reference") && small)
        found.push({ engine: "reference", variant: "", runner: referenceRunner(), lanes: 1 });
      return found;
    },
    async close() {
      for (const runner of opened.values()) (await runner).close();
    },
  };
}

/** The whole of the fixed work, piece by piece: what it costs, and the digest of what was written. */
async function once({ works, units }: Case, runner: Runner) {
  const outputs: Uint32Array[] = [];
  const seconds = await timed(async () => {
    for (const work of works) outputs.push(await runner.run(work));
  });
  return { cost: seconds / units, seconds, digest: digestOf(outputs) };
}

/** Seconds that a piece of work for a GPU should take, and how many times as large as the fixed work it may be. */
const PIECE = 0.01;
const MOST = 2 ** 8;
/** Pieces of a pass, so that one is ready when another is done. */
const PIECES = 4;

async function passOf({ trials, grown, units, works }: Case, runner: Runner): Promise<Pass> {
  if (trials) return trialsPass(runner, trials);
  if (!grown || runner.engine !== "gpu") return worksPass(runner, units, works);
  for (let times = 1; ; times *= 4) {
    const work = grown(times);
    if (times >= MOST || (await timed(() => runner.run(work))) >= PIECE)
      return worksPass(runner, PIECES * times * units, new Array<Work>(PIECES).fill(work));
  }
}

/** Passes of the micro-kernels that may bind a kernel, by engine. */
type Ceilings = Partial<Record<Measured, Partial<Record<Ceiling, Pass>>>>;

/** Has them ready, and what gives the device back. */
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
  const { kernel, size, unit, trials, bound } = each;
  const passes: Record<string, Pass> = {};
  const costs: Record<string, number[]> = {};
  const digests = new Map<Candidate, string>();
  const nameOf = ({ engine, variant }: Candidate) => `${engine} ${variant}`;
  for (const candidate of candidates) {
    const { engine, variant, runner } = candidate;
    if (context.signal.aborted) return [];
    try {
      let { digest, seconds, cost } = await once(each, runner);
      // What is that slow takes no turns; the first time it may have waited for a compiler.
      if (seconds > SLOW) ({ seconds, cost } = await once(each, runner));
      if (seconds > SLOW) costs[nameOf(candidate)] = [cost];
      else passes[nameOf(candidate)] = await passOf(each, runner);
      digests.set(candidate, digest);
    } catch (error) {
      // A variant has no room for every size.
      if (engine !== "gpu" || !(error instanceof RequestError)) throw error;
      context.note(`        ${kernel}, ${size}: no room for ${variant} on this GPU`);
    }
  }
  // Ceilings take turns with what is held against them, since machines are not the same from one minute to the next.
  for (const engine of new Set(candidates.map(({ engine }) => engine)))
    for (const name of Object.keys(bound) as Ceiling[]) {
      const pass = ceilings[engine]?.[name];
      if (pass) passes[ceilingOf(engine, name)] = pass;
    }
  const turns = await context.takeTurns(`${kernel}, ${size}`, passes);
  if (!turns) return [];
  Object.assign(costs, turns);
  return [...digests].map(([candidate, digest]) => {
    const { engine, variant, lanes } = candidate;
    const found = costs[nameOf(candidate)]!;
    const cost = median(found);
    const shares = Object.entries(bound).flatMap(([ceiling, taken]) => {
      const most = costs[ceilingOf(engine, ceiling)];
      if (!most) return [];
      // What took no turns is held against the middle of theirs.
      const ratio = found.length === most.length ? ratioOf(most, found) : median(most) / cost;
      return [[ceiling, (taken * ratio) / lanes] as const];
    });
    return rowOf({ section: "kernels", engine, kernel, size, variant }, unit, found, {
      digest,
      ...(trials && { updates: bound.registers! / cost }),
      ...(shares.length > 0 && { shares: Object.fromEntries(shares) }),
    });
  });
}

/** Measures every kernel, size by size. */
export async function benchKernels(context: Context): Promise<Section> {
  const rows: Row[] = [];
  const runners = openRunners(context);
  const { ceilings, close } = await openCeilings(context);
  try {
    for (const each of [...trialCases(), ...(await instanceCases()), pruneCase(), ...layerCases()]) {
      if (context.signal.aborted) break;
      if (!context.kernels.has(each.kernel)) continue;
      rows.push(...(await rowsOf(context, ceilings, await runners.candidates(each), each)));
    }
  } finally {
    close();
    await runners.close();
  }
  const found = [...new Set(rows.map(({ kernel }) => kernel))];
  return {
    title: "kernels on every engine, and their share of ceilings that take turns with them",
    rows,
    table: [
      ...found.flatMap((name) => [name, ...rowsTable(rows.filter(({ kernel }) => kernel === name)), ""]),
      "updates: words of 32 bits that hold sums which can still end at a target, items taken as drawn; a kernel that",
      "takes them in a better order has less to do than that, and may have more than all of a ceiling.",
    ],
  };
}
