// The pad: draws strokes with a pointer, or with the arrow keys and the space bar.

import { useId, useRef, useState } from "preact/hooks";
import { digitDrawing, GRID, pathOf, thinned, type Drawing, type Point } from "../ink.ts";

/**
 * How a drawing changed: it is `new`, it `continues` the stroke of the keyboard's pen that began as a new drawing, or it is shown
 * while a pointer is still on its way (`live`).
 */
export type Change = "new" | "continues" | "live";

interface PadProps {
  readonly drawing: Drawing;
  /** Whether a new stroke replaces the drawing. */
  readonly isReplaced: boolean;
  readonly onDraw: (drawing: Drawing, change: Change) => void;
}

/** The pen of the keyboard. */
interface Pen {
  readonly at: Point;
  /** The drawing with the stroke that the pen draws, while it is down. */
  readonly drawn?: Drawing;
}

/** The steps that an arrow key moves the pen. */
const KEY_STEPS = 2;
const ARROWS: Readonly<Record<string, Point>> = {
  ArrowLeft: [-KEY_STEPS, 0],
  ArrowRight: [KEY_STEPS, 0],
  ArrowUp: [0, -KEY_STEPS],
  ArrowDown: [0, KEY_STEPS],
};

const clamped = (value: number) => Math.min(GRID - 1, Math.max(0, value));

/** The point of the pad under a pointer. */
function pointOf({ clientX, clientY, currentTarget }: PointerEvent): Point {
  const { left, top, width, height } = (currentTarget as Element).getBoundingClientRect();
  return [
    clamped(Math.floor(((clientX - left) / width) * GRID)),
    clamped(Math.floor(((clientY - top) / height) * GRID)),
  ];
}

export function Pad({ drawing, isReplaced, onDraw }: PadProps) {
  const hint = useId();
  /** The strokes before the one that a pointer draws, and its points. */
  const pointer = useRef<
    { readonly id: number; readonly before: Drawing; readonly points: Point[] } | undefined
  >(undefined);
  const [pen, setPen] = useState<Pen>();
  // The pen of the keyboard draws as long as the drawing is the one that it drew.
  const isDown = pen?.drawn === drawing;

  const before = () => (isReplaced ? [] : drawing);

  function begin(event: PointerEvent): void {
    if (event.button !== 0 || !event.isPrimary || pointer.current) return;
    (event.currentTarget as Element).setPointerCapture(event.pointerId);
    setPen(undefined);
    pointer.current = { id: event.pointerId, before: before(), points: [pointOf(event)] };
    show("live");
  }

  function move(event: PointerEvent): void {
    if (pointer.current?.id !== event.pointerId) return;
    pointer.current.points.push(pointOf(event));
    show("live");
  }

  function end(event: PointerEvent): void {
    if (pointer.current?.id !== event.pointerId) return;
    show("new");
    pointer.current = undefined;
  }

  function show(change: Change): void {
    const { before, points } = pointer.current!;
    onDraw([...before, thinned(points)], change);
  }

  function drawWithPen(at: Point, drawn: Drawing, change: Change): void {
    setPen({ at, drawn });
    onDraw(drawn, change);
  }

  function press(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at: Point = pen?.at ?? [GRID / 2, GRID / 2];
    const step = ARROWS[event.key];
    if (step) {
      const next: Point = [clamped(at[0] + step[0]), clamped(at[1] + step[1])];
      const [stroke] = isDown ? drawing.slice(-1) : [];
      if (stroke) drawWithPen(next, [...drawing.slice(0, -1), [...stroke, next]], "continues");
      else setPen({ at: next });
    } else if (event.key === " ") {
      if (isDown) setPen({ at });
      else drawWithPen(at, [...before(), [at]], "new");
    } else if (event.key === "Delete" || event.key === "Backspace") {
      setPen(undefined);
      onDraw([], "new");
    } else return;
    event.preventDefault();
  }

  return (
    <>
      <div
        class="pad"
        role="application"
        tabIndex={0}
        aria-label="Pad for a digit"
        aria-describedby={hint}
        onPointerDown={begin}
        onPointerMove={move}
        onPointerUp={end}
        onPointerCancel={end}
        onKeyDown={press}
        onBlur={() => setPen(undefined)}
      >
        <svg viewBox={`0 0 ${GRID} ${GRID}`} aria-hidden="true">
          {drawing.map((stroke, i) => (
            <path key={i} d={pathOf(stroke)} />
          ))}
          {pen && (
            <circle
              cx={pen.at[0] + 0.5}
              cy={pen.at[1] + 0.5}
              r={isDown ? 2 : 3}
              class={isDown ? "down" : ""}
            />
          )}
        </svg>
      </div>
      <p class="unseen" id={hint}>
        Draw with a pointer. With the keyboard, 0 to 9 draw a digit, the arrow keys move the pen, the space
        bar lowers and lifts it, and Delete clears the pad.
      </p>
    </>
  );
}

interface DigitKeysProps {
  /** The digit that is drawn, if it is one that is built in. */
  readonly digit: number | undefined;
  readonly onDraw: (drawing: Drawing) => void;
}

/** A button for each digit that is built in, and one that clears the pad. */
export function DigitKeys({ digit, onDraw }: DigitKeysProps) {
  return (
    <div class="keys" data-control role="group" aria-label="Digits to draw">
      {Array.from({ length: 10 }, (_, key) => (
        <button
          key={key}
          type="button"
          aria-pressed={key === digit}
          aria-label={`Draw a ${key}`}
          onClick={() => onDraw(digitDrawing(key))}
        >
          {key}
        </button>
      ))}
      <button type="button" class="clear" onClick={() => onDraw([])}>
        clear
      </button>
    </div>
  );
}
