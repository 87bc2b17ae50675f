// The engines of the worker, shared by its orders.

import { chooseEngine, openEngine, requestAdapter, type Platform } from "../../host/open.ts";
import { DeviceLostError } from "../../host/gpu/device.ts";
import type { Runner } from "../../host/runner.ts";
import { platform } from "../../host/web/platform.ts";
import { gate } from "./gate.ts";
import type { FromWorker, PageEngine } from "./orders.ts";

/** The most milliseconds that a GPU computes at a time: it draws the screen as well. */
const GPU_MILLISECONDS = 8;
/** The milliseconds of work that a CPU takes at a time, so that a dropped order ends soon. */
const CPU_MILLISECONDS = 40;

const onNotice = (sentence: string) => console.warn(sentence);

const say = (message: FromWorker) => postMessage(message);

/** The platform, which tells the page when it starts a thread: the page replaces a worker that hangs in that. */
const watchedPlatform: Platform = {
  ...platform,
  startThread(script, handlers) {
    say({ type: "threadStarting" });
    const thread = platform.startThread(script, handlers);
    say({ type: "threadStarted" });
    return thread;
  },
};

export interface OpenEngine {
  readonly runner: Runner;
  /** Why this engine computes, as a clause. */
  readonly why: string;
}

const opened = new Map<PageEngine, Promise<OpenEngine>>();

/** Closed while the page is hidden. */
const visible = gate();

/** Holds all work back while the page is hidden. Work that an engine has begun ends. */
export function showVisibility(isVisible: boolean): void {
  visible.set(isVisible);
}

/**
 * The engine of a name, which is opened at the first call and stays open.
 * @throws {RequestError} The page has no such engine, or the browser has no WebGPU adapter.
 */
export function engineOf(requested: PageEngine): Promise<OpenEngine> {
  const known = opened.get(requested);
  if (known) return known;
  const opening = open(requested);
  opened.set(requested, opening);
  // The next order tries again.
  opening.catch(() => opened.delete(requested));
  return opening;
}

async function open(requested: PageEngine): Promise<OpenEngine> {
  if (requested === "auto") {
    const adapter = await requestAdapter(platform).catch((error: unknown) => {
      // A browser that gives no answer gives no adapter.
      if (!(error instanceof DeviceLostError)) throw error;
      onNotice(error.message);
      return null;
    });
    const { engine, why } = chooseEngine(adapter);
    const { runner } = await engineOf(engine);
    return { runner, why: `because ${why}` };
  }
  // One hardware thread is left to the page.
  const threads = Math.max(1, platform.hardwareThreads() - 1);
  const runner = await openEngine({ engine: requested, threads, onNotice }, watchedPlatform);
  return { runner: shared(runner), why: "as you chose" };
}

/**
 * A runner for orders that run at the same time. It limits their work in flight together to the queue depth, in the order
 * of the calls, and takes pieces of work that a page can wait for.
 */
function shared(runner: Runner): Runner {
  let free = runner.queueDepth;
  const waiting: (() => void)[] = [];
  return {
    engine: runner.engine,
    get adapter() {
      return runner.adapter;
    },
    queueDepth: runner.queueDepth,
    parallelism: runner.parallelism,
    targetMilliseconds: runner.engine === "gpu" ? GPU_MILLISECONDS : CPU_MILLISECONDS,
    prepare: (work) => runner.prepare(work),
    async run(work) {
      if (free > 0) free--;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        await visible.passed();
        return await runner.run(work);
      } finally {
        const next = waiting.shift();
        if (next) next();
        else free++;
      }
    },
    close: () => runner.close(),
  };
}
