// `exacta phase --lambda`: perfect partitions at given lambda, as a sweep.

import { RequestError } from "../../../src/errors.ts";
import {
  findPartition,
  partitionConfig,
  partitionFields,
  partitionLayout,
  partitionUnit,
  type PartitionConfig,
  type PartitionRequest,
} from "../../../src/experiments/partition.ts";
import type { PartitionFinding } from "../../../src/finding.ts";
import { countPartitionUnits } from "../../experiments/partition.ts";
import { given, readList, readNumber } from "../formats/arguments.ts";
import { partitionCsv, partitionTable } from "../reports/partition-table.ts";
import { DRAWING, type Experiment } from "../sweep/experiment.ts";

const DEFAULT_ITEMS = "8..30";
const DEFAULT_PARTITION_TRIALS = 20_000;

/** The options of `phase` that perfect partitions take. */
interface PartitionArguments {
  readonly ensemble?: string;
  readonly lambda?: string;
  readonly items?: string;
  readonly trials?: string;
  readonly seed?: string;
}

/** A configuration for each n and lambda, the smallest n first. */
export function readPartitions(
  { ensemble, lambda = "", items = DEFAULT_ITEMS, trials, seed }: PartitionArguments,
  others: Readonly<Record<string, unknown>>,
): PartitionConfig[] {
  if (ensemble !== "rnpp")
    throw new RequestError("ensemble", "rnpp with --lambda, which is about perfect partitions", ensemble, {
      option: "ensemble",
      value: "rnpp",
    });
  for (const [name, value] of Object.entries(others))
    if (value !== undefined)
      throw new RequestError(
        name,
        "nothing beside --lambda, which decides M and asks for perfect partitions",
        value,
      );
  return [...new Set(readList(items, "items"))].flatMap((n) =>
    [...new Set(readList(lambda, "lambda"))].map((value) =>
      partitionConfig(
        given<PartitionRequest>({
          items: n,
          lambda: value,
          trials: readNumber(trials) ?? DEFAULT_PARTITION_TRIALS,
          seed,
        }),
      ),
    ),
  );
}

/** The experiment of some configurations: a part for each, named by its index. */
export function partitionExperiment(configs: readonly PartitionConfig[]): Experiment {
  const parts = configs.map((config, i) => ({
    name: String(i),
    config,
    unit: partitionUnit(config),
    layout: partitionLayout,
  }));
  return {
    configuration: { command: "partition", drawing: DRAWING, partitions: configs.map(partitionFields) },
    parts: Object.fromEntries(parts.map(({ name, unit, layout }) => [name, { unit, layout }])),
    asked: Object.fromEntries(parts.map(({ name, config }) => [name, config.trials])),
    async measure(count, provenance, onFinding) {
      const findings: PartitionFinding[] = [];
      for (const { config, ...part } of parts) {
        const { asked, ...totals } = await count({
          ...part,
          count: (engine, ranges, options) => countPartitionUnits(engine, config, ranges, options),
        });
        if (totals.trials === 0) continue;
        const finding = findPartition({ ...config, trials: asked }, totals, provenance());
        findings.push(finding);
        onFinding(finding);
      }
      return {
        findings,
        text: () => partitionTable(findings),
        csv: () => partitionCsv(findings),
        async report(about) {
          const { partitionReport } = await import("../reports/partition.ts");
          return partitionReport(findings, about);
        },
      };
    },
  };
}

/** The experiment of the configuration of a journal. @throws {RequestError} It is none of this version. */
export function readPartitionExperiment(partitions: readonly PartitionRequest[]): Experiment {
  return partitionExperiment(partitions.map((fields) => partitionConfig({ ...fields, trials: 1 })));
}
