// A chart as plain data, so that the report and the page draw the same one.

/** A value with its interval; low = y = high where nothing is uncertain. */
export interface FigurePoint {
  readonly x: number;
  readonly y: number;
  readonly low: number;
  readonly high: number;
}

/** One line, its points in ascending x. It may be empty: a place kept so that colours agree from figure to figure. */
export interface FigureSeries {
  readonly name: string;
  readonly points: readonly FigurePoint[];
}

export interface Figure {
  readonly title: string;
  /** One sentence. */
  readonly caption: string;
  /** Integers. */
  readonly x: { readonly label: string };
  readonly y: { readonly label: string; readonly domain: readonly [low: number, high: number] };
  /** What the names of the series stand for. */
  readonly legend: string;
  /** In the order of the palette. */
  readonly series: readonly FigureSeries[];
}
