// The camera of the surface, and where it sees points. Both renderers use the same matrix.

import { mat4 } from "gl-matrix";

/** Angles in degrees: `yaw` turns the surface about the vertical, `pitch` is the height of the camera. `zoom` 1 shows it all. */
export interface Camera {
  readonly yaw: number;
  readonly pitch: number;
  readonly zoom: number;
}

export type Point = readonly [x: number, y: number, z: number];

/** A point of the picture in its pixels, y downwards, and its distance from the camera. */
export interface Seen {
  readonly x: number;
  readonly y: number;
  readonly depth: number;
}

export const initialCamera: Camera = { yaw: -32, pitch: 32, zoom: 1 };

export const MIN_PITCH = 5;
export const MAX_PITCH = 85;
export const MIN_ZOOM = 0.5;
export const MAX_ZOOM = 4;

const FIELD_OF_VIEW = 0.5;
/** The distance from which the surface fills a picture that is as wide as it is high. */
const DISTANCE = 5.6;
/** A picture that is wider than this ratio is limited by its height. */
const WIDE = 1.35;
/** The height at which the camera looks. */
const LOOK_AT = 0.24;
const NEAR = 0.5;
const FAR = 40;
const DEGREES_PER_PIXEL = 0.4;

const clamp = (value: number, from: number, to: number) => Math.min(Math.max(value, from), to);
/** `+ 0` turns -0 into 0, which an address writes without a sign. */
const round = (value: number, steps: number) => Math.round(value * steps) / steps + 0;

/** The camera within its limits, with angles of tenths of a degree and a zoom of hundredths, as an address has them. */
export function limitedCamera({ yaw, pitch, zoom }: Camera): Camera {
  const turn = ((((yaw + 180) % 360) + 360) % 360) - 180;
  return {
    yaw: round(turn, 10),
    pitch: round(clamp(pitch, MIN_PITCH, MAX_PITCH), 10),
    zoom: round(clamp(zoom, MIN_ZOOM, MAX_ZOOM), 100),
  };
}

/** The camera after a drag by some pixels. */
export function dragged({ yaw, pitch, zoom }: Camera, right: number, down: number): Camera {
  return limitedCamera({
    yaw: yaw + right * DEGREES_PER_PIXEL,
    pitch: pitch + down * DEGREES_PER_PIXEL,
    zoom,
  });
}

export function zoomed({ yaw, pitch, zoom }: Camera, factor: number): Camera {
  return limitedCamera({ yaw, pitch, zoom: zoom * factor });
}

/** The matrix from the space of the surface to that of clipping, for a picture of a ratio of width to height. */
export function matrixOf({ yaw, pitch, zoom }: Camera, ratio: number): mat4 {
  const [turn, rise] = [(yaw * Math.PI) / 180, (pitch * Math.PI) / 180];
  const distance = (DISTANCE * Math.max(1, WIDE / ratio)) / zoom;
  const eye: Point = [
    distance * Math.sin(turn) * Math.cos(rise),
    LOOK_AT + distance * Math.sin(rise),
    distance * Math.cos(turn) * Math.cos(rise),
  ];
  const view = mat4.lookAt(mat4.create(), [...eye], [0, LOOK_AT, 0], [0, 1, 0]);
  const projection = mat4.perspectiveZO(mat4.create(), FIELD_OF_VIEW, ratio, NEAR, FAR);
  return mat4.multiply(mat4.create(), projection, view);
}

/** Where points are seen in a picture of `width` x `height`. `points` has three coordinates for each, and so has the result. */
export function seenAll(matrix: mat4, points: Float32Array, width: number, height: number): Float32Array {
  const m = matrix as Float32Array;
  const all = new Float32Array(points.length);
  for (let i = 0; i < points.length; i += 3) {
    const [px, py, pz] = [points[i]!, points[i + 1]!, points[i + 2]!];
    const w = m[3]! * px + m[7]! * py + m[11]! * pz + m[15]!;
    all[i] = (((m[0]! * px + m[4]! * py + m[8]! * pz + m[12]!) / w + 1) / 2) * width;
    all[i + 1] = ((1 - (m[1]! * px + m[5]! * py + m[9]! * pz + m[13]!) / w) / 2) * height;
    all[i + 2] = w;
  }
  return all;
}

/** Where a point is seen in a picture of `width` x `height`. */
export function seen(matrix: mat4, point: Point, width: number, height: number): Seen {
  const [x, y, depth] = seenAll(matrix, new Float32Array(point), width, height);
  return { x: x!, y: y!, depth: depth! };
}
