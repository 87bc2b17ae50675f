// The worker of the page: carries out orders. Modules that an order needs are loaded with the first such order.

import { RequestError } from "../../src/errors.ts";
import { messageOf } from "../message.ts";
import { showVisibility } from "./engine.ts";
import { gate, type Gate } from "./gate.ts";
import type { FromWorker, Handler, Order, OrderName, Orders, ToWorker } from "./orders.ts";

const handlers: { [Name in OrderName]: () => Promise<Handler<Orders[Name]>> } = {
  bench: async () => (await import("./bench.ts")).bench,
  digitsNetwork: async () => (await import("./digits.ts")).digitsNetwork,
  digitsReading: async () => (await import("./digits.ts")).digitsReading,
  digitsUnit: async () => (await import("./digits.ts")).digitsUnit,
  import: async () => (await import("./import.ts")).importFile,
  live: async () => (await import("./live.ts")).live,
  solve: async () => (await import("./solve.ts")).solve,
  theory: async () => (await import("./theory.ts")).theory,
  ticket: async () => (await import("./ticket.ts")).ticket,
  verify: async () => (await import("./verify.ts")).verify,
  window: async () => (await import("./window.ts")).window,
};

interface Running {
  readonly controller: AbortController;
  /** Closed while the order is paused or the page is hidden. */
  readonly gate: Gate;
  isPaused: boolean;
}

/** The orders that have no answer yet. */
const running = new Map<number, Running>();
let isVisible = true;

/** A dropped order ends even while it is paused. */
const setGate = ({ controller, gate, isPaused }: Running) =>
  gate.set(controller.signal.aborted || (isVisible && !isPaused));

addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
  if (data.type === "visible") {
    isVisible = data.visible;
    showVisibility(isVisible);
    for (const order of running.values()) setGate(order);
    return;
  }
  if (data.type === "start") {
    void start(data.id, data.name, data.request);
    return;
  }
  const order = running.get(data.id);
  if (!order) return;
  if (data.type === "drop") order.controller.abort();
  else order.isPaused = data.type === "pause";
  setGate(order);
});

const post = (message: FromWorker) => postMessage(message);

async function start(id: number, name: OrderName, request: unknown): Promise<void> {
  const controller = new AbortController();
  const { signal } = controller;
  const order = { controller, gate: gate(), isPaused: false };
  running.set(id, order);
  setGate(order);
  try {
    const handler = (await handlers[name]()) as Handler<Order>;
    // An order that was dropped meanwhile is not begun. The message about it comes in a later turn of the event loop.
    await new Promise((resolve) => setTimeout(resolve));
    signal.throwIfAborted();
    const answer = await handler(request, {
      signal,
      resumed: order.gate.passed,
      heldMilliseconds: order.gate.closedMilliseconds,
      report: (report) => signal.aborted || post({ id, type: "report", report }),
    });
    if (!signal.aborted) post({ id, type: "answer", answer });
  } catch (error) {
    if (signal.aborted) return;
    const field = error instanceof RequestError ? { field: error.field } : {};
    post({ id, type: "error", message: messageOf(error), ...field });
  } finally {
    running.delete(id);
  }
}

post({ type: "ready" });
