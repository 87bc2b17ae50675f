// Figures as one picture, drawn as reports draw them. Loaded when a picture is saved, since it is large.

import { renderFigure } from "../../host/figure.ts";
import type { Figure } from "../../src/figures/figure.ts";
import { seriesColors } from "../../src/figures/palette.ts";

const WIDTH = 640;
const MARGIN = 16;
const TITLE = 24;
const LINE = 18;
/** The width of a letter of the legend, about. */
const LETTER = 7.5;
const SVG = "http://www.w3.org/2000/svg";

/** The text of an SVG document with figures one below the other, dark on white. */
export function figuresSvg(figures: readonly Figure[]): string {
  const svg = document.createElementNS(SVG, "svg");
  let y = MARGIN;
  for (const figure of figures) {
    svg.append(text(MARGIN, y + 16, figure.title, "bold 16px"));
    y += TITLE;
    let x = MARGIN;
    const colors = seriesColors(figure);
    for (const [s, { name }] of figure.series.entries()) {
      const width = 26 + name.length * LETTER + 14;
      if (x + width > WIDTH + MARGIN && x > MARGIN) [x, y] = [MARGIN, y + LINE];
      svg.append(rect(x, y + 7, 18, 5, colors[s]!), text(x + 24, y + 14, name, "13px"));
      x += width;
    }
    y += LINE + 6;
    const chart = renderFigure(figure, document, WIDTH).querySelector(":scope > svg")!;
    chart.setAttribute("x", String(MARGIN));
    chart.setAttribute("y", String(y));
    svg.append(chart);
    y += Number(chart.getAttribute("height")) + MARGIN;
  }
  const width = WIDTH + 2 * MARGIN;
  svg.prepend(rect(0, 0, width, y, "#ffffff"));
  const attributes = {
    viewBox: `0 0 ${width} ${y}`,
    width,
    height: y,
    color: "#1c1e22",
    "font-family": "sans-serif",
  };
  for (const [name, value] of Object.entries(attributes)) svg.setAttribute(name, String(value));
  return new XMLSerializer().serializeToString(svg);
}

function text(x: number, y: number, words: string, font: string): SVGTextElement {
  const element = document.createElementNS(SVG, "text");
  for (const [name, value] of Object.entries({ x, y, fill: "currentColor" }))
    element.setAttribute(name, String(value));
  element.setAttribute("style", `font:${font} sans-serif`);
  element.textContent = words;
  return element;
}

function rect(x: number, y: number, width: number, height: number, fill: string): SVGRectElement {
  const element = document.createElementNS(SVG, "rect");
  for (const [name, value] of Object.entries({ x, y, width, height, fill }))
    element.setAttribute(name, String(value));
  return element;
}
