// The colors of numbers in 0..1, from a dark blue to a light yellow. Their lightness rises throughout, so that every color
// vision and a gray print keep the order, and equal steps look equally large (OKLab, B. Ottosson, 2020).

export type Rgb = readonly [red: number, green: number, blue: number];

const STOPS: readonly Rgb[] = [
  [35, 52, 112],
  [104, 76, 172],
  [190, 82, 152],
  [236, 130, 92],
  [248, 218, 116],
];

const STEPS = 256;

function toLinear(channel: number): number {
  const c = channel / 255;
  return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
}

function fromLinear(c: number): number {
  const encoded = c <= 0.0031308 ? 12.92 * c : 1.055 * c ** (1 / 2.4) - 0.055;
  return Math.round(255 * Math.min(Math.max(encoded, 0), 1));
}

/** A color in OKLab: lightness, and the two axes green to red and blue to yellow. */
export function labOf(color: Rgb): Rgb {
  const [r, g, b] = color.map(toLinear) as [number, number, number];
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function rgbOf([lightness, a, b]: Rgb): Rgb {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    fromLinear(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    fromLinear(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    fromLinear(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}

/** The distance of two colors as they are seen. */
export function distanceOf(one: Rgb, other: Rgb): number {
  const [a, b] = [labOf(one), labOf(other)];
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

/** Colors at equal distances on the straight lines between the stops. */
function colorTable(): Rgb[] {
  const stops = STOPS.map(labOf);
  const ends = [0];
  for (let i = 1; i < STOPS.length; i++) ends.push(ends[i - 1]! + distanceOf(STOPS[i - 1]!, STOPS[i]!));
  return Array.from({ length: STEPS }, (_, step) => {
    const way = (step / (STEPS - 1)) * ends.at(-1)!;
    const i = Math.max(
      1,
      ends.findIndex((end) => end >= way - 1e-12),
    );
    const part = (way - ends[i - 1]!) / (ends[i]! - ends[i - 1]!);
    const [from, to] = [stops[i - 1]!, stops[i]!];
    return rgbOf(from.map((channel, c) => channel + (to[c]! - channel) * part) as [number, number, number]);
  });
}

const table = colorTable();

/** The color of a number in 0..1. */
export function rampColor(value: number): Rgb {
  return table[Math.round(Math.min(Math.max(value, 0), 1) * (STEPS - 1))]!;
}

export function cssOf([red, green, blue]: Rgb): string {
  return `rgb(${red},${green},${blue})`;
}

/** The colors as a gradient of CSS, from left to right. */
export function rampGradient(): string {
  const stops = Array.from({ length: 9 }, (_, i) => cssOf(rampColor(i / 8)));
  return `linear-gradient(to right, ${stops.join(", ")})`;
}
