// The experiment, away from the page's thread: opens the engine, runs one phase experiment for each curve at the same
// time, and reports a few times a second.

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
import type { Order, Report } from "./messages.ts";
import { limitInFlight } from "./limit.ts";

/** Milliseconds between two reports, and between two looks at the same curve. */
const PAUSE = 250;

/** Half ranges whose theory is there before anybody has waited for it. */
const QUICK = 1024;
const QUICK_PRODUCTS = 256;
const QUICK_TARGETS = 4;

interface Opened {
  readonly asked: PageEngine;
  readonly runner: Runner;
  readonly why: string;
}

let opened: Opened | undefined;
let stopping = new AbortController();
/** Runs follow each other, so that an engine is never closed under a run. */
let last = Promise.resolve();

addEventListener("message", ({ data }: MessageEvent<Order>) => {
  stopping.abort();
  if (data.type === "stop") return;
  const controller = (stopping = new AbortController());
  last = last.then(() => run(data, controller));
});

function report(message: Report): void {
  postMessage(message);
}

async function open(asked: PageEngine): Promise<Opened> {
  if (opened?.asked === asked) return opened;
  forget();
  if (asked === "auto") {
    const { runner, why } = await openAuto(platform);
    opened = { asked, runner, why: `because ${why}` };
  } else opened = { asked, runner: runnerOf(await openEngine({ engine: asked })), why: "as you chose" };
  return opened;
}

function forget(): void {
  opened?.runner.close();
  opened = undefined;
}

function isQuick({ ensemble, halfRange, targets }: PhaseConfig): boolean {
  const most = isProduct(ensemble) ? QUICK_PRODUCTS : QUICK;
  return (ensemble === "rnpp" || halfRange <= most) && targets.length <= QUICK_TARGETS;
}

async function run(
  { run, engine, configs }: Order & { type: "start" },
  stop: AbortController,
): Promise<void> {
  const { signal } = stop;
  if (signal.aborted) return;
  try {
    const { runner, why } = await open(engine);
    report({ run, type: "engine", engine: runner.engine, adapter: runner.adapter, why });
    report({
      run,
      type: "theory",
      theory: configs.map((config) => (isQuick(config) ? theoryOfConfig(config) : [])),
    });
    const shared = limitInFlight(runner);
    const begun = performance.now();
    const done = configs.map(() => 0);
    const seen = configs.map(() => begun);
    const findings: (readonly PhaseFinding[])[] = configs.map(() => []);
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
              if (now - seen[i]! >= PAUSE || findings[i]!.length === 0) {
                seen[i] = now;
                findings[i] = soFar();
              }
              if (now - reported >= PAUSE) {
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
          // The other curves end too; without this they would run on unseen.
          stop.abort();
          throw error;
        }
      }),
    );
    report({ run, type: "end", stopped: signal.aborted, ...count() });
  } catch (error) {
    // Whatever failed, perhaps a lost device, the next run opens anew.
    forget();
    report({ run, type: "error", message: error instanceof Error ? error.message : String(error) });
  }
}
