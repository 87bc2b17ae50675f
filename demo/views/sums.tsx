// The view Sums: can some of these numbers add up to the target?

import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { drawValue, ensembleKey, itemOf, lawOf } from "../../src/ensemble.ts";
import { RequestError } from "../../src/errors.ts";
import { choiceField, integerField, integersField, optionalField, seedField } from "../fields.ts";
import { markPicture } from "../mark.ts";
import { counted, nextSeed, numberText, termsText } from "../number.ts";
import { page } from "../page.ts";
import { OrderProblem } from "../parts/engine.tsx";
import { TextInput } from "../parts/form.tsx";
import { Next, ViewLink } from "../parts/link.tsx";
import { svgText } from "../parts/picture.ts";
import { Problem } from "../parts/problem.tsx";
import { Shown } from "../parts/shown.tsx";
import { Strip, StripTable } from "../parts/strip.tsx";
import type { Session, View } from "../session.ts";
import { useAnswer, useExports } from "../answer.ts";
import { Term } from "../words.tsx";
import type { Solved } from "../worker/solve.ts";
import "./sums.css";

interface Inputs {
  /** Numbers of the visitor's own; none where they are drawn from the seed. */
  readonly numbers: readonly number[];
  readonly target: number;
  readonly seed: string;
  /** The positions of the chosen numbers. */
  readonly chosen: readonly number[];
  /** The view that the numbers come from, to which a link leads back. */
  readonly from: "odds" | undefined;
}

const MAX_NUMBERS = 24;
const MAX_NUMBER = 999;

/** A draw is the first trial of the ensemble `rssp` with this half range. */
const DRAWN_NUMBERS = 10;
const HALF_RANGE = 64;

const fields: View<Inputs>["fields"] = {
  numbers: integersField([], { from: -MAX_NUMBER, to: MAX_NUMBER, most: MAX_NUMBERS }),
  target: integerField(37, -MAX_NUMBERS * MAX_NUMBER, MAX_NUMBERS * MAX_NUMBER),
  seed: seedField("3"),
  chosen: integersField([], { from: 0, to: MAX_NUMBERS - 1, most: MAX_NUMBERS }),
  from: optionalField(choiceField("odds", ["odds"])),
};

function itemsOf({ numbers, seed }: Pick<Inputs, "numbers" | "seed">): readonly number[] {
  if (numbers.length > 0) return numbers;
  const law = lawOf("rssp", HALF_RANGE);
  const key = ensembleKey(BigInt(seed), "rssp", HALF_RANGE);
  return Array.from({ length: DRAWN_NUMBERS }, (_, i) => itemOf(law, drawValue(law.range, key, 0, i)));
}

function check(inputs: Inputs): void {
  const { length } = itemsOf(inputs);
  const { chosen } = inputs;
  if (new Set(chosen).size < chosen.length || chosen.some((i) => i >= length))
    throw new RequestError("chosen", `different positions in 0..${length - 1}`, chosen.join(","));
}

export const view: View<Inputs> = { fields, check, Component: Sums };

function Sums({ session }: { readonly session: Session<Inputs> }) {
  const inputs = session.inputs.value;
  const { target, chosen, from } = inputs;
  const { engine } = page.inputs.value;
  const items = itemsOf(inputs);
  const picture = useRef<SVGSVGElement>(null);
  const {
    answer: solved,
    state,
    error,
  } = useAnswer(
    "solve",
    useMemo(() => ({ engine, items, target }), [engine, items.join(), target]),
  );
  const isCurrent = state === "done";

  const hasProblem = ["numbers", "seed"].some((name) => session.problems.value[name]);
  const [isRevealed, setRevealed] = useState(false);

  useLayoutEffect(() => {
    if (solved) markPicture();
  }, [solved]);
  useExports(
    isCurrent && solved
      ? {
          command: commandOf(solved),
          records: () => [{ ...solved.finding, numbers: solved.items }],
          picture: () => svgText(picture.current!),
        }
      : undefined,
    [isCurrent, solved],
  );

  const total = chosen.reduce((sum, i) => sum + items[i]!, 0);
  function choose(indices: readonly number[], isRevealed = false): void {
    session.set({ chosen: indices.toSorted((a, b) => a - b) });
    setRevealed(isRevealed);
  }
  const toggle = (i: number) => choose(chosen.includes(i) ? chosen.filter((j) => j !== i) : [...chosen, i]);

  return (
    <>
      <h1>Can you make {numberText(target)}?</h1>
      <p>
        Tap numbers until their total is {numberText(target)}. Every <Term name="weight" /> of a trained
        network can be made in this way from random numbers, as a <Term name="subset sum" />. That is why{" "}
        <a href="https://arxiv.org/abs/2508.11020">a random network contains it</a>.
      </p>
      <div class="chips" data-first role="group" aria-label="Numbers to add up">
        {items.map((item, i) => (
          <button key={i} type="button" aria-pressed={chosen.includes(i)} onClick={() => toggle(i)}>
            {numberText(item)}
          </button>
        ))}
      </div>
      <p class="total" aria-live="polite">
        {chosen.length > 1 ? <span>{termsText(chosen.map((i) => items[i]!))} =</span> : "Total"}{" "}
        <output>{numberText(total)}</output>
        <span>{totalText(total, target, chosen.length, isRevealed)}</span>
      </p>
      <p class="faint">
        Each row allows one more number, from the top down. Blue: this total can be made. A line leads from 0
        to your total. It moves left or right at each number that you take.
      </p>
      {solved && <Strip {...solved} chosen={new Set(isCurrent ? chosen : [])} picture={picture} />}
      {error && <OrderProblem error={error} />}
      <div class="row ways" data-first>
        <span>{isCurrent && solved ? waysText(solved, from) : !error && "Counting the ways."}</span>
        {isCurrent && solved?.finding.smallestWitness && (
          <button type="button" class="main" onClick={() => choose(solved.finding.smallestWitness!, true)}>
            Show me
          </button>
        )}
        {from && <ViewLink name={from}>Back to Odds</ViewLink>}
      </div>
      <div class="row">
        <button type="button" onClick={() => session.set({ target: otherTarget(items, target), chosen: [] })}>
          Another target
        </button>
        <button type="button" onClick={() => session.set(otherNumbers(inputs))}>
          Other numbers
        </button>
        <button type="button" disabled={chosen.length === 0} onClick={() => choose([])}>
          Clear
        </button>
      </div>
      {session.problems.value["chosen"] && <Problem text={session.problems.value["chosen"]} />}
      {session.problems.value["from"] && <Problem text={session.problems.value["from"]} />}
      <div class="row fields">
        <TextInput view={view} session={session} name="target" label="Target" inputMode="text" size={6} />
      </div>
      <details open={hasProblem}>
        <summary>More</summary>
        <div class="row fields">
          {inputs.numbers.length === 0 && (
            <TextInput
              view={view}
              session={session}
              name="seed"
              label="Seed of the numbers"
              inputMode="numeric"
              size={10}
              others={{ chosen: [] }}
            />
          )}
          <TextInput
            view={view}
            session={session}
            name="numbers"
            label={`Your own numbers, at most ${MAX_NUMBERS}`}
            placeholder="12 -7 30"
            size={28}
            others={{ chosen: [], from: undefined }}
          />
        </div>
      </details>
      {solved && <StripTable {...solved} />}
      {isCurrent && solved && <Shown value={shownOf(solved, chosen, total)} />}
      <Next name="odds">How many random numbers are enough to make every target?</Next>
    </>
  );
}

/** The command that prints the same answers. */
function commandOf({ items, target }: Solved): string {
  return `echo '${items.join(" ")} : ${target}' | exacta solve -`;
}

function shownOf(solved: Solved, chosen: readonly number[], total: number) {
  const { items, target, finding, reach } = solved;
  const { engine, count, witness, smallest, smallestWitness } = finding;
  const command = commandOf(solved);
  return {
    engine,
    items,
    target,
    chosen,
    total,
    count,
    witness,
    smallest,
    smallestWitness,
    sums: reach.counts,
    command,
  };
}

function totalText(total: number, target: number, chosen: number, isRevealed: boolean): string {
  if (chosen === 0) return "";
  if (total === target)
    return isRevealed
      ? `One way with ${counted(chosen, "number")}.`
      : `You made it with ${counted(chosen, "number")}.`;
  const missing = numberText(Math.abs(target - total));
  return total < target ? `${missing} more to go.` : `${missing} too much.`;
}

function waysText({ target, finding: { count, smallest } }: Solved, from: Inputs["from"]): string {
  if (count === "0" || count === undefined)
    return from
      ? `This draw cannot make ${numberText(target)}.`
      : `No choice of these numbers makes ${numberText(target)}.`;
  const ways = count === "1" ? "There is 1 way" : `There are ${counted(count, "way")}`;
  return `${ways} to make ${numberText(target)}. The shortest uses ${counted(smallest!, "number")}.`;
}

/** A target by chance, hardly greater in magnitude than the numbers. It is neither one of them nor 0. */
function otherTarget(items: readonly number[], target: number): number {
  const most = Math.max(...items.map(Math.abs)) + 1;
  const all = Array.from({ length: 2 * most + 1 }, (_, i) => i - most);
  const targets = all.filter((one) => one !== 0 && one !== target && !items.includes(one));
  return targets[Math.floor(Math.random() * targets.length)]!;
}

/** The numbers of the next seed; after numbers of the visitor's own, those of the seed of the address. */
function otherNumbers({ numbers, seed, target }: Inputs): Partial<Inputs> {
  const next = { numbers: [], seed: numbers.length > 0 ? seed : nextSeed(seed) };
  const items = itemsOf(next);
  return {
    ...next,
    chosen: [],
    from: undefined,
    ...(items.includes(target) && { target: otherTarget(items, target) }),
  };
}
