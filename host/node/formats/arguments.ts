// What people type, as values. Text that is no number passes through, so that the check behind it can say what it expected.

import { RequestError } from "../../../src/errors.ts";
import type { PhaseRequest } from "../../../src/experiments/phase.ts";

/** What names instances, as typed. */
export interface InstanceArguments {
  ensemble?: string;
  bits?: string;
  halfRange?: string;
  items?: string;
  targets?: string;
}

const DEFAULT_BITS = [4, 6, 8, 10];

/** One request for each precision or half range asked for, or for the four of the bare command. */
export function readRequests({
  ensemble,
  bits,
  halfRange,
  items,
  targets,
}: InstanceArguments): PhaseRequest[] {
  if (bits !== undefined && halfRange !== undefined)
    throw new RequestError("bits, half-range", "one of the two", "both");
  const common = {
    ...(ensemble === undefined ? {} : { ensemble }),
    ...(items === undefined ? {} : { items: readItems(items) }),
    ...(targets === undefined ? {} : { targets: readTargets(targets) }),
  };
  const sizes =
    halfRange === undefined
      ? (bits === undefined ? DEFAULT_BITS : readList(bits)).map((k) => ({ bits: k }))
      : readList(halfRange).map((M) => ({ halfRange: M }));
  // What people typed has any type; the experiment's own check decides.
  return sizes.map((size) => ({ ...common, ...size }) as PhaseRequest);
}

/** `1e6` and `1_000_000` read as numbers. */
export function readNumber(text: string): number | string {
  return /^[+-]?\d[\d_]*(\.\d+)?(e[+-]?\d+)?$/i.test(text) ? Number(text.replaceAll("_", "")) : text;
}

/** `A..B` as a range, anything else as a number. */
function readItems(text: string): unknown {
  const [from, to, ...rest] = text.split("..");
  return to === undefined || rest.length > 0
    ? readNumber(text)
    : { from: readNumber(from!), to: readNumber(to) };
}

/** `all`, or a list of numbers. */
function readTargets(text: string): unknown {
  return text === "all" ? text : text.split(",").map((part) => readNumber(part.trim()));
}

/** A list of numbers and ranges, `4,6,8..10`, each number by itself. */
export function readList(text: string): unknown[] {
  return text.split(",").flatMap((part) => {
    const range = /^\s*(\d+)\.\.(\d+)\s*$/.exec(part);
    if (!range) return [readNumber(part.trim())];
    const [from, to] = [Number(range[1]), Number(range[2])];
    // A reversed or vast range is left as text, which no check accepts.
    if (from > to || to - from > 1000) return [part.trim()];
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
}
