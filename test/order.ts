// The order of the test files: those that take longest come first, so that at the end neither worker waits for the other.

import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * The files that take longest, the longest first. Without this list a fresh clone, which has no record of earlier runs, would
 * begin with the largest files.
 */
const LONGEST = [
  "pack",
  "gpu/naga",
  "kernels/reach",
  "page.browsers",
  "kernels/adding-a-kernel",
  "cli/ending",
  "docs",
  "bundle",
  "page/odds",
  "cli/bench",
  "tail",
  "page/frame",
  "page/precision",
  "cli/paper",
  "python",
  "kernels/forward",
  "cli/digits",
  "solutions",
  "exact",
  "cli/tail",
  "cli/cli",
  "page/digits",
  "page/ticket",
  "sweep",
  "cli/solve",
].map((name) => `/test/${name}.test.ts`);

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const place = LONGEST.findIndex((end) => moduleId.endsWith(end));
      return place < 0 ? LONGEST.length : place;
    };
    // oxlint-disable-next-line unicorn/no-array-sort -- The method of a sequencer answers a new array.
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => rank(a) - rank(b));
  }
}
