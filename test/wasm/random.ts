// The WebAssembly Threefry with plain numbers for arguments, because a v128 cannot cross to JavaScript.

import { threefry } from "../../host/cpu/wasm/random";

/** Stores at `out` the blocks of eight counters, read at `counters`: four first words, and twice four second words. */
export function blocks(key0: u32, key1: u32, counters: usize, out: usize): void {
  threefry(out, key0, key1, v128.load(counters), v128.load(counters, 16), v128.load(counters, 32));
}
