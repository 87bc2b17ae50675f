// Draws a figure as HTML and SVG, with the document of a browser or of linkedom.

import * as Plot from "@observablehq/plot";
import type { Figure, FigurePoint, FigureSeries } from "../src/figures/figure.ts";

/**
 * Blue to orange by way of magenta, dark to light: the order survives every common colour blindness, and each colour has
 * contrast enough on white and on near-black.
 */
const PALETTE = ["#3461c1", "#7a5cc4", "#c0529a", "#d96a55", "#d67f10"].map(channels);

/** Dashes of predictions, by the order of their names in a figure; bounds are dotted. */
const DASHES = ["5 3", "11 4", "2 2 7 2"];
const DOTS = "0.1 3.5";
/** How dark the side is on which nothing can lie. */
const FORBIDDEN = 0.1;
/** CSS pixels of a panel. */
const PANEL = 220;

/**
 * A figure element of `width` CSS pixels (360..900 is legible) that shrinks with its surroundings and takes their text
 * colour. Hovering a point tells its numbers, without scripts. Measured points are dots; they are joined by a solid line
 * where no prediction runs among them. Predictions are dashed, bounds dotted with their forbidden side shaded.
 */
export function renderFigure(figure: Figure, document: Document, width = 640): Element {
  const series = figure.series
    .map((one, s): ColoredSeries => ({ ...one, color: colorOf(s, figure.series.length) }))
    .filter(({ points, lines }) => points.length > 0 || lines.length > 0);
  const element = (name: string, style: string, ...children: (Node | string)[]) => {
    const node = document.createElement(name);
    node.setAttribute("style", style);
    node.append(...children);
    return node;
  };
  const swatch = (color: string) =>
    element(
      "span",
      `display:inline-block;width:1.1em;height:.3em;border-radius:.15em;vertical-align:middle;margin-right:.4em;background:${color};print-color-adjust:exact;-webkit-print-color-adjust:exact`,
    );
  const row = (...children: Node[]) =>
    element(
      "div",
      "font-size:.8125em;display:flex;flex-wrap:wrap;gap:.1em 1em;margin-bottom:.25em",
      ...children,
    );
  const caption = element(
    "figcaption",
    "margin-bottom:.5em",
    element("strong", "display:block", figure.title),
    element("span", "font-size:.875em", figure.caption),
  );
  const names = row(
    element("span", "", `${figure.legend}:`),
    ...series.map(({ name, color }) => element("span", "white-space:nowrap", swatch(color), name)),
  );
  const marks = legendMarks(figure, series).map(({ text, svg }) => {
    const sample = element("span", "margin-right:.4em");
    sample.innerHTML = svg;
    return element("span", "white-space:nowrap", sample, text);
  });
  const key = marks.length > 0 ? [row(...marks)] : [];
  if (!figure.panels)
    return element(
      "figure",
      "margin:0;break-inside:avoid",
      caption,
      names,
      ...key,
      plot(figure, series, document, width, false),
    );
  // The name of a panel is text, not a label in an attribute, where linkedom leaves < as it is.
  const panels = series.map((one) =>
    element(
      "figure",
      "margin:0;break-inside:avoid",
      element("figcaption", "font-size:.8125em", swatch(one.color), one.name),
      plot(figure, [one], document, PANEL, true),
    ),
  );
  return element(
    "figure",
    "margin:0",
    caption,
    ...key,
    element(
      "div",
      "display:grid;grid-template-columns:repeat(auto-fill,minmax(max(10rem,20%),1fr));gap:.5em 1em",
      ...panels,
    ),
  );
}

type ColoredSeries = FigureSeries & { readonly color: string };

/** One chart. A panel is small: it has no label at its y axis and few numbers at both. */
function plot(
  figure: Figure,
  series: readonly ColoredSeries[],
  document: Document,
  width: number,
  panel: boolean,
): Element {
  const { x, y, levels = [] } = figure;
  const all = [
    ...series.flatMap(({ lines, color }) => lines.map((line) => ({ line, color }))),
    ...(figure.lines ?? []).map((line) => ({ line, color: "currentColor" })),
  ];
  const names = predictionNames(figure);
  const [floor, ceiling] = y.domain;
  const lines = all.map(({ line, color }) =>
    Plot.lineY(line.points, {
      x: "x",
      y: "y",
      stroke: color,
      strokeWidth: line.kind === "prediction" ? 1.4 : 1.8,
      strokeDasharray: line.kind === "prediction" ? dashes(names, line.name) : DOTS,
      strokeLinecap: line.kind === "prediction" ? "butt" : "round",
      className: line.kind === "prediction" ? "prediction" : `${line.side}-bound`,
    }),
  );
  const forbidden = all.flatMap(({ line }) =>
    line.kind === "bound"
      ? [
          Plot.areaY(line.points, {
            x: "x",
            y1: "y",
            y2: line.side === "upper" ? ceiling : floor,
            fill: "currentColor",
            fillOpacity: FORBIDDEN,
            className: line.side === "upper" ? "above-upper-bound" : "below-lower-bound",
          }),
        ]
      : [],
  );
  const measured = series.flatMap(({ points, lines, color }) => [
    Plot.areaY(points, { x: "x", y1: "low", y2: "high", fill: color, fillOpacity: 0.25 }),
    ...([...lines, ...(figure.lines ?? [])].some(({ kind }) => kind === "prediction")
      ? []
      : [Plot.lineY(points, { x: "x", y: "y", stroke: color, strokeWidth: panel ? 1.25 : 1.75 })]),
    Plot.dot(points, { x: "x", y: "y", fill: color, r: panel ? 2 : 2.5 }),
  ]);
  // Above everything else and larger than the dots they stand for, so that a finger can hit them.
  const tips = series.map(({ name, points }) =>
    Plot.dot(points, {
      x: "x",
      y: "y",
      r: 7,
      fill: "transparent",
      title: ({ x: at, y, low, high, note }: FigurePoint) =>
        `${name}, ${x.symbol} = ${numeral(at)}: ${numeral(y)}${low < high ? `, 95 % interval ${numeral(low)} to ${numeral(high)}` : ""}${note ? `, ${note}` : ""}`,
    }),
  );
  const xs = [...series.flatMap(({ points }) => points), ...all.flatMap(({ line }) => line.points)].map(
    ({ x }) => x,
  );
  const from = Math.min(...xs);
  const to = Math.max(...xs);
  const svg = Plot.plot({
    document,
    width,
    height: panel ? 150 : Math.round(Math.min(Math.max(width * 0.62, 240), 420)),
    marginLeft: panel ? 28 : 44,
    marginRight: panel ? 8 : 14,
    marginBottom: panel ? 34 : 42,
    marginTop: panel ? 8 : 28,
    style: {
      fontSize: panel ? "12px" : "13px",
      maxWidth: "100%",
      height: "auto",
      background: "none",
      overflow: "visible",
    },
    ariaLabel: figure.title,
    ariaDescription: figure.caption,
    x: {
      label: panel ? x.symbol : x.label,
      labelAnchor: "center",
      labelArrow: "none",
      ...(x.real ? { ticks: 8 } : { ticks: integerTicks(from, to, width / 45), tickFormat: String }),
      ...(xs.length === 0 ? {} : { domain: from < to ? [from, to] : [from - 1, to + 1] }),
    },
    y: {
      label: panel ? null : y.label,
      labelArrow: "none",
      domain: y.domain,
      grid: levels.length === 0,
      ticks: y.ticks ? [...y.ticks] : 5,
      ...(y.scale === "symlog"
        ? {
            type: "symlog" as const,
            tickFormat: (tick: number) => tick.toLocaleString("en-US").replace("-", "−"),
          }
        : {}),
    },
    marks: [
      ...(levels.length === 0
        ? [Plot.ruleY([floor], { strokeOpacity: 0.5 })]
        : levels.map((level) =>
            Plot.ruleY([level], { strokeOpacity: level === 0 ? 0.8 : 0.3, className: "level" }),
          )),
      ...forbidden,
      ...measured,
      ...lines,
      ...tips,
    ],
  });
  svg.setAttribute("role", "img");
  return svg;
}

function predictionNames({ series, lines = [] }: Figure): string[] {
  const all = [...series.flatMap(({ lines }) => lines), ...lines];
  return [...new Set(all.filter(({ kind }) => kind === "prediction").map(({ name }) => name))];
}

function dashes(names: readonly string[], name: string): string {
  return DASHES[names.indexOf(name) % DASHES.length]!;
}

/** A small picture of a mark, in the colour of text. */
function sample(content: string): string {
  return `<svg width="30" height="12" viewBox="0 0 30 12" aria-hidden="true" style="width:30px;vertical-align:middle">${content}</svg>`;
}

function stroke(dash: string, width: number, cap: string): string {
  return `<line x1="1" y1="6" x2="29" y2="6" stroke="currentColor" stroke-width="${width}" stroke-dasharray="${dash}" stroke-linecap="${cap}"/>`;
}

/** A sample of each kind of mark with what it is called; nothing where there are only measurements. */
function legendMarks(figure: Figure, series: readonly ColoredSeries[]): { text: string; svg: string }[] {
  const all = [...series.flatMap(({ lines }) => lines), ...(figure.lines ?? [])];
  if (all.length === 0) return [];
  const names = predictionNames(figure);
  const found = new Map<string, string>();
  if (figure.dots !== undefined && series.some(({ points }) => points.length > 0))
    found.set(
      figure.dots,
      sample(
        `<circle cx="8" cy="6" r="2.5" fill="currentColor"/><circle cx="22" cy="6" r="2.5" fill="currentColor"/>`,
      ),
    );
  for (const line of all) {
    if (line.kind === "prediction")
      found.set(line.name, sample(stroke(dashes(names, line.name), 1.4, "butt")));
    else
      found.set(
        line.name,
        sample(
          `<rect width="30" height="6" y="${line.side === "upper" ? 0 : 6}" fill="currentColor" fill-opacity="${2 * FORBIDDEN}"/>${stroke(DOTS, 1.8, "round")}`,
        ),
      );
  }
  return [...found].map(([text, svg]) => ({ text, svg }));
}

function channels(color: string): [number, number, number] {
  const value = parseInt(color.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/** The colour of series s, 0..count-1; a lone series takes the first. */
function colorOf(s: number, count: number): string {
  const place = count === 1 ? 0 : (s / (count - 1)) * (PALETTE.length - 1);
  const left = Math.min(Math.floor(place), PALETTE.length - 2);
  const mixed = PALETTE[left]!.map((channel, c) =>
    Math.round(channel + (PALETTE[left + 1]![c]! - channel) * (place - left)),
  );
  return `rgb(${mixed.join(",")})`;
}

/** Multiples of 1, 2, 5, 10, ... in from..to, at most about `most` of them. */
function integerTicks(from: number, to: number, most: number): number[] {
  const steps = [1, 2, 5, 10, 20, 50];
  const step = steps.find((step) => (to - from) / step < most) ?? 100;
  const first = Math.ceil(from / step) * step;
  return Array.from({ length: Math.max(Math.floor((to - first) / step) + 1, 0) }, (_, i) => first + i * step);
}

/** Nine significant digits, without trailing zeros. */
function numeral(value: number): string {
  return String(Number(value.toPrecision(9)));
}
