// The sum of kept weights behind a weight, written out.

import { numberText } from "../number.ts";
import type { WeightSum } from "../worker/ticket.ts";
import { graphWeights, unitNames } from "./graph.tsx";

interface WrittenSumsProps {
  readonly id: string;
  /** The index of a weight of the graph, and the weight. */
  readonly index: number;
  readonly weight: number;
  readonly sums: readonly WeightSum[];
}

/** The sums behind a weight of the graph. Of the copies of a unit, the first is shown. */
export function WrittenSums({ id, index, weight, sums }: WrittenSumsProps) {
  const { layer, output, input, name } = graphWeights[index]!;
  const behind = sums.filter((sum) => sum.layer === layer && sum.output === output && sum.input === input);
  const copies = behind[0]!.copies;
  return (
    <div class="sums" id={id}>
      <p>
        Weight <b>{name}</b> is {numberText(weight)}
        {copies > 1 &&
          `, in each of ${copies} copies of unit ${unitNames[1][output]}. The sums of the first copy`}
        :
      </p>
      <ul>
        {behind
          .filter(({ copy }) => copy === 0)
          .map((sum) => (
            <li key={sum.sign}>
              <span>{conditionOf(sum, unitNames[layer]![input]!)}:</span>{" "}
              <code>{formulaOf(sum, weight)}</code>
            </li>
          ))}
      </ul>
    </div>
  );
}

/** The sums behind all weights of the graph, of the first copy of each unit. */
export function SumTable({
  weights,
  sums,
}: {
  readonly weights: readonly number[];
  readonly sums: readonly WeightSum[];
}) {
  const rows = graphWeights.flatMap(({ layer, output, input, name }, i) =>
    sums
      .filter((sum) => sum.layer === layer && sum.output === output && sum.input === input && sum.copy === 0)
      .map((sum) => ({ name, weight: weights[i]!, from: unitNames[layer]![input]!, sum })),
  );
  return (
    <details>
      <summary>All sums as a table</summary>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Weight</th>
              <th scope="col">Value</th>
              <th scope="col">Case</th>
              <th scope="col">Sum</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ name, weight, from, sum }) => (
              <tr key={`${name} ${sum.sign}`}>
                <td>{name}</td>
                <td>{numberText(weight)}</td>
                <td>{conditionOf(sum, from)}</td>
                <td>{formulaOf(sum, weight)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

/** When the sum takes part. */
function conditionOf({ kind, signed, sign }: WeightSum, from: string): string {
  if (signed) return `${from} ${sign > 0 ? "above" : "below"} 0`;
  return kind === "direct" ? `from copies of ${from}` : `${from} is never below 0`;
}

/** `3 · 4 = 12 = 2·(−1) + ...` */
function formulaOf({ scaleBits, sum, terms }: WeightSum, weight: number): string {
  const left =
    scaleBits > 0 ? `${numberText(weight)}·${2 ** scaleBits} = ${numberText(sum)}` : numberText(sum);
  if (!terms) return `${left} = ? No choice has this sum.`;
  if (terms.length === 0) return `${left}: nothing is kept.`;
  return `${left} = ${terms.map((term) => term.map(factor).join("·")).join(" + ")}`;
}

const factor = (value: number) => (value < 0 ? `(${numberText(value)})` : numberText(value));
