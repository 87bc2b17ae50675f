// Precision: how many draws reach every target, for every number of items and every half range, as a map and as a surface.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { MAX_ITEMS, MAX_TRIALS } from "../../src/ensemble.ts";
import { RequestError } from "../../src/errors.ts";
import type { Field } from "../fields.ts";
import { choiceField, integerField, optionalField, readInteger, seedField, switchField } from "../fields.ts";
import { numberText, percentText } from "../number.ts";
import { exported, page } from "../page.ts";
import { RadioInput, TextInput } from "../parts/form.tsx";
import { Heat } from "../parts/heat.tsx";
import { Next } from "../parts/link.tsx";
import { Problem } from "../parts/problem.tsx";
import { cssOf, rampGradient } from "../parts/ramp.ts";
import { Shown } from "../parts/shown.tsx";
import type { Problems as ProblemTexts, Session, View } from "../session.ts";
import { levelTicks, oneIn } from "../surface/axes.ts";
import {
  initialCamera,
  limitedCamera,
  MAX_PITCH,
  MAX_ZOOM,
  MIN_PITCH,
  MIN_ZOOM,
  type Camera,
} from "../surface/camera.ts";
import { useCounts, type Counts } from "../surface/counts.ts";
import { pictureOf, recordsOf } from "../surface/files.ts";
import {
  columnsOf,
  failuresOf,
  halfRangesOf,
  placeOf,
  topOf,
  type Grid,
  type Mode,
  type Place,
  type Range,
  type Row,
} from "../surface/grid.ts";
import { UNSEEN } from "../surface/mesh.ts";
import { Surface } from "../surface/surface.tsx";
import { Term } from "../words.tsx";
import "./precision.css";

interface Inputs {
  readonly mode: Mode;
  readonly align: boolean;
  readonly cell: readonly [items: number, halfRange: number];
  readonly items: Range;
  readonly halfRanges: Range;
  /** Undefined: until paused. */
  readonly trials: number | undefined;
  readonly seed: string;
  readonly camera: Camera;
}

/** The largest half range: more rows would be thinner than a finger can tell. */
const MAX_HALF_RANGE = 4096;

/** A range A..B of integers with A below B. */
function rangeField(initial: Range, least: number, most: number): Field<Range> {
  return {
    initial,
    read(text, name) {
      const parts = text.split("..");
      const expected = `A..B with A below B, integers in ${least}..${most}`;
      if (parts.length !== 2) throw new RequestError(name, expected, text);
      const [from, to] = parts.map((part) => readInteger(part, name, least, most)) as [number, number];
      if (from >= to) throw new RequestError(name, expected, text);
      return { from, to };
    },
    write: ({ from, to }) => `${from}..${to}`,
  };
}

const cellField: Field<Inputs["cell"]> = {
  initial: [14, 128],
  read(text, name) {
    const parts = text.split(",");
    if (parts.length !== 2)
      throw new RequestError(name, "a number of items and a half range with a comma between them", text);
    return [readInteger(parts[0]!, name, 0, MAX_ITEMS), readInteger(parts[1]!, name, 1, MAX_HALF_RANGE)];
  },
  write: (cell) => cell.join(),
};

const cameraField: Field<Camera> = {
  initial: initialCamera,
  read(text, name) {
    const [yaw = NaN, pitch = NaN, zoom = NaN, ...rest] = text
      .split(",")
      .map((part) => (part.trim() === "" ? NaN : Number(part)));
    // No comparison with NaN is true.
    const isWithin =
      rest.length === 0 &&
      Math.abs(yaw) <= 180 &&
      pitch >= MIN_PITCH &&
      pitch <= MAX_PITCH &&
      zoom >= MIN_ZOOM &&
      zoom <= MAX_ZOOM;
    if (!isWithin)
      throw new RequestError(
        name,
        `yaw, pitch and zoom, in -180..180, ${MIN_PITCH}..${MAX_PITCH} and ${MIN_ZOOM}..${MAX_ZOOM}`,
        text,
      );
    return limitedCamera({ yaw, pitch, zoom });
  },
  write: ({ yaw, pitch, zoom }) => [yaw, pitch, zoom].join(),
};

export const view: View<Inputs> = {
  fields: {
    mode: choiceField<Mode>("shares", ["shares", "failures"]),
    align: switchField(false),
    cell: cellField,
    items: rangeField({ from: 1, to: 30 }, 1, MAX_ITEMS),
    halfRanges: rangeField({ from: 2, to: 1024 }, 1, MAX_HALF_RANGE),
    trials: optionalField(integerField(1, 1, MAX_TRIALS)),
    seed: seedField(),
    camera: cameraField,
  },
  check({ halfRanges }) {
    if (halfRangesOf(halfRanges).length < 2)
      throw new RequestError(
        "halfRanges",
        "a range with two half ranges or more that are powers of 2^(1/4), rounded",
        `${halfRanges.from}..${halfRanges.to}`,
      );
  },
  Component: Precision,
};

function Precision({ session }: { readonly session: Session<Inputs> }) {
  const inputs = session.inputs.value;
  const { engine, embed } = page.inputs.value;
  const { mode, align, items, seed, camera } = inputs;
  const halfRanges = useMemo(() => halfRangesOf(inputs.halfRanges), [inputs.halfRanges]);
  const counts = useCounts({ engine, seed, items, halfRanges, trials: inputs.trials ?? MAX_TRIALS });
  const { grid, theory, state } = counts;
  const cell = placeOf({ items, halfRanges }, inputs.cell);
  const command = commandOf(grid, cell, seed);
  useEffect(() => {
    exported.value = command
      ? { command, records: () => recordsOf(grid, seed), picture: () => pictureOf(grid, mode) }
      : undefined;
  }, [grid, mode, command]);

  const select = (place: Place, follows: boolean) =>
    session.set({ cell: [items.from + place.column, halfRanges[place.row]!] }, { follows });
  return (
    <div class="precision">
      <h1>One law for all precisions</h1>
      <p>
        A cell is the share of random draws of <Term name="n">n numbers</Term> that reach{" "}
        <Term name="all covered">every target</Term> of a <Term name="half range">half range</Term> M. Align
        the rows at their <Term name="half-way point">half-way points</Term>, and the cliff is one straight
        wall: <a href="https://arxiv.org/abs/2508.11020">each bit of precision costs about one number</a>.
      </p>
      <div class="row">
        <RunButton counts={counts} />
        <label class="check">
          <input
            type="checkbox"
            name="align"
            checked={align}
            onChange={(event) => session.set({ align: event.currentTarget.checked })}
          />
          align
        </label>
        <RadioInput
          session={session}
          name="mode"
          legend={<span class="unseen">Height and color</span>}
          choices={{ shares: "shares", failures: "failures" }}
        />
        <Scale mode={mode} top={topOf(grid, mode)} />
      </div>
      {counts.problem && <Problem text={counts.problem} />}
      <div class="pictures">
        <Heat
          grid={grid}
          mode={mode}
          cell={cell}
          onCell={select}
          label="The cells as a map. Arrow keys select a cell."
          describedBy="cell"
        />
        <Cell grid={grid} cell={cell} theory={theory} command={command} />
        <Surface
          grid={grid}
          mode={mode}
          isAligned={align}
          theory={theory}
          cell={cell}
          camera={camera}
          engine={engine}
          onCamera={(moved) => session.set({ camera: moved }, { follows: true })}
          describedBy="cell"
        />
      </div>
      <p class="faint" data-status={state}>
        {statusOf(counts)}
      </p>
      <p class="faint">
        Drag the surface or press arrow keys to turn it, + and − to zoom, and Home to see it as at first. The
        lines over it are the share that theory predicts for the target M alone. Draws that reach every target
        reach M, so the surface stays below.
      </p>
      <Problems problems={session.problems.value} isAll={embed} />
      {!embed && <Settings session={session} />}
      <CellTable grid={grid} />
      {!embed && (
        <Next name="ticket">
          One weight needs enough random numbers; a network needs enough for every weight.
        </Next>
      )}
      <Shown
        value={{
          state,
          engine: counts.report?.engine,
          cells: grid.rows.flatMap((row, r) =>
            row
              ? [
                  {
                    halfRange: halfRanges[r],
                    trials: row.trials,
                    solved: row.covered.map(({ solved }) => solved),
                  },
                ]
              : [],
          ),
        }}
      />
    </div>
  );
}

function RunButton({ counts: { state, pause, resume } }: { readonly counts: Counts }) {
  const isPaused = state === "paused";
  if (state === "done" || state === "refused") return null;
  return (
    <button type="button" class="main" onClick={isPaused ? resume : pause}>
      {isPaused ? "Continue" : "Pause"}
    </button>
  );
}

/** What the colors mean. */
function Scale({ mode, top }: { readonly mode: Mode; readonly top: number }) {
  const levels = levelTicks(mode, top);
  return (
    <span class="scale">
      {levels[0]!.text}
      <span class="ramp" style={{ background: rampGradient() }} />
      {mode === "shares" ? "100 % reach every target" : `${oneIn(top)} fails`}
      {mode === "failures" && (
        <>
          <span class="limit" style={{ background: cssOf(UNSEEN) }} />
          none seen yet
        </>
      )}
    </span>
  );
}

interface CellProps {
  readonly grid: Grid;
  readonly cell: Place;
  readonly theory: Counts["theory"];
  readonly command: string | undefined;
}

/** A command, with line breaks between its words alone. */
function Command({ text }: { readonly text: string }) {
  const words = text.split(" ").flatMap((word, i) => [
    " ",
    <span key={i} class="word">
      {word}
    </span>,
  ]);
  return <code>{words.slice(1)}</code>;
}

/** The numbers of the selected cell. Assistive technology reads them when another cell is selected. */
function Cell({ grid, cell, theory, command }: CellProps) {
  const text = cellText(grid, cell, theory[cell.row]?.[cell.column]);
  const spoken = useRef({ key: "", text: "" });
  const key = `${cell.column},${cell.row}`;
  if (spoken.current.key !== key) spoken.current = { key, text };
  return (
    <div class="cell">
      <p id="cell">{text}</p>
      <p class="unseen" aria-live="polite">
        {spoken.current.text}
      </p>
      {command && (
        <p class="faint">
          This command prints the same counts: <Command text={command} />
        </p>
      )}
    </div>
  );
}

function cellText(grid: Grid, { column, row: r }: Place, predicted: number | undefined): string {
  const row = grid.rows[r];
  const name = `n = ${grid.items.from + column}, M = ${grid.halfRanges[r]}`;
  if (!row) return `${name}: nothing is counted yet.`;
  const { solved, low, high } = row.covered[column]!;
  const failures = failuresOf(row, column);
  const measured =
    failures === 0
      ? `all ${numberText(row.trials)} draws reach every target, so at most ${percentText(1 - low)} fail`
      : `${numberText(solved)} of ${numberText(row.trials)} draws reach every target, ${percentText(solved / row.trials)} (95\u00a0% interval ${percentText(low)} to ${percentText(high)})`;
  const theory =
    predicted === undefined ? "" : ` Theory predicts that ${percentText(predicted)} miss the target M alone.`;
  return `${name}: ${measured}.${theory}`;
}

function statusOf({ report, state }: Counts): string {
  if (!report) return state === "refused" ? "" : "The engine is being opened.";
  const { trials, milliseconds, engine, adapter, why } = report;
  const total = trials.reduce((sum, count) => sum + count, 0);
  const rate = Math.round((1000 * total) / Math.max(milliseconds, 1));
  const pace = state === "running" ? `, ${numberText(rate)} a second` : "";
  const where = engine === "cpu" ? adapter : `WebGPU on ${adapter}`;
  return `${numberText(total)} draws${pace}, by ${where}, ${why}.`;
}

/** The sentences about wrong inputs that have no field in Settings, or all of them. */
function Problems({ problems, isAll }: { readonly problems: ProblemTexts; readonly isAll: boolean }) {
  const shown = Object.entries(problems).filter(([name]) => isAll || !SETTINGS.has(name));
  return (
    <>
      {shown.map(([name, text]) => (
        <Problem key={name} text={text} />
      ))}
    </>
  );
}

/** The inputs that Settings has fields for. */
const SETTINGS: ReadonlySet<string> = new Set(["items", "halfRanges", "trials", "seed"]);

function Settings({ session }: { readonly session: Session<Inputs> }) {
  const [isOpen, setOpen] = useState(false);
  // A wrong input shows its sentence at its field.
  const hasProblem = Object.keys(session.problems.value).some((name) => SETTINGS.has(name));
  return (
    <details open={isOpen || hasProblem} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Other cells</summary>
      <div class="settings">
        <TextInput view={view} session={session} name="items" label="numbers in a draw" />
        <TextInput view={view} session={session} name="halfRanges" label="half ranges" />
        <TextInput
          view={view}
          session={session}
          name="trials"
          label="draws of each row"
          inputMode="numeric"
        />
        <TextInput view={view} session={session} name="seed" label="seed" inputMode="numeric" />
      </div>
    </details>
  );
}

/** The table behind both pictures, which is filled while it is open. */
function CellTable({ grid }: { readonly grid: Grid }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>The cells as a table</summary>
      {isOpen && (
        <div class="scroll" tabIndex={0} role="region" aria-label="Draws that reach every target">
          <table>
            <thead>
              <tr>
                <th scope="col">M</th>
                <th scope="col">draws</th>
                {Array.from({ length: columnsOf(grid) }, (_, j) => (
                  <th key={j} scope="col">
                    n = {grid.items.from + j}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {grid.rows.map((row, r) => (
                <TableRow key={grid.halfRanges[r]} halfRange={grid.halfRanges[r]!} row={row} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </details>
  );
}

function TableRow({ halfRange, row }: { readonly halfRange: number; readonly row: Row | undefined }) {
  return useMemo(
    () => (
      <tr>
        <th scope="row">{halfRange}</th>
        <td>{row ? numberText(row.trials) : "–"}</td>
        {row?.covered.map(({ solved }, j) => (
          <td key={j}>{numberText(solved)}</td>
        ))}
      </tr>
    ),
    [halfRange, row],
  );
}

/** The command that prints the counts of the row of a cell; undefined before its first trials. */
function commandOf({ items, halfRanges, rows }: Grid, { row }: Place, seed: string): string | undefined {
  const trials = rows[row]?.trials;
  if (trials === undefined) return undefined;
  return `exacta phase --half-range ${halfRanges[row]} --items ${items.from}..${items.to} --trials ${trials} --seed ${seed}`;
}
