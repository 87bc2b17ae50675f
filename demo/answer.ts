// Answers of the worker in a view, and what Share offers of them.

import { useEffect, useState } from "preact/hooks";
import { exported, type Exports } from "./page.ts";
import { ask, type OrderError } from "./worker/ask.ts";
import type { OrderName, Orders } from "./worker/orders.ts";

/** The last answer and its request. Both stay until the next answer. */
interface Answer<Name extends OrderName> {
  readonly request?: Orders[Name]["request"];
  readonly answer?: Orders[Name]["answer"];
}

/** The last report of a request without an answer, or its error. */
interface News<Name extends OrderName> {
  readonly request?: Orders[Name]["request"];
  readonly report?: Orders[Name]["report"];
  readonly error?: OrderError;
}

interface Answered<Name extends OrderName> extends Answer<Name> {
  /** Whether the present request is answered, refused, or neither. */
  readonly state: "pending" | "done" | "failed";
  /** The last report of the present request, until it is answered. */
  readonly report?: Orders[Name]["report"];
  /** The error of the present request. */
  readonly error?: OrderError;
}

/**
 * Gives the worker a request, and drops it when the request is another object. Nothing is asked while the request is undefined.
 */
export function useAnswer<Name extends OrderName>(
  name: Name,
  request: Orders[Name]["request"] | undefined,
): Answered<Name> {
  const [answered, setAnswered] = useState<Answer<Name>>({});
  const [news, setNews] = useState<News<Name>>({});
  useEffect(() => {
    if (request === undefined) return undefined;
    const { answer, drop } = ask(name, request, (report) => setNews({ request, report }));
    answer.then(
      (answer) => setAnswered({ request, answer }),
      (error: OrderError) => setNews({ request, error }),
    );
    return drop;
  }, [name, request]);
  if (request === undefined) return { ...answered, state: "pending" };
  if (answered.request === request) return { ...answered, state: "done" };
  if (news.request !== request) return { ...answered, state: "pending" };
  return { ...news, ...answered, state: news.error ? "failed" : "pending" };
}

/** Lets Share offer what a view shows, for as long as the view shows it; undefined offers nothing. */
export function useExports(exports: Exports | undefined, dependencies: readonly unknown[]): void {
  useEffect(() => {
    exported.value = exports;
    return () => (exported.value = undefined);
  }, dependencies);
}
