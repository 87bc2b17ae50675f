// Runs the items of a source with several of them in flight.

export interface PumpOptions {
  /** The most items in flight at a time, 1 or more. */
  readonly depth: number;
  /** Yields results in the order of their items; otherwise in the order in which they end. */
  readonly ordered?: boolean;
  /** Ends the pump at once when it aborts: no more items are taken, and the results in flight are dropped. */
  readonly signal?: AbortSignal | undefined;
}

interface Failure {
  readonly error: unknown;
}

/** An item in flight; it has an outcome when it has ended. */
interface Flight<R> {
  outcome?: { readonly result: R } | Failure;
}

/**
 * Runs every item of a source and yields the results. An item is taken when fewer than `depth` are in flight and the results
 * before it have been consumed, so what a source yields may depend on them. A source that waits holds no result back.
 *
 * After a failure no more items are taken. The failure is thrown when all items in flight have ended; with `ordered`, the
 * results of the items before it are yielded first. The source is closed on every way out, but the close of an asynchronous
 * source is not awaited: a source that waits for ever never ends it.
 * @throws The first error of `run`, or else the error of the source; the reason of the signal if it aborts before the end.
 */
export async function* pump<T, R>(
  source: Iterable<T> | AsyncIterable<T>,
  run: (item: T) => Promise<R>,
  { depth, ordered = false, signal }: PumpOptions,
): AsyncGenerator<R, void, undefined> {
  const intake = new Intake(source, run);
  const { flights } = intake;
  let runFailure: Failure | undefined;
  signal?.addEventListener("abort", intake.wake);
  try {
    for (;;) {
      signal?.throwIfAborted();
      const next = ordered ? flights[0] : flights.find(({ outcome }) => outcome);
      if (next?.outcome) {
        flights.splice(flights.indexOf(next), 1);
        if ("error" in next.outcome) runFailure ??= next.outcome;
        else if (!runFailure) yield next.outcome.result;
        continue;
      }
      intake.fill(depth);
      if (flights.length === 0 && (runFailure ?? intake.isEmpty)) break;
      await intake.event();
    }
  } finally {
    signal?.removeEventListener("abort", intake.wake);
    intake.close();
  }
  const failure = runFailure ?? intake.failure;
  if (failure) throw failure.error;
}

/** Takes items of a source and starts them. */
class Intake<T, R> {
  /** The items in flight, in the order of the source. */
  readonly flights: Flight<R>[] = [];
  /** The error of the source. */
  failure: Failure | undefined;
  readonly #iterator: Iterator<T> | AsyncIterator<T>;
  readonly #run: (item: T) => Promise<R>;
  #isTaking = false;
  #hasEnded = false;
  #hasFailed = false;
  #isClosed = false;
  #resolve = () => {};

  constructor(source: Iterable<T> | AsyncIterable<T>, run: (item: T) => Promise<R>) {
    this.#iterator = iteratorOf(source);
    this.#run = run;
  }

  /** Whether the source has no more items. */
  get isEmpty(): boolean {
    return this.#hasEnded;
  }

  /** Takes items until `depth` are in flight, an item has failed, or the source ends or waits. */
  fill(depth: number): void {
    while (!this.#hasEnded && !this.#hasFailed && !this.#isTaking && this.flights.length < depth)
      void this.#take();
  }

  /** Resolves when an item or the source has something new, or at `wake`. */
  event(): Promise<void> {
    return new Promise((resolve) => (this.#resolve = resolve));
  }

  readonly wake = () => this.#resolve();

  /** Closes the source unless it has ended. */
  close(): void {
    this.#isClosed = true;
    if (!this.#hasEnded) closeIterator(this.#iterator);
  }

  async #take(): Promise<void> {
    this.#isTaking = true;
    try {
      const next = this.#iterator.next();
      // Only a promise is awaited: the items of a list start in the same turn of the event loop.
      const { done, value } = "then" in next ? await next : next;
      if (done) this.#hasEnded = true;
      else if (!this.#isClosed) void this.#start(value);
    } catch (error) {
      this.failure = { error };
      this.#hasEnded = true;
    }
    this.#isTaking = false;
    this.wake();
  }

  async #start(item: T): Promise<void> {
    const flight: Flight<R> = {};
    this.flights.push(flight);
    try {
      flight.outcome = { result: await this.#run(item) };
    } catch (error) {
      flight.outcome = { error };
      this.#hasFailed = true;
    }
    this.wake();
  }
}

export function iteratorOf<T>(source: Iterable<T> | AsyncIterable<T>): Iterator<T> | AsyncIterator<T> {
  return Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
}

/** Closes an iterator. An asynchronous one closes in its own time, and its failure to do so is ignored. */
export function closeIterator(iterator: Iterator<unknown> | AsyncIterator<unknown>): void {
  const closing = iterator.return?.();
  if (closing && "then" in closing) closing.then(undefined, () => {});
}
