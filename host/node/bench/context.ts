// What every section of a bench is given, and what it hands back.

import type { KernelName } from "../../../src/kernels/index.ts";
import { columns } from "../reports/table.ts";
import { interval, median, spread, type Candidates, type Costs } from "./measure/measure.ts";
import type { Row } from "./records/record.ts";

/** The engines that are measured; `shadow` is two of them. */
export const measured = ["cpu", "gpu", "reference"] as const;
export type Measured = (typeof measured)[number];

export interface Context {
  readonly engines: ReadonlySet<Measured>;
  /** Those whose rates are asked for. */
  readonly kernels: ReadonlySet<KernelName>;
  /** Of the CPU engine where it has more than one. */
  readonly threads: number;
  /** The adapter and the language features of its implementation; undefined where the GPU is not measured. */
  readonly gpu: Gpu | undefined;
  /** Commands of CPython and of a C compiler; undefined where this machine has none. */
  readonly python: string | undefined;
  readonly cc: string | undefined;
  readonly signal: AbortSignal;
  /** Has candidates take turns; undefined where it was stopped before one round was over. */
  readonly takeTurns: <C extends Candidates>(title: string, candidates: C) => Promise<Costs<C> | undefined>;
  /** Says something on stderr. */
  readonly note: (text: string) => void;
}

export interface Gpu {
  readonly requestAdapter: () => Promise<GPUAdapter | null>;
  readonly language: ReadonlySet<string>;
}

export interface Section {
  readonly title: string;
  readonly rows: readonly Row[];
  readonly table: readonly string[];
}

type Name = Pick<Row, "section" | "engine" | "kernel" | "size" | "variant">;
type More = Pick<Row, "updates" | "shares" | "ratios" | "exponents" | "digest">;

/** A row of what a unit cost in each round, in seconds: as a rate where `unit` ends in `/s`, otherwise as the cost. */
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

/** How many times as fast `costs` are as `others`, round by round. */
export const ratioOf = (others: readonly number[], costs: readonly number[]): number =>
  median(others.map((other, i) => other / costs[i]!));

const PREFIXES = ["n", "µ", "m", "", "k", "M", "G", "T", "P"] as const;

/** Three digits and a prefix of the metric system, for a unit behind it: `12.3 M`. */
function metric(value: number): string {
  if (value === 0) return "0 ";
  const power = Math.min(Math.max(Math.floor(Math.log10(Math.abs(value) * 1.0005) / 3), -3), 5);
  return `${Number((value / 1000 ** power).toPrecision(3))} ${PREFIXES[power + 3]}`;
}

const percent = (value: number | undefined, decimals = 1): string =>
  value === undefined ? "" : `${(100 * value).toFixed(decimals)} %`;

/** A median with its unit, which the title of a column may tell instead. */
export function valueText(value: number, unit: string): string {
  if (unit === "of a core") return `${percent(value)} ${unit}`;
  return `${metric(value)}${/^(s|B)\b/.test(unit) || metric(value).endsWith(" ") ? "" : " "}${unit}`.trim();
}

/** Every row of a kernel or section; a size that is that of the row before is not repeated. */
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

/** A column of a table with a line for each size: its title, and what it says of the rows of a size. */
export type Column = readonly [
  title: string,
  text: (find: (engine: string, variant: string) => Row | undefined) => string,
];

/** A line for each size. */
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
