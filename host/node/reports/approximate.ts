// The table of `exacta approximate`.

import type { ApproximateFinding } from "../../../src/finding.ts";
import { columns, grouped, significant } from "./table.ts";

/** Failures that are listed; --json has all of them. */
const MAX_LISTED = 20;

const percent = (share: number) => `${(100 * share).toFixed(2)} %`;

export function approximateText(finding: ApproximateFinding, seconds: number): string {
  const { items, tolerance, candidates, sparse, seed, weights, nonzero, drawn, kept } = finding;
  const { meanSubsets, largestError, rmsError, failed, failures, engine, adapter } = finding;
  const { images, correct, approximateCorrect } = finding;
  const rows: [string, string][] = [
    ["weights, biases among them", `${grouped(weights)}, of which ${grouped(nonzero)} are not 0`],
    ["candidates drawn", `${grouped(drawn)}, ${(drawn / weights).toFixed(2)} for each weight`],
    ["candidates kept", `${grouped(kept)}, ${(kept / weights).toFixed(3)} for each weight`],
    ["subsets within the tolerance", `${significant(meanSubsets)} for each weight, on average`],
    ["largest error, of weights that did not fail", failed < weights ? significant(largestError) : "none"],
    ["root mean square error, of all weights", significant(rmsError)],
    ["weights without such a subset", `${grouped(failed)}, ${significant(failed / weights)} of all`],
  ];
  if (images !== undefined)
    rows.push(
      ["the network reads", `${percent(correct! / images)} of ${grouped(images)} test images right`],
      ["the network of the sums reads", percent(approximateCorrect! / images)],
    );
  const shared = candidates === "row" ? "shared by a row" : "of its own";
  return [
    `Every weight as a subset sum of ${items} random numbers ${shared}, within ${significant(tolerance)}: ${sparse ? "the fewest" : "the nearest sum"}, seed ${seed}`,
    "",
    ...columns(rows.map(([name, text]) => [name.padEnd(44), text])),
    "",
    ...(failed > 0
      ? [
          ...columns([
            ["layer", "row", "column", "weight", "nearest sum", "error"],
            ...failures
              .slice(0, MAX_LISTED)
              .map(({ layer, row, column, weight, nearest }) => [
                String(layer),
                String(row),
                String(column),
                significant(weight),
                significant(nearest),
                significant(Math.abs(nearest - weight)),
              ]),
          ]),
          ...(failed > MAX_LISTED
            ? [`${grouped(failed - MAX_LISTED)} more failures are listed with --json`]
            : []),
          "",
        ]
      : []),
    `${seconds.toFixed(2)} s, ${grouped(Math.round(weights / seconds))} weights/s (${engine}: ${adapter})`,
    "",
  ].join("\n");
}
