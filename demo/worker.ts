// The worker of the page: opens the engine, runs the phase experiments of all curves at the same time, and reports their
// findings four times a second.

import { openAuto } from "../host/open.ts";
import { runnerOf, type Runner } from "../host/runner.ts";
import { measureSweep } from "../host/experiments/phase.ts";
import { openEngine } from "../host/web/index.ts";
import { platform } from "../host/web/platform.ts";
import { isProduct } from "../src/ensemble.ts";
import type { PhaseConfig } from "../src/experiments/phase.ts";
import { planSweep } from "../src/experiments/sweep.ts";
import { theoryOfConfig } from "../src/experiments/theory.ts";
import type { PhaseFinding } from "../src/finding.ts";
import type { PageEngine } from "./inputs.ts";
import { messageOf, type Order, type Report } from "./messages.ts";
import { limitInFlight } from "./limit.ts";

/** Milliseconds between two reports, and between two updates of the findings of a curve. */
const REPORT_INTERVAL_MS = 250;

/** The largest half ranges and the most targets whose theory is computed before the first trial, in a moment. */
const MAX_THEORY_HALF_RANGE = 1024;
const MAX_THEORY_HALF_RANGE_PRODUCTS = 256;
const MAX_THEORY_TARGETS = 4;

interface OpenEngine {
  readonly requested: PageEngine;
  readonly runner: Runner;
  readonly why: string;
}

let opened: OpenEngine | undefined;
let stopping = new AbortController();
/** The end of the last run. A run waits for the one before it, whose engine it may close. */
let lastRun = Promise.resolve();

addEventListener("message", ({ data }: MessageEvent<Order>) => {
  stopping.abort();
  if (data.type === "stop") return;
  const controller = (stopping = new AbortController());
  lastRun = lastRun.then(() => run(data, controller));
});

function report(message: Report): void {
  postMessage(message);
}

async function open(requested: PageEngine): Promise<OpenEngine> {
  if (opened?.requested === requested) return opened;
  forget();
  if (requested === "auto") {
    const { runner, why } = await openAuto(platform, { onNotice: console.warn });
    opened = { requested, runner, why: `because ${why}` };
  } else
    opened = { requested, runner: runnerOf(await openEngine({ engine: requested })), why: "as you chose" };
  return opened;
}

function forget(): void {
  opened?.runner.close();
  opened = undefined;
}

function hasQuickTheory({ ensemble, halfRange, targets }: PhaseConfig): boolean {
  const mostHalfRange = isProduct(ensemble) ? MAX_THEORY_HALF_RANGE_PRODUCTS : MAX_THEORY_HALF_RANGE;
  return (ensemble === "rnpp" || halfRange <= mostHalfRange) && targets.length <= MAX_THEORY_TARGETS;
}

async function run(
  { run, engine, configs }: Order & { type: "start" },
  stop: AbortController,
): Promise<void> {
  const { signal } = stop;
  if (signal.aborted) return;
  try {
    const { runner, why } = await open(engine);
    const reportEngine = () =>
      report({ run, type: "engine", engine: runner.engine, adapter: runner.adapter, why });
    reportEngine();
    report({
      run,
      type: "theory",
      theory: configs.map((config) => (hasQuickTheory(config) ? theoryOfConfig(config) : [])),
    });
    const shared = limitInFlight(runner);
    const begun = performance.now();
    const done = configs.map(() => 0);
    const updated = configs.map(() => begun);
    const findings: (readonly PhaseFinding[])[] = configs.map(() => []);
    /** Compute the findings of each curve from its counts when they are called. */
    const current = configs.map(() => (): PhaseFinding[] => []);
    let reported = begun;
    const count = () => ({
      findings: [...findings],
      done: done.reduce((a, b) => a + b, 0),
      total: configs.reduce((sum, { trials }) => sum + trials, 0),
      seconds: (performance.now() - begun) / 1000,
    });
    await Promise.all(
      configs.map(async (config, i) => {
        try {
          const sweep = await measureSweep(shared, planSweep(config), {
            signal,
            onProgress(progress, soFar) {
              done[i] = progress.done;
              current[i] = soFar;
              const now = performance.now();
              if (now - updated[i]! >= REPORT_INTERVAL_MS || findings[i]!.length === 0) {
                updated[i] = now;
                findings[i] = soFar();
              }
              if (now - reported >= REPORT_INTERVAL_MS) {
                reported = now;
                report({ run, type: "progress", ...count() });
              }
            },
          });
          findings[i] = sweep.findings;
        } catch (error) {
          if (error === signal.reason) {
            findings[i] = current[i]!();
            return;
          }
          // The other curves would go on without a report.
          stop.abort();
          throw error;
        }
      }),
    );
    // The adapter names the CPU too if that stood in for the GPU.
    reportEngine();
    report({ run, type: "end", stopped: signal.aborted, ...count() });
  } catch (error) {
    // The engine may be what failed, such as a lost device, so the next run opens another.
    forget();
    report({ run, type: "error", message: messageOf(error) });
  }
}
