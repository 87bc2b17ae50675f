// Byte offsets of the u32 fields of the Params of `reach`, in the order of its contract; test/kernels/layout.test.ts compares
// them.

export const FIRST_LOW: usize = 0;
export const FIRST_HIGH: usize = 4;
export const COUNT: usize = 8;
export const KEY_LOW: usize = 12;
export const KEY_HIGH: usize = 16;
export const ENUMERATE: usize = 20;
export const RANGE: usize = 24;
export const FACTOR: usize = 28;
export const HALF: usize = 32;
export const GAP: usize = 36;
export const SIGNED: usize = 40;
export const LISTED: usize = 44;
export const BITS: usize = 48;
export const THRESHOLD: usize = 52;
export const HALF_RANGE: usize = 56;
export const ITEMS_FROM: usize = 60;
export const ITEMS_TO: usize = 64;
export const TARGETS: usize = 68;
export const EXTENT: usize = 72;
