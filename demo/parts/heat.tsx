// The heat map of Precision. Cells are drawn in place, and only in rows that changed.

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { markPicture } from "../mark.ts";
import { halfRangeTicks } from "../surface/axes.ts";
import { fitCanvas, inkOf, useRedraw } from "../surface/fit.ts";
import { columnsOf, topOf, type Grid, type Mode, type Place } from "../surface/grid.ts";
import { BOTTOM, cellColor, LEFT, planOf, TOP } from "../surface/plan.ts";
import { cssOf } from "./ramp.ts";
import { integerTicks } from "./ticks.ts";

interface HeatProps {
  readonly grid: Grid;
  readonly mode: Mode;
  readonly cell: Place;
  /** `follows`: the pointer or a key is on its way. */
  readonly onCell: (cell: Place, follows: boolean) => void;
  readonly label: string;
  readonly describedBy: string;
}

const STEPS: Readonly<Record<string, readonly [columns: number, rows: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
};

export function Heat({ grid, mode, cell, onCell, label, describedBy }: HeatProps) {
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  /** What the canvas shows. */
  const drawn = useRef<{ readonly key: string; readonly rows: Grid["rows"] }>(null);
  const top = topOf(grid, mode);

  function draw(): void {
    const element = canvas.current!;
    const { clientWidth: width, clientHeight: height } = element;
    if (width !== size.width || height !== size.height) setSize({ width, height });
    const ratio = fitCanvas(element);
    const ink = inkOf(element);
    const key = [
      width,
      height,
      ratio,
      ink,
      mode,
      top,
      grid.items.from,
      grid.items.to,
      grid.halfRanges,
    ].join();
    const context = element.getContext("2d")!;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const isKept = drawn.current?.key === key && drawn.current.rows.every((row, r) => !row || grid.rows[r]);
    const before = isKept ? drawn.current!.rows : undefined;
    if (!before) {
      context.clearRect(0, 0, width, height);
      context.font = getComputedStyle(element).font;
      context.fillStyle = cssOf(ink);
      drawNumbers(context, grid, width, height);
    }
    const plan = planOf(grid, width, height);
    grid.rows.forEach((row, r) => {
      if (!row || row === before?.[r]) return;
      for (let column = 0; column < columnsOf(grid); column++) {
        context.fillStyle = cellColor(row, column, mode, top);
        // Whole pixels, so that no seam shows between cells.
        const [x, y] = [Math.round(plan.x(column) * ratio), Math.round(plan.y(r) * ratio)];
        const right = Math.round(plan.x(column + 1) * ratio);
        const bottom = Math.round(plan.y(r - 1) * ratio);
        context.fillRect(x / ratio, y / ratio, (right - x) / ratio, (bottom - y) / ratio);
      }
    });
    drawn.current = { key, rows: grid.rows };
    if (grid.rows.some(Boolean)) markPicture();
  }
  const latest = useRef(draw);
  latest.current = draw;
  useLayoutEffect(draw);
  useRedraw(frame, () => latest.current());

  /** The cell under the pointer, or the nearest one. */
  function cellAt(event: PointerEvent): Place {
    const box = canvas.current!.getBoundingClientRect();
    const { x, y, cellWidth, cellHeight } = planOf(grid, box.width, box.height);
    return inside(grid, {
      column: Math.floor((event.clientX - box.left - x(0)) / cellWidth),
      row: -Math.floor((event.clientY - box.top - y(0)) / cellHeight),
    });
  }
  function choose(next: Place, follows: boolean): void {
    if (next.column !== cell.column || next.row !== cell.row) onCell(next, follows);
  }

  const plan = planOf(grid, size.width, size.height);
  const isDown = useRef(false);
  return (
    <div
      ref={frame}
      class="heat"
      data-first
      tabIndex={0}
      role="application"
      aria-roledescription="heat map"
      aria-label={label}
      aria-describedby={describedBy}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        isDown.current = true;
        choose(cellAt(event), false);
      }}
      onPointerMove={(event) => isDown.current && choose(cellAt(event), true)}
      onPointerUp={() => (isDown.current = false)}
      onPointerCancel={() => (isDown.current = false)}
      onKeyDown={(event) => {
        const step = STEPS[event.key];
        if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
        event.preventDefault();
        choose(inside(grid, { column: cell.column + step[0], row: cell.row + step[1] }), true);
      }}
    >
      <canvas ref={canvas} aria-hidden="true" />
      <span
        class="mark"
        style={{
          left: `${plan.x(cell.column)}px`,
          top: `${plan.y(cell.row)}px`,
          width: `${plan.cellWidth}px`,
          height: `${plan.cellHeight}px`,
        }}
      />
    </div>
  );
}

function inside(grid: Grid, { column, row }: Place): Place {
  return {
    column: Math.min(Math.max(column, 0), columnsOf(grid) - 1),
    row: Math.min(Math.max(row, 0), grid.halfRanges.length - 1),
  };
}

function drawNumbers(context: CanvasRenderingContext2D, grid: Grid, width: number, height: number): void {
  const { items, halfRanges } = grid;
  const { x, y, cellWidth, cellHeight } = planOf(grid, width, height);
  context.strokeStyle = context.fillStyle;
  context.globalAlpha = 0.3;
  context.strokeRect(
    x(0) - 0.5,
    TOP - 0.5,
    columnsOf(grid) * cellWidth + 1,
    halfRanges.length * cellHeight + 1,
  );
  context.globalAlpha = 1;
  context.textBaseline = "middle";
  context.textAlign = "center";
  for (const n of integerTicks(items.from, items.to, 12))
    context.fillText(String(n), x(n - items.from) + cellWidth / 2, height - BOTTOM + 11);
  context.fillText("n", x(0) + (columnsOf(grid) * cellWidth) / 2, height - 8);
  context.textAlign = "right";
  for (const halfRange of halfRangeTicks(halfRanges))
    context.fillText(String(halfRange), LEFT - 6, y(halfRanges.indexOf(halfRange)) + cellHeight / 2);
  context.textAlign = "left";
  context.fillText("M", 2, height / 2);
}
