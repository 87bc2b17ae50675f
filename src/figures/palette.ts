// The colors of series. A precision k has one color in all figures, reports and views.

import type { Figure } from "./figure.ts";

/**
 * Blue to orange by way of violet and magenta. Precisions that follow each other stay apart for every common color blindness,
 * and each color has enough contrast on white and on near-black (palette.test.ts).
 */
const PALETTE = ["#3485cb", "#744bd2", "#b9487a", "#e6584a", "#d57d0f"].map(channels);

/** The colors of some bits; those between them are mixed. The usual precisions 2..10 take the palette. */
const STOPS: readonly (readonly [bits: number, color: Color])[] = [
  [0, channels("#4a8c0f")],
  [1, channels("#0aa284")],
  ...PALETTE.map((color, i) => [2 + 2 * i, color] as const),
  [14, channels("#8f8a14")],
  [22, channels("#3f9142")],
];

/** Between the paper and the text of pages by day and by night. */
const GRAY = channels("#8a8f96");

type Color = readonly [red: number, green: number, blue: number];

function channels(color: string): Color {
  const value = parseInt(color.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/** The color between two others at `share`, 0..1, of the way. */
function between(from: Color, to: Color, share: number): Color {
  const [red, green, blue] = from.map((channel, c) => channel + (to[c]! - channel) * share);
  return [red!, green!, blue!];
}

const mixed = (from: Color, to: Color, share: number) =>
  `rgb(${between(from, to, share).map(Math.round).join(",")})`;

/** The color of a precision of k bits, 0..22, which need be no integer. */
function bitsColor(bits: number): Color {
  const right = STOPS.findIndex(([stop], i) => i > 0 && bits <= stop);
  const [[from, left], [to, next]] = [STOPS[right - 1]!, STOPS[right]!];
  return between(left, next, (bits - from) / (to - from));
}

/** The color of a precision of k bits as CSS. */
export const colorOfBits = (bits: number): string => mixed(bitsColor(bits), GRAY, 0);

/** The color of series s, 0..count-1, along the palette; a single series takes the first color. */
function colorOfSeries(s: number, count: number): string {
  const position = count === 1 ? 0 : (s / (count - 1)) * (PALETTE.length - 1);
  const left = Math.min(Math.floor(position), PALETTE.length - 2);
  return mixed(PALETTE[left]!, PALETTE[left + 1]!, position - left);
}

/** How far the last of several series with one k is from the color of that k to gray. */
const PALEST = 0.7;

/**
 * The colors of the series of a figure. A series has the color of its k, paler for a second and further series of that k.
 * A series without a k has a color along the palette.
 */
export function seriesColors({ series }: Pick<Figure, "series">): string[] {
  return series.map(({ bits }, s) => {
    if (bits === undefined) return colorOfSeries(s, series.length);
    const alike = series.flatMap((other, i) => (other.bits === bits ? [i] : []));
    const share = alike.length === 1 ? 0 : (PALEST * alike.indexOf(s)) / (alike.length - 1);
    return mixed(bitsColor(bits), GRAY, share);
  });
}
