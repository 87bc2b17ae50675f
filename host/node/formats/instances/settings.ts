// What the first lines of an input and the options settle about all its lines, as plain data, of which a worker can get a copy.

import { extname } from "node:path";
import { RequestError } from "../../../../src/errors.ts";
import type { Notation } from "../../../../src/numbers.ts";
import { readHeader, type Header } from "./csv.ts";
import type { Common } from "./instance.ts";
import { isOpen } from "./json.ts";
import { linesOf } from "./lines.ts";
import { errorOf, refusalOf } from "./refusal.ts";
import { isComment, isItem } from "./text.ts";
import type { Reading, Value } from "./values.ts";

export const formats = ["jsonl", "json", "text", "csv", "tsv"] as const;
export type Format = (typeof formats)[number];

export interface SettleOptions {
  /** Default: JSON where the first line that is not blank starts with a bracket, otherwise text. */
  readonly format?: Format | undefined;
  /** Instances need no target. */
  readonly partition?: boolean | undefined;
  /** How numbers are written. Default: `unstated`. */
  readonly notation?: Notation | undefined;
  /** Decimals are read, and scaled to integers. */
  readonly decimals?: boolean | undefined;
  /** The targets of all instances, which the input then does not have. */
  readonly targets?: readonly Value[] | undefined;
  /** With decimals, the tolerance of all instances. */
  readonly tolerance?: Value | undefined;
  /** Every line or record is an item of one instance. */
  readonly rows?: boolean | undefined;
  /** For tables: the first line is a header, even where its names look like numbers. */
  readonly header?: boolean | undefined;
  /** For tables with `rows`: the columns of the values and of the labels. */
  readonly value?: string | undefined;
  readonly label?: string | undefined;
}

/** How an input is read. */
export interface Settings extends Reading, Common {
  readonly format: Format;
  /** The first line that may hold an instance, from 1. */
  readonly start: number;
  /** The input is one JSON text or one instance, and is read as one block; otherwise each of its lines is read alone. */
  readonly isWhole: boolean;
  readonly header?: Header | undefined;
}

/** Reads lines that settle nothing: blank ones, comments and malformed ones, which are the same in every format. */
export const UNSETTLED: Settings = {
  format: "text",
  partition: false,
  notation: "unstated",
  decimals: false,
  start: 1,
  isWhole: false,
};

/** The format that a file's extension names; undefined for other extensions. */
export function formatOf(file: string): Format | undefined {
  const byExtension: Partial<Record<string, Format>> = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".txt": "text",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
  };
  return byExtension[extname(file).toLowerCase()];
}

/**
 * Settles how an input is read, by its first line that is neither blank nor a comment.
 * @param bytes Whole lines of the input.
 * @param firstLine The number of the first of them, from 1.
 * @returns undefined where there is no such line: later ones settle it.
 * @throws {RequestError} for a wrong header of a table, since no line after it can be understood; and for options that do not
 * fit the format.
 */
export function settle(bytes: Uint8Array, firstLine: number, options: SettleOptions): Settings | undefined {
  let line = firstLine - 1;
  for (const text of linesOf(bytes)) {
    line++;
    if (typeof text !== "string") {
      if (isTable(options.format)) throw text.at(`line ${line}`);
      continue;
    }
    if (text.trim() === "") continue;
    const format = options.format ?? (/^[\s\ufeff]*[[{]/.test(text) ? "json" : "text");
    if (format === "text" && isComment(text)) continue;
    return settingsOf(format, text, line, options);
  }
  return undefined;
}

export function isTable(format: Format | undefined): boolean {
  return format === "csv" || format === "tsv";
}

/** The settings of an input whose first line is `text`. */
function settingsOf(format: Format, text: string, line: number, options: SettleOptions): Settings {
  const {
    partition = false,
    notation = "unstated",
    decimals = false,
    targets,
    tolerance,
    rows = false,
  } = options;
  for (const name of ["header", "value", "label"] as const)
    if (options[name] !== undefined && !isTable(format))
      throw new RequestError(name, "a table beside it, csv or tsv", format, {
        option: "input",
        value: "csv",
      });
  if (rows && (format === "json" || format === "jsonl"))
    throw new RequestError("rows", "text or a table beside it", format);
  const common = { format, partition, notation, decimals, targets, tolerance };
  const needsNoTarget = partition || targets !== undefined;
  if (format === "text")
    return { ...common, start: line, isWhole: rows || (needsNoTarget && isItem(text, common)) };
  if (!isTable(format)) return { ...common, start: line, isWhole: format === "json" && isOpen(text) };
  const header = placing(line, text, () =>
    readHeader(text, {
      tabs: format === "tsv",
      header: options.header ?? false,
      rows,
      value: options.value,
      label: options.label,
      hasTargets: !needsNoTarget,
    }),
  );
  return { ...common, start: line + 1, isWhole: rows, header };
}

/** Runs `read`; an error that it throws names the line. */
function placing<T>(line: number, text: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof RequestError ? errorOf(refusalOf(error, 0, line, text)) : error;
  }
}
