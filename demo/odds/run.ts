// The trials of the open experiment: orders to the worker, and what they report.

import { useEffect, useState } from "preact/hooks";
import type { PhaseConfig } from "../../src/experiments/phase.ts";
import type { PhaseFinding, TheoryFinding } from "../../src/finding.ts";
import { ask, OrderError, type Asked } from "../worker/ask.ts";
import type { LiveReport } from "../worker/live.ts";
import type { PageEngine } from "../worker/orders.ts";

/** An experiment. Those with the same key have the same counts. */
export interface Experiment {
  readonly key: string;
  readonly engine: PageEngine;
  readonly configs: readonly PhaseConfig[];
}

/** What is known of an experiment. */
export interface Run {
  readonly state: "idle" | "running" | "paused" | "done" | "failed";
  readonly report?: LiveReport;
  /** The findings of each sweep; empty before the first report. */
  readonly findings: readonly (readonly PhaseFinding[])[];
  /** The theory of each sweep; empty where none is computed. */
  readonly theory: readonly (readonly TheoryFinding[])[];
  readonly error?: OrderError;
}

const NOTHING = { findings: [], theory: [] } as const;

/** Counts trials of an experiment for as long as it is the same; undefined counts none. */
export function useRun(experiment: Experiment | undefined) {
  const key = experiment?.key;
  const [known, setKnown] = useState<{
    readonly key: string;
    readonly run: Run;
    readonly order: Asked<unknown>;
  }>();
  const change = (changes: (run: Run) => Partial<Run>) =>
    setKnown((known) => known && { ...known, run: { ...known.run, ...changes(known.run) } });
  useEffect(() => {
    if (!experiment) return undefined;
    const { key, engine, configs } = experiment;
    const order = ask("live", { engine, configs, share: "even" }, (report) =>
      change(({ findings }) => ({
        report,
        findings: report.findings.map((list, i) => list ?? findings[i] ?? []),
      })),
    );
    setKnown({ key, run: { state: "running", ...NOTHING }, order });
    order.answer.then(
      () => change(() => ({ state: "done" })),
      (error: OrderError) => change(() => ({ state: "failed", error })),
    );
    const theory = ask("theory", { configs });
    theory.answer.then(
      (theory) => change(() => ({ theory })),
      (error: OrderError) => change(() => ({ error })),
    );
    return () => {
      order.drop();
      theory.drop();
    };
    // The key stands for the experiment.
  }, [key]);

  // What is known of an experiment before this one is not shown.
  const current = known !== undefined && known.key === key ? known : undefined;
  return {
    run: current?.run ?? { state: experiment ? ("running" as const) : ("idle" as const), ...NOTHING },
    pause: () => {
      current?.order.pause();
      change(() => ({ state: "paused" }));
    },
    resume: () => {
      current?.order.resume();
      change(() => ({ state: "running" }));
    },
  };
}
