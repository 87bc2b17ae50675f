// Bounds operations that may never end: a thread in an endless loop, a GPU that hangs, a browser that answers nothing.

/** The ticks of a wait. */
const TICKS = 8;
/** The longest time of a timer. */
const MAX_TICK_MS = 2 ** 31 - 1;

/**
 * Calls `act` after some milliseconds in which the event loop was free, and answers a function that ends the wait. The wait has
 * several ticks. While the loop is blocked or the machine sleeps, at most one of them passes, so that answers that came meanwhile
 * are heard first.
 * @param holdsProcess Whether the wait keeps a process of Node alive that has nothing else to do.
 */
function after(milliseconds: number, act: () => void, holdsProcess = true): () => void {
  const tickMilliseconds = Math.min(milliseconds / TICKS, MAX_TICK_MS);
  let ticks = 0;
  let timer = start();
  function start() {
    const timer: ReturnType<typeof setTimeout> & { unref?: () => void } = setTimeout(tick, tickMilliseconds);
    if (!holdsProcess) timer.unref?.();
    return timer;
  }
  function tick(): void {
    if (++ticks === TICKS) act();
    else timer = start();
  }
  return () => clearTimeout(timer);
}

/**
 * The answer of an operation.
 * @throws {Error} `late()`, where the operation does not end within some milliseconds.
 */
export function within<T>(operation: Promise<T>, milliseconds: number, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = after(milliseconds, () => reject(late()));
    operation.finally(end).then(resolve, reject);
  });
}

interface Watched {
  readonly milliseconds: number;
}

/**
 * Watches operations that end in the order in which they begin. The time of each begins when it is the first of them, and
 * `onLate` is called with its milliseconds if it does not end in time.
 */
export class Watchdog {
  readonly #onLate: (milliseconds: number) => void;
  readonly #holdsProcess: boolean;
  readonly #watched = new Set<Watched>();
  #endWait = () => {};

  /** @param holdsProcess Whether watching keeps a process of Node alive that has nothing else to do. */
  constructor(onLate: (milliseconds: number) => void, holdsProcess = true) {
    this.#onLate = onLate;
    this.#holdsProcess = holdsProcess;
  }

  /** Watches an operation that begins, and answers a function to call at its end. */
  begin(milliseconds: number): () => void {
    const operation = { milliseconds };
    this.#watched.add(operation);
    if (this.#watched.size === 1) this.#watchFirst();
    return () => {
      const [first] = this.#watched;
      this.#watched.delete(operation);
      if (operation === first) this.#watchFirst();
    };
  }

  /** Ends all watching. */
  close(): void {
    this.#watched.clear();
    this.#watchFirst();
  }

  #watchFirst(): void {
    this.#endWait();
    const [first] = this.#watched;
    if (first)
      this.#endWait = after(first.milliseconds, () => this.#onLate(first.milliseconds), this.#holdsProcess);
  }
}
