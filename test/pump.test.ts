// The pump: how far it runs ahead of its reader, the order of its results, failures, signals and the closing of sources.

import { describe, expect, test } from "vitest";
import { pump } from "../host/pump.ts";

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const never = new Promise<never>(() => {});

async function collect<R>(results: AsyncIterable<R>, into: R[] = []): Promise<R[]> {
  for await (const result of results) into.push(result);
  return into;
}

/** A list that notes how many items were taken and whether it was closed. */
function noted<T>(items: Iterable<T>) {
  const source = { taken: 0, isClosed: false, items: generate() };
  function* generate(): Generator<T> {
    try {
      for (const item of items) {
        source.taken++;
        yield item;
      }
    } finally {
      source.isClosed = true;
    }
  }
  return source;
}

describe.each([true, false])("A pump whose option ordered is %j", (ordered) => {
  test("The pump runs every item once", async () => {
    for (const depth of [1, 3, 100]) {
      const items = Array.from({ length: 50 }, (_, i) => i);
      const run = async (item: number) => {
        await pause((item * 7) % 5);
        return item;
      };
      const results = await collect(pump(items, run, { depth, ordered }));
      expect(results.toSorted((a, b) => a - b)).toEqual(items);
      if (ordered) expect(results).toEqual(items);
    }
  });

  test("The pump has at most depth items in flight, and starts them in the same turn of the event loop", async () => {
    const source = noted([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    let [inFlight, most] = [0, 0];
    const run = async () => {
      most = Math.max(most, ++inFlight);
      await pause(1);
      inFlight--;
    };
    const results = pump(source.items, run, { depth: 4, ordered });
    expect(source.taken).toBe(0);
    const first = results.next();
    expect(source.taken).toBe(4);
    await first;
    await pause(10);
    expect([source.taken, most]).toEqual([4, 4]);
    await collect(results);
    expect([source.taken, most]).toEqual([9, 4]);
  });

  test("The pump takes an item after the results before it were consumed", async () => {
    let next = 1;
    function* source() {
      while (next < 100) yield next;
    }
    const items: number[] = [];
    for await (const item of pump(source(), async (item) => item, { depth: 1, ordered })) {
      items.push(item);
      next = 2 * item;
    }
    expect(items).toEqual([1, 2, 4, 8, 16, 32, 64]);
  });

  test("The pump holds no result back while its source waits", async () => {
    async function* source() {
      yield 1;
      await never;
    }
    const results = pump(source(), async (item) => item, { depth: 5, ordered });
    expect(await results.next()).toEqual({ done: false, value: 1 });
  });

  test("The pump throws the failure of an item after the items in flight have ended, and takes no more", async () => {
    const source = noted([0, 1, 2, 3, 4, 5]);
    let ended = 0;
    const run = async (item: number) => {
      if (item === 1) throw new Error("the second item");
      await pause(20);
      ended++;
      return item;
    };
    const results: number[] = [];
    const reading = collect(pump(source.items, run, { depth: 3, ordered }), results);
    await expect(reading).rejects.toThrow("the second item");
    expect([source.taken, ended, source.isClosed]).toEqual([3, 2, true]);
    expect(results).toEqual(ordered ? [0] : []);
  });

  test("The pump throws the failure of an item although its source waits for ever", async () => {
    async function* source() {
      yield 1;
      await never;
    }
    const run = () => Promise.reject(new Error("the item"));
    await expect(collect(pump(source(), run, { depth: 2, ordered }))).rejects.toThrow("the item");
  });

  test.each(["synchronous", "asynchronous"])(
    "The pump throws the failure of a source that is %s after all results",
    async (kind) => {
      function* list() {
        yield* [1, 2, 3];
        throw new Error("the source");
      }
      async function* stream() {
        yield* list();
      }
      const run = async (item: number) => {
        await pause(10);
        return item;
      };
      const results: number[] = [];
      const source = kind === "synchronous" ? list() : stream();
      await expect(collect(pump(source, run, { depth: 9, ordered }), results)).rejects.toThrow("the source");
      expect(results).toEqual([1, 2, 3]);
    },
  );

  test("The pump throws the reason of a signal at once while its items are in flight, and leaves no listener", async () => {
    const stop = new AbortController();
    const listeners = new Set<unknown>();
    const { signal } = stop;
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
    signal.addEventListener = (type: string, listener: EventListener) => {
      listeners.add(listener);
      add(type, listener);
    };
    signal.removeEventListener = (type: string, listener: EventListener) => {
      listeners.delete(listener);
      remove(type, listener);
    };
    const source = noted([1, 2, 3]);
    const reading = collect(pump(source.items, () => never, { depth: 2, ordered, signal }));
    await pause(1);
    expect(listeners.size).toBe(1);
    stop.abort("enough");
    await expect(reading).rejects.toBe("enough");
    expect([listeners.size, source.taken, source.isClosed]).toEqual([0, 2, true]);
  });

  test("The pump takes nothing when the signal has aborted before", async () => {
    const source = noted([1]);
    const signal = AbortSignal.abort("enough");
    const reading = collect(pump(source.items, async () => 1, { depth: 2, ordered, signal }));
    await expect(reading).rejects.toBe("enough");
    expect(source.taken).toBe(0);
  });

  test("The pump closes its source when its reader leaves, and awaits no source that waits for ever", async () => {
    const source = noted([1, 2, 3]);
    for await (const _ of pump(source.items, async () => 1, { depth: 1, ordered })) break;
    expect([source.taken, source.isClosed]).toEqual([1, true]);
    async function* stuck() {
      yield 1;
      await never;
    }
    for await (const _ of pump(stuck(), async () => 1, { depth: 2, ordered })) break;
  });

  test("The pump ignores that an asynchronous source fails to close", async () => {
    const source = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.resolve({ done: false as const, value: 1 }),
        return: () => Promise.reject(new Error("will not close")),
      }),
    };
    // An unhandled rejection would fail the run.
    for await (const result of pump(source, async (item) => item, { depth: 2, ordered })) {
      expect(result).toBe(1);
      break;
    }
    await pause(0);
  });
});
