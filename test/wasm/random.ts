// The WebAssembly Threefry with plain numbers for arguments, because a v128 cannot cross to JavaScript.

import { threefry } from "../../host/cpu/wasm/random";

/** Stores the blocks of four counters, read at `counters` as four first and four second words, at `out`. */
export function blocks(key0: u32, key1: u32, counters: usize, out: usize): void {
  threefry(out, key0, key1, v128.load(counters), v128.load(counters, 16));
}
