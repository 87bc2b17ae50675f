// What draws the surface.

import type { mat4 } from "gl-matrix";
import type { Rgb } from "../parts/ramp.ts";
import type { Mesh } from "./mesh.ts";

export interface Scene {
  readonly mesh: Mesh;
  readonly matrix: mat4;
  /** The color of the frame and of the lines of theory. */
  readonly ink: Rgb;
}

export interface Renderer {
  /** Draws a scene into the whole canvas. */
  readonly draw: (scene: Scene) => void;
  readonly close: () => void;
}

/** The color of the selected cell, which no height has. */
export const MARK: Rgb = [0, 214, 143];
/** The brightness of the edges of a face. */
export const EDGE = 0.82;
/** The opacity of the frame and of the lines of theory. */
export const FRAME_OPACITY = 0.35;
export const WIRE_OPACITY = 0.75;
