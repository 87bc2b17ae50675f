// Counts the cells of a grid in the worker, and asks for their theory.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { phaseConfig } from "../../src/experiments/phase.ts";
import { ask, type Asked } from "../worker/ask.ts";
import type { LiveReport } from "../worker/live.ts";
import type { PageEngine } from "../worker/orders.ts";
import type { Grid, Range, Row } from "./grid.ts";

export interface CountsRequest {
  readonly engine: PageEngine;
  readonly seed: string;
  readonly items: Range;
  readonly halfRanges: readonly number[];
  /** The trials with which each row ends. */
  readonly trials: number;
}

/** `opening`: before the first trials. `done`: every row has all its trials. */
type CountsState = "opening" | "running" | "paused" | "done" | "refused";

export interface Counts {
  readonly grid: Grid;
  /** The predicted failures of the target M by row and column; empty until they are known. */
  readonly theory: readonly (readonly number[])[];
  readonly state: CountsState;
  readonly report: Omit<LiveReport, "findings"> | undefined;
  /** Why the worker refused. */
  readonly problem: string | undefined;
  readonly pause: () => void;
  readonly resume: () => void;
}

type Counted = Pick<Counts, "theory" | "state" | "report" | "problem"> & {
  readonly key: string;
  readonly rows: readonly (Row | undefined)[];
};

/** Counts trials from when a request is first seen until it changes. */
export function useCounts(request: CountsRequest): Counts {
  const key = JSON.stringify(request);
  const none: Counted = {
    key,
    rows: request.halfRanges.map(() => undefined),
    theory: [],
    state: "opening",
    report: undefined,
    problem: undefined,
  };
  const [counted, setCounted] = useState(none);
  const order = useRef<Asked<undefined>>(undefined);
  /** Changes what is known of this request. What is known of another one is dropped. */
  const change = (changes: (before: Counted) => Partial<Counted>) =>
    setCounted((before) => {
      const known = before.key === key ? before : none;
      return { ...known, ...changes(known) };
    });
  useEffect(() => {
    const { engine, seed, items, halfRanges, trials } = request;
    const configs = halfRanges.map((halfRange) => phaseConfig({ halfRange, items, trials, seed }));
    const counting = ask("live", { engine, configs, share: "widest" }, ({ findings, ...report }) =>
      change((before) => ({
        report,
        state: before.state === "opening" ? "running" : before.state,
        rows: before.rows.map((row, r) => rowOf(findings[r]) ?? row),
      })),
    );
    const predicting = ask("window", { halfRanges, items });
    order.current = counting;
    counting.answer.then(
      () => change(() => ({ state: "done" })),
      (error: Error) => change(() => ({ state: "refused", problem: error.message })),
    );
    predicting.answer.then(
      (theory) => change(() => ({ theory })),
      (error: Error) => change(() => ({ problem: error.message })),
    );
    return () => {
      counting.drop();
      predicting.drop();
    };
  }, [key]);

  const shown = counted.key === key ? counted : none;
  const { rows, theory, state, report, problem } = shown;
  const grid = useMemo<Grid>(
    () => ({ items: request.items, halfRanges: request.halfRanges, rows }),
    [key, rows],
  );
  return {
    grid,
    theory,
    state,
    report,
    problem,
    pause() {
      order.current?.pause();
      change(() => ({ state: "paused" }));
    },
    resume() {
      order.current?.resume();
      change(() => ({ state: "running" }));
    },
  };
}

function rowOf(findings: LiveReport["findings"][number]): Row | undefined {
  const [first] = findings ?? [];
  if (!first || first.trials === 0) return undefined;
  return { trials: first.trials, covered: findings!.map(({ covered }) => covered!) };
}
