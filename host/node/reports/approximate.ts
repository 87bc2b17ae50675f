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
    [
      "weights that failed: no subset within it",
      `${grouped(failed)}, ${significant(failed / weights)} of all`,
    ],
    ["largest error, of weights that did not fail", failed < weights ? significant(largestError) : "none"],
    ["root mean square error, failures included", significant(rmsError)],
  ];
  if (images !== undefined)
    rows.push(
      ["the network reads", `${percent(correct! / images)} of ${grouped(images)} test images right`],
      ["the network of the sums reads", percent(approximateCorrect! / images)],
    );
  const whose =
    candidates === "row" ? `the ${items} random candidates of its row` : `its own ${items} random candidates`;
  return [
    `For each weight ${sparse ? `the fewest of ${whose} within the tolerance` : `the nearest subset sum of ${whose}`}: tolerance ${significant(tolerance)}, seed ${seed}`,
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
