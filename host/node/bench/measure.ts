// What a measurement is.

/** What was measured: one record a row, and the same as a table. */
export interface Bench {
  readonly results: readonly object[];
  readonly title: string;
  readonly table: readonly string[];
}

/** The upper one of two in the middle. */
export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
