// One hidden unit as a picture that a slider turns from noise into a stroke, and the choice of the unit.

import { useId, useMemo, useState } from "preact/hooks";
import { sideOf, stages, unitCells, weightShade, type Cells } from "../../src/figures/unit.ts";
import { termsOf, type UnitProducts } from "../../src/ticket/unit.ts";
import { numberText, termsText } from "../number.ts";
import { CellsCanvas } from "./cells.tsx";

interface UnitPictureProps {
  readonly unit: UnitProducts;
  /** 0..100. */
  readonly stage: number;
  readonly onDrawn: () => void;
}

/** The pixels that an arrow key moves. */
const ARROWS: Readonly<Record<string, readonly [x: number, y: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** The picture of a unit, and the sum behind one pixel, which a pointer or the arrow keys choose. */
export function UnitPicture({ unit, stage, onDrawn }: UnitPictureProps) {
  const cells = useMemo(() => unitCells(unit, stage), [unit, stage]);
  const richest = useMemo(() => richestPixel(unit), [unit]);
  const [picked, setPicked] = useState<number>();
  const pixel = picked ?? richest;
  const side = sideOf(unit.inputs);
  const [x, y] = [pixel % side, Math.floor(pixel / side)];
  const nearest = Object.entries(stages).reduce((a, b) =>
    Math.abs(b[1] - stage) < Math.abs(a[1] - stage) ? b : a,
  )[0] as keyof typeof stages;
  const label = {
    noise: "Random products of the unit, pixel by pixel: noise",
    kept: "The products that are kept: few dots",
    sum: "The sum of the kept products of each pixel",
  }[nearest];

  function pick(column: number, row: number): void {
    const [x, y] = [column, row].map((value) => Math.min(side - 1, Math.max(0, Math.floor(value))));
    setPicked(y! * side + x!);
  }

  function point({ clientX, clientY, currentTarget }: PointerEvent): void {
    const { left, top, width, height } = (currentTarget as Element).getBoundingClientRect();
    pick((side * (clientX - left)) / width, (side * (clientY - top)) / height);
  }

  function press(event: KeyboardEvent): void {
    const step = ARROWS[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    pick(x + step[0], y + step[1]);
  }

  const percent = (part: number) => `${(100 * part) / side}%`;
  return (
    <div class="pixels">
      <div
        class="unit"
        role="application"
        tabIndex={0}
        aria-label="Pixels of the unit. The arrow keys choose one, and its sum is written below."
        onPointerMove={point}
        onPointerDown={point}
        onKeyDown={press}
      >
        <CellsCanvas cells={cells} label={label} onDrawn={onDrawn} />
        <div
          class="picked"
          style={{ left: percent(x), top: percent(y), width: percent(1), height: percent(1) }}
        />
      </div>
      <p class="pixel-sum" aria-live="polite">
        Row {y + 1}, column {x + 1}: {sumText(termsOf(unit, pixel))}
      </p>
    </div>
  );
}

/** The pixel whose sum is shown first: of those with the most terms, one whose sum is farthest from 0. */
function richestPixel(unit: UnitProducts): number {
  const least = 1 + unit.mostSum;
  const ranks = Array.from(
    unit.sums,
    (sum, pixel) => termsOf(unit, pixel).length + Math.min(least, Math.abs(sum)) / (1 + least),
  );
  return ranks.indexOf(Math.max(...ranks));
}

/** The most terms that are written out. */
const MAX_TERMS = 8;

/** A sum with its terms, as a person writes it. */
function sumText(terms: readonly number[]): string {
  const sum = numberText(terms.reduce((a, b) => a + b, 0));
  if (terms.length === 0) return "no path is kept, so the sum is 0.";
  const written = termsText(terms.slice(0, MAX_TERMS));
  const dots = terms.length > MAX_TERMS ? ` … (${terms.length} paths)` : "";
  return `${written}${dots} = ${sum}`;
}

interface UnitChoiceProps {
  readonly units: number;
  /** Shape [units, pixels]. */
  readonly sums: Int32Array;
  readonly mostSum: number;
  readonly chosen: number;
  readonly onChoose: (unit: number) => void;
}

/** Columns of small pictures. */
const ACROSS = 8;

/** The sums of all units as small pictures, one of which is chosen. */
export function UnitChoice({ units, sums, mostSum, chosen, onChoose }: UnitChoiceProps) {
  const name = useId();
  const cells = useMemo(() => sheetOf(units, sums, mostSum), [units, sums, mostSum]);
  const size = sums.length / units;
  const isBlank = (unit: number) => sums.subarray(unit * size, (unit + 1) * size).every((sum) => sum === 0);
  return (
    <fieldset class="units" data-control>
      <legend>
        Choose one of the {units} units: unit {chosen + 1}
      </legend>
      <div class="sheet">
        <CellsCanvas cells={cells} />
        {Array.from({ length: units }, (_, unit) => (
          <label key={unit} class={isBlank(unit) ? "blank" : ""}>
            <input
              type="radio"
              name={name}
              value={unit}
              checked={unit === chosen}
              aria-label={`unit ${unit + 1}${isBlank(unit) ? ", not used" : ""}`}
              onChange={() => onChoose(unit)}
            />
          </label>
        ))}
      </div>
    </fieldset>
  );
}

/** The images of all units on one sheet, each with a margin of one cell. */
function sheetOf(units: number, sums: Int32Array, most: number): Cells {
  const side = sideOf(sums.length / units);
  const pitch = side + 2;
  const [width, height] = [ACROSS * pitch, Math.ceil(units / ACROSS) * pitch];
  const shades = new Float32Array(width * height);
  sums.forEach((sum, i) => {
    const [unit, pixel] = [Math.floor(i / side ** 2), i % side ** 2];
    const row = Math.floor(unit / ACROSS) * pitch + 1 + Math.floor(pixel / side);
    const column = (unit % ACROSS) * pitch + 1 + (pixel % side);
    shades[row * width + column] = weightShade(sum, most);
  });
  return { width, height, shades };
}

/** The paths of each pixel to a unit, as numbers: all, those that are kept, and the sum of those that act where there is ink. */
export function PathsTable({ unit }: { readonly unit: UnitProducts }) {
  const { inputs, group, products, kept, sums } = unit;
  const side = sideOf(inputs);
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="The paths of this unit">
      <table class="paths">
        <thead>
          <tr>
            {["row", "column", "all paths", "kept", "kept, acting below 0", "sum"].map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {Array.from(sums, (sum, pixel) => {
            const [from, to] = [pixel * group, (pixel + 1) * group];
            const all = Array.from(products.subarray(from, to));
            const keptAs = (sign: number) => all.filter((_, i) => kept[from + i] === sign);
            return (
              <tr key={pixel}>
                <th scope="row">{Math.floor(pixel / side) + 1}</th>
                <td>{(pixel % side) + 1}</td>
                <td>{listText(all)}</td>
                <td>{listText(keptAs(1))}</td>
                <td>{listText(keptAs(-1))}</td>
                <td>{numberText(sum)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

/** The sums of all units as numbers, a row for each unit. Pixels follow row by row. */
export function UnitsTable({ units, sums }: Pick<UnitChoiceProps, "units" | "sums">) {
  const size = sums.length / units;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="The sums of all units">
      <table class="paths">
        <thead>
          <tr>
            <th scope="col">unit</th>
            <th scope="col">sums, pixel by pixel, row by row</th>
          </tr>
        </thead>
        <tbody>
          {Array.from({ length: units }, (_, unit) => (
            <tr key={unit}>
              <th scope="row">{unit + 1}</th>
              <td>{listText(Array.from(sums.subarray(unit * size, (unit + 1) * size)))}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Small integers, between blanks. */
const listText = (values: readonly number[]) => values.join(" ").replaceAll("-", "−");

/** A square image as a table of numbers. */
export function NumbersTable({ title, values }: { readonly title: string; readonly values: Int32Array }) {
  const side = sideOf(values.length);
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={title}>
      <table class="numbers">
        <tbody>
          {Array.from({ length: side }, (_, row) => (
            <tr key={row}>
              {Array.from(values.subarray(row * side, (row + 1) * side), (value, column) => (
                <td key={column}>{numberText(value)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
