// A live chart of a figure: its elements are made once, and a report changes the paths in place.
//
// Every series has one path for its band, one for its dots and one for its line, so that a report changes few attributes.

import { useId, useRef, useState } from "preact/hooks";
import {
  endHeights,
  endText,
  type Figure,
  type FigureLine,
  type FigurePoint,
} from "../../src/figures/figure.ts";
import { seriesColors } from "../../src/figures/palette.ts";
import { percentText } from "../number.ts";
import { integerTicks } from "./ticks.ts";
import { useWidth } from "./width.ts";
import "./chart.css";

/** `shares` has the values of the figure, 0..1. `failures` has 1 minus them, on a logarithmic axis. */
export type ChartScale = "shares" | "failures";

interface ChartProps {
  readonly figure: Figure;
  readonly scale: ChartScale;
  /** What the vertical axis counts. */
  readonly label: string;
  /** The ends of the x axis, integers. */
  readonly x: { readonly from: number; readonly to: number };
  /** The series with a strong line, and the x of the point that is chosen at first. */
  readonly strong: number;
  readonly start: number;
  /** A vertical line with a name, and a horizontal one at 1/2. */
  readonly mark?: { readonly x: number; readonly text: string } | undefined;
  /** A point in words. */
  readonly describe: (series: number, point: FigurePoint) => string;
  /** What a visitor can do with a point. */
  readonly actionsOf: (series: number, point: FigurePoint) => readonly Action[];
}

export interface Action {
  readonly text: string;
  readonly act: () => void;
}

/** A point by the indices of its series and of itself. */
interface Place {
  readonly s: number;
  readonly i: number;
}

/** On the right is room for the names at the ends of curves. */
export const CHART_MARGIN = { left: 64, right: 54 } as const;
const TOP = 28;
const BOTTOM = 40;
/** The farthest that a pointer may be from a point to choose it, in CSS pixels. */
const REACH = 40;
/** The least width of a number at the x axis. */
const TICK_WIDTH = 30;

export function Chart({ figure, scale, label, x, strong, start, mark, describe, actionsOf }: ChartProps) {
  const frame = useRef<HTMLDivElement>(null);
  const width = useWidth(frame);
  const [active, setActive] = useState<Place>();
  // A point that was clicked stays, so that the pointer can go to its buttons past other points.
  const isPinned = useRef(false);
  const clip = useId();
  const height = Math.round(Math.min(Math.max(width * 0.55, 210), 380));
  const right = width - CHART_MARGIN.right;
  const bottom = height - BOTTOM;
  const xOf = (n: number) =>
    CHART_MARGIN.left + ((n - x.from + 0.5) / (x.to - x.from + 1)) * (right - CHART_MARGIN.left);
  const axis = scale === "shares" ? shareAxis : failureAxis(figure);
  const yOf = (y: number) => TOP + (1 - axis.position(y)) * (bottom - TOP);
  const colors = seriesColors(figure);
  // A report keeps the chosen point; another experiment may lack it.
  const known = (place: Place | undefined) =>
    place && figure.series[place.s]?.points[place.i] ? place : undefined;
  const place = known(active) ?? firstPlace(figure, strong, start);
  const chosen = place && figure.series[place.s]!.points[place.i]!;
  const text = chosen && describe(place.s, chosen);
  const actions = chosen ? actionsOf(place.s, chosen) : [];

  function nearest(event: PointerEvent | MouseEvent): Place | undefined {
    const box = frame.current!.getBoundingClientRect();
    let best: Place | undefined;
    let least = REACH ** 2;
    for (const [s, { points }] of figure.series.entries())
      for (const [i, point] of points.entries()) {
        const dx = xOf(point.x) - (event.clientX - box.left);
        const dy = yOf(axis.shown(point)) - (event.clientY - box.top);
        if (dx * dx + dy * dy >= least) continue;
        least = dx * dx + dy * dy;
        best = { s, i };
      }
    return best;
  }

  function move(event: KeyboardEvent): void {
    const step = STEPS[event.key];
    // Keys may come faster than the chart is drawn.
    if (step) setActive((active) => neighbour(figure, known(active) ?? place!, step));
    else if (actions[0] && (event.key === "Enter" || event.key === " ")) actions[0].act();
    else return;
    event.preventDefault();
  }

  return (
    <figure class="chart">
      <figcaption>{figure.title}</figcaption>
      <div ref={frame} class="frame" style={{ height }}>
        <svg
          width={width}
          height={height}
          role="group"
          aria-label={figure.title}
          onPointerMove={(event) => isPinned.current || setActive(nearest(event) ?? active)}
          onPointerDown={(event) => {
            const hit = nearest(event);
            isPinned.current = hit !== undefined;
            setActive(hit ?? active);
          }}
        >
          <clipPath id={clip}>
            <rect
              x={CHART_MARGIN.left}
              y={TOP - 4}
              width={right - CHART_MARGIN.left}
              height={bottom - TOP + 4}
            />
          </clipPath>
          <g aria-hidden="true">
            {axis.ticks.map(({ y, text }) => (
              <g key={text} class="tick">
                <line x1={CHART_MARGIN.left} x2={right} y1={yOf(y)} y2={yOf(y)} />
                <text x={CHART_MARGIN.left - 6} y={yOf(y)} dy="0.32em" text-anchor="end">
                  {text}
                </text>
              </g>
            ))}
            {integerTicks(x.from, x.to, width / TICK_WIDTH).map((n) => (
              <text key={n} x={xOf(n)} y={bottom + 16} text-anchor="middle">
                {n}
              </text>
            ))}
            <text x={4} y={12}>
              {label}
            </text>
            <text x={(CHART_MARGIN.left + right) / 2} y={height - 4} text-anchor="middle">
              {figure.x.label}
            </text>
            <g clip-path={`url(#${clip})`}>
              {figure.series.map(({ name, points, lines }, s) => (
                <g key={name} class={s === strong ? "strong" : undefined} style={{ color: colors[s] }}>
                  <path class="band" d={bandPath(points, axis, xOf, yOf)} />
                  {lines.map((line) => (
                    <path key={line.name} class="law" d={linePath(line.points, axis, xOf, yOf)} />
                  ))}
                  {lines.length === 0 && <path class="line" d={linePath(points, axis, xOf, yOf)} />}
                  <path class="dots" d={dotsPath(points, axis, xOf, yOf)} />
                  <path class="limits" d={limitsPath(points, axis, xOf, yOf)} />
                </g>
              ))}
            </g>
            {endsOf(figure, axis, xOf, yOf, bottom).map(({ s, name, x, y, at }) => (
              <g key={name} class="end" style={{ color: colors[s] }}>
                <path d={`M${pair(x, y)}L${pair(right + 2, at)}h4`} />
                <text x={right + 8} y={at} dy="0.32em">
                  {name}
                </text>
              </g>
            ))}
            {mark && (
              <g class="mark">
                <line x1={xOf(mark.x)} x2={xOf(mark.x)} y1={TOP} y2={bottom} />
                <line x1={CHART_MARGIN.left} x2={right} y1={yOf(0.5)} y2={yOf(0.5)} />
                <text
                  x={xOf(mark.x) + (xOf(mark.x) > width / 2 ? -6 : 6)}
                  y={scale === "shares" ? TOP + 12 : bottom - 8}
                  text-anchor={xOf(mark.x) > width / 2 ? "end" : "start"}
                >
                  {mark.text}
                </text>
              </g>
            )}
          </g>
          {place && chosen && (
            <g
              class="point"
              role="button"
              tabindex={0}
              aria-label={`${text}${actions[0] ? `. ${actions[0].text}` : ""}`}
              onKeyDown={move}
              style={{ color: colors[place.s] }}
            >
              <circle cx={xOf(chosen.x)} cy={yOf(axis.shown(chosen))} r={7} />
            </g>
          )}
        </svg>
      </div>
      <p class="faint readout">
        {text ?? " "}{" "}
        {actions.map(({ text, act }) => (
          <button key={text} type="button" class="link" onClick={act}>
            {text}
          </button>
        ))}
      </p>
    </figure>
  );
}

/** The legend of charts whose series are the same. */
export function Legend({
  figures,
  scale,
  strong,
}: {
  readonly figures: readonly [Figure, ...Figure[]];
  readonly scale: ChartScale;
  /** The series with a strong line, and the words that say why. */
  readonly strong: { readonly series: number; readonly text: string };
}) {
  const [{ series, legend }] = figures;
  const colors = seriesColors({ series });
  const all = figures.flatMap(({ series }) => series);
  const laws = [...new Set(all.flatMap(({ lines }) => lines.map(({ name }) => name)))];
  return (
    <ul class="legend" aria-label={legend}>
      {series.map(({ name }, s) => (
        <li key={name} class={s === strong.series ? "strong" : undefined}>
          <span class="swatch" style={{ background: colors[s] }} />
          {name}
          {s === strong.series && strong.text}
        </li>
      ))}
      {laws.map((law) => (
        <li key={law}>
          <span class="dash" />
          {law}
        </li>
      ))}
      {scale === "failures" && all.some(({ points }) => points.some(({ y }) => y === 1)) && (
        <li>
          <svg class="limit" aria-hidden="true" width="10" height="10">
            <path d="M1 1h8m-4 0v8" />
          </svg>
          no failure yet: the top of its interval
        </li>
      )}
    </ul>
  );
}

interface Axis {
  /** What a value of the figure is on the axis. */
  readonly of: (y: number) => number;
  /** The height of a value of the axis, 0..1 in the chart. */
  readonly position: (value: number) => number;
  /** The ends of the interval of a point, lower first. */
  readonly interval: (point: FigurePoint) => readonly [low: number, high: number];
  /** The value of the axis at which a point is drawn. */
  readonly shown: (point: FigurePoint) => number;
  readonly ticks: readonly { readonly y: number; readonly text: string }[];
}

const shareAxis: Axis = {
  of: (y) => y,
  position: (value) => value,
  interval: ({ low, high }) => [low, high],
  shown: ({ y }) => y,
  ticks: [0, 0.25, 0.5, 0.75, 1].map((y) => ({ y, text: percentText(y) })),
};

/** The failures of a point, or without any the upper limit of its interval. */
const failureOf = ({ y, low }: FigurePoint) => 1 - (y === 1 ? low : y);

/** The axis of failures, down to the power of ten below all points and limits of the figure. */
function failureAxis({ series }: Figure): Axis {
  const values = series.flatMap(({ points }) => points.map(failureOf)).filter((value) => value > 0);
  const decades = Math.max(1, Math.ceil(-Math.log10(Math.min(...values, 0.1)) - 1e-9));
  const step = Math.ceil(decades / 6);
  return {
    of: (y) => 1 - y,
    position: (value) => 1 + Math.log10(Math.max(value, 10 ** -(decades + 1))) / decades,
    interval: ({ low, high }) => [1 - high, 1 - low],
    shown: failureOf,
    ticks: Array.from({ length: Math.floor(decades / step) + 1 }, (_, i) => ({
      y: 10 ** (-step * i),
      text: powerText(step * i),
    })),
  };
}

/** 10^-decades in percent: `1 %`, `0.001 %`. */
const powerText = (decades: number) => `${(10 ** (2 - decades)).toFixed(Math.max(0, decades - 2))}\u00a0%`;

type Position = (value: number) => number;

const pair = (x: number, y: number) => `${x.toFixed(1)} ${y.toFixed(1)}`;

/** Whether a value has a place on the axis: a logarithmic one has none for a failure of 0. */
const isDrawn = (axis: Axis) => (point: { readonly y: number }) => axis === shareAxis || point.y < 1;

function linePath(points: FigureLine["points"], axis: Axis, xOf: Position, yOf: Position): string {
  const drawn = points.filter(isDrawn(axis)).map(({ x, y }) => pair(xOf(x), yOf(axis.of(y))));
  return drawn.length === 0 ? "" : `M${drawn.join("L")}`;
}

/** The intervals of points. */
function bandPath(points: readonly FigurePoint[], axis: Axis, xOf: Position, yOf: Position): string {
  const drawn = points.filter(isDrawn(axis));
  if (drawn.length === 0) return "";
  const side = (end: 0 | 1) => (point: FigurePoint) => pair(xOf(point.x), yOf(axis.interval(point)[end]));
  return `M${[...drawn.map(side(1)), ...drawn.toReversed().map(side(0))].join("L")}Z`;
}

/** A dot is a line without length, whose round ends are seen. */
function dotsPath(points: readonly FigurePoint[], axis: Axis, xOf: Position, yOf: Position): string {
  return points
    .filter(isDrawn(axis))
    .map((point) => `M${pair(xOf(point.x), yOf(axis.of(point.y)))}h0`)
    .join("");
}

/** A bar with a stem below at the upper limit of each point without a failure. */
function limitsPath(points: readonly FigurePoint[], axis: Axis, xOf: Position, yOf: Position): string {
  return points
    .filter((point) => !isDrawn(axis)(point))
    .map((point) => `M${pair(xOf(point.x) - 4, yOf(axis.shown(point)))}h8m-4 0v8`)
    .join("");
}

/** The names at the ends of curves, with the ends and their own heights; none of a single curve. */
function endsOf({ series }: Figure, axis: Axis, xOf: Position, yOf: Position, bottom: number) {
  const ends = series.flatMap(({ name, points }, s) => {
    const last = points.at(-1);
    return last ? [{ s, name: endText({ name }), x: xOf(last.x), y: yOf(axis.shown(last)) }] : [];
  });
  const heights = endHeights(
    ends.map(({ y }) => y),
    TOP,
    bottom,
  );
  return series.length === 1 || !heights ? [] : ends.map((end, i) => ({ ...end, at: heights[i]! }));
}

/** The point of the strong series at `start`, or one in the middle, from which the others are near by keyboard. */
function firstPlace({ series }: Figure, strong: number, start: number): Place | undefined {
  const { points } = series[strong] ?? { points: [] };
  if (points.length === 0) return undefined;
  const i = points.findIndex(({ x }) => x === start);
  return { s: strong, i: i >= 0 ? i : Math.floor(points.length / 2) };
}

/** Steps of the arrow keys: along a series, and to another series at the same x. */
const STEPS: Record<string, { readonly i: number; readonly s: number }> = {
  ArrowLeft: { i: -1, s: 0 },
  ArrowRight: { i: 1, s: 0 },
  ArrowUp: { i: 0, s: -1 },
  ArrowDown: { i: 0, s: 1 },
};

function neighbour(
  { series }: Figure,
  { s, i }: Place,
  step: { readonly s: number; readonly i: number },
): Place {
  const next = Math.min(Math.max(s + step.s, 0), series.length - 1);
  const { points } = series[next]!;
  if (points.length === 0) return { s, i };
  return { s: next, i: Math.min(Math.max(i + step.i, 0), points.length - 1) };
}
