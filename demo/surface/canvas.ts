// The surface on a 2D canvas, for browsers without a WebGPU adapter: far faces first (painter's algorithm).

import { cssOf, type Rgb } from "../parts/ramp.ts";
import { seenAll } from "./camera.ts";
import type { Mesh } from "./mesh.ts";
import { EDGE, FRAME_OPACITY, MARK, WIRE_OPACITY, type Renderer, type Scene } from "./renderer.ts";

/** The factor of the distance of a line that lies on a face: it is drawn after the face. */
const NEARER = 0.995;

export function canvasRenderer(canvas: HTMLCanvasElement): Renderer {
  const context = canvas.getContext("2d")!;

  function draw({ mesh, matrix, ink }: Scene): void {
    const { width, height } = canvas;
    const see = (points: Float32Array) => seenAll(matrix, points, width, height);
    const [quads, wire] = [see(mesh.quads), see(mesh.wire)];
    context.clearRect(0, 0, width, height);
    context.lineWidth = 1;
    context.lineJoin = "bevel";
    const frame = see(mesh.frame);
    context.strokeStyle = withOpacity(ink, FRAME_OPACITY);
    for (let i = 0; i < frame.length; i += 6) strokeLine(frame, i);
    const wireColor = withOpacity(ink, WIRE_OPACITY);
    const quadCount = quads.length / 12;
    for (const piece of farFirst(quads, wire)) {
      if (piece < quadCount) drawQuad(quads, piece, mesh);
      else {
        context.strokeStyle = wireColor;
        strokeLine(wire, 6 * (piece - quadCount));
      }
    }
    const marked = see(mesh.marked);
    context.fillStyle = cssOf(MARK);
    context.beginPath();
    for (let i = 0; i < marked.length; i += 12) addQuad(marked, i);
    context.fill();
  }

  function addQuad(points: Float32Array, at: number): void {
    context.moveTo(points[at]!, points[at + 1]!);
    for (let corner = 1; corner < 4; corner++)
      context.lineTo(points[at + 3 * corner]!, points[at + 3 * corner + 1]!);
    context.closePath();
  }

  /** Fills a quad, and draws two of its edges: the others are those of its neighbors. */
  function drawQuad(points: Float32Array, quad: number, { colors }: Mesh): void {
    const color: Rgb = [colors[3 * quad]!, colors[3 * quad + 1]!, colors[3 * quad + 2]!];
    const at = 12 * quad;
    context.fillStyle = cssOf(color);
    context.beginPath();
    addQuad(points, at);
    context.fill();
    context.strokeStyle = cssOf(edgeOf(color));
    context.beginPath();
    context.moveTo(points[at + 3]!, points[at + 4]!);
    context.lineTo(points[at]!, points[at + 1]!);
    context.lineTo(points[at + 9]!, points[at + 10]!);
    context.stroke();
  }

  function strokeLine(points: Float32Array, at: number): void {
    context.beginPath();
    context.moveTo(points[at]!, points[at + 1]!);
    context.lineTo(points[at + 3]!, points[at + 4]!);
    context.stroke();
  }

  return { draw, close() {} };
}

/** The indices of quads, and those of lines after them, by the mean distance of their corners, the farthest first. */
function farFirst(quads: Float32Array, lines: Float32Array): Uint32Array {
  const quadCount = quads.length / 12;
  const depths = new Float32Array(quadCount + lines.length / 6);
  for (let i = 0, at = 0; at < quads.length; i++, at += 12)
    depths[i] = (quads[at + 2]! + quads[at + 5]! + quads[at + 8]! + quads[at + 11]!) / 4;
  for (let i = quadCount, at = 0; at < lines.length; i++, at += 6)
    depths[i] = (NEARER * (lines[at + 2]! + lines[at + 5]!)) / 2;
  return Uint32Array.from(depths, (_, i) => i).toSorted((a, b) => depths[b]! - depths[a]!);
}

function edgeOf(color: Rgb): Rgb {
  return [Math.round(color[0] * EDGE), Math.round(color[1] * EDGE), Math.round(color[2] * EDGE)];
}

function withOpacity([red, green, blue]: Rgb, opacity: number): string {
  return `rgba(${red},${green},${blue},${opacity})`;
}
