// Random instances as people name them: the options of `phase` and `theory`, and the requests that they stand for.

import { ensembles } from "../../../src/ensemble.ts";
import { RequestError } from "../../../src/errors.ts";
import { phaseConfig, type PhaseRequest } from "../../../src/experiments/phase.ts";
import { given, readList, readNumber } from "../formats/arguments.ts";
import { value, type ArgumentsOf } from "./command.ts";

export const instanceOptions = {
  ensemble: value("name", `the distribution of the items: ${ensembles.join(", ")}`, "rssp"),
  bits: value("list", "k, for M = 2^k, or M = 4^k for products: 6 or 4,6,8 or 4..10", "4,6,8,10"),
  halfRange: value("list", "M itself, instead of --bits; targets are in -M..M"),
  items: value("range", "n, the number of items, or a range A..B, in 0..64", "1 to log2 M + 14"),
  targets: value(
    "list",
    "the sums asked for: all, or integers and M such as 0,1,M",
    "1 and M; 0 and 1 for rnpp",
  ),
};

const DEFAULT_BITS = [4, 6, 8, 10];

/** The manual of these options. */
export const instanceManual = `
The ensembles differ in the distribution of the items:

- \`rssp\`: uniform on -M..M without 0; \`rssp0\`: with 0
- \`rnpp\`: uniform on 1..M, and each item enters the sum with either sign
- \`products\`: u v with u uniform on 1..N and v uniform on -N..N without 0, where M = N^2; \`products0\`: v may be 0

M is at most 2^20, for \`rnpp\` 2^22 - 1. Targets are integers of 32 bits.`;

/** A request for each precision or half range asked for, or for the default ones. */
export function readRequests({
  ensemble,
  bits,
  halfRange,
  items,
  targets,
}: ArgumentsOf<typeof instanceOptions>): PhaseRequest[] {
  if (bits !== undefined && halfRange !== undefined)
    throw new RequestError("bits, half-range", "one of the two", "both");
  const sizes =
    halfRange === undefined
      ? (bits === undefined ? DEFAULT_BITS : readList(bits, "bits")).map((k) => ({ bits: k }))
      : readList(halfRange, "halfRange").map((M) => ({ halfRange: M }));
  return sizes.map((size) => {
    const halfRangeOf = () => phaseConfig(given<PhaseRequest>({ ensemble, ...size })).halfRange;
    return given<PhaseRequest>({
      ensemble,
      items: readItems(items),
      targets: readTargets(targets, halfRangeOf),
      ...size,
    });
  });
}

/** `A..B` as a range, anything else as a number. */
function readItems(text: string | undefined): unknown {
  const [from, to, ...rest] = text?.split("..") ?? [];
  return to === undefined || rest.length > 0
    ? readNumber(text)
    : { from: readNumber(from), to: readNumber(to) };
}

/** `all`, or a list of numbers, in which M and -M are the ends of the range of weights. */
function readTargets(text: string | undefined, halfRangeOf: () => number): unknown {
  if (text === "all") return text;
  return text?.split(",").map((part) => {
    const target = part.trim();
    if (target === "M") return halfRangeOf();
    if (target === "-M") return -halfRangeOf();
    return readNumber(target);
  });
}
