// Faults planted in the shaders of `reach`: the probe named by each finds it.

import type { Fault } from "./parity.ts";

export type ReachProbe = "sums" | "signed" | "three items" | "six items" | "tiles" | "prefix" | "grid stride";

export const reachFaults: readonly Fault<ReachProbe>[] = [
  { variant: "placed", probe: "six items", replace: "CENTER - zeroBit)", by: "CENTER - zeroBit + 1u)" },
  {
    variant: "placed",
    probe: "six items",
    replace: "select(target_, -target_, isMirrored)",
    by: "target_",
  },
  // Trials that a prefix decides although it misses a target.
  { variant: "placed", probe: "prefix", replace: "if (isOpen) {", by: "if (false) {" },
  {
    variant: "thread",
    probe: "prefix",
    replace: "if (isOpen(localIndex, frame, entered)) {",
    by: "if (false) {",
  },
  // Two open trials in one word of the overflow bitmap.
  { variant: "thread", probe: "prefix", replace: "marked &= marked - 1u;", by: "marked = 0u;" },
  {
    variant: "thread",
    probe: "sums",
    replace: "PRODUCTS), 31u - bits",
    by: "PRODUCTS), 30u - bits",
  },
  {
    variant: "thread",
    probe: "six items",
    replace: "select(0, by.gap, item >= 0)",
    by: "select(0, by.gap, item > 0)",
  },
  { variant: "thread", probe: "sums", replace: "1u << (params.bits", by: "2u << (params.bits" },
  {
    variant: "thread",
    probe: "sums",
    replace: "indexOf(localIndex, max(low, a));",
    by: "indexOf(localIndex, max(low, a) + 32u);",
  },
  { variant: "thread", probe: "signed", replace: "(prefixSum + 1) >> 1u", by: "(prefixSum + 2) >> 1u" },
  { variant: "thread", probe: "sums", replace: "2u * by.perWord) - 1u", by: "2u * by.perWord)" },
  { variant: "thread", probe: "sums", replace: "rotateLeft(y, 29u)", by: "rotateLeft(y, 28u)" },
  {
    variant: "thread",
    probe: "sums",
    replace: "BLOCKS_PER_ATTEMPT * attempt + i",
    by: "BLOCKS_PER_ATTEMPT * attempt",
  },
  { variant: "thread", probe: "sums", replace: "u32(low < t)", by: "u32(low <= t)" },
  { variant: "registers", probe: "sums", replace: "PRODUCTS), 31u - bits", by: "PRODUCTS), 30u - bits" },
  { variant: "registers", probe: "sums", replace: "(less & 64u) != 0u", by: "(less & 32u) != 0u" },
  { variant: "registers", probe: "sums", replace: "if (!ZEROS || a > 0) {", by: "{" },
  {
    variant: "registers",
    probe: "sums",
    replace: "vec4u(0u, 1u, 2u, 3u) - words.x",
    by: "vec4u(0u, 1u, 2u, 4u) - words.x",
  },
  {
    variant: "registers",
    probe: "three items",
    replace: "sourceOf(r2, r1, r0, step)",
    by: "sourceOf(r2, r1, r1, step)",
  },
  {
    variant: "registers",
    probe: "six items",
    replace: "select(small, by.items - 1u - (place - small), isLarge)",
    by: "small",
  },
  { variant: "subgroup", probe: "sums", replace: "lane + words < size", by: "lane + words <= size" },
  { variant: "subgroup", probe: "sums", replace: "by.words + 1u", by: "by.words" },
  { variant: "subgroup", probe: "sums", replace: "if (drawer == 0u) {", by: "if (n == 1u) {" },
  { variant: "subgroup", probe: "sums", replace: "w & (size - 1u))", by: "w & (size - 2u))" },
  { variant: "subgroup", probe: "three items", replace: "a >= perBlock", by: "a > perBlock" },
  // A prefix that is trusted though it leaves targets open.
  { variant: "subgroup", probe: "prefix", replace: "if (isDecided || !isPrefix) {", by: "if (turn == 0u) {" },
  { variant: "wave", probe: "prefix", replace: "if (isDecided || !isPrefix) {", by: "if (turn == 0u) {" },
  {
    variant: "workgroup",
    probe: "prefix",
    replace: "if (isDecided || !isPrefix) {",
    by: "if (turn == 0u) {",
  },
  { variant: "storage", probe: "prefix", replace: "if (isDecided || !isPrefix) {", by: "if (turn == 0u) {" },
  // A prefix whose misses are added to the tally.
  { variant: "wave", probe: "prefix", replace: "n, !isPrefix);", by: "n, true);" },
  { variant: "wave", probe: "sums", replace: "((a - 1u) >> 5u) + 1u", by: "(a - 1u) >> 5u" },
  { variant: "wave", probe: "sums", replace: "high - 2u * NEXT", by: "high - 3u * NEXT" },
  {
    variant: "wave",
    probe: "tiles",
    replace: "w -= TILE_WORDS;",
    by: "w -= TILE_WORDS + 1u;",
  },
  // Items of one magnitude that take each other's places.
  {
    variant: "wave",
    probe: "six items",
    replace: "MAX_ITEMS * u32(abs(item)) + i,",
    by: "MAX_ITEMS * u32(abs(item)),",
  },
  // Steps of a single tile, and steps that lack a tile.
  { variant: "wave", probe: "tiles", replace: "select(tilesOf(high, low), 0u", by: "select(1u, 0u" },
  { variant: "wave", probe: "tiles", replace: "/ TILE_WORDS + 1u", by: "/ (TILE_WORDS + 1u) + 1u" },
  { variant: "wave", probe: "sums", replace: "max(-step_.item, 0)", by: "max(step_.item, 0)" },
  {
    variant: "wave",
    probe: "sums",
    replace: "array<u32, SUMS_WORDS>",
    by: "array<u32, SUMS_WORDS / 4u>",
    watched: true,
  },
  {
    variant: "workgroup",
    probe: "sums",
    replace: "PRODUCTS), 31u - bits",
    by: "PRODUCTS), 30u - bits",
  },
  {
    variant: "workgroup",
    probe: "sums",
    replace: "(word & 1u) == 1u",
    by: "(word & 1u) == 0u",
  },
  {
    variant: "workgroup",
    probe: "sums",
    replace: "- atomicExchange(&ones, 0u)",
    by: "- atomicLoad(&ones)",
  },
  {
    variant: "storage",
    probe: "sums",
    replace: "= before.z | moved",
    by: "= moved",
  },
  // Words that are not cleared: of the bitset, and right below it.
  { variant: "storage", probe: "sums", replace: "sums[start + to + 2u * NEXT] = 0u;", by: "" },
  {
    variant: "storage",
    probe: "sums",
    replace: "w = localIndex; w < BELOW;",
    by: "w = localIndex; w + 1u < BELOW;",
  },
  { variant: "storage", probe: "sums", replace: "31u - (ends.y", by: "30u - (ends.y" },
  {
    variant: "storage",
    probe: "sums",
    replace: "min(toHigh, toLow), max(",
    by: "min(toHigh, toLow) - high, max(",
  },
  // Workgroups that skip a trial, or clear only the first word before a second one.
  { variant: "workgroup", probe: "grid stride", replace: "t += workgroups)", by: "t += workgroups + 1u)" },
  {
    variant: "workgroup",
    probe: "grid stride",
    replace: "= u32(w == 0u);",
    by: "|= u32(w == 0u);",
  },
  // Indices past the end of an array, which implementations change without a word.
  {
    variant: "thread",
    probe: "sums",
    replace: "const BELOW_WORDS = 4u;",
    by: "const BELOW_WORDS = 3u;",
    watched: true,
  },
  {
    variant: "placed",
    probe: "six items",
    replace: "= ITEMS * WIDTH;",
    by: "= ITEMS * WIDTH - 12u;",
    watched: true,
  },
  {
    variant: "thread",
    probe: "sums",
    replace: "= ITEMS * WIDTH;",
    by: "= ITEMS * WIDTH - 8u;",
    watched: true,
  },
  {
    variant: "workgroup",
    probe: "sums",
    replace: "array<u32, SUMS_WORDS>",
    by: "array<u32, SUMS_WORDS / 4u>",
    watched: true,
  },
];
