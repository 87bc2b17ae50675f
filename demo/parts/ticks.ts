// The numbers at an axis.

/** Multiples of 1, 2, 5, ... in from..to, at most `most` of them. */
export function integerTicks(from: number, to: number, most: number): number[] {
  const step = [1, 2, 5, 10, 20].find((step) => (to - from) / step < most) ?? 50;
  const first = Math.ceil(from / step) * step;
  return Array.from({ length: Math.max(Math.floor((to - first) / step) + 1, 0) }, (_, i) => first + i * step);
}
