// exacta merge: the results of a sweep from the journals of all its shards and attempts.

import { RequestError } from "../../../src/errors.ts";
import type { PhaseRequest } from "../../../src/experiments/phase.ts";
import type { PartitionRequest } from "../../../src/experiments/partition.ts";
import type { RequiredRequest } from "../../../src/experiments/required.ts";
import type { TailRequest } from "../../../src/experiments/tail.ts";
import type { WidthRequest } from "../../../src/experiments/width.ts";
import type { Provenance } from "../../../src/finding.ts";
import { version } from "../../../package.json";
import { prepareFolder } from "../formats/files.ts";
import type { Json } from "../journal/configuration.ts";
import { readJournals, type Union } from "../journal/read.ts";
import { outputOf } from "../output.ts";
import { grouped } from "../reports/table.ts";
import {
  DRAWING,
  type Counted,
  type Experiment,
  type Measured,
  type PartCount,
} from "../sweep/experiment.ts";
import { RESULT_FILES, writeResults } from "../sweep/results.ts";
import { firstLook, lookTrials, provenanceOfAll } from "../sweep/run.ts";
import { command, value, type ArgumentsOf, type Call } from "./command.ts";
import { outputOptions } from "./options.ts";
import { readPartitionExperiment } from "./partition.ts";
import { readPhaseExperiment } from "./phase.ts";
import { readRequiredExperiment } from "./required.ts";
import { readTailExperiment } from "./tail.ts";
import { readWidthExperiment } from "./width.ts";

const options = {
  out: value("folder", `for ${RESULT_FILES.join(", ")}`, "the folder that is read, if it is one"),
  ...outputOptions,
};
type Options = ArgumentsOf<typeof options>;

export const mergeCommand = command({
  name: "merge",
  summary: "Makes the results of a sweep from the journals of its shards and attempts.",
  manual: `
Reads the journals of one or more folders, in any order and as often as one likes: those of complete and incomplete shards, of any
engines, some trials more than once. Trials that are there twice count once if their tallies are equal; otherwise the error names
both journals. The results are the bytes of a run that was never stopped or shared. Missing trials are named, and the results are
those of the others.`,
  examples: ["exacta merge results", "exacta merge node1/results node2/results --out results"],
  statusOne: "trials are missing, or were counted with two results",
  operands: {
    folders: {
      summary: "folders of results, or of journals",
      expected: "one or more folders of results",
      takes: "words",
    },
  },
  options,
  run: runMerge,
});

/** The most missing ranges of a part that are named. */
const MAX_NAMED_RANGES = 8;

async function runMerge(
  args: Options & { readonly folders: readonly string[] },
  { commandLine }: Call,
): Promise<number> {
  const { folders } = args;
  const out = args.out ?? (folders.length === 1 ? folders[0] : undefined);
  const output = outputOf(args);
  const started = new Date();
  const start = performance.now();
  let experiment: Experiment | undefined;
  const union = await readJournals(folders, {
    partsOf: (configuration) => (experiment = readExperiment(configuration)).parts,
  });
  if (!experiment)
    throw new RequestError(
      "folders",
      "journals of a sweep",
      folders.join(", "),
      "run the sweep with --out there",
    );
  if (out !== undefined) await prepareFolder(out, RESULT_FILES);
  const provenance = () => provenanceOfAll(union, { engine: "none", adapter: "none", version });
  const { result, missing } = await measureUnion(experiment, union, provenance, output.finding);
  if (result.findings.length > 0) output.text(result.text());
  output.warn(...missing);
  const seconds = (performance.now() - start) / 1000;
  if (out !== undefined)
    await writeResults(
      out,
      result,
      union,
      { command: commandLine, started, seconds, stopped: missing.length > 0 },
      output,
    );
  return missing.length > 0 ? 1 : 0;
}

/** The findings of journals, and a line for each range of trials that is missing. */
export async function measureUnion<Result extends Measured>(
  { measure }: Experiment<Result>,
  union: Union,
  provenance: () => Provenance,
  onFinding: (finding: object) => void,
): Promise<{ readonly result: Result; readonly missing: readonly string[] }> {
  const missing: string[] = [];
  const count = async (part: PartCount) => {
    const counted = countedIn(union, part);
    missing.push(...missingText(union, part.name, counted.asked));
    return counted;
  };
  const result = await measure(count, provenance, onFinding);
  return { result, missing };
}

/** The experiment of a configuration. @throws {RequestError} It is of no sweep of this version. */
function readExperiment(configuration: Json): Experiment {
  // The journal's digest vouches for the fields, and each experiment checks its own.
  const { command, drawing, sweeps, curves, requests, partitions, tails } = configuration as {
    readonly command?: unknown;
    readonly drawing?: unknown;
    readonly sweeps?: readonly PhaseRequest[];
    readonly curves?: readonly WidthRequest[];
    readonly requests?: readonly RequiredRequest[];
    readonly partitions?: readonly PartitionRequest[];
    readonly tails?: readonly TailRequest[];
  };
  if (drawing !== DRAWING)
    throw new RequestError(
      "drawing",
      String(DRAWING),
      drawing,
      "merge it with the version of exacta that counted it",
    );
  if (command === "phase" && sweeps) return readPhaseExperiment(sweeps);
  if (command === "width" && curves) return readWidthExperiment(curves);
  if (command === "required" && requests) return readRequiredExperiment(requests);
  if (command === "partition" && partitions) return readPartitionExperiment(partitions);
  if (command === "tail" && tails) return readTailExperiment(tails);
  throw new RequestError("command", "phase, width, required, partition or tail", command);
}

/** The count of a part in all journals: as much as was asked for, or up to the look at which the sweep ends. */
function countedIn(union: Union, part: PartCount): Counted {
  const asked = union.asked(part.name);
  const total = (trials: number): Counted => ({ ...union.total(part.name, trials), asked: trials });
  const widths = union.attempts.flatMap(({ header }) => header.until ?? []);
  if (widths.length === 0 || !part.widest) return total(asked);
  return firstLook(lookTrials(part.unit, asked).map(total), part, Math.min(...widths));
}

/** A line for each range of trials that is missing. */
function missingText(union: Union, part: string, asked: number): string[] {
  const ranges = union.missing(part, asked);
  const named = ranges
    .slice(0, MAX_NAMED_RANGES)
    .map(({ first, count }) => `part ${part}: trials ${first}..${first + count - 1} of ${asked} are missing`);
  const others = ranges.length - named.length;
  return [...named, ...(others > 0 ? [`part ${part}: ${grouped(others)} more ranges are missing`] : [])];
}
