// Lines that are refused: within a line as errors with a place, between threads as plain data.

import { RequestError, type Remedy } from "../../../../src/errors.ts";

/** An error at a place of the text that is being read. */
export class PlacedError extends RequestError {
  override readonly name = "PlacedError";
  /** The index of the first character at fault. */
  readonly offset: number;

  constructor(offset: number, field: string, expected: string, received: unknown, remedy?: Remedy) {
    super(field, expected, received, remedy);
    this.offset = offset;
  }
}

/** A line or a part of it that is refused, as plain data: an error loses its fields on the way from another thread. */
export interface Refusal {
  /** The number of instances of the block before it. */
  readonly before: number;
  /** The line, and the character in it, from 1. The character is undefined where the fault is that of the whole line. */
  readonly line: number;
  readonly column?: number | undefined;
  readonly field: string;
  readonly expected: string;
  readonly received: unknown;
  readonly remedy?: Remedy | undefined;
}

/**
 * The refusal of a line, for an error that is a RequestError; any other is thrown again.
 * @param before The number of instances of the block before it.
 * @param text The line as it is in the input.
 * @param start The index of its first character, in the text in which the error has its place.
 */
export function refusalOf(error: unknown, before: number, line: number, text: string, start = 0): Refusal {
  if (!(error instanceof RequestError)) throw error;
  const { field, expected, received, remedy } = error;
  const column = error instanceof PlacedError ? columnOf(text, error.offset - start) : undefined;
  return { before, line, column, field, expected, received, remedy };
}

/** The number of a character from 1, in which a byte order mark does not count and a surrogate pair counts once. */
function columnOf(text: string, offset: number): number {
  return text.slice(0, offset).replace(/^\ufeff|[\ud800-\udbff](?=[\udc00-\udfff])/g, "").length + 1;
}

/** A refusal as an error that names its line. */
export function errorOf({ line, column, field, expected, received, remedy }: Refusal): RequestError {
  const place = column === undefined ? `line ${line}` : `line ${line}, column ${column}`;
  return new RequestError(field, expected, received, remedy, { path: [place] });
}
