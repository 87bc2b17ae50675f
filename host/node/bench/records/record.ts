// The records of a bench as JSON Lines: one of the machine, then one for each row.

import * as z from "zod/mini";
import { RequestError, locating } from "../../../../src/errors.ts";
import { parse } from "../../../../src/check.ts";

const numbers = z.record(z.string(), z.number());

/** The record of the machine. Unknown fields, of later versions, pass through. */
const machineSchema = z.looseObject({
  kind: z.literal("bench-machine"),
  cpu: z.string(),
  cores: z.number(),
  memoryBytes: z.number(),
  os: z.string(),
  node: z.string(),
  /** The adapter of the GPU engine; absent where there is none. */
  adapter: z.optional(z.string()),
  version: z.string(),
  /** The commit of the checkout that exacta was built in, with `-dirty` where files differ from it. */
  commit: z.optional(z.string()),
  date: z.string(),
  /** The options of the command, as typed. */
  options: z.record(z.string(), z.unknown()),
});
export type Machine = z.output<typeof machineSchema>;

const rowSchema = z.looseObject({
  kind: z.literal("bench"),
  /** These five fields name a row; no other row of a run has the same. */
  section: z.string(),
  engine: z.string(),
  kernel: z.string(),
  size: z.string(),
  variant: z.string(),
  /** The median and its unit: a rate where the unit ends in `/s` (`trials/s`), otherwise a cost, of which less is better. */
  value: z.number(),
  unit: z.string(),
  /** Half the 95 % interval of the median, relative to the median; absent for fewer than 6 rounds. */
  spread: z.optional(z.number()),
  rounds: z.number(),
  /** Word updates a second (measure/updates.ts). */
  updates: z.optional(z.number()),
  /** The share of each ceiling that is reached, by the ceiling. */
  shares: z.optional(numbers),
  /** The speed relative to other variants or engines, by their names; the median over rounds. */
  ratios: z.optional(numbers),
  /** The exponent with which the cost grows from the row before to this one: `measured`, and in `theory`. */
  exponents: z.optional(numbers),
  /** The digest of the words that the kernel writes for fixed work: the same on every engine of every machine. */
  digest: z.optional(z.string()),
});
export type Row = z.output<typeof rowSchema>;

/** The name of a row, as it is printed. */
export const nameOf = ({ section, engine, kernel, size, variant }: Row): string =>
  [section, engine, kernel, size, variant].filter(Boolean).join(" | ");

/** The speed of a row relative to another of the same name. */
export const speedOf = (row: Row, other: Row): number =>
  row.unit.endsWith("/s") ? row.value / other.value : other.value / row.value;

/** JSON Lines of a run. */
export const linesOf = (machine: Machine, rows: readonly Row[]): string =>
  [machine, ...rows].map((record) => `${JSON.stringify(record)}\n`).join("");

/**
 * Reads what `linesOf` writes.
 *
 * @throws {RequestError} The text is no output of `exacta bench --json`; names the file and the line.
 */
export function readLines(file: string, text: string): { machine: Machine; rows: Row[] } {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const records = lines.map((line, i) =>
    locating(`${file}, line ${i + 1}`, () => parse(i === 0 ? machineSchema : rowSchema, jsonOf(line))),
  );
  if (records.length === 0) throw new RequestError(file, "a file of exacta bench --json", "an empty one");
  return { machine: records[0] as Machine, rows: records.slice(1) as Row[] };
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new RequestError("record", "a line of exacta bench --json", line);
  }
}

/** Describes the rows of one section, kernel and size whose digests differ, so that engines or variants disagree. */
export function disagreements(rows: readonly Row[]): string[] {
  const first = new Map<string, Row>();
  return rows.flatMap((row) => {
    if (row.digest === undefined) return [];
    const work = `${row.kernel} ${row.size}`;
    const other = first.get(`${row.section} ${work}`) ?? row;
    first.set(`${row.section} ${work}`, other);
    return row.digest === other.digest
      ? []
      : [
          `${work}: ${row.engine} ${row.variant} answers ${row.digest}, ${other.engine} ${other.variant} ${other.digest}`,
        ];
  });
}
