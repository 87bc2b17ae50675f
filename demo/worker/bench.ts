// The order `bench`: measures kernels on the CPU and on the GPU of the visitor.
//
// The engines do the same fixed work first, whose outputs have equal digests. Then they are measured alternately, so that other
// load of the machine affects both.

import { demandsOf } from "../../host/bench/demands.ts";
import { layerOf } from "../../host/bench/layers.ts";
import { sha256 } from "../../host/experiments/digest.ts";
import { pump } from "../../host/pump.ts";
import type { Runner } from "../../host/runner.ts";
import { BatchSize, firstBatchTrials } from "../../host/schedule.ts";
import { RequestError } from "../../src/errors.ts";
import { phaseConfig, plan } from "../../src/experiments/phase.ts";
import { batchWork, type Plan, type Work } from "../../src/plan.ts";
import { messageOf, whyNoGpu } from "../message.ts";
import { engineOf } from "./engine.ts";
import type { Context, Order } from "./orders.ts";

export const benchEngines = ["cpu", "gpu"] as const;
export type BenchEngine = (typeof benchEngines)[number];

export interface BenchOrder extends Order {
  readonly request: {
    /** How long each engine is measured at a time. */
    readonly milliseconds: number;
  };
  readonly report: BenchReport;
  readonly answer: undefined;
}

/** What is known so far. */
export interface BenchReport {
  readonly engines: readonly BenchMachine[];
  readonly rows: readonly BenchRow[];
}

export interface BenchMachine {
  readonly engine: BenchEngine;
  /** What computes; undefined where the engine is missing. */
  readonly adapter?: string;
  /** Why the engine is missing. */
  readonly problem?: string;
}

export interface BenchRow {
  readonly kernel: string;
  readonly size: string;
  readonly engine: BenchEngine;
  /** The median of the rates so far, and its unit. */
  readonly rate: number;
  readonly unit: string;
  readonly rounds: number;
  /** The first 64 bits of the SHA-256 of the outputs of the fixed work; undefined where the browser has no SHA-256. */
  readonly digest?: string;
}

/** A kernel with fixed work. */
interface Case {
  readonly kernel: string;
  readonly size: string;
  readonly unit: string;
  readonly works: readonly { readonly work: Work; readonly units: number }[];
  /** Trials, which are measured in batches of a size that suits the engine instead of as the fixed work. */
  readonly trials?: Plan;
}

/** How often each engine is measured. */
const ROUNDS = 3;
/** An engine is measured once where its work takes longer than a measurement should by this factor. */
const SLOW = 10;
/** Shorter measurements are a test of the engines, with one size of `reach`. */
const SHORT_MS = 50;
/** Trials of the fixed work of `reach`, as many as `exacta bench` takes. */
const TRIALS = 512;
/** Inputs of the layer of `forward`. */
const SAMPLES = 2 ** 11;

export async function bench(
  { milliseconds }: BenchOrder["request"],
  { signal, report, resumed, heldMilliseconds }: Context<BenchOrder>,
): Promise<undefined> {
  const { engines, runners } = await openAll();
  const rows = new Map<string, BenchRow>();
  report({ engines, rows: [] });
  for (const measured of cases(milliseconds)) {
    const { kernel, size, unit } = measured;
    const measure = async (candidate: Candidate): Promise<void> => {
      const { engine, digest, meter, rates } = candidate;
      let [rate, held, begun] = [0, 0, 0];
      // A measurement during which the page was hidden is repeated.
      do {
        await resumed();
        signal.throwIfAborted();
        [held, begun] = [heldMilliseconds(), performance.now()];
        rate = await meter(milliseconds, signal);
      } while (heldMilliseconds() !== held);
      rates.push(rate);
      candidate.isSlow = performance.now() - begun > SLOW * milliseconds;
      const row = { kernel, size, engine, rate: median(rates), unit, rounds: rates.length };
      rows.set(`${kernel} ${size} ${engine}`, digest === undefined ? row : { ...row, digest });
      report({ engines, rows: [...rows.values()] });
    };
    const candidates: Candidate[] = [];
    // A rate of the CPU is shown before the GPU has compiled its shaders.
    for (const [engine, runner] of runners) {
      signal.throwIfAborted();
      const digest = await digestOf(await outputsOf(runner, measured));
      const candidate = {
        engine,
        digest,
        meter: meterOf(runner, measured, heldMilliseconds),
        rates: [],
        isSlow: false,
      };
      // The first measurement finds the size of batches.
      if (measured.trials) await candidate.meter(milliseconds, signal);
      await measure(candidate);
      candidates.push(candidate);
    }
    for (let round = 1; round < ROUNDS; round++)
      for (const candidate of candidates) if (!candidate.isSlow) await measure(candidate);
  }
  return undefined;
}

async function openAll() {
  const engines: BenchMachine[] = [];
  const runners: (readonly [BenchEngine, Runner])[] = [];
  for (const engine of benchEngines)
    try {
      const { runner } = await engineOf(engine);
      runners.push([engine, runner]);
      engines.push({ engine, adapter: runner.adapter });
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      engines.push({ engine, problem: engine === "gpu" ? whyNoGpu() : messageOf(error) });
    }
  return { engines, runners };
}

function* cases(milliseconds: number): Generator<Case> {
  for (const bits of milliseconds < SHORT_MS ? [8] : [6, 8, 10, 12]) {
    const trials = plan(phaseConfig({ bits, items: bits + 6, targets: [0], seed: 1 }));
    const work = batchWork(trials, { first: 0, count: TRIALS });
    const size = `M = 2^${bits}, n = ${bits + 6}`;
    yield { kernel: "reach", size, unit: "trials/s", works: [{ work, units: TRIALS }], trials };
  }
  yield {
    kernel: "prune",
    size: "32 -> 16, 8 bits from 4",
    unit: "sums/s",
    works: demandsOf(32, 16).map(({ work, count }) => ({ work, units: count })),
  };
  const { audit } = layerOf(64, 64, SAMPLES);
  yield {
    kernel: "forward",
    size: "64 -> 64",
    unit: "MAC/s",
    works: [{ work: audit, units: SAMPLES * 64 * 64 * audit.params.group }],
  };
}

/** An engine that is measured. */
interface Candidate {
  readonly engine: BenchEngine;
  readonly digest: string | undefined;
  readonly meter: Meter;
  readonly rates: number[];
  isSlow: boolean;
}

/** Measures an engine for some milliseconds, and returns its rate in units a second. */
type Meter = (milliseconds: number, signal: AbortSignal) => Promise<number>;

function meterOf(runner: Runner, { works, trials }: Case, heldMilliseconds: () => number): Meter {
  const size = trials && new BatchSize(runner, firstBatchTrials(trials));
  /** Work number k, with its units. */
  function workAt(k: number) {
    if (!trials || !size) return works[k % works.length]!;
    const count = size.trials;
    return { work: batchWork(trials, { first: 0, count }), units: count };
  }
  async function run({ work, units }: ReturnType<typeof workAt>): Promise<number> {
    const held = heldMilliseconds();
    const submitted = performance.now();
    const { deviceMilliseconds } = await runner.run(work);
    // The time of a batch that was held says nothing of the engine.
    if (heldMilliseconds() === held) size?.adapt(units, submitted, deviceMilliseconds);
    return units;
  }
  return async (milliseconds, signal) => {
    const begun = performance.now();
    function* source() {
      for (let k = 0; k === 0 || performance.now() < begun + milliseconds; k++) yield workAt(k);
    }
    let done = 0;
    for await (const units of pump(source(), run, { depth: runner.queueDepth, signal })) done += units;
    return (1000 * done) / (performance.now() - begun);
  };
}

async function outputsOf(runner: Runner, { works }: Case): Promise<Uint32Array[]> {
  const outputs: Uint32Array[] = [];
  for (const { work } of works) outputs.push((await runner.run(work)).words);
  return outputs;
}

/** The digest that `exacta bench` prints. Browsers have SHA-256 at https and localhost alone. */
async function digestOf(outputs: readonly Uint32Array[]): Promise<string | undefined> {
  if (!isSecureContext) return undefined;
  const bytes = await new Blob(outputs.map((words) => new Uint32Array(words))).arrayBuffer();
  return (await sha256(new Uint8Array(bytes))).slice(0, 16);
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
