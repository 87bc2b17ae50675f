// A pool of worker threads that share nothing. A thread that ends, hangs or does not start is replaced, and what it was doing is
// done again by another one.

import { Watchdog } from "./watchdog.ts";

/** One worker thread, as far as Node and browsers both offer it. */
export interface Thread {
  post(message: unknown): void;
  close(): void;
  /** Says whether the thread keeps the process alive. Absent where the platform knows no such thing. */
  hold?(isHolding: boolean): void;
}

/** The reply of a thread: to the task of this number, or 0 where the thread says that it has started and takes messages. */
export interface NumberedReply {
  readonly id: number;
}

/** What a thread calls: with each of its replies, and where it cannot start or ends by itself. */
export interface ThreadHandlers<R extends NumberedReply> {
  readonly reply: (reply: R) => void;
  readonly failure: (error: Error) => void;
}

/** What the threads of a pool do: tasks T with answers A by replies R. */
export interface Tasks<T, A, R extends NumberedReply> {
  readonly start: (handlers: ThreadHandlers<R>) => Thread;
  /** The first message to a thread that has started. */
  readonly greeting: unknown;
  /** The message of a task, to which its number is added. */
  readonly messageOf: (task: T) => object;
  /** @throws {Error} The task has failed, and would fail again. */
  readonly answerOf: (task: T, reply: R) => A;
  /** The milliseconds after which a thread that has not answered a task is taken to hang. */
  readonly limitMilliseconds: (task: T) => number;
}

export interface PoolOptions {
  /** Called with a sentence for the user when a thread is replaced. */
  readonly onNotice?: ((sentence: string) => void) | undefined;
  /** The milliseconds in which a thread must start; by default START_MS. */
  readonly startMilliseconds?: number | undefined;
}

/** A task that is not answered yet. */
interface Piece<T, A> {
  readonly task: T;
  readonly resolve: (answer: A) => void;
  readonly reject: (error: Error) => void;
  /** The threads that failed while they ran it. */
  failures: number;
}

/** The pieces of a thread: one that it runs, and one that is ready when it ends. */
export const MAX_PIECES = 2;
/** How often one piece of work is run again after its thread failed, and how often a thread that does not start is replaced. */
const MAX_RETRIES = 3;
/** Firefox may start a worker that never runs its script; a machine that is busy may take seconds to start one. */
const START_MS = 10_000;
/** The factor by which work has more time when it is run again. */
const MORE_TIME = 4;

/** The threads, which start when there is work, and the work that waits for one of them. */
export class Pool<T, A, R extends NumberedReply> {
  readonly #size: number;
  readonly #tasks: Tasks<T, A, R>;
  readonly #options: PoolOptions;
  /** The threads that start or take work. Those that failed are replaced when work waits. */
  readonly #workers = new Set<Worker<T, A, R>>();
  readonly #waiting: Piece<T, A>[] = [];
  /** Whether the threads keep the process alive. */
  #isHolding = false;
  /** The threads that failed to start since one has started. */
  #failedStarts = 0;
  #closed: Error | undefined;

  /** @param size The number of threads, 1 or more. */
  constructor(size: number, tasks: Tasks<T, A, R>, options: PoolOptions) {
    this.#size = size;
    this.#tasks = tasks;
    this.#options = options;
  }

  run(task: T): Promise<A> {
    if (this.#closed) return Promise.reject(this.#closed);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ task, resolve, reject, failures: 0 });
      this.#deal();
    });
  }

  /** Ends the threads; unanswered work fails with `error`. */
  close(error: Error): void {
    this.#closed = error;
    for (const { reject } of [...this.#workers].flatMap((worker) => worker.close())) reject(error);
    this.#rejectWaiting(error);
  }

  /** Lets the threads keep the process alive while work is unanswered. */
  #hold(): void {
    const isHolding = this.#waiting.length > 0 || [...this.#workers].some(({ load }) => load > 0);
    if (isHolding === this.#isHolding) return;
    this.#isHolding = isHolding;
    for (const worker of this.#workers) worker.hold(isHolding);
  }

  /** Whether a thread may start in the place of one that did not. */
  get #mayStart(): boolean {
    return this.#failedStarts <= MAX_RETRIES * this.#size;
  }

  #rejectWaiting(error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
    this.#hold();
  }

  /** Hands waiting work to the threads that have room, and replaces threads where work is left. */
  #deal(): void {
    this.#hold();
    while (this.#waiting.length > 0) {
      const free = [...this.#workers].filter(({ isReady, load }) => isReady && load < MAX_PIECES);
      if (free.length === 0) return this.#startMissing();
      free.reduce((best, worker) => (worker.load < best.load ? worker : best)).run(this.#waiting.shift()!);
    }
  }

  #startMissing(): void {
    const { startMilliseconds = START_MS } = this.#options;
    while (this.#workers.size < this.#size && this.#mayStart) {
      const worker: Worker<T, A, R> = new Worker(this.#tasks, {
        // Later tries have more time: many threads that start at once slow each other down.
        startMilliseconds: startMilliseconds * 2 ** Math.floor(this.#failedStarts / this.#size),
        onReady: () => {
          this.#failedStarts = 0;
          this.#deal();
        },
        onAnswer: () => this.#deal(),
        onFailure: (error) => this.#replace(worker, error),
      });
      worker.hold(this.#isHolding);
      this.#workers.add(worker);
    }
  }

  /** Takes the place of a thread that failed. The piece that it ran counts the failure; the others only waited. */
  #replace(worker: Worker<T, A, R>, error: Error): void {
    this.#workers.delete(worker);
    if (!worker.isReady) this.#failedStarts++;
    const [running, ...others] = worker.close();
    this.#waiting.unshift(...others);
    if (running && running.failures++ === MAX_RETRIES) running.reject(error);
    else {
      if (running) this.#waiting.unshift(running);
      this.#options.onNotice?.(
        `${error.message}; another thread ${running ? "computes its work again" : "takes its place"}`,
      );
    }
    this.#deal();
    if (this.#workers.size > 0 || this.#mayStart) return;
    // No thread starts. Later work tries again.
    this.#rejectWaiting(error);
    this.#failedStarts = 0;
  }
}

interface WorkerOptions {
  readonly startMilliseconds: number;
  /** Called when the thread takes work. */
  readonly onReady: () => void;
  /** Called when a piece of work has ended. */
  readonly onAnswer: () => void;
  /** Called once, when the thread cannot start, ends or hangs. */
  readonly onFailure: (error: Error) => void;
}

/** A thread and the work that it has not answered yet. */
class Worker<T, A, R extends NumberedReply> {
  /** Whether the thread has started. */
  isReady = false;
  readonly #tasks: Tasks<T, A, R>;
  readonly #options: WorkerOptions;
  /** Absent where the platform refuses to start one. */
  readonly #thread: Thread | undefined;
  /** Its pieces of work by number, in the order in which it answers them. */
  readonly #pieces = new Map<number, { readonly piece: Piece<T, A>; readonly ended: () => void }>();
  readonly #watchdog: Watchdog;
  readonly #started: () => void;
  #lastId = 0;
  #isClosed = false;

  constructor(tasks: Tasks<T, A, R>, options: WorkerOptions) {
    this.#tasks = tasks;
    this.#options = options;
    this.#watchdog = new Watchdog((milliseconds) => {
      const time = `${Math.ceil(milliseconds / 1000)} s`;
      this.#fail(new Error(`a thread did not ${this.isReady ? "answer" : "start"} within ${time}`));
      // A thread that is waited for keeps the process alive by itself.
    }, false);
    this.#started = this.#watchdog.begin(options.startMilliseconds);
    try {
      this.#thread = tasks.start({
        reply: (reply) => this.#hear(reply),
        failure: (error) => this.#fail(error),
      });
    } catch (error) {
      queueMicrotask(() => this.#fail(error instanceof Error ? error : new Error(String(error))));
    }
  }

  /** Says whether the thread keeps the process alive. */
  hold(isHolding: boolean): void {
    this.#thread?.hold?.(isHolding);
  }

  /** The number of pieces of work that are not answered yet. */
  get load(): number {
    return this.#pieces.size;
  }

  run(piece: Piece<T, A>): void {
    const { task } = piece;
    const id = ++this.#lastId;
    // A task that was too slow for one thread has more time on the next.
    const milliseconds = this.#tasks.limitMilliseconds(task) * MORE_TIME ** piece.failures;
    this.#pieces.set(id, { piece, ended: this.#watchdog.begin(milliseconds) });
    // The message is a copy, so that the task is still there if the thread fails.
    this.#thread!.post({ id, ...this.#tasks.messageOf(task) });
  }

  /** Ends the thread and answers its unfinished work, the piece that it ran first. */
  close(): Piece<T, A>[] {
    this.#isClosed = true;
    this.#watchdog.close();
    this.#thread?.close();
    return [...this.#pieces.values()].map(({ piece }) => piece);
  }

  #fail(error: Error): void {
    if (!this.#isClosed) this.#options.onFailure(error);
  }

  #hear(reply: R): void {
    if (this.#isClosed) return;
    if (reply.id > 0) return this.#settle(reply);
    // A message that is posted before a worker listens may be lost.
    this.#thread!.post(this.#tasks.greeting);
    this.#started();
    this.isReady = true;
    this.#options.onReady();
  }

  #settle(reply: R): void {
    const { piece, ended } = this.#pieces.get(reply.id)!;
    this.#pieces.delete(reply.id);
    ended();
    try {
      piece.resolve(this.#tasks.answerOf(piece.task, reply));
    } catch (error) {
      piece.reject(error as Error);
    }
    this.#options.onAnswer();
  }
}
