// Gathers the chunks of a stream into pages of whole lines.

import { closeIterator } from "../../pump.ts";
import type { Pages } from "./pages.ts";

/** The size of a page in bytes: less work would not repay handing it to a thread. */
export const CHUNK_BYTES = 2 ** 18;
/** How long the first bytes of a page wait for more. */
const WAIT_MS = 20;
const LINE_FEED = 10;

/**
 * The bytes of a stream in pages of whole lines. A page that has a whole line waits for more for at most 20 ms. A line that is
 * longer than a page continues on the next one. The reader of a page gives it back to `pages`.
 */
export async function* gathered(
  stream: AsyncIterable<Uint8Array>,
  pages: Pages,
): AsyncGenerator<Uint8Array, void, undefined> {
  const source = stream[Symbol.asyncIterator]();
  let next: Promise<IteratorResult<Uint8Array>> | undefined;
  /** Bytes of the stream that are in no page yet. */
  const rest: Uint8Array[] = [];
  let failure: { readonly error: unknown } | undefined;
  let hasEnded = false;
  let timer: ReturnType<typeof setTimeout> | number | undefined;
  try {
    while (!hasEnded || rest.length > 0) {
      const page = new Uint8Array(pages.take());
      let length = 0;
      /** Where the whole lines of the page end. */
      let end = 0;
      let expiry: Promise<undefined> | undefined;
      while (length < page.length) {
        const part = rest.shift();
        if (part) {
          const taken = part.subarray(0, page.length - length);
          page.set(taken, length);
          const last = taken.lastIndexOf(LINE_FEED);
          if (last >= 0) end = length + last + 1;
          length += taken.length;
          if (taken.length < part.length) rest.unshift(part.subarray(taken.length));
          continue;
        }
        if (hasEnded) break;
        next ??= source.next();
        if (end > 0) expiry ??= new Promise((resolve) => (timer = setTimeout(resolve, WAIT_MS)));
        try {
          const result = await (expiry ? Promise.race([next, expiry]) : next);
          if (!result) break;
          next = undefined;
          hasEnded = result.done === true;
          if (!result.done && result.value.length > 0) rest.push(result.value);
        } catch (error) {
          failure = { error };
          hasEnded = true;
        }
      }
      clearTimeout(timer);
      const isLast = hasEnded && rest.length === 0;
      const whole = end === 0 || isLast ? length : end;
      if (whole < length) rest.unshift(page.slice(whole, length));
      if (whole > 0) yield page.subarray(0, whole);
    }
    if (failure) throw failure.error;
  } finally {
    clearTimeout(timer);
    if (!hasEnded) closeIterator(source);
  }
}
