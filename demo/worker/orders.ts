// The orders of the page to its worker. Each has a request, an answer, and reports on the way to it.

import type { EngineName } from "../../host/runner.ts";
import type { BenchOrder } from "./bench.ts";
import type { DigitsNetworkOrder, DigitsReadingOrder, DigitsUnitOrder } from "./digits.ts";
import type { ImportOrder } from "./import.ts";
import type { LiveOrder } from "./live.ts";
import type { SolveOrder } from "./solve.ts";
import type { TheoryOrder } from "./theory.ts";
import type { TicketOrder } from "./ticket.ts";
import type { VerifyOrder } from "./verify.ts";
import type { WindowOrder } from "./window.ts";

/** The engines that the page offers. */
export const pageEngines = ["auto", "gpu", "cpu"] as const satisfies readonly EngineName[];
export type PageEngine = (typeof pageEngines)[number];

/** The types of one order. */
export interface Order {
  readonly request: unknown;
  readonly report: unknown;
  readonly answer: unknown;
}

/** Every order by its name. `import` in worker.ts finds its handler. */
export interface Orders {
  readonly bench: BenchOrder;
  readonly digitsNetwork: DigitsNetworkOrder;
  readonly digitsReading: DigitsReadingOrder;
  readonly digitsUnit: DigitsUnitOrder;
  readonly import: ImportOrder;
  readonly live: LiveOrder;
  readonly solve: SolveOrder;
  readonly theory: TheoryOrder;
  readonly ticket: TicketOrder;
  readonly verify: VerifyOrder;
  readonly window: WindowOrder;
}

export type OrderName = keyof Orders;

/** What a handler uses beside its request. */
export interface Context<O extends Order> {
  /** Aborts when the page drops the order. */
  readonly signal: AbortSignal;
  readonly report: (report: O["report"]) => void;
  /** Resolves when the order is not paused and the page is visible. */
  readonly resumed: () => Promise<void>;
  /** The milliseconds for which the order was paused or the page was hidden until now. */
  readonly heldMilliseconds: () => number;
}

/** Carries out an order. An error that it throws reaches the page. */
export type Handler<O extends Order> = (request: O["request"], context: Context<O>) => Promise<O["answer"]>;

/** A message to the worker. `id` numbers the orders of a page. */
export type ToWorker =
  | { readonly type: "start"; readonly id: number; readonly name: OrderName; readonly request: unknown }
  | { readonly type: "pause" | "resume" | "drop"; readonly id: number }
  /** Whether the page is visible. Nothing is computed while it is hidden. */
  | { readonly type: "visible"; readonly visible: boolean };

/**
 * A message from the worker: that it has started and takes orders, that it begins to start a thread and that it has done so, or
 * about an order.
 */
export type FromWorker =
  | { readonly type: "ready" }
  | { readonly type: "threadStarting" }
  | { readonly type: "threadStarted" }
  | ({ readonly id: number } & (
      | { readonly type: "report"; readonly report: unknown }
      | { readonly type: "answer"; readonly answer: unknown }
      /** `field` names the input that a RequestError refuses. */
      | { readonly type: "error"; readonly message: string; readonly field?: string }
    ));
