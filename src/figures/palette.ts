// The colors of series. A precision k has one color in all figures, reports and views.

import type { Figure } from "./figure.ts";

/**
 * Blue to orange by way of magenta, dark to light: the order survives every common color blindness, and each color has
 * enough contrast on white and on near-black.
 */
const PALETTE = ["#3461c1", "#7a5cc4", "#c0529a", "#d96a55", "#d67f10"].map(channels);

/** The colors of some bits; those between them are mixed. The usual precisions 2..10 take the palette. */
const STOPS: readonly (readonly [bits: number, color: Color])[] = [
  [0, channels("#12858c")],
  ...PALETTE.map((color, i) => [2 + 2 * i, color] as const),
  [14, channels("#8f8a14")],
  [22, channels("#3f9142")],
];

type Color = readonly [red: number, green: number, blue: number];

function channels(color: string): Color {
  const value = parseInt(color.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/** The color between two others at `share`, 0..1, of the way. */
function mixed(from: Color, to: Color, share: number): string {
  return `rgb(${from.map((channel, c) => Math.round(channel + (to[c]! - channel) * share)).join(",")})`;
}

/** The color of a precision of k bits, 0..22. */
export function colorOfBits(bits: number): string {
  const right = STOPS.findIndex(([stop], i) => i > 0 && bits <= stop);
  const [[from, left], [to, next]] = [STOPS[right - 1]!, STOPS[right]!];
  return mixed(left, next, (bits - from) / (to - from));
}

/** The color of series s, 0..count-1, along the palette; a single series takes the first color. */
function colorOfSeries(s: number, count: number): string {
  const position = count === 1 ? 0 : (s / (count - 1)) * (PALETTE.length - 1);
  const left = Math.min(Math.floor(position), PALETTE.length - 2);
  return mixed(PALETTE[left]!, PALETTE[left + 1]!, position - left);
}

/** The colors of the series of a figure: by their bits where these tell them apart, otherwise along the palette. */
export function seriesColors({ series }: Pick<Figure, "series">): string[] {
  const known = series.flatMap(({ bits }) => (bits === undefined ? [] : [bits]));
  if (new Set(known).size === series.length) return known.map(colorOfBits);
  return series.map((_, s) => colorOfSeries(s, series.length));
}
