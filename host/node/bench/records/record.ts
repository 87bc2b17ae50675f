// What a bench leaves behind, as JSON Lines: one record of the machine, then one for each row.

import * as z from "zod/mini";
import { RequestError, locating } from "../../../../src/errors.ts";
import { parse } from "../../../../src/check.ts";

const numbers = z.record(z.string(), z.number());

/** Unknown fields of later versions pass through. */
const machineSchema = z.looseObject({
  kind: z.literal("bench-machine"),
  cpu: z.string(),
  cores: z.number(),
  memoryBytes: z.number(),
  os: z.string(),
  node: z.string(),
  /** What the GPU engine runs on; none where no adapter answers. */
  adapter: z.optional(z.string()),
  version: z.string(),
  /** Of the checkout that exacta was built in, with `-dirty` where files had been changed. */
  commit: z.optional(z.string()),
  date: z.string(),
  /** Of the measurement, as typed. */
  options: z.record(z.string(), z.unknown()),
});
export type Machine = z.output<typeof machineSchema>;

const rowSchema = z.looseObject({
  kind: z.literal("bench"),
  /** These five name a row: no other of a run has the same. */
  section: z.string(),
  engine: z.string(),
  kernel: z.string(),
  size: z.string(),
  variant: z.string(),
  /** The median, and what it counts: rates have units a second (`trials/s`), all others are costs, the less the better. */
  value: z.number(),
  unit: z.string(),
  /** Half the 95 % interval of the median over the median; none for fewer than 6 rounds. */
  spread: z.optional(z.number()),
  rounds: z.number(),
  /** Words of 32 bits that are updated in a second (updates.ts). */
  updates: z.optional(z.number()),
  /** By the name of a ceiling: how much of it that is. */
  shares: z.optional(numbers),
  /** By the variant or engine that it is compared with: how many times its speed, the median over rounds. */
  ratios: z.optional(numbers),
  /** Of what grows from the row before to this one: how the cost went with it, `measured` and in `theory`. */
  exponents: z.optional(numbers),
  /** Of the words that the kernel writes for fixed work: the same on every engine of every machine. */
  digest: z.optional(z.string()),
});
export type Row = z.output<typeof rowSchema>;

/** What names a row, in words. */
export const nameOf = ({ section, engine, kernel, size, variant }: Row): string =>
  [section, engine, kernel, size, variant].filter(Boolean).join(" | ");

/** How many times as fast one row is as another of the same name. */
export const speedOf = (row: Row, other: Row): number =>
  row.unit.endsWith("/s") ? row.value / other.value : other.value / row.value;

export const linesOf = (machine: Machine, rows: readonly Row[]): string =>
  [machine, ...rows].map((record) => `${JSON.stringify(record)}\n`).join("");

/** The reverse. Throws TypeError or RangeError where the text is nothing that a bench has written. */
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

/** What two engines of one run disagree on: rows of the same section, kernel and size whose digests differ. */
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
