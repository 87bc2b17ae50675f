// Comparison of two runs: the change of speed of every row, and whether the results are the same.

import { columns } from "../../reports/table.ts";
import { nameOf, speedOf, type Machine, type Row } from "./record.ts";

export interface Comparison {
  /** Rows of both runs, with the speed of the new one relative to the old one. */
  readonly both: readonly { readonly row: Row; readonly old: Row; readonly speed: number }[];
  /** Names of rows that only the new run has, and of those that only the old run has. */
  readonly added: readonly string[];
  readonly gone: readonly string[];
  /** Names of rows whose digests differ. */
  readonly differ: readonly string[];
}

/** Compares the rows of a run with those of an earlier one, by their names. */
export function compareRows(rows: readonly Row[], before: readonly Row[]): Comparison {
  const old = new Map(before.map((row) => [nameOf(row), row]));
  const names = new Set(rows.map(nameOf));
  const both = rows.flatMap((row) => {
    const other = old.get(nameOf(row));
    return other ? [{ row, old: other, speed: speedOf(row, other) }] : [];
  });
  return {
    both,
    added: [...names].filter((name) => !old.has(name)),
    gone: [...old.keys()].filter((name) => !names.has(name)),
    differ: both
      .filter(({ row, old }) => row.digest && old.digest && row.digest !== old.digest)
      .map(({ row }) => nameOf(row)),
  };
}

const sectionOf = (name: string) => name.split(" | ", 1)[0]!;

/** The lines of a comparison. Rows of sections that were not run again are summed up as `not run`. */
export function comparisonText({ both, added, gone, differ }: Comparison, machine: Machine): string[] {
  const { cpu, cores, adapter, version, commit, date } = machine;
  const run = new Set([...both.map(({ row }) => row.section), ...added.map(sectionOf)]);
  const where = [`${cores} x ${cpu}`, adapter, `exacta ${version}`, commit, date.slice(0, 10)];
  return [
    `against ${where.filter(Boolean).join(", ")}; above 1x is faster now`,
    "",
    ...columns([
      ["row", "speed", "results"],
      ...both.map(({ row, old, speed }) => [
        nameOf(row),
        `${speed.toFixed(2)}x`,
        row.digest && old.digest ? (row.digest === old.digest ? "same" : "DIFFERENT") : "",
      ]),
    ]),
    ...added.map((name) => `only in this run: ${name}`),
    ...gone.filter((name) => run.has(sectionOf(name))).map((name) => `only in the old run: ${name}`),
    ...[...new Set(gone.map(sectionOf))].filter((name) => !run.has(name)).map((name) => `not run: ${name}`),
    ...differ.map((name) => `other results than in the old run: ${name}`),
  ];
}
