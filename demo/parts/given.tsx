// A network from a file, in numbers.

import type { TicketFinding } from "../../src/finding.ts";
import { numberText } from "../number.ts";
import type { GivenFile } from "./file.tsx";

interface GivenNetworkProps {
  readonly given: GivenFile;
  readonly finding: TicketFinding | undefined;
  readonly leave: () => void;
}

export function GivenNetwork({ given: { name, imported }, finding, leave }: GivenNetworkProps) {
  const { bits, constant, notes, quantization } = imported;
  return (
    <figure>
      <figcaption>{name}</figcaption>
      <table>
        <tbody>
          <tr>
            <th scope="row">Units of each layer{constant && ", one of them constant"}</th>
            <td>{finding?.widths.map(numberText).join("-")}</td>
          </tr>
          <tr>
            <th scope="row">Weights</th>
            <td>
              {finding && numberText(finding.target)}, integers of −{numberText(2 ** bits)} to{" "}
              {numberText(2 ** bits)}
            </td>
          </tr>
          {quantization && (
            <tr>
              <th scope="row">Largest error of rounding</th>
              <td>
                {quantization.outputError.toPrecision(2)} of outputs that span{" "}
                {quantization.outputRange.toPrecision(2)}
              </td>
            </tr>
          )}
        </tbody>
      </table>
      {notes.map((note) => (
        <p key={note} class="faint">
          {note}
        </p>
      ))}
      <p class="faint">The address of this view does not contain the file.</p>
      <button type="button" onClick={leave}>
        Back to the small network
      </button>
    </figure>
  );
}
