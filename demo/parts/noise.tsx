// The picture of a random network: every weight is a line, and the kept ones are lit.

import type { RefObject } from "preact";
import { useMemo } from "preact/hooks";
import type { RandomLayer } from "../../src/ticket/scheme.ts";
import { isKept } from "../../src/ticket/mask.ts";
import type { DrawnNetwork } from "../worker/ticket.ts";
import { useWidth } from "./width.ts";
import "./noise.css";

/** A weight of the target. */
export interface WeightPlace {
  readonly layer: number;
  readonly output: number;
  readonly input: number;
}

interface NoiseProps {
  readonly network: DrawnNetwork;
  /** The weight whose sums are lit brightest. */
  readonly chosen: WeightPlace | undefined;
  readonly picture: RefObject<SVGSVGElement | null>;
}

const HEIGHT = 210;
/** Pixels beside the first and the last column. */
const MARGIN = 10;
/** The share of the height of a group that its units take. */
const GROUP_SHARE = 0.84;

/** A column of units: groups of the same size. */
interface Column {
  readonly groups: number;
  readonly size: number;
  /** Whether its units are inputs, units or outputs of the target, without copies. */
  readonly isLarge: boolean;
}

/** A kept weight as a line. */
interface KeptLine {
  readonly from: number;
  readonly to: number;
  readonly path: string;
}

/** The weights of one layer: a path of those that are cut, and the kept ones. */
interface Lines {
  readonly cut: string;
  readonly kept: readonly KeptLine[];
  /** How strong a line is: many lines would cover each other. */
  readonly cutOpacity: number;
  readonly keptOpacity: number;
}

export function Noise({ network, chosen, picture }: NoiseProps) {
  const width = useWidth(picture);
  const { layers, masks } = network;
  const columns = columnsOf(layers);
  const x = (column: number) => MARGIN + (column * (width - 2 * MARGIN)) / (columns.length - 1);
  const lines = useMemo(
    () =>
      layers.map((layer, l): Lines => {
        const cut: string[] = [];
        const kept: KeptLine[] = [];
        for (const { index, from, to } of edgesOf(layer)) {
          const path = `M${x(l)} ${y(columns[l]!, from)}L${x(l + 1)} ${y(columns[l + 1]!, to)}`;
          if (isKept(masks[l]!, index)) kept.push({ from, to, path });
          else cut.push(path);
        }
        return {
          cut: cut.join(""),
          kept,
          cutOpacity: Math.min(0.3, Math.max(0.05, 150 / cut.length)),
          keptOpacity: Math.min(0.8, Math.max(0.2, 60 / kept.length)),
        };
      }),
    [network, width],
  );
  const chosenLines = lines.map(({ kept }, l) =>
    chosen ? kept.filter(({ from, to }) => isBehind(network, l, from, to, chosen)) : [],
  );
  return (
    <svg
      ref={picture}
      class="noise"
      role="img"
      height={HEIGHT}
      aria-label="The random network. Kept weights are lit, and those behind the chosen weight most. The sums are below."
    >
      {lines.map(({ cut, cutOpacity }, l) => (
        <path key={l} class="cut" d={cut} style={{ opacity: cutOpacity }} />
      ))}
      {lines.map(({ kept, keptOpacity }, l) => (
        <path key={l} class="kept" d={joined(kept)} style={{ opacity: keptOpacity }} />
      ))}
      {chosenLines.map((kept, l) => (
        <path key={l} class="chosen" d={joined(kept)} />
      ))}
      {columns.map((column, c) => (
        <path key={c} class={column.isLarge ? "units large" : "units"} d={dots(column, x(c))} />
      ))}
    </svg>
  );
}

const joined = (lines: readonly KeptLine[]) => lines.map(({ path }) => path).join("");

/** The columns of units from the inputs to the outputs. */
function columnsOf(layers: readonly RandomLayer[]): Column[] {
  return [
    { groups: layers[0]!.inputs, size: 1, isLarge: true },
    ...layers.map(({ kind, inputs, outputs, group, copies }) =>
      kind === "hidden"
        ? { groups: inputs, size: group, isLarge: false }
        : { groups: outputs, size: copies, isLarge: copies === 1 },
    ),
  ];
}

function y({ groups, size }: Column, unit: number): number {
  const group = Math.floor(unit / size);
  const inGroup = ((unit % size) + 0.5) / size - 0.5;
  return Math.round((10 * HEIGHT * (group + 0.5 + GROUP_SHARE * inGroup)) / groups) / 10;
}

/** Lines without a length, which round caps turn into dots. */
function dots(column: Column, x: number): string {
  return Array.from({ length: column.groups * column.size }, (_, unit) => `M${x} ${y(column, unit)}h0`).join(
    "",
  );
}

/** Every weight of a layer with the units that it joins. */
function* edgesOf({ kind, rows, columns, group }: RandomLayer) {
  if (kind === "hidden")
    for (let unit = 0; unit < rows; unit++) yield { index: unit, from: Math.floor(unit / group), to: unit };
  else
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++)
        yield { index: row * columns + column, from: column, to: row };
}

/** Whether a kept weight of layer l is in a sum behind a weight of the target, in the first copy of its output. */
function isBehind(
  { layers, masks }: DrawnNetwork,
  l: number,
  from: number,
  to: number,
  chosen: WeightPlace,
): boolean {
  const { kind, layer, copies, group } = layers[l]!;
  if (layer !== chosen.layer) return false;
  if (kind !== "hidden") return to === chosen.output * copies && Math.floor(from / group) === chosen.input;
  // A hidden unit is behind the weight if the next layer keeps a weight from it to the first copy of the output.
  const next = layers[l + 1]!;
  const row = chosen.output * next.copies;
  return from === chosen.input && isKept(masks[l + 1]!, row * next.columns + to);
}
