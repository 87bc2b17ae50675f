// The findings of sweeps as a table.

import type { ComponentChild } from "preact";
import type { PhaseFinding } from "../../src/finding.ts";
import type { Estimate } from "../../src/statistics.ts";
import { numberText } from "../number.ts";

/** A row for each finding. Targets share a column by their index, since `M` differs between findings. */
export function NumbersTable({ findings }: { readonly findings: readonly PhaseFinding[] }) {
  const [first] = findings;
  if (!first) return <p>No trial is counted yet.</p>;
  // Targets that coincide, such as 1 and M = 1, are one target, so findings may differ in their number of targets.
  const columns = Math.max(...findings.map(({ targets }) => targets.length));
  const targetHeads = Array.from({ length: columns }, (_, t) => [
    `target ${t + 1}`,
    "share of draws that make it",
  ]).flat();
  const head = [
    "k",
    "M",
    "n",
    "trials",
    ...targetHeads,
    first.perfect ? "share of draws that split evenly" : "share of draws that make every target",
    "targets made, mean",
  ];
  return (
    <div class="scroll" role="region" aria-label="The numbers" tabIndex={0}>
      <table>
        <thead>
          <tr>
            {head.map((text, i) => (
              <th key={i} scope="col">
                {text}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {findings.map((finding) => (
            <tr key={`${finding.halfRange} ${finding.items}`}>
              {cellsOf(finding, columns).map((text, i) => (
                <td key={i}>{text}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function cellsOf(finding: PhaseFinding, columns: number): ComponentChild[] {
  const { bits, halfRange, items, trials, targets, covered, perfect, meanCovered } = finding;
  return [
    String(bits ?? ""),
    numberText(halfRange),
    String(items),
    numberText(trials),
    ...Array.from({ length: columns }, (_, t) => targets[t]).flatMap((target) =>
      target ? [numberText(target.target), share(target)] : ["", ""],
    ),
    share((covered ?? perfect)!),
    `${meanCovered.toFixed(2)} of ${numberText(2 * halfRange + 1)}`,
  ];
}

/** A share with its interval below. */
function share({ probability, low, high }: Estimate) {
  return (
    <>
      {probability.toFixed(5)}{" "}
      <small>
        {low.toFixed(5)} to {high.toFixed(5)}
      </small>
    </>
  );
}
