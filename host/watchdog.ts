// Bounds operations that may never end: a thread in an endless loop, a GPU that hangs, a browser that answers nothing.

/** The ticks of a wait. */
const TICKS = 8;
/** The longest time of a timer. */
const MAX_TICK_MS = 2 ** 31 - 1;

const tickOf = (milliseconds: number) => Math.min(milliseconds / TICKS, MAX_TICK_MS);

/** A timer of Node, which may keep the process alive, or of a browser. */
type Timer = ReturnType<typeof setTimeout> & { unref?: () => void };

interface Watched {
  readonly milliseconds: number;
}

/**
 * Watches operations that end in the order in which they begin. The time of each begins when it is the first of them, and
 * `onLate` is called with its milliseconds if it does not end in time, or up to a tick later.
 *
 * A wait has several ticks. While the event loop is blocked or the machine sleeps, at most one of them passes, so that answers
 * that came meanwhile are heard first. Operations may take microseconds, so all of them share one timer.
 */
export class Watchdog {
  readonly #onLate: (milliseconds: number) => void;
  readonly #holdsProcess: boolean;
  readonly #watched = new Set<Watched>();
  /** The timer of the next tick, and its milliseconds. It may run on while nothing is watched. */
  #timer: Timer | undefined;
  #tickMilliseconds = 0;
  /** The ticks of the first operation. */
  #ticks = 0;

  /** @param holdsProcess Whether watching keeps a process of Node alive that has nothing else to do. */
  constructor(onLate: (milliseconds: number) => void, holdsProcess = true) {
    this.#onLate = onLate;
    this.#holdsProcess = holdsProcess;
  }

  /** Watches an operation that begins, and answers a function to call at its end. */
  begin(milliseconds: number): () => void {
    const operation = { milliseconds };
    this.#watched.add(operation);
    if (this.#watched.size === 1) this.#watch(operation);
    return () => {
      const [first] = this.#watched;
      this.#watched.delete(operation);
      const [next] = this.#watched;
      if (next && next !== first) this.#watch(next);
      // A timer that holds the process must not run on.
      if (!next && this.#holdsProcess) this.#stop();
    };
  }

  /** Ends all watching. */
  close(): void {
    this.#watched.clear();
    this.#stop();
  }

  /** Begins the time of an operation: at the next tick of the timer, unless that is too far off. */
  #watch({ milliseconds }: Watched): void {
    const tickMilliseconds = tickOf(milliseconds);
    const isSoon = this.#timer !== undefined && this.#tickMilliseconds <= tickMilliseconds;
    this.#ticks = isSoon ? -1 : 0;
    if (!isSoon) this.#start(tickMilliseconds);
  }

  #start(tickMilliseconds: number): void {
    this.#stop();
    this.#tickMilliseconds = tickMilliseconds;
    this.#timer = setTimeout(() => this.#tick(), tickMilliseconds);
    if (!this.#holdsProcess) this.#timer.unref?.();
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #tick(): void {
    this.#timer = undefined;
    const [first] = this.#watched;
    if (!first) return;
    if (++this.#ticks === TICKS) this.#onLate(first.milliseconds);
    else this.#start(tickOf(first.milliseconds));
  }
}

/**
 * The answer of an operation.
 * @throws {Error} `late()`, where the operation does not end within some milliseconds.
 */
export function within<T>(operation: Promise<T>, milliseconds: number, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const watchdog = new Watchdog(() => reject(late()));
    operation.finally(watchdog.begin(milliseconds)).then(resolve, reject);
  });
}
