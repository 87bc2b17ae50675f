// A canvas of cells: one color above 0, another below, and the paper where a cell is 0.

import { useLayoutEffect, useRef } from "preact/hooks";
import type { Cells } from "../../src/figures/unit.ts";
import { isDark } from "./scheme.ts";

interface CellsCanvasProps {
  readonly cells: Cells;
  readonly class?: string;
  /** What the picture shows; without a label, the picture is decoration. */
  readonly label?: string;
  /** Called when the cells are on the canvas. */
  readonly onDrawn?: () => void;
}

export function CellsCanvas({ cells, label, onDrawn, ...rest }: CellsCanvasProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const dark = isDark.value;
  useLayoutEffect(() => {
    paint(canvas.current!, cells);
    onDrawn?.();
  }, [cells, dark]);
  return (
    <canvas
      {...rest}
      ref={canvas}
      width={cells.width}
      height={cells.height}
      data-cells
      {...(label === undefined ? { "aria-hidden": true } : { role: "img", "aria-label": label })}
    />
  );
}

/** Red, green and blue of a computed color. */
const channels = (color: string) => (color.match(/[\d.]+/g) ?? []).slice(0, 3).map(Number);

function paint(canvas: HTMLCanvasElement, { width, height, shades }: Cells): void {
  const context = canvas.getContext("2d")!;
  // The style sheet gives the canvas both colors, as its color and as its fill.
  const { color, fill } = getComputedStyle(canvas);
  const [plus, minus] = [channels(color), channels(fill)];
  const picture = context.createImageData(width, height);
  for (let i = 0; i < shades.length; i++) {
    const shade = shades[i]!;
    const [red, green, blue] = shade > 0 ? plus : minus;
    picture.data[4 * i] = red!;
    picture.data[4 * i + 1] = green!;
    picture.data[4 * i + 2] = blue!;
    picture.data[4 * i + 3] = 255 * Math.abs(shade);
  }
  context.putImageData(picture, 0, 0);
}
