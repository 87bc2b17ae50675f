// The view Digits: a drawing, read by a trained network and by a random one that was pruned until it equals the trained one, and
// one hidden unit of the random network, from noise to a stroke.

import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import { stages } from "../../src/figures/unit.ts";
import { useAnswer, useExports } from "../answer.ts";
import { choiceField, integerField, seedField } from "../fields.ts";
import { checkLength, digitDrawing, drawingField, imageOf, SIDE, type Drawing } from "../ink.ts";
import { markPicture } from "../mark.ts";
import { counted, numberText } from "../number.ts";
import { page } from "../page.ts";
import { OrderProblem } from "../parts/engine.tsx";
import { RadioInput, SliderInput, TextInput } from "../parts/form.tsx";
import { Next } from "../parts/link.tsx";
import { digitRead, Outputs } from "../parts/outputs.tsx";
import { DigitKeys, Pad, type Change } from "../parts/pad.tsx";
import { Problem } from "../parts/problem.tsx";
import { Shown } from "../parts/shown.tsx";
import { NumbersTable, PathsTable, UnitChoice, UnitPicture, UnitsTable } from "../parts/unit.tsx";
import { CellsCanvas } from "../parts/cells.tsx";
import type { Session, View } from "../session.ts";
import { Term } from "../words.tsx";
import { digitsPicture } from "./digits-picture.ts";
import "./digits.css";

/** The hidden units of the trained network. */
const UNITS = 32;

const networks = ["pruned", "random", "uncut"] as const;

interface Inputs {
  readonly digit: Drawing;
  readonly seed: string;
  readonly network: (typeof networks)[number];
  /** From 1, as people count. */
  readonly unit: number;
  readonly stage: number;
}

/** The weights that each random network keeps, and a sentence about it. */
const networkTexts = { pruned: "the right 1 in 100", random: "a random 1 in 100", uncut: "all" } as const;
const networkAbouts: Record<Inputs["network"], string> = {
  pruned: "Another random network has other weights and keeps others. Its ten scores are the same.",
  random:
    "Each layer keeps as many weights as before, chosen by chance. Fewer paths survive, since a path needs both of its weights.",
  uncut: "Nothing is cut.",
};

function Digits({ session }: { readonly session: Session<Inputs> }) {
  const { digit, seed, network, unit, stage } = session.inputs.value;
  const { engine } = page.inputs.value;
  /** The drawing during a stroke. */
  const [live, setLive] = useState<Drawing>();
  const drawing = live ?? digit;
  const image = useMemo(() => imageOf(drawing), [drawing]);

  const chosen = useMemo(() => ({ engine, seed, network }), [engine, seed, network]);
  const drawn = useAnswer("digitsNetwork", chosen);
  // The network is pruned before it computes anything.
  const isReady = drawn.state === "done";
  const reading = useAnswer(
    "digitsReading",
    useMemo(() => (isReady ? { ...chosen, image } : undefined), [isReady, chosen, image]),
  );
  const products = useAnswer(
    "digitsUnit",
    useMemo(() => (isReady ? { ...chosen, unit: unit - 1 } : undefined), [isReady, chosen, unit]),
  );
  const isOf = (request?: { readonly seed: string; readonly network: string }) =>
    isReady && request?.seed === seed && request.network === network;
  const random = isOf(reading.request) ? reading.answer?.random : undefined;
  const trained = reading.answer?.trained;
  const error = drawn.error ?? reading.error ?? products.error;
  const text = view.fields.digit.write(digit);
  const builtIn = !live && text.length === 1 ? Number(text) : undefined;

  const draw = useCallback(
    (next: Drawing, change: Change) => {
      setLive(change === "live" ? next : undefined);
      if (change !== "live") session.set({ digit: next }, { follows: change === "continues" });
    },
    [session],
  );

  useEffect(() => {
    function press({ key, target, repeat, ctrlKey, metaKey, altKey }: KeyboardEvent): void {
      const isElsewhere =
        target instanceof Element &&
        target.closest("input:not([type=radio], [type=range]), select, textarea") !== null;
      const isBehind = document.querySelector("dialog[open]") !== null;
      if (isElsewhere || isBehind || repeat || ctrlKey || metaKey || altKey || !/^\d$/.test(key)) return;
      session.set({ digit: digitDrawing(Number(key)) });
    }
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [session]);

  const isStale = !isOf(products.request) || products.request?.unit !== unit - 1;
  const isRead = reading.request?.image === image;
  const shown = useMemo(() => {
    if (isStale || !isRead || !trained || !random) return undefined;
    const { weights, kept } = drawn.answer!;
    const { sums, positive, negative } = products.answer!;
    return {
      digit: text,
      seed,
      network,
      weights,
      kept,
      trained,
      random,
      unit,
      positive,
      negative,
      sums: [...sums],
    };
  }, [isStale, isRead, drawn, trained, random, products, text, seed, network, unit]);

  useExports(
    shown && {
      command: `exacta digits --sparse --seed ${seed}`,
      label:
        "Command that prunes the same random network, and reads test images with it and with both controls",
      records: () =>
        shown.trained.map((value, i) => ({ digit: i, trained: value, random: shown.random[i]! })),
      picture: () => digitsPicture({ ...shown, drawing, mostSum: drawn.answer!.mostSum }),
    },
    [shown],
  );

  // Tables of numbers are not rendered anew while the slider or the pen moves.
  const numbersOfUnit = useMemo(
    () =>
      products.answer && (
        <>
          <details>
            <summary>The sums of this unit as numbers</summary>
            <NumbersTable title="The sums of this unit" values={products.answer.sums} />
          </details>
          <LargeTable summary="The paths of this unit as numbers">
            {() => <PathsTable unit={products.answer!} />}
          </LargeTable>
        </>
      ),
    [products.answer],
  );
  const numbersOfUnits = useMemo(
    () =>
      drawn.answer && (
        <LargeTable summary="The sums of all units as numbers">
          {() => <UnitsTable {...drawn.answer!} />}
        </LargeTable>
      ),
    [drawn.answer],
  );
  const seenDrawing = useMemo(() => <Seen image={imageOf(digit)} />, [digit]);

  return (
    <>
      <h1>Nobody trained this network.</h1>
      <p>
        It is a <Term name="random network" />. We kept one <Term name="weight" /> in a hundred, unchanged:
        those that add up to the weights of a trained network.{" "}
        <a href="https://arxiv.org/abs/2508.11020">A theorem</a> says that a large enough random network
        almost always has them.
      </p>
      {error && <OrderProblem error={error} />}
      {(["digit", "network", "unit"] as const).map((name) => {
        const problem = session.problems.value[name];
        return problem !== undefined && <Problem key={name} text={problem} />;
      })}
      <div class="digits">
        <div class="drawing" data-first>
          <Pad drawing={drawing} isReplaced={builtIn !== undefined} onDraw={draw} />
          <DigitKeys digit={builtIn} onDraw={(next) => draw(next, "new")} />
        </div>
        <div class="reading">
          <Outputs
            {...(drawing.length > 0 ? { trained, random } : { trained: undefined, random: undefined })}
          />
          <p class="verdict" aria-live="polite" data-first>
            {!error && (isReady ? verdictOf(drawing, trained, random) : progressOf(seed, drawn.report))}
          </p>
          <div class="row choices" data-control>
            <RadioInput
              session={session}
              name="network"
              legend="Which random weights are kept?"
              choices={networkTexts}
            />
          </div>
          <div class="row choices" data-control>
            <button type="button" onClick={() => session.set({ seed: nextSeed(seed) })}>
              another random network
            </button>
            <TextInput view={view} session={session} name="seed" label="seed" inputMode="numeric" size={6} />
          </div>
          <p class="faint about">
            {networkAbouts[network]}
            {network !== "pruned" && " Each side has its own scale."}
          </p>
        </div>
      </div>
      <h2>
        Why it works: one <Term name="hidden unit" />
      </h2>
      <div class={isStale ? "unit-story stale" : "unit-story"}>
        {products.answer ? (
          <UnitPicture unit={products.answer} stage={stage} onDrawn={markPicture} />
        ) : (
          <div class="pixels">
            <div class="unit" />
          </div>
        )}
        <div class="unit-words">
          <SliderInput
            session={session}
            name="stage"
            label="from noise to a pattern"
            from={0}
            to={100}
            text={(value) => `${value} of 100`}
          />
          {products.answer && (
            <Steps unit={products.answer} network={network} stage={stage} session={session} />
          )}
          {drawn.answer && (
            <UnitChoice
              {...drawn.answer}
              chosen={unit - 1}
              onChoose={(next) => session.set({ unit: next + 1 })}
            />
          )}
        </div>
      </div>
      {numbersOfUnit}
      {numbersOfUnits}
      {seenDrawing}
      <Next name="sums">Every weight is a sum of random numbers. Make one yourself.</Next>
      {shown && <Shown value={shown} />}
    </>
  );
}

type Products = NonNullable<ReturnType<typeof useAnswer<"digitsUnit">>["answer"]>;

interface StepsProps {
  readonly unit: Products;
  readonly network: Inputs["network"];
  readonly stage: number;
  readonly session: Session<Inputs>;
}

/** The three pictures in words. Each is a button that moves the slider to its picture. */
function Steps({ unit, network, stage, session }: StepsProps) {
  const steps = [
    { stage: stages.noise, title: "1 all random", text: noiseText(unit) },
    { stage: stages.kept, title: "2 kept", text: keptText(unit, network) },
    { stage: stages.sum, title: "3 added up", text: sumsText(unit, network) },
  ];
  return (
    <ol class="steps">
      {steps.map((step) => (
        <li key={step.title}>
          <button
            type="button"
            data-control
            aria-pressed={stage === step.stage}
            onClick={() => session.set({ stage: step.stage })}
          >
            {step.title}
          </button>
          <span>{step.text}</span>
        </li>
      ))}
    </ol>
  );
}

const noiseText = ({ group, products }: Products) =>
  `${group} random paths lead from each pixel to this unit, ${numberText(products.length)} in all. The strength of a path is the product of its two random weights: orange above 0, blue below.`;

function keptText({ products, positive, negative }: Products, network: Inputs["network"]): string {
  const kept = positive + negative;
  if (kept === 0 && network === "pruned")
    return "The trained network does not use this unit, so no path is kept.";
  const count = kept === products.length ? "All paths" : counted(kept, "path");
  return `${count} ${kept === 1 ? "is" : "are"} kept, unchanged. ${numberText(positive)} of them act where there is ink. The pale ones act on values below 0, which no drawing has.`;
}

function sumsText({ positive, negative }: Products, network: Inputs["network"]): string {
  if (network !== "pruned")
    return "The kept paths of a pixel add up to a random number, not to the weight of the trained network.";
  if (positive + negative === 0) return "Every sum is 0.";
  return "The kept paths of a pixel add up to the weight of the trained network: orange where ink raises the value of the unit, blue where it lowers it.";
}

interface LargeTableProps {
  readonly summary: string;
  readonly children: () => ComponentChildren;
}

/** A table that is made when it is opened, since it is large. */
function LargeTable({ summary, children }: LargeTableProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>{summary}</summary>
      {isOpen && children()}
    </details>
  );
}

/** The image of a drawing as a picture and as numbers, closed at first. */
function Seen({ image }: { readonly image: Int32Array }) {
  const cells = { width: SIDE, height: SIDE, shades: Float32Array.from(image, (value) => value / 255) };
  return (
    <details>
      <summary>The drawing as the networks see it</summary>
      <CellsCanvas cells={cells} class="seen" label={`The drawing in ${SIDE} × ${SIDE} pixels`} />
      <NumbersTable title="The pixels of the drawing" values={image} />
    </details>
  );
}

function nextSeed(seed: string): string {
  return String((BigInt(seed) + 1n) % 2n ** 64n);
}

function progressOf(
  seed: string,
  report: { readonly done: number; readonly total: number } | undefined,
): string {
  const part = report ? `: ${Math.round((100 * report.done) / report.total)} %` : "";
  return `Pruning the random network of seed ${seed}${part}.`;
}

/** What both networks make of a drawing. */
function verdictOf(
  drawing: Drawing,
  trained: readonly number[] | undefined,
  random: readonly number[] | undefined,
): string {
  if (!trained || !random) return "…";
  if (drawing.length === 0) return "The pad is empty. Draw a digit.";
  const equal = trained.filter((value, i) => value === random[i]).length;
  if (equal === trained.length) return `Both read a ${digitRead(trained)}: all ten numbers are the same.`;
  return `The trained network reads a ${digitRead(trained)}, the random one a ${digitRead(random)}.`;
}

export const view: View<Inputs> = {
  fields: {
    digit: drawingField(3),
    seed: seedField(),
    network: choiceField("pruned", networks),
    unit: integerField(20, 1, UNITS),
    stage: integerField(0, 0, 100),
  },
  check: ({ digit }) => checkLength(digit, "digit"),
  Component: Digits,
};
