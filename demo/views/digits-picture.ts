// What Digits shows, as the text of an SVG document: the drawing, the outputs of both networks, and the sums of the unit.

import { sideOf, weightShade } from "../../src/figures/unit.ts";
import { GRID, pathOf, type Drawing } from "../ink.ts";

interface Picture {
  readonly drawing: Drawing;
  readonly trained: readonly number[];
  readonly random: readonly number[];
  readonly sums: readonly number[];
  /** The largest weight of the trained network as a sum. */
  readonly mostSum: number;
}

const [WIDTH, HEIGHT, PANEL] = [760, 220, 200];
const [PLUS, MINUS] = ["#d05a0c", "#2a5fc4"];

export function digitsPicture({ drawing, trained, random, sums, mostSum }: Picture): string {
  const strokes = drawing.map((stroke) => `<path d="${pathOf(stroke)}"/>`).join("");
  const side = sideOf(sums.length);
  const pixels = sums.flatMap((sum, i) => {
    if (sum === 0) return [];
    const shade = weightShade(sum, mostSum);
    const place = `x="${i % side}" y="${Math.floor(i / side)}" width="1" height="1"`;
    return [`<rect ${place} fill="${shade > 0 ? PLUS : MINUS}" fill-opacity="${Math.abs(shade)}"/>`];
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">
<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>
<g transform="translate(10 10) scale(${PANEL / GRID})" fill="none" stroke="#1c1e22" stroke-width="4" stroke-linecap="round" stroke-linejoin="round">${strokes}</g>
${bars("trained", trained, 230)}
${bars("random", random, 390)}
<g transform="translate(550 10) scale(${PANEL / side})">${pixels.join("")}</g>
</svg>
`;
}

/** The outputs of one network as bars with their numbers. */
function bars(name: string, outputs: readonly number[], left: number): string {
  const [room, pitch] = [80, 19];
  const [least, most] = [Math.min(0, ...outputs), Math.max(0, ...outputs)];
  const scale = room / (most - least || 1);
  const rows = outputs.map((value, digit) => {
    const top = 22 + pitch * digit;
    const x = left + 14 + scale * (Math.min(0, value) - least);
    const bar = `<rect x="${x}" y="${top}" width="${scale * Math.abs(value)}" height="${pitch - 5}" fill="${value > 0 ? PLUS : MINUS}"/>`;
    const texts = `<text x="${left}" y="${top + 11}">${digit}</text><text x="${left + 140}" y="${top + 11}" text-anchor="end">${value}</text>`;
    return bar + texts;
  });
  return `<text x="${left + 14}" y="14">${name}</text>${rows.join("")}`;
}
