// A chart as plain data, so that the report and the page draw the same one.

/** A value with its interval; low = y = high where nothing is uncertain. */
export interface FigurePoint {
  readonly x: number;
  readonly y: number;
  readonly low: number;
  readonly high: number;
  /** Nothing failed here: y is the upper end of an interval that begins at 0. */
  readonly limit?: true;
  /** Added to the text that a reader sees on hovering over the point. */
  readonly note?: string;
}

/**
 * A line that was computed, not measured, through points in ascending x. A `prediction` is close to the true value, above or
 * below it. A `bound` is a theorem: no true value is below a lower bound or above an upper one.
 */
export type FigureLine = {
  /** For the legend. Lines of the same kind look alike only if they have the same name. */
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
} & ({ readonly kind: "prediction" } | { readonly kind: "bound"; readonly side: "lower" | "upper" });

/** Measured points of one subject, in ascending x. An empty series keeps the colors of the others equal in all figures. */
export interface FigureSeries {
  readonly name: string;
  /** k of the series, which sets its color; log2 M where M is no power of two. */
  readonly bits?: number;
  readonly points: readonly FigurePoint[];
  /** Computed lines of the same subject, in the color of the series. */
  readonly lines: readonly FigureLine[];
}

/** The name of a series at the end of its curve: `k = 6` of `k = 6 (M = 64)`. */
export function endText({ name }: Pick<FigureSeries, "name">): string {
  return name.replace(/ \(M = \d+\)/, "");
}

/** The least distance of two names at the ends of curves, in CSS pixels. */
const END_HEIGHT = 14;
/** Ends that are as close as this look like one, in CSS pixels. */
const SAME_END = 2;
const placeOf = (end: number) => Math.round(end / SAME_END);

/**
 * Heights of names near the ends of curves, so that no two overlap; names have the order of their ends, and ends
 * that look like one keep the order that they are given in.
 * Heights are in CSS pixels and grow downwards.
 * @returns A height for each end, or undefined where `bottom` - `top` has no room for all.
 */
export function endHeights(
  ends: readonly number[],
  top: number,
  bottom: number,
): readonly number[] | undefined {
  if ((ends.length - 1) * END_HEIGHT > bottom - top) return undefined;
  const order = ends.map((_, i) => i).toSorted((a, b) => placeOf(ends[a]!) - placeOf(ends[b]!));
  const heights = [...ends];
  let least = top;
  for (const i of order) {
    const height = Math.max(ends[i]!, least);
    heights[i] = height;
    least = height + END_HEIGHT;
  }
  let most = bottom;
  for (const i of order.toReversed()) {
    const height = Math.min(heights[i]!, most);
    heights[i] = height;
    most = height - END_HEIGHT;
  }
  return heights;
}

/** How probabilities of one list are written: all as decimals, or all but 1 with a power of ten where one is below 0.01. */
export function probabilityText(all: readonly number[]): (value: number) => string {
  if (all.every((value) => value >= 0.01)) return String;
  return (value) => (value >= 1 ? String(value) : value.toExponential());
}

export interface Figure {
  readonly title: string;
  /** One or two sentences. */
  readonly caption: string;
  /** `symbol` is the axis in the text on hovering. Values are integers unless `real`. */
  readonly x: { readonly label: string; readonly symbol: string; readonly real?: boolean };
  readonly y: {
    readonly label: string;
    readonly domain: readonly [low: number, high: number];
    /** `symlog` is linear around 0 and logarithmic beyond 1, on both sides. `log` shows values above 0 alone. */
    readonly scale?: "symlog" | "log";
    /** The values with a number on the axis. */
    readonly ticks?: readonly number[];
  };
  /** The title of the legend: the quantity that the names of the series are values of. */
  readonly legend: string;
  /** Colored by src/figures/palette.ts. */
  readonly series: readonly FigureSeries[];
  /** Lines that all series share, in the color of text. */
  readonly lines?: readonly FigureLine[];
  /** The meaning of a dot, for the legend of a figure that has lines as well. */
  readonly dots?: string;
  /** Values of y with a thin horizontal line, to compare with. */
  readonly levels?: readonly number[];
  /** Draws a small chart for each series, instead of one chart for all. */
  readonly panels?: boolean;
}
