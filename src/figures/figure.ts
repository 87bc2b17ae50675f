// A chart as plain data, so that the report and the page draw the same one.

/** A value with its interval; low = y = high where nothing is uncertain. */
export interface FigurePoint {
  readonly x: number;
  readonly y: number;
  readonly low: number;
  readonly high: number;
  /** What else to tell on hover. */
  readonly note?: string;
}

/**
 * A line that was computed, not measured, through points in ascending x. A `prediction` is close to the truth, on either
 * side of it. A `bound` is a theorem: nothing lies below a lower one or above an upper one.
 */
export type FigureLine = {
  /** In words, for the legend. Lines of one name look alike, lines of two names of one kind do not. */
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
} & ({ readonly kind: "prediction" } | { readonly kind: "bound"; readonly side: "lower" | "upper" });

/** What was measured of one thing, in ascending x. It may be empty: a place kept so that colours agree from figure to figure. */
export interface FigureSeries {
  readonly name: string;
  readonly points: readonly FigurePoint[];
  /** What was computed of the same thing, in its colour. */
  readonly lines: readonly FigureLine[];
}

export interface Figure {
  readonly title: string;
  /** One sentence or two. */
  readonly caption: string;
  /** `symbol` is what a hovered point calls it. Values are integers unless `real`. */
  readonly x: { readonly label: string; readonly symbol: string; readonly real?: boolean };
  readonly y: {
    readonly label: string;
    readonly domain: readonly [low: number, high: number];
    /** `symlog` is linear around 0 and logarithmic beyond 1, on both sides. */
    readonly scale?: "symlog";
    /** Where the axis has its numbers. */
    readonly ticks?: readonly number[];
  };
  /** What the names of the series stand for. */
  readonly legend: string;
  /** In the order of the palette. */
  readonly series: readonly FigureSeries[];
  /** Lines that all series share, in the colour of text. */
  readonly lines?: readonly FigureLine[];
  /** What a dot is, in words, where the legend must tell it from lines. */
  readonly dots?: string;
  /** Heights to compare with. */
  readonly levels?: readonly number[];
  /** One small chart for each series, instead of one for all. */
  readonly panels?: boolean;
}
