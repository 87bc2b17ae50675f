// The instances in a block of whole lines: a pure function of the block and the settings, so that any thread can read any block.

import { readRecord } from "./csv.ts";
import { instanceOf, type ReadInstance } from "./instance.ts";
import { readJson, type Unread } from "./json.ts";
import { linesOf } from "./lines.ts";
import { PlacedError, refusalOf, type Refusal } from "./refusal.ts";
import { readRows } from "./rows.ts";
import type { Settings } from "./settings.ts";
import { readItems, readText } from "./text.ts";
import type { Piece } from "./values.ts";

export type { ReadInstance } from "./instance.ts";
export { errorOf } from "./refusal.ts";

/** What a block holds, in the order of its lines. */
export interface ReadBlock {
  readonly instances: readonly ReadInstance[];
  readonly refusals: readonly Refusal[];
}

/**
 * Reads whole lines; where the settings say that the input is read as a whole, all of its lines.
 * @param firstLine The number of the first line, from 1.
 */
export function readBlock(settings: Settings, bytes: Uint8Array, firstLine: number): ReadBlock {
  return settings.isWhole ? readWhole(settings, bytes, firstLine) : readLines(settings, bytes, firstLine);
}

function readLines(settings: Settings, bytes: Uint8Array, firstLine: number): ReadBlock {
  const instances: ReadInstance[] = [];
  const refusals: Refusal[] = [];
  let line = firstLine - 1;
  for (const text of linesOf(bytes)) {
    line++;
    if (line < settings.start || (typeof text === "string" && text.trim() === "")) continue;
    const refuse = (error: unknown) =>
      refusals.push(refusalOf(error, instances.length, line, typeof text === "string" ? text : ""));
    try {
      if (typeof text !== "string") throw text;
      for (const { read } of unreadOf(settings, text))
        try {
          const parsed = read();
          if (parsed) instances.push(instanceOf(parsed, settings, line));
        } catch (error) {
          refuse(error);
        }
    } catch (error) {
      refuse(error);
    }
  }
  return { instances, refusals };
}

/** The instances of a line. Only JSON may have several. */
function unreadOf(settings: Settings, line: string): readonly Unread[] {
  const { format, header } = settings;
  if (format === "text") return [{ at: 0, read: () => readText(line, settings) }];
  if (header) return [{ at: 0, read: () => readRecord(header, line, settings) }];
  return readJson(line, settings);
}

/** Reads an input of one JSON text or one instance. Places are those in the text of all lines. */
function readWhole(settings: Settings, bytes: Uint8Array, firstLine: number): ReadBlock {
  const instances: ReadInstance[] = [];
  const refusals: Refusal[] = [];
  const lines: Piece[] = [];
  let length = 0;
  for (const text of linesOf(bytes)) {
    if (typeof text !== "string")
      return { instances, refusals: [refusalOf(text, 0, firstLine + lines.length, "")] };
    lines.push({ text, at: length });
    length += text.length + 1;
  }
  // Places are asked for in ascending order.
  let index = 0;
  const lineAt = (offset: number) => {
    while (index + 1 < lines.length && lines[index + 1]!.at <= offset) index++;
    return firstLine + index;
  };
  const lastLine = firstLine + lines.length - 1;
  const refuse = (error: unknown, at: number) => {
    const line = lineAt(error instanceof PlacedError ? error.offset : at);
    const { text, at: start } = lines[index]!;
    refusals.push(refusalOf(error, instances.length, line, text, start));
  };
  try {
    for (const { at, read } of wholeOf(settings, lines, firstLine))
      try {
        instances.push(instanceOf(read()!, settings, lineAt(at), lastLine));
      } catch (error) {
        refuse(error, at);
      }
  } catch (error) {
    refuse(error, 0);
  }
  return { instances, refusals };
}

function wholeOf(settings: Settings, lines: readonly Piece[], firstLine: number): readonly Unread[] {
  const { format, header, start } = settings;
  if (format === "json") return readJson(lines.map(({ text }) => text).join("\n"), settings);
  const filled = lines.slice(Math.max(0, start - firstLine)).filter(({ text }) => text.trim() !== "");
  const at = filled[0]?.at ?? 0;
  return [{ at, read: () => (header ? readRows(header, filled, settings) : readItems(filled, settings)) }];
}
