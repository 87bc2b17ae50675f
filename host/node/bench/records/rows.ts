// Rows of a bench, made from costs, and the tables that show them.

import { columns } from "../../reports/table.ts";
import { interval, median, spread } from "../measure/measure.ts";
import type { Row } from "./record.ts";

type Name = Pick<Row, "section" | "engine" | "kernel" | "size" | "variant">;
type More = Pick<Row, "updates" | "shares" | "ratios" | "exponents" | "digest">;

/**
 * Makes a row.
 *
 * @param unit A rate where it ends in `/s`, otherwise a cost.
 * @param costs The cost of a unit of work in each round, in seconds or in `unit`.
 */
export function rowOf(name: Name, unit: string, costs: readonly number[], more: More = {}): Row {
  const middle = median(costs);
  return {
    kind: "bench",
    ...name,
    value: unit.endsWith("/s") ? 1 / middle : middle,
    unit,
    ...(interval(costs) ? { spread: spread(costs) } : {}),
    rounds: costs.length,
    ...more,
  };
}

/** The speed of `costs` relative to `others`: the median of their ratios by round. */
export const ratioOf = (others: readonly number[], costs: readonly number[]): number =>
  median(others.map((other, i) => other / costs[i]!));

const PREFIXES = ["n", "µ", "m", "", "k", "M", "G", "T", "P"] as const;

/** Three digits and a metric prefix, to be followed by a unit: `12.3 M`. */
function metric(value: number): string {
  if (value === 0) return "0 ";
  const power = Math.min(Math.max(Math.floor(Math.log10(Math.abs(value) * 1.0005) / 3), -3), 5);
  return `${Number((value / 1000 ** power).toPrecision(3))} ${PREFIXES[power + 3]}`;
}

const percent = (value: number | undefined, decimals = 1): string =>
  value === undefined ? "" : `${(100 * value).toFixed(decimals)} %`;

/** A median with its unit, which is empty where the title of the column has it. */
export function valueText(value: number, unit: string): string {
  if (unit === "of a core") return `${percent(value)} ${unit}`;
  return `${metric(value)}${/^(s|B)\b/.test(unit) || metric(value).endsWith(" ") ? "" : " "}${unit}`.trim();
}

/** A table with a line for each row, in which a size that equals the one above is left out. */
export function rowsTable(rows: readonly Row[]): string[] {
  const shares = [...new Set(rows.flatMap(({ shares }) => Object.keys(shares ?? {})))];
  const units = new Set(rows.map(({ unit }) => unit));
  const [unit] = units.size === 1 ? units : [];
  const has = (field: keyof Row) => rows.some((row) => row[field] !== undefined);
  const all: readonly (readonly [boolean, string, (row: Row, i: number) => string])[] = [
    [true, "", ({ size }, i) => (size === rows[i - 1]?.size ? "" : size)],
    [true, "", ({ engine, variant }) => `${engine} ${variant}`.trim()],
    [true, unit ?? "median", (row) => valueText(row.value, unit === undefined ? row.unit : "")],
    [has("spread"), "±", ({ spread }) => percent(spread)],
    [has("updates"), "updates/s", ({ updates }) => (updates === undefined ? "" : valueText(updates, ""))],
    ...shares.map((name) => [true, `of ${name}`, (row: Row) => percent(row.shares?.[name])] as const),
  ];
  const shown = all.filter(([wanted]) => wanted);
  return columns([
    shown.map(([, title]) => title),
    ...rows.map((row, i) => shown.map(([, , text]) => text(row, i))),
  ]);
}

/** A column of `pivot`: its title, and its text for a size, whose rows `find` finds. */
export type Column = readonly [
  title: string,
  text: (find: (engine: string, variant: string) => Row | undefined) => string,
];

/** A table with a line for each size. */
export function pivot(rows: readonly Row[], shown: readonly Column[]): string[] {
  const sizes = [...new Set(rows.map(({ size }) => size))];
  return columns([
    ["", ...shown.map(([title]) => title)],
    ...sizes.map((size) => {
      const find = (engine: string, variant: string) =>
        rows.find((row) => row.size === size && row.engine === engine && row.variant === variant);
      return [size, ...shown.map(([, text]) => text(find))];
    }),
  ]);
}
