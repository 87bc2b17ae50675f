// Drawings: strokes on a square pad, their text in an address, and the image that a network reads.

import { RequestError } from "../src/errors.ts";
import type { Field } from "./fields.ts";

/** The columns and rows of the pad. */
export const GRID = 64;

/** A point of the pad, each coordinate an integer of 0..GRID - 1, from the top left. */
export type Point = readonly [x: number, y: number];
export type Stroke = readonly Point[];
export type Drawing = readonly Stroke[];

/** The pixels of an image in each direction. */
export const SIDE = 28;
/** The pixels that the longer side of a digit is scaled to, as in MNIST. */
const BOX = 20;
/** Half of the width of the pen, in pixels. */
const PEN = 1.1;
/** The most pixels to which one step of the pad is enlarged: a dot stays small. */
const MAX_SCALE = 1;
const BRIGHTEST = 255;

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** A drawing as text: two characters for each point, and a full stop between strokes. */
const textOf = (drawing: Drawing): string =>
  drawing.map((stroke) => stroke.map(([x, y]) => DIGITS[x]! + DIGITS[y]!).join("")).join(".");

/** Undefined where the text is no drawing. */
function drawingOf(text: string): Drawing | undefined {
  if (text === "") return [];
  const strokes = text.split(".");
  if (strokes.some((stroke) => !/^([\w-]{2})+$/.test(stroke))) return undefined;
  return strokes.map((stroke) =>
    Array.from({ length: stroke.length / 2 }, (_, i): Point => {
      const [x, y] = [stroke[2 * i]!, stroke[2 * i + 1]!].map((character) => DIGITS.indexOf(character));
      return [x!, y!];
    }),
  );
}

/** The strokes of each digit. */
const builtIn = [
  "lMoPrTtXucuitnrspwmzi1f1b0YxVtTpSkSeTZVUXQaNeLhLlM",
  "jKhWfiesd2",
  "SUTQWNZLdKhKlLoNqQsUsYrbkjbtS1e1w0",
  "UQWNaMeLiMlNoQqTqWpZmcjeffjgnhqkrnsqrtqwnyk0g1c1Y0UySw",
  "WLUUSeRibimhwg.oMnYmml2",
  "uLkLYMWWVdXdbcgcleohrksorspwmzi1d2Y1UzRw",
  "oKgQaZWkUsVvWyZ0c2g2k2n0qyrvssrpqmnkkigiciZkWmVpUs",
  "QNcNuMpWjhfsc2",
  "mLjKgKdKbLYNWPVRVUVXWZYbaddegegfkfnhqjsmtpttswqzn1k3g3c3Z1WzUwTtTpUmWjZhcfgfgejemdobqZrXrUrRqPoNmL",
  "qSrWrZpcmfjgfhchYfWdUaTWTTVQYNbMfLiLmNoPqSqeool2",
] as const;

/** The drawing of a digit that is built in. */
export const digitDrawing = (digit: number): Drawing => drawingOf(builtIn[digit]!)!;

/** The most characters of a drawing in an address. */
const MAX_TEXT = 4000;

const EXPECTED = `a digit, or strokes in at most ${MAX_TEXT} characters`;
const SHORTER = `strokes in at most ${MAX_TEXT} characters of the address (clear the pad or draw fewer)`;

/** @throws {RequestError} The drawing is too long for an address. */
export function checkLength(drawing: Drawing, name: string): void {
  const text = textOf(drawing);
  if (text.length > MAX_TEXT) throw new RequestError(name, SHORTER, text.length);
}

/** A drawing in an address: a digit that is built in, or strokes. */
export function drawingField(initial: number): Field<Drawing> {
  return {
    initial: digitDrawing(initial),
    read(text, name) {
      const given = text.trim();
      const drawing = /^\d$/.test(given) ? digitDrawing(Number(given)) : drawingOf(given);
      if (!drawing) throw new RequestError(name, EXPECTED, text);
      checkLength(drawing, name);
      return drawing;
    },
    write(drawing) {
      const text = textOf(drawing);
      const digit = builtIn.findIndex((known) => known === text);
      return digit < 0 ? text : String(digit);
    },
  };
}

/** A stroke without points that are nearer to the one before than a pen is wide. The last point is kept. */
export function thinned(stroke: Stroke): Stroke {
  const kept: Point[] = [];
  for (const [i, point] of stroke.entries()) {
    const last = kept.at(-1);
    const isNear = last && (point[0] - last[0]) ** 2 + (point[1] - last[1]) ** 2 < 5;
    if (!isNear || (i === stroke.length - 1 && i > 0 && String(point) !== String(last))) kept.push(point);
  }
  return kept;
}

/** A stroke as the path of an SVG element: a curve through the middles between its points. */
export function pathOf(stroke: Stroke): string {
  const points = stroke.map(([x, y]): Point => [x + 0.5, y + 0.5]);
  const [first, ...rest] = points as [Point, ...Point[]];
  const last = rest.at(-1) ?? first;
  const curves = rest.slice(0, -1).map(([x, y], i) => {
    const [nextX, nextY] = rest[i + 1]!;
    return `Q${x} ${y} ${(x + nextX) / 2} ${(y + nextY) / 2}`;
  });
  return `M${first.join(" ")}${curves.join("")}L${last.join(" ")}`;
}

/**
 * The image of a drawing as MNIST has them: the longer side is scaled to 20 pixels, and the center of mass is moved to the middle
 * of 28 x 28 pixels.
 * @returns SIDE x SIDE integers of 0..255, row by row from the top.
 */
export function imageOf(drawing: Drawing): Int32Array {
  const points = drawing.flat();
  if (points.length === 0) return new Int32Array(SIDE ** 2);
  const [left, right, top, bottom] = [0, 1].flatMap((axis) => {
    const values = points.map((point) => point[axis]!);
    return [Math.min(...values), Math.max(...values)];
  }) as [number, number, number, number];
  const scale = Math.min(MAX_SCALE, (BOX - 2 * PEN) / Math.max(right - left, bottom - top));
  const middle = SIDE / 2;
  const placed = drawing.map((stroke) =>
    stroke.map(([x, y]): Point => [
      middle + scale * (x - (left + right) / 2),
      middle + scale * (y - (top + bottom) / 2),
    ]),
  );
  const [x, y] = centerOfMass(inked(placed));
  return inked(
    placed.map((stroke) => stroke.map((point): Point => [point[0] + middle - x, point[1] + middle - y])),
  );
}

/** The image of strokes in pixels. A pixel that the edge of the pen crosses is partly bright. */
function inked(strokes: Drawing): Int32Array {
  return Int32Array.from({ length: SIDE ** 2 }, (_, pixel) => {
    const at: Point = [(pixel % SIDE) + 0.5, Math.floor(pixel / SIDE) + 0.5];
    let nearest = Infinity;
    for (const stroke of strokes)
      for (let i = 0; i < stroke.length; i++)
        nearest = Math.min(nearest, squareDistance(at, stroke[Math.max(0, i - 1)]!, stroke[i]!));
    return Math.round(BRIGHTEST * Math.min(1, Math.max(0, PEN + 0.5 - Math.sqrt(nearest))));
  });
}

/** The square of the distance of a point from a segment. */
function squareDistance([x, y]: Point, [fromX, fromY]: Point, [toX, toY]: Point): number {
  const [dx, dy] = [toX - fromX, toY - fromY];
  const length = dx * dx + dy * dy;
  const along = length === 0 ? 0 : Math.min(1, Math.max(0, ((x - fromX) * dx + (y - fromY) * dy) / length));
  return (x - fromX - along * dx) ** 2 + (y - fromY - along * dy) ** 2;
}

function centerOfMass(image: Int32Array): Point {
  let [mass, x, y] = [0, 0, 0];
  image.forEach((value, pixel) => {
    mass += value;
    x += value * ((pixel % SIDE) + 0.5);
    y += value * (Math.floor(pixel / SIDE) + 0.5);
  });
  return mass === 0 ? [SIDE / 2, SIDE / 2] : [x / mass, y / mass];
}
