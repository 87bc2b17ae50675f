// The page's side of its worker: orders as promises.

import type { FromWorker, OrderName, Orders, ToWorker } from "./orders.ts";

/** An order that the worker carries out. */
export interface Asked<Answer> {
  /** Rejects with an OrderError; never settles once the order is dropped. */
  readonly answer: Promise<Answer>;
  /** Holds the order back before its next piece of work; what is done stays done. */
  readonly pause: () => void;
  readonly resume: () => void;
  /** Ends the order. Neither reports nor an answer of it come any more. */
  readonly drop: () => void;
}

/** The worker's error about an order. */
export class OrderError extends Error {
  /** The input that is refused, where the error is about one. */
  readonly field: string | undefined;

  constructor(message: string, field?: string) {
    super(message);
    this.field = field;
  }
}

interface Pending {
  /** The message that starts the order, and whether it is paused now: a worker that takes over needs both. */
  readonly start: ToWorker;
  isPaused: boolean;
  readonly report: (report: never) => void;
  readonly resolve: (answer: never) => void;
  readonly reject: (error: OrderError) => void;
}

const pending = new Map<number, Pending>();
/** The messages that wait until the worker has started, since one that it is sent before may be lost. */
let waiting: ToWorker[] = [];
let worker: Worker | undefined;
let isReady = false;
let orders = 0;

/**
 * Firefox may start a worker that never runs its script, and a worker of it may hang for ever where it starts a thread. A machine
 * that is busy may take seconds for either.
 */
const START_MS = 10_000;
const MAX_STARTS = 4;

function openWorker(starts = 1): void {
  const opened = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  worker = opened;
  isReady = false;
  /** Replaces the worker unless the timer is cleared. The new one begins the orders again. */
  const replaceLater = () =>
    setTimeout(() => {
      opened.terminate();
      if (starts >= MAX_STARTS) return fail(opened, "did not start");
      waiting = [...pending].flatMap(([id, { start, isPaused }]): ToWorker[] =>
        isPaused ? [start, { type: "pause", id }] : [start],
      );
      openWorker(starts + 1);
    }, START_MS * starts);
  let timer = replaceLater();
  opened.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => {
    if (data.type === "threadStarting" || data.type === "threadStarted") {
      clearTimeout(timer);
      if (data.type === "threadStarting") timer = replaceLater();
      return;
    }
    if (data.type === "ready") {
      clearTimeout(timer);
      isReady = true;
      if (document.hidden) opened.postMessage({ type: "visible", visible: false } satisfies ToWorker);
      for (const message of waiting) opened.postMessage(message);
      waiting = [];
      return;
    }
    const order = pending.get(data.id);
    if (!order) return;
    if (data.type === "report") return order.report(data.report as never);
    pending.delete(data.id);
    if (data.type === "answer") order.resolve(data.answer as never);
    else order.reject(new OrderError(data.message, data.field));
  });
  opened.addEventListener("error", (event) => {
    clearTimeout(timer);
    fail(opened, event.message || "did not start");
  });
}

/** Ends a worker that handles no messages, so that the next order opens another one. */
function fail(failed: Worker, message: string): void {
  failed.terminate();
  if (worker === failed) worker = undefined;
  waiting = [];
  const orders = [...pending.values()];
  pending.clear();
  for (const { reject } of orders) reject(new OrderError(`worker: ${message}; reload the page`));
}

function send(message: ToWorker): void {
  if (!worker) openWorker();
  if (isReady) worker!.postMessage(message);
  else waiting.push(message);
}

document.addEventListener("visibilitychange", () => {
  // A worker that starts learns it when it has started.
  if (isReady && worker) send({ type: "visible", visible: !document.hidden });
});

/** Gives the worker an order. `report` is called with every report. */
export function ask<Name extends OrderName>(
  name: Name,
  request: Orders[Name]["request"],
  report: (report: Orders[Name]["report"]) => void = () => {},
): Asked<Orders[Name]["answer"]> {
  const id = ++orders;
  const start: ToWorker = { type: "start", id, name, request };
  const answer = new Promise<Orders[Name]["answer"]>((resolve, reject) => {
    pending.set(id, { start, isPaused: false, report, resolve, reject });
  });
  send(start);
  const tell = (type: "pause" | "resume" | "drop") => {
    const order = pending.get(id);
    if (!order) return;
    order.isPaused = type === "pause";
    send({ type, id });
  };
  return {
    answer,
    pause: () => tell("pause"),
    resume: () => tell("resume"),
    drop() {
      tell("drop");
      pending.delete(id);
    },
  };
}
