// The strip: a row for each number that is added, with a mark at every sum that the numbers so far have. A line leads from 0 at
// the top to the total of the chosen numbers at the bottom: straight down past a number that is left out, aside by one that is
// taken.

import type { RefObject } from "preact";
import { useMemo } from "preact/hooks";
import { numberText } from "../number.ts";
import type { Reach } from "../worker/solve.ts";
import { useWidth } from "./width.ts";
import "./strip.css";

interface StripProps {
  readonly items: readonly number[];
  readonly target: number;
  readonly chosen: ReadonlySet<number>;
  readonly reach: Reach;
  readonly picture: RefObject<SVGSVGElement | null>;
}

/** Pixels beside the rows and above them, for the numbers and the target. */
const GUTTER = 46;
const HEAD = 18;
/** Pixels below the rows, for the numbers of the axis. */
const FOOT = 16;
/** The pixels of all rows together, as far as the least and the greatest height of a row allow. */
const ROWS_HEIGHT = 176;
const ROW_HEIGHTS = { least: 9, greatest: 22 };
/** The pixels of the smallest letters. */
const LABEL_HEIGHT = 13;

export function Strip({ items, target, chosen, reach, picture }: StripProps) {
  const width = useWidth(picture);
  const { low, rows } = reach;
  const height = Math.min(Math.max(ROWS_HEIGHT / rows.length, ROW_HEIGHTS.least), ROW_HEIGHTS.greatest);
  const from = Math.min(low, target);
  const to = Math.max(low + rows[0]!.length - 1, target);
  const step = (width - GUTTER - 2) / (to - from + 1);
  const left = (sum: number) => GUTTER + (sum - from) * step;
  const middle = (sum: number) => left(sum) + step / 2;
  const top = (row: number) => HEAD + row * height;
  const paths = useMemo(
    () => rows.map((row, r) => rowPath(row, left(low), step, top(r), height - 1)),
    [rows, from, step, height],
  );
  const totals = items.reduce<number[]>(
    (sums, item, i) => [...sums, sums.at(-1)! + (chosen.has(i) ? item : 0)],
    [0],
  );
  const bottom = top(rows.length);
  const line = totals.map((sum, r) => `${middle(sum)} ${top(r)}V${top(r + 1)}`).join("L");
  const isMade = totals.at(-1) === target && chosen.size > 0;
  const hasLabels = height >= LABEL_HEIGHT;
  const label = Math.min(Math.max(middle(target), GUTTER), width - 20);
  return (
    <svg
      ref={picture}
      class="strip"
      role="img"
      height={bottom + FOOT}
      aria-label="All sums of the first numbers, row by row. The table below has their counts."
    >
      {paths.map((path, r) => (
        <path key={r} class={r === rows.length - 1 ? "sums last" : "sums"} d={path} />
      ))}
      {hasLabels &&
        items.map((item, i) => (
          <text
            key={i}
            class={chosen.has(i) ? "number chosen" : "number"}
            x={GUTTER - 8}
            y={top(i + 1) + height / 2 + 4}
            text-anchor="end"
          >
            {(item > 0 ? "+" : "") + numberText(item)}
          </text>
        ))}
      <line class="target" x1={middle(target)} x2={middle(target)} y1={HEAD - 3} y2={bottom} />
      <text class="target" x={label} y={HEAD - 6} text-anchor="middle">
        {numberText(target)}
      </text>
      {axisTexts(from, to).map(({ sum, anchor }) => (
        <text key={sum} x={middle(sum)} y={bottom + 13} text-anchor={anchor}>
          {numberText(sum)}
        </text>
      ))}
      {chosen.size > 0 && (
        <>
          <path class={isMade ? "total made" : "total"} d={`M${line}`} />
          <circle
            class={isMade ? "total made" : "total"}
            cx={middle(totals.at(-1)!)}
            cy={bottom - height / 2}
            r={5}
          />
        </>
      )}
    </svg>
  );
}

/** The ends of the axis, and 0 where it is away from both. */
function axisTexts(
  from: number,
  to: number,
): { readonly sum: number; readonly anchor: "start" | "middle" | "end" }[] {
  const isAway = Math.min(-from, to) > (to - from) / 8;
  return [
    { sum: from, anchor: "start" },
    ...(isAway ? [{ sum: 0, anchor: "middle" } as const] : []),
    { sum: to, anchor: "end" },
  ];
}

/** A rectangle for each run of sums. Runs less than half a pixel apart are one. */
function rowPath(row: Uint8Array, left: number, step: number, top: number, height: number): string {
  const path: string[] = [];
  let [start, end] = [-Infinity, -Infinity];
  const close = () => {
    const width = Math.max(end - start, 1);
    if (end > start)
      path.push(`M${start.toFixed(1)} ${top}h${width.toFixed(1)}v${height}h${(-width).toFixed(1)}z`);
  };
  for (let from = row.indexOf(1); from >= 0;) {
    const gap = row.indexOf(0, from);
    const to = gap < 0 ? row.length : gap;
    if (left + from * step > end + 0.5) {
      close();
      start = left + from * step;
    }
    end = left + to * step;
    from = row.indexOf(1, to);
  }
  close();
  return path.join("");
}

/** The strip in numbers. */
export function StripTable({ items, target, reach }: Pick<StripProps, "items" | "target" | "reach">) {
  return (
    <details>
      <summary>The chart as a table</summary>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Number added</th>
              <th scope="col">Different sums</th>
              <th scope="col">Least</th>
              <th scope="col">Greatest</th>
              <th scope="col">{numberText(target)} is a sum</th>
            </tr>
          </thead>
          <tbody>
            {reach.rows.map((row, r) => (
              <tr key={r}>
                <td>{r === 0 ? "none" : numberText(items[r - 1]!)}</td>
                <td>{numberText(reach.counts[r]!)}</td>
                <td>{numberText(reach.low + row.indexOf(1))}</td>
                <td>{numberText(reach.low + row.lastIndexOf(1))}</td>
                <td>{row[target - reach.low] === 1 ? "yes" : "no"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
