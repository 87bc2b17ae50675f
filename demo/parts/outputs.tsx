// The ten outputs of two networks, bar beside bar.

import { numberText } from "../number.ts";

interface OutputsProps {
  readonly trained: readonly number[] | undefined;
  readonly random: readonly number[] | undefined;
}

/** The index of the largest output, which is the digit that a network reads. */
export const digitRead = (outputs: readonly number[]): number => outputs.indexOf(Math.max(...outputs));

export function Outputs({ trained, random }: OutputsProps) {
  return (
    <table class="outputs">
      <caption>A score for each digit. The highest is the answer.</caption>
      <colgroup>
        <col class="digit" />
        <col class="score" />
        <col />
        <col class="equality" />
        <col class="score" />
        <col />
      </colgroup>
      <thead>
        <tr>
          <th scope="col">
            <span class="unseen">digit</span>
          </th>
          <th scope="col" colSpan={2}>
            trained
          </th>
          <th scope="col">
            <span class="unseen">compared</span>
          </th>
          <th scope="col" colSpan={2}>
            random
          </th>
        </tr>
      </thead>
      <tbody>
        {Array.from({ length: 10 }, (_, digit) => (
          <tr key={digit}>
            <th scope="row">{digit}</th>
            <Cells outputs={trained} digit={digit} />
            <td class="compared">{trained && random && (trained[digit] === random[digit] ? "=" : "≠")}</td>
            <Cells outputs={random} digit={digit} />
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** An output and its bar. */
function Cells({
  outputs,
  digit,
}: {
  readonly outputs: readonly number[] | undefined;
  readonly digit: number;
}) {
  if (!outputs)
    return (
      <>
        <td class="number" />
        <td />
      </>
    );
  const value = outputs[digit]!;
  const [least, most] = [Math.min(0, ...outputs), Math.max(0, ...outputs)];
  const percent = (part: number) => `${(100 * part) / (most - least || 1)}%`;
  const style = { left: percent(Math.min(0, value) - least), width: percent(Math.abs(value)) };
  const isRead = digit === digitRead(outputs);
  return (
    <>
      <td class={`number ${isRead ? "read" : ""}`}>{numberText(value)}</td>
      <td>
        <div class="bar-room">
          <div class={`output ${value < 0 ? "negative" : ""} ${isRead ? "read" : ""}`} style={style} />
        </div>
      </td>
    </>
  );
}
