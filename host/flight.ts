// Several pieces of work in flight at a time.

/**
 * Works on items, `depth` at a time, until there are no more or a signal stops it. After a failure no more are taken, and it
 * is passed on when the others have ended.
 * @param work Is given an item and its turn, counted from 0.
 */
export async function inFlight<T>(
  depth: number,
  items: Iterable<T>,
  work: (item: T, turn: number) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const source = items[Symbol.iterator]();
  let turn = 0;
  let over = false;
  async function lane(): Promise<void> {
    while (!over && !signal?.aborted) {
      const { done, value } = source.next();
      if (done) return;
      await work(value, turn++);
    }
  }
  const results = await Promise.allSettled(
    Array.from({ length: depth }, () =>
      lane().catch((error: unknown) => ((over = true), Promise.reject(error))),
    ),
  );
  const failure = results.find((result) => result.status === "rejected");
  if (failure) throw failure.reason;
}
