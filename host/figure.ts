// Draws a figure as HTML and SVG, with the document of a browser or of linkedom.

import * as Plot from "@observablehq/plot";
import type { Figure } from "../src/figures/figure.ts";

/**
 * Blue to orange by way of magenta, dark to light: the order survives every common colour blindness, and each colour has
 * contrast enough on white and on near-black.
 */
const PALETTE = ["#3461c1", "#7a5cc4", "#c0529a", "#d96a55", "#d67f10"].map(channels);

/**
 * A figure element of `width` CSS pixels (360..900 is legible) that shrinks with its surroundings and takes their text
 * colour. Hovering a point tells its numbers, without scripts.
 */
export function renderFigure(figure: Figure, document: Document, width = 640): Element {
  const series = figure.series
    .map(({ name, points }, s) => ({ name, points, color: colorOf(s, figure.series.length) }))
    .filter(({ points }) => points.length > 0);
  const marks = series.flatMap(({ points, color }) => [
    Plot.areaY(points, { x: "x", y1: "low", y2: "high", fill: color, fillOpacity: 0.25 }),
    Plot.lineY(points, { x: "x", y: "y", stroke: color, strokeWidth: 1.75 }),
    Plot.dot(points, { x: "x", y: "y", fill: color, r: 2.5 }),
  ]);
  // Above everything else and larger than the dots they stand for, so that a finger can hit them.
  const tips = series.map(({ name, points }) =>
    Plot.dot(points, {
      x: "x",
      y: "y",
      r: 7,
      fill: "transparent",
      title: ({ x, y, low, high }) =>
        `${name}, n = ${x}: ${numeral(y)}${low < high ? `, 95 % interval ${numeral(low)} to ${numeral(high)}` : ""}`,
    }),
  );
  const xs = series.flatMap(({ points }) => points.map(({ x }) => x));
  const from = Math.min(...xs);
  const to = Math.max(...xs);
  const svg = Plot.plot({
    document,
    width,
    height: Math.round(Math.min(Math.max(width * 0.62, 240), 420)),
    marginLeft: 44,
    marginRight: 14,
    marginBottom: 42,
    marginTop: 28,
    style: { fontSize: "13px", maxWidth: "100%", height: "auto", background: "none", overflow: "visible" },
    ariaLabel: figure.title,
    ariaDescription: figure.caption,
    x: {
      label: figure.x.label,
      labelAnchor: "center",
      labelArrow: "none",
      ticks: integerTicks(from, to, width / 45),
      tickFormat: String,
      ...(xs.length === 0 ? {} : { domain: from < to ? [from, to] : [from - 1, to + 1] }),
    },
    y: { label: figure.y.label, labelArrow: "none", domain: figure.y.domain, grid: true, ticks: 5 },
    marks: [Plot.ruleY([figure.y.domain[0]], { strokeOpacity: 0.5 }), ...marks, ...tips],
  });
  svg.setAttribute("role", "img");

  const element = (name: string, style: string, ...children: (Node | string)[]) => {
    const node = document.createElement(name);
    node.setAttribute("style", style);
    node.append(...children);
    return node;
  };
  const swatch = (color: string) =>
    element("span", `display:inline-block;width:1.1em;height:.3em;border-radius:.15em;vertical-align:middle;margin-right:.4em;background:${color};print-color-adjust:exact;-webkit-print-color-adjust:exact`);
  return element(
    "figure",
    "margin:0;break-inside:avoid",
    element(
      "figcaption",
      "margin-bottom:.5em",
      element("strong", "display:block", figure.title),
      element("span", "font-size:.875em", figure.caption),
    ),
    element(
      "div",
      "font-size:.8125em;display:flex;flex-wrap:wrap;gap:.1em 1em;margin-bottom:.25em",
      element("span", "", `${figure.legend}:`),
      ...series.map(({ name, color }) => element("span", "white-space:nowrap", swatch(color), name)),
    ),
    svg,
  );
}

function channels(color: string): [number, number, number] {
  const value = parseInt(color.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/** The colour of series s, 0..count-1; a lone series takes the first. */
function colorOf(s: number, count: number): string {
  const place = count === 1 ? 0 : (s / (count - 1)) * (PALETTE.length - 1);
  const left = Math.min(Math.floor(place), PALETTE.length - 2);
  const mixed = PALETTE[left]!.map((channel, c) => Math.round(channel + (PALETTE[left + 1]![c]! - channel) * (place - left)));
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
