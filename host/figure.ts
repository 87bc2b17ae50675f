// Draws a figure as HTML and SVG, with the document of a browser or of linkedom.

import * as Plot from "@observablehq/plot";
import {
  endHeights,
  endText,
  probabilityText,
  type Figure,
  type FigureLine,
  type FigurePoint,
  type FigureSeries,
} from "../src/figures/figure.ts";
import { seriesColors } from "../src/figures/palette.ts";

/** Stroke patterns and widths of predictions, by the order of their names in a figure, and of bounds. */
const DASHES = ["5 3", "11 4", "2 2 7 2"];
const DOTS = "0.1 3.5";
const PREDICTION_WIDTH = 1.4;
const BOUND_WIDTH = 1.8;
/** The opacity of the side of a bound on which there can be no point. */
const FORBIDDEN_OPACITY = 0.1;
/** The width of a panel in CSS pixels. */
const PANEL_WIDTH = 220;

/**
 * Draws a figure as an element of `width` CSS pixels (360..900 is legible) that shrinks with its container and takes the
 * container's text color. The pointer over a point shows its numbers, without scripts. Measured points are dots, which a
 * solid line joins unless predictions run among them. Predictions are dashed; bounds are dotted, with their forbidden side
 * shaded. Where there are several curves, their names are at their ends.
 */
export function renderFigure(figure: Figure, document: Document, width = 640): Element {
  const element = elementMaker(document);
  const colors = seriesColors(figure);
  const series = figure.series
    .map((one, s): ColoredSeries => ({ ...one, color: colors[s]! }))
    .filter(({ points, lines }) => points.length > 0 || lines.length > 0);
  const caption = element(
    "figcaption",
    "margin-bottom:.5em",
    element("strong", "display:block", figure.title),
    element("span", "font-size:.875em", figure.caption),
  );
  const marks = legendMarks(figure, series).map(({ text, svg }) => {
    const sample = element("span", "margin-right:.4em");
    sample.innerHTML = svg;
    return element("span", "", sample, text);
  });
  const key = marks.length > 0 ? [legendRow(element, ...marks)] : [];
  if (figure.panels)
    return element("figure", "margin:0", caption, ...key, panelGrid(figure, series, document, element));
  const names = legendRow(
    element,
    element("span", "", `${figure.legend}:`),
    ...series.map(({ name, color }) =>
      element("span", "white-space:nowrap", element("span", swatchStyle(color)), name),
    ),
  );
  const chart = plot(figure, series, document, width, false);
  return element("figure", "margin:0;break-inside:avoid", caption, names, ...key, chart);
}

/** Makes an element of a name with a style and children. */
type ElementMaker = (name: string, style: string, ...children: (Node | string)[]) => HTMLElement;

function elementMaker(document: Document): ElementMaker {
  return (name, style, ...children) => {
    const node = document.createElement(name);
    node.setAttribute("style", style);
    node.append(...children);
    return node;
  };
}

const legendRow = (element: ElementMaker, ...children: Node[]) =>
  element(
    "div",
    "font-size:.8125em;display:flex;flex-wrap:wrap;gap:.1em 1em;margin-bottom:.25em",
    ...children,
  );

const swatchStyle = (color: string) =>
  `display:inline-block;width:1.1em;height:.3em;border-radius:.15em;vertical-align:middle;margin-right:.4em;background:${color};print-color-adjust:exact;-webkit-print-color-adjust:exact`;

/** One small chart for each series. The name of a panel is a text node: linkedom does not escape < in attributes. */
function panelGrid(
  figure: Figure,
  series: readonly ColoredSeries[],
  document: Document,
  element: ElementMaker,
): HTMLElement {
  return element(
    "div",
    "display:grid;grid-template-columns:repeat(auto-fill,minmax(max(10rem,20%),1fr));gap:.5em 1em",
    ...series.map((one) =>
      element(
        "figure",
        "margin:0;break-inside:avoid",
        element("figcaption", "font-size:.8125em", element("span", swatchStyle(one.color)), one.name),
        plot(figure, [one], document, PANEL_WIDTH, true),
      ),
    ),
  );
}

type ColoredSeries = FigureSeries & { readonly color: string };
type ColoredLine = { readonly line: FigureLine; readonly color: string };

/** The measures of a chart, and of a panel: a panel has no label at its y axis and few numbers at both axes. */
const CHART = {
  marginLeft: 44,
  marginRight: 14,
  marginBottom: 42,
  marginTop: 28,
  fontSize: "13px",
  strokeWidth: 1.75,
  radius: 2.5,
};
const PANEL = {
  marginLeft: 28,
  marginRight: 8,
  marginBottom: 34,
  marginTop: 8,
  fontSize: "12px",
  strokeWidth: 1.25,
  radius: 2,
};
const PANEL_HEIGHT = 150;
/** The height of a chart by its width, in CSS pixels. */
const chartHeight = (width: number) => Math.round(Math.min(Math.max(width * 0.62, 240), 420));
/** The radius of the invisible dots that answer a pointer: large enough for a finger. */
const TIP_RADIUS = 7;
/** The least width of a number at the x axis. */
const TICK_WIDTH = 45;
/** The width of a letter of a name at the end of a curve, about, and the distance of names from the chart. */
const LETTER_WIDTH = 7;
const END_GAP = 10;
/** The longest distance from an end to the names that a line bridges. */
const MAX_LEADER = 80;

/** Draws one chart. */
function plot(
  figure: Figure,
  series: readonly ColoredSeries[],
  document: Document,
  width: number,
  isPanel: boolean,
): Element {
  const { fontSize, strokeWidth, radius, ...margins } = isPanel ? PANEL : CHART;
  const lines = [
    ...series.flatMap(({ lines, color }) => lines.map((line) => ({ line, color }))),
    ...(figure.lines ?? []).map((line) => ({ line, color: "currentColor" })),
  ];
  const ends = isPanel || series.length === 1 ? [] : series;
  const longest = Math.max(0, ...ends.map((one) => endText(one).length));
  const marginRight = margins.marginRight + (longest > 0 ? longest * LETTER_WIDTH : 0);
  const height = isPanel ? PANEL_HEIGHT : chartHeight(width);
  const svg = Plot.plot({
    document,
    width,
    height,
    ...margins,
    marginRight,
    style: { fontSize, maxWidth: "100%", height: "auto", background: "none", overflow: "visible" },
    ariaLabel: figure.title,
    ariaDescription: figure.caption,
    x: { ...xAxis(figure, series, lines, width), label: isPanel ? figure.x.symbol : figure.x.label },
    y: { ...yAxis(figure), label: isPanel ? null : figure.y.label },
    marks: [
      ...levelMarks(figure),
      ...lines.flatMap((each) => forbiddenMarks(figure, each)),
      ...series.flatMap((one) => measuredMarks(figure, one, strokeWidth, radius)),
      ...lines.map((each) => lineMark(figure, each)),
      // Above all other marks, so that they receive the pointer.
      ...series.map((one) => tipMark(figure, one)),
    ],
  });
  svg.setAttribute("role", "img");
  const bottom = height - margins.marginBottom;
  svg.append(...endNames(svg, ends, document, { left: width - marginRight, top: margins.marginTop, bottom }));
  return svg;
}

/** The names of curves at their ends, with a thin line to each end. None where there is no room for all. */
function endNames(
  plot: Plot.Plot,
  series: readonly ColoredSeries[],
  document: Document,
  { left, top, bottom }: { readonly left: number; readonly top: number; readonly bottom: number },
): Element[] {
  const [x, y] = [plot.scale("x")!, plot.scale("y")!];
  const ends = series.flatMap((one) => {
    const last = (one.points.length > 0 ? one.points : one.lines[0]!.points).at(-1);
    return last
      ? [{ name: endText(one), color: one.color, x: Number(x.apply(last.x)), y: Number(y.apply(last.y)) }]
      : [];
  });
  const heights = endHeights(
    ends.map((end) => Math.min(Math.max(end.y, top), bottom)),
    top,
    bottom,
  );
  if (!heights) return [];
  const element = (name: string, attributes: Readonly<Record<string, string | number>>, text = "") => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value));
    node.textContent = text;
    return node;
  };
  return ends.flatMap(({ name, color, x, y }, i) => {
    const at = heights[i]!;
    // A line from an end far from its name would cross other curves.
    const from = x > left - MAX_LEADER ? `${x.toFixed(1)},${y.toFixed(1)}` : `${left},${at.toFixed(1)}`;
    const line = `M${from}L${left + END_GAP / 2},${at.toFixed(1)}H${left + END_GAP - 2}`;
    return [
      element("path", { d: line, fill: "none", stroke: color, "stroke-opacity": 0.5 }),
      element(
        "text",
        {
          class: "end",
          x: left + END_GAP,
          y: at.toFixed(1),
          dy: "0.35em",
          fill: color,
          "text-anchor": "start",
        },
        name,
      ),
    ];
  });
}

function xAxis(
  { x }: Figure,
  series: readonly ColoredSeries[],
  lines: readonly ColoredLine[],
  width: number,
): Plot.ScaleOptions {
  const xs = [...series.flatMap(({ points }) => points), ...lines.flatMap(({ line }) => line.points)].map(
    ({ x }) => x,
  );
  const from = Math.min(...xs);
  const to = Math.max(...xs);
  return {
    labelAnchor: "center",
    labelArrow: "none",
    ...(x.real ? { ticks: 8 } : { ticks: integerTicks(from, to, width / TICK_WIDTH), tickFormat: String }),
    ...(xs.length === 0 ? {} : { domain: from < to ? [from, to] : [from - 1, to + 1] }),
  };
}

function yAxis({ y, levels = [] }: Figure): Plot.ScaleOptions {
  return {
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
    ...(y.scale === "log" ? logarithmic(y.domain) : {}),
  };
}

/** The most powers of ten that are numbered. */
const MAX_POWERS = 8;

/** Powers of ten within a domain, in even steps from its upper end. */
function powersOfTen([low, high]: readonly [number, number]): number[] {
  const from = Math.ceil(Math.log10(low));
  const to = Math.floor(Math.log10(high));
  const step = Math.ceil((to - from + 1) / MAX_POWERS);
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => Number(`1e${to - i * step}`));
}

/** A logarithmic axis with powers of ten. */
function logarithmic(domain: readonly [number, number]): Plot.ScaleOptions {
  const ticks = powersOfTen(domain);
  const text = probabilityText(ticks);
  return { type: "log", ticks, tickFormat: text };
}

/** The heights to compare with, or else the lower end of the y axis. */
function levelMarks({ y, levels = [] }: Figure): Plot.Markish[] {
  if (levels.length === 0) return [Plot.ruleY([y.domain[0]], { strokeOpacity: 0.5 })];
  return levels.map((level) =>
    Plot.ruleY([level], { strokeOpacity: level === 0 ? 0.8 : 0.3, className: "level" }),
  );
}

/** The side of a bound on which there can be no point. */
function forbiddenMarks({ y }: Figure, { line }: ColoredLine): Plot.Markish[] {
  if (line.kind !== "bound") return [];
  const [floor, ceiling] = y.domain;
  const isUpper = line.side === "upper";
  return [
    Plot.areaY(line.points, {
      x: "x",
      y1: "y",
      y2: isUpper ? ceiling : floor,
      fill: "currentColor",
      fillOpacity: FORBIDDEN_OPACITY,
      className: isUpper ? "above-upper-bound" : "below-lower-bound",
    }),
  ];
}

/** The intervals and dots of a series. A solid line joins the dots unless predictions run among them. */
function measuredMarks(
  figure: Figure,
  { points, lines, color }: ColoredSeries,
  strokeWidth: number,
  r: number,
): Plot.Markish[] {
  const isPredicted = [...lines, ...(figure.lines ?? [])].some(({ kind }) => kind === "prediction");
  const [counted, limits] = [points.filter(({ limit }) => !limit), points.filter(({ limit }) => limit)];
  // A logarithmic axis has no place for an interval that begins at 0.
  const floor = figure.y.scale === "log" ? figure.y.domain[0] : -Infinity;
  const low = (point: FigurePoint) => Math.max(point.low, floor);
  return [
    Plot.areaY(counted, { x: "x", y1: low, y2: "high", fill: color, fillOpacity: 0.25 }),
    ...(isPredicted ? [] : [Plot.lineY(counted, { x: "x", y: "y", stroke: color, strokeWidth })]),
    Plot.dot(counted, { x: "x", y: "y", fill: color, r }),
    ...(limits.length === 0
      ? []
      : [
          Plot.dot(limits, {
            x: "x",
            y: "y",
            stroke: color,
            symbol: "triangle",
            rotate: 180,
            r: r + 1,
            className: "limit",
          }),
        ]),
  ];
}

function lineMark(figure: Figure, { line, color }: ColoredLine): Plot.Markish {
  const isPrediction = line.kind === "prediction";
  return Plot.lineY(line.points, {
    x: "x",
    y: "y",
    stroke: color,
    strokeWidth: isPrediction ? PREDICTION_WIDTH : BOUND_WIDTH,
    strokeDasharray: isPrediction ? dashes(predictionNames(figure), line.name) : DOTS,
    strokeLinecap: isPrediction ? "butt" : "round",
    className: isPrediction ? "prediction" : `${line.side}-bound`,
  });
}

/** The text that appears when the pointer is over a point. */
function tipMark({ x }: Figure, { name, points }: ColoredSeries): Plot.Markish {
  return Plot.dot(points, {
    x: "x",
    y: "y",
    r: TIP_RADIUS,
    fill: "transparent",
    title: ({ x: at, y, low, high, limit, note }: FigurePoint) =>
      `${name}, ${x.symbol} = ${numeral(at)}: ${numeral(limit ? 0 : y)}${low < high ? `, 95 % interval ${numeral(low)} to ${numeral(high)}` : ""}${note ? `, ${note}` : ""}`,
  });
}

function predictionNames({ series, lines = [] }: Figure): string[] {
  const all = [...series.flatMap(({ lines }) => lines), ...lines];
  return [...new Set(all.filter(({ kind }) => kind === "prediction").map(({ name }) => name))];
}

function dashes(names: readonly string[], name: string): string {
  return DASHES[names.indexOf(name) % DASHES.length]!;
}

/** A small picture of a mark, in the color of the text. */
function sample(content: string): string {
  return `<svg width="30" height="12" viewBox="0 0 30 12" aria-hidden="true" style="width:30px;vertical-align:middle">${content}</svg>`;
}

function stroke(dash: string, width: number, cap: string): string {
  return `<line x1="1" y1="6" x2="29" y2="6" stroke="currentColor" stroke-width="${width}" stroke-dasharray="${dash}" stroke-linecap="${cap}"/>`;
}

/** A sample and a name of each kind of mark; none if there are only measurements. */
function legendMarks(figure: Figure, series: readonly ColoredSeries[]): { text: string; svg: string }[] {
  const all = [...series.flatMap(({ lines }) => lines), ...(figure.lines ?? [])];
  const points = series.flatMap((one) => one.points);
  const hasLimits = points.some(({ limit }) => limit);
  if (all.length === 0 && !hasLimits) return [];
  const names = predictionNames(figure);
  const found = new Map<string, string>();
  if (figure.dots !== undefined && points.length > 0)
    found.set(
      figure.dots,
      sample(
        `<circle cx="8" cy="6" r="2.5" fill="currentColor"/><circle cx="22" cy="6" r="2.5" fill="currentColor"/>`,
      ),
    );
  if (hasLimits)
    found.set(
      "nothing failed: upper end of the interval",
      sample(`<path d="M15,10L11,3H19Z" fill="none" stroke="currentColor" stroke-width="1.5"/>`),
    );
  for (const line of all) {
    if (line.kind === "prediction")
      found.set(line.name, sample(stroke(dashes(names, line.name), PREDICTION_WIDTH, "butt")));
    else
      found.set(
        line.name,
        sample(
          `<rect width="30" height="6" y="${line.side === "upper" ? 0 : 6}" fill="currentColor" fill-opacity="${2 * FORBIDDEN_OPACITY}"/>${stroke(DOTS, BOUND_WIDTH, "round")}`,
        ),
      );
  }
  return [...found].map(([text, svg]) => ({ text, svg }));
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
