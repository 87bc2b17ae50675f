// Measured rates as text: with prefixes, as Markdown, and as a picture.

import type { BenchEngine, BenchReport, BenchRow } from "../worker/bench.ts";

/** The rows of one kernel and size. */
export interface Compared {
  readonly kernel: string;
  readonly size: string;
  readonly cpu?: BenchRow;
  readonly gpu?: BenchRow;
}

export const compared = (rows: readonly BenchRow[]): Compared[] => {
  const found = new Map<string, Compared>();
  for (const row of rows) {
    const { kernel, size } = row;
    const key = `${kernel} ${size}`;
    found.set(key, { ...(found.get(key) ?? { kernel, size }), [row.engine]: row });
  }
  return [...found.values()];
};

const PREFIXES = ["", "k", "M", "G", "T"] as const;

/** A rate in three digits: `12.3 Mtrials/s`. */
export function rateText({ rate, unit }: Pick<BenchRow, "rate" | "unit">): string {
  const power = Math.min(Math.max(Math.floor(Math.log10(rate * 1.0005) / 3), 0), PREFIXES.length - 1);
  const prefix = PREFIXES[power]!;
  return `${Number((rate / 1000 ** power).toPrecision(3))} ${prefix}${prefix && " "}${unit}`;
}

/** How much faster the GPU is than the CPU. */
export function ratioText({ cpu, gpu }: Compared): string {
  return cpu && gpu ? `${(gpu.rate / cpu.rate).toPrecision(3)}×` : "";
}

export const engineNames: Readonly<Record<BenchEngine, string>> = { cpu: "CPU", gpu: "GPU" };

const cellOf = (row: BenchRow | undefined) => (row ? rateText(row) : "");

export function markdownOf({ engines, rows }: BenchReport): string {
  const machines = engines.map(
    ({ engine, adapter, problem }) => `${engineNames[engine]}: ${adapter ?? problem}`,
  );
  return [
    ...machines.map((text) => `- ${text}`),
    "",
    "| kernel | size | CPU | GPU | GPU / CPU |",
    "| --- | --- | ---: | ---: | ---: |",
    ...compared(rows).map(
      (each) =>
        `| ${each.kernel} | ${each.size} | ${cellOf(each.cpu)} | ${cellOf(each.gpu)} | ${ratioText(each)} |`,
    ),
    "",
  ].join("\n");
}

const ROW_HEIGHT = 22;
const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

/** The text of an SVG document with a bar for each row, as long as its share of the faster engine's rate. */
export function pictureOf({ rows }: BenchReport): string {
  const bars = rows.map((row, i) => {
    const y = 10 + i * ROW_HEIGHT;
    const width = Math.max(1, Math.round(240 * shareOf(row, rows)));
    const name = escaped(`${row.kernel}, ${row.size}, ${engineNames[row.engine]}`);
    return (
      `<text x="270" y="${y + 14}" text-anchor="end">${name}</text>` +
      `<rect x="280" y="${y + 2}" width="${width}" height="15" fill="${row.engine === "cpu" ? "#2f5bb8" : "#d05a0c"}"/>` +
      `<text x="${288 + width}" y="${y + 14}">${escaped(rateText(row))}</text>`
    );
  });
  const height = 20 + rows.length * ROW_HEIGHT;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 660 ${height}" width="660" height="${height}" ` +
    `font-family="sans-serif" font-size="13" fill="#1c1e22"><rect width="660" height="${height}" fill="#ffffff"/>` +
    `${bars.join("")}</svg>`
  );
}

/** The rate of a row as a share of the highest one of its kernel and size. */
export function shareOf({ kernel, size, rate }: BenchRow, rows: readonly BenchRow[]): number {
  const same = rows.filter((row) => row.kernel === kernel && row.size === size);
  return rate / Math.max(...same.map((row) => row.rate));
}
