// What a sweep needs of an experiment: a configuration that a journal can hold, parts that are counted in ranges of trials, and
// findings made from the counts.

import type { Provenance } from "../../../src/finding.ts";
import type { Batch } from "../../../src/plan.ts";
import type { Engine } from "../../runner.ts";
import type { Totals, UnitsOptions } from "../../schedule.ts";
import type { Json } from "../journal/configuration.ts";
import type { Part, Parts } from "../journal/format.ts";
import type { RunAbout } from "../reports/page.ts";

/** The version of the drawing: of how a seed and the index of a trial become items. It is part of every configuration. */
export const DRAWING = 1;

/** How a part of a sweep is counted. */
export interface PartCount extends Part {
  readonly name: string;
  /** Whether every shard needs the whole count before it goes on. */
  readonly isShared?: boolean;
  /** Counts ranges of its trials on an engine. */
  readonly count: (engine: Engine, ranges: Iterable<Batch>, options: UnitsOptions) => Promise<void>;
  /** The widest interval of a count, high - low, where each limit may be wrong with probability `tail`. */
  readonly widest?: (totals: Totals, tail: number) => number;
}

/** The count of a part, as far as it is known. */
export interface Counted extends Totals {
  /** Trials asked for; where a sweep ends by the width of its intervals, those of the last look. */
  readonly asked: number;
  /** Where a sweep ends by the width of its intervals. */
  readonly look?: Look;
}

/** A look at the intervals of a sweep that ends by their width. */
export interface Look {
  /** The number of looks until now, this one included. */
  readonly looks: number;
  /** The probability with which each limit may be wrong at this look. The sum over all looks is that of a 95 % interval. */
  readonly tail: number;
  /** Whether every interval is as narrow as was asked. */
  readonly isNarrow: boolean;
}

/** The findings of a sweep, and the forms in which they are shown. */
export interface Measured {
  readonly findings: readonly (Provenance & object)[];
  /** The text for the terminal, where there are findings. */
  readonly text: () => string;
  readonly csv: () => string;
  readonly report: (about: RunAbout) => string | Promise<string>;
}

export interface Experiment<Result extends Measured = Measured> {
  /** All that decides the numbers of a trial, with the name of the command and DRAWING. */
  readonly configuration: Json;
  readonly parts: Parts;
  /** The trials that the request asks of each part. */
  readonly asked: Readonly<Record<string, number>>;
  /** About the most trials that it needs of these, where it asks for some of its parts only, by what it finds. */
  readonly most?: number;
  /** Why it cannot have more trials than it has, where it cannot. */
  readonly whyFixed?: string;
  /** Asks for the count of each part and makes findings of them, which are handed out as soon as they are known. */
  readonly measure: (
    count: (part: PartCount) => Promise<Counted>,
    provenance: () => Provenance,
    onFinding: (finding: object) => void,
  ) => Promise<Result>;
}
