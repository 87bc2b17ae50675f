// The network of two inputs, three hidden units and one output as a graph, with a field for each weight.

import { useState } from "preact/hooks";
import { numberText } from "../number.ts";
import "./graph.css";

/** The units of each layer, by the names that the graph shows. */
export const unitNames = [["a", "b"], ["1", "2", "3"], ["out"]] as const;

/** A weight of the graph: its layer, output and input, counted from 0, and its name. */
export interface GraphWeight {
  readonly layer: number;
  readonly output: number;
  readonly input: number;
  readonly name: string;
}

/** The weights in the order of layers, outputs and inputs. */
export const graphWeights: readonly GraphWeight[] = unitNames
  .slice(1)
  .flatMap((outputs, layer) =>
    outputs.flatMap((to, output) =>
      unitNames[layer]!.map((from, input) => ({ layer, output, input, name: `${from} to ${to}` })),
    ),
  );

/** Where the field of a weight lies on its line, from 0 at the input to 1 at the output: no two fields touch. */
const PLACES = [
  [0.4, 0.74],
  [0.42, 0.42, 0.42],
] as const;

interface GraphProps {
  readonly weights: readonly number[];
  /** Weights are integers of -most..most. */
  readonly most: number;
  /** The index of the weight that is chosen, and those of weights that cannot be made. */
  readonly chosen: number;
  readonly failed: ReadonlySet<number>;
  /** Whether the text that was typed last is no weight. */
  readonly hasProblem: boolean;
  /** The id of the element with the sums of the chosen weight. */
  readonly sums: string;
  /** A text for a weight, as the visitor typed it. */
  readonly enter: (index: number, text: string) => void;
  readonly choose: (index: number) => void;
  /** The pointer is on a weight, or on none. */
  readonly hover: (index: number | undefined) => void;
}

export function Graph({ weights, most, chosen, failed, hasProblem, sums, enter, choose, hover }: GraphProps) {
  const [typed, setTyped] = useState({ index: -1, text: "" });
  return (
    <div class="graph" role="group" aria-label="Weights of the network">
      <svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
        {graphWeights.map(({ layer, output, input }, i) => {
          const [from, to] = [place(layer, input), place(layer + 1, output)];
          const weight = weights[i]!;
          const kind = weight === 0 ? "zero" : weight > 0 ? "plus" : "minus";
          return (
            <line
              key={i}
              class={i === chosen ? `${kind} chosen` : kind}
              x1={from.x}
              y1={from.y}
              x2={to.x}
              y2={to.y}
              stroke-width={1 + (5 * Math.abs(weight)) / most}
            />
          );
        })}
      </svg>
      {unitNames.map((names, layer) =>
        names.map((name, unit) => (
          <span key={name} class="unit" style={styleOf(place(layer, unit))}>
            {name}
          </span>
        )),
      )}
      {graphWeights.map(({ layer, output, input, name }, i) => {
        const [from, to] = [place(layer, input), place(layer + 1, output)];
        const along = PLACES[layer]![input]!;
        const at = { x: from.x + along * (to.x - from.x), y: from.y + along * (to.y - from.y) };
        return (
          <input
            key={name}
            type="number"
            min={-most}
            max={most}
            step={1}
            style={styleOf(at)}
            value={hasProblem && typed.index === i ? typed.text : weights[i]}
            class={i === chosen ? "chosen" : undefined}
            aria-label={`Weight ${name}, from ${numberText(-most)} to ${most}`}
            aria-describedby={i === chosen ? sums : undefined}
            aria-invalid={failed.has(i) || (hasProblem && typed.index === i)}
            onChange={({ currentTarget: { value: text } }) => {
              setTyped({ index: i, text });
              enter(i, text);
            }}
            onFocus={() => choose(i)}
            onPointerEnter={() => hover(i)}
            onPointerLeave={() => hover(undefined)}
          />
        );
      })}
    </div>
  );
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** Where a unit is, in percent of the graph. */
function place(layer: number, unit: number): Point {
  return { x: [5, 55, 94][layer]!, y: (100 * (unit + 0.5)) / unitNames[layer]!.length };
}

const styleOf = ({ x, y }: Point) => ({ left: `${x}%`, top: `${y}%` });
