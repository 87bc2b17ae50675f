// Findings in the terms of the input: sums in its units, index sets by its columns and with its labels.

import type { SolveFinding, SubsetFinding } from "../../../src/finding.ts";
import { decimalText } from "../../../src/numbers.ts";
import type { Written } from "./instances/instance.ts";

type Labels = readonly (string | null)[] | null;

/** A finding as it is printed. */
export interface WrittenFinding extends SolveFinding {
  /** The labels of the items of an index set, where the input has labels. */
  readonly witnessLabels?: Labels;
  readonly smallestWitnessLabels?: Labels;
}

/** A subset of a list as it is printed. */
export interface WrittenSubset extends SubsetFinding {
  /** The labels of its items, where the input has labels. */
  readonly subsetLabels?: Labels;
}

/** The fields that are sums, and those that are index sets. */
const SUMS = ["target", "tolerance", "sum", "difference"] as const satisfies readonly (keyof SolveFinding)[];
const SETS = ["witness", "smallestWitness", "subset"] as const satisfies readonly (
  | keyof SolveFinding
  | keyof SubsetFinding
)[];

export function asWritten(finding: SolveFinding, written: Written | undefined): WrittenFinding;
export function asWritten(subset: SubsetFinding, written: Written | undefined): WrittenSubset;
/** The finding of an instance, or a subset of its list, in the terms of the input. */
export function asWritten(
  finding: SolveFinding | SubsetFinding,
  written: Written | undefined,
): WrittenFinding | WrittenSubset {
  if (!written) return finding;
  const { places = 0, columns, labels } = written;
  const changed: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(finding)) {
    const isSum = places > 0 && isOf(SUMS, name) && value !== null;
    const indices = isOf(SETS, name) ? (value as readonly number[] | null) : undefined;
    changed[name] = isSum ? inUnits(value as number | string, places) : value;
    if (indices === undefined) continue;
    if (columns) changed[name] = indices?.map((index) => columns[index]) ?? null;
    if (labels) changed[`${name}Labels`] = indices?.map((index) => labels[index]) ?? null;
  }
  // The fields of the record, some of them in other terms of the same types.
  return changed as object as WrittenFinding | WrittenSubset;
}

const isOf = (names: readonly string[], name: string) => names.includes(name);

/** A sum over 10^places: a number of JSON where that has at most 15 digits and prints as it is, otherwise its text. */
function inUnits(sum: number | string, places: number): number | string {
  const text = decimalText(BigInt(sum), places);
  const number = Number(text);
  return text.replace(/\D/g, "").length <= 15 && String(number) === text ? number : text;
}
