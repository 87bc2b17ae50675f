// The Threefry of the CPU engine with plain numbers as arguments, because a v128 cannot be passed to JavaScript.

import { threefry } from "../../host/cpu/wasm/random";

/** Calls `threefry` with the three vectors at `counters`: low words, high words, and the high words of the second blocks. */
export function blocks(key0: u32, key1: u32, counters: usize, out: usize): void {
  threefry(out, key0, key1, v128.load(counters), v128.load(counters, 16), v128.load(counters, 32));
}
