// The view Ticket: a small network with weights to edit, and the random network that is pruned to it.

import { useId, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { RequestError } from "../../src/errors.ts";
import type { TicketFinding } from "../../src/finding.ts";
import { useAnswer, useExports } from "../answer.ts";
import { choiceField, integerField, integersField, readInteger, seedField, type Field } from "../fields.ts";
import { markPicture } from "../mark.ts";
import { counted, nextSeed, numberText } from "../number.ts";
import { page } from "../page.ts";
import { OrderProblem } from "../parts/engine.tsx";
import { FileInput, type GivenFile } from "../parts/file.tsx";
import { SelectInput, SliderInput, TextInput } from "../parts/form.tsx";
import { GivenNetwork } from "../parts/given.tsx";
import { Graph, graphWeights, unitNames } from "../parts/graph.tsx";
import { Next } from "../parts/link.tsx";
import { Noise } from "../parts/noise.tsx";
import { svgText } from "../parts/picture.ts";
import { Problem } from "../parts/problem.tsx";
import { Shown } from "../parts/shown.tsx";
import { SumTable, WrittenSums } from "../parts/sum.tsx";
import { TicketFile } from "../parts/ticketFile.tsx";
import type { Session, View } from "../session.ts";
import { Term } from "../words.tsx";
import type { TicketAnswer } from "../worker/ticket.ts";
import "./ticket.css";

interface Inputs {
  /** The weights of the graph, integers of -2^bits..2^bits. */
  readonly weights: readonly number[];
  readonly bits: number;
  readonly theorem: "1" | "2";
  /** Hidden units of each input; `auto` where theory chooses. */
  readonly units: number | "auto";
  readonly seed: string;
  /** The number of the chosen weight, from 1. */
  readonly weight: number;
}

const MAX_BITS = 4;
const MAX_UNITS = 128;
/** Inputs of the graph's network are integers of -2^3..2^3. */
const ACTIVATION_BITS = 3;

const unitsField: Field<number | "auto"> = {
  initial: "auto",
  read: (text, name) => (text.trim() === "auto" ? "auto" : readInteger(text, name, 1, MAX_UNITS)),
  write: String,
};

const initialWeights = [3, -1, -2, 4, 1, 2, -4, 2, 3];

const fields: View<Inputs>["fields"] = {
  weights: integersField(initialWeights, {
    from: -(2 ** MAX_BITS),
    to: 2 ** MAX_BITS,
    most: graphWeights.length,
  }),
  bits: integerField(2, 1, MAX_BITS),
  theorem: choiceField("1", ["1", "2"]),
  units: unitsField,
  seed: seedField(),
  weight: integerField(1, 1, graphWeights.length),
};

function check({ weights, bits }: Inputs): void {
  if (weights.length !== graphWeights.length)
    throw new RequestError("weights", `${graphWeights.length} integers`, weights.length);
  const most = 2 ** bits;
  const wrong = weights.find((weight) => Math.abs(weight) > most);
  if (wrong === undefined) return;
  // An address without weights can only be wrong about the bits.
  if (weights === initialWeights) throw new RequestError("bits", `enough for the weight ${wrong}`, bits);
  throw new RequestError("weights", `integers in ${-most}..${most}`, wrong);
}

export const view: View<Inputs> = { fields, check, Component: Ticket };

/** The network of the graph as the text of a file. */
function networkText({ weights, bits }: Pick<Inputs, "weights" | "bits">): string {
  const layers = unitNames.slice(1).map((outputs, layer) => ({
    weights: outputs.map((_, output) =>
      weights.filter((_, i) => graphWeights[i]!.layer === layer && graphWeights[i]!.output === output),
    ),
  }));
  return JSON.stringify({ bits, activationBits: ACTIVATION_BITS, layers });
}

/** The command that prints the same ticket. */
function commandOf({ theorem, units, seed }: Inputs, given: GivenFile | undefined, text: string): string {
  const name = given ? `'${given.name.replaceAll("'", String.raw`'\''`)}'` : "network.json";
  const words = ["exacta ticket", name, "--theorem", theorem, "--seed", seed, "--sparse"];
  if (units !== "auto") words.push("--units", String(units));
  const command = [...words, "--out ticket.safetensors"].join(" ");
  return given ? command : `echo '${text}' > network.json && ${command}`;
}

function Ticket({ session }: { readonly session: Session<Inputs> }) {
  const inputs = session.inputs.value;
  const { weights, bits, theorem, units, seed } = inputs;
  const { engine } = page.inputs.value;
  const [given, setGiven] = useState<GivenFile>();
  const [hovered, setHovered] = useState<number>();
  const picture = useRef<SVGSVGElement>(null);
  const sumsId = useId();
  const text = networkText(inputs);
  const source = given?.imported.id ?? text;
  const command = commandOf(inputs, given, text);
  const request = useMemo(
    () =>
      ({
        engine,
        source,
        seed,
        theorem: theorem === "1" ? 1 : 2,
        units: units === "auto" ? undefined : units,
      }) as const,
    [engine, source, theorem, units, seed],
  );
  const { answer, state, error, report } = useAnswer("ticket", request);
  const isCurrent = state === "done";

  useLayoutEffect(() => {
    if (answer) markPicture();
  }, [answer]);
  useExports(
    isCurrent && answer
      ? {
          command,
          records: () => [
            { ...answer.finding, targetDigest: answer.targetDigest, ...(!given && { network: text }) },
          ],
          picture: () =>
            picture.current ? svgText(picture.current) : sentencePicture(outcomeText(answer.finding, !given)),
        }
      : undefined,
    [answer, isCurrent],
  );

  const chosen = hovered ?? inputs.weight - 1;
  const network = answer?.network;
  const missing = isCurrent && !given ? missingWeights(answer!) : [];
  const widest = answer ? Math.max(...answer.finding.units) : MAX_UNITS / 2;
  return (
    <FileInput given={given} give={setGiven}>
      {(fileField) => (
        <>
          <h1>Every weight is cut out of noise.</h1>
          <p>
            Change a weight, and the <Term name="random network" /> behind it is{" "}
            <Term name="pruning">cut</Term> anew, until what is kept adds up to the weight. Enough hidden
            units make this succeed for every network:{" "}
            <a href="https://arxiv.org/abs/2508.11020">Theorems 1 and 2</a>.
          </p>
          <div class="networks" data-first>
            {given ? (
              <GivenNetwork
                given={given}
                finding={isCurrent ? answer?.finding : undefined}
                leave={() => setGiven(undefined)}
              />
            ) : (
              <figure>
                <figcaption>The network: tap a weight, type another</figcaption>
                <Graph
                  weights={weights}
                  most={2 ** bits}
                  chosen={chosen}
                  failed={new Set(missing)}
                  sums={sumsId}
                  hasProblem={session.problems.value["weights"] !== undefined}
                  enter={(index, typed) =>
                    session.enter(
                      "weights",
                      weights.map((weight, i) => (i === index ? typed : weight)).join(","),
                    )
                  }
                  choose={(index) => session.set({ weight: index + 1 }, { follows: true })}
                  hover={setHovered}
                />
                {["weights", "weight"].map((field) => {
                  const problem = session.problems.value[field];
                  return problem && <Problem key={field} text={problem} />;
                })}
              </figure>
            )}
            <figure>
              <figcaption>The random network behind it, kept weights lit</figcaption>
              {network && (
                <Noise
                  network={network}
                  chosen={given ? undefined : graphWeights[chosen]}
                  picture={picture}
                />
              )}
              {answer && !network && <p class="faint">This random network is too large for a picture.</p>}
            </figure>
          </div>
          <div class="outcome" data-first>
            {!given && isCurrent && network && (
              <WrittenSums id={sumsId} index={chosen} weight={weights[chosen]!} sums={network.sums} />
            )}
            <p aria-live="polite">
              {isCurrent && answer ? outcomeText(answer.finding, !given) : !error && pruningText(report)}
            </p>
          </div>
          {error && <OrderProblem error={error} />}
          <div class="row fields">
            <SliderInput
              session={session}
              name="units"
              label={`Hidden units of each input: ${unitsText(units, answer?.finding)}`}
              from={1}
              to={MAX_UNITS}
              value={units === "auto" ? widest : units}
              text={(value) => counted(value, "hidden unit")}
            />
            <button type="button" disabled={units === "auto"} onClick={() => session.set({ units: "auto" })}>
              As theory says
            </button>
            <SelectInput
              view={view}
              session={session}
              name="theorem"
              label="Theorem"
              choices={{ 1: "1: twice as many layers", 2: "2: one layer more" }}
            />
            {!given && <BitsInput session={session} />}
            <TextInput view={view} session={session} name="seed" label="Seed" inputMode="numeric" size={8} />
            <button type="button" onClick={() => session.set({ seed: nextSeed(seed) })}>
              Another random network
            </button>
          </div>
          {!given && isCurrent && network && <SumTable weights={weights} sums={network.sums} />}
          {isCurrent && answer && <TicketFile answer={answer} source={source} />}
          {isCurrent && answer && <Shown value={{ ...shownOf(answer), command }} />}
          {fileField}
          <Next name="speed">Pruning is millions of subset sums. How fast is your computer at them?</Next>
        </>
      )}
    </FileInput>
  );
}

/** The choice of bits, which brings the weights into their new range. */
function BitsInput({ session }: { readonly session: Session<Inputs> }) {
  const { bits, weights } = session.inputs.value;
  const problem = session.problems.value["bits"];
  const id = useId();
  return (
    <div class="field">
      <label for={id}>Weights</label>
      <select
        id={id}
        name="bits"
        value={bits}
        onChange={({ currentTarget }) => {
          const most = 2 ** Number(currentTarget.value);
          session.set({
            bits: Number(currentTarget.value),
            weights: weights.map((weight) => Math.max(-most, Math.min(weight, most))),
          });
        }}
      >
        {Array.from({ length: MAX_BITS }, (_, i) => i + 1).map((choice) => (
          <option key={choice} value={choice}>
            −{2 ** choice} to {2 ** choice}
          </option>
        ))}
      </select>
      {problem && <Problem text={problem} />}
    </div>
  );
}

/** The indices of the graph's weights that no choice of the random weights makes. */
function missingWeights({ network }: TicketAnswer): number[] {
  const missing = network!.sums.filter(({ terms }) => !terms);
  return graphWeights.flatMap(({ layer, output, input }, i) =>
    missing.some((sum) => sum.layer === layer && sum.output === output && sum.input === input) ? [i] : [],
  );
}

/** What pruning found: the share that is kept, or the first weight that cannot be made. */
function outcomeText({ found, failed, failures, kept, initial }: TicketFinding, isGraph: boolean): string {
  if (found)
    return `All weights are made. ${numberText(kept)} of ${numberText(initial)} random weights are kept, and the others are cut.`;
  const { layer, output, input, sign, expected } = failures[0]!;
  const known = graphWeights.find(
    (weight) => weight.layer === layer && weight.output === output && weight.input === input,
  );
  const first =
    isGraph && known
      ? `weight ${known.name}`
      : `the weight from input ${input} to output ${output} of layer ${layer}, counted from 0`;
  const inputs = sign > 0 ? "inputs above 0" : "inputs below 0";
  return (
    `${counted(failed, "sum")} cannot be made. The first is behind ${first}: ` +
    `no choice has the sum ${numberText(expected)} for ${inputs}.`
  );
}

/** A picture of a sentence, for a network that is too large for one. It contains no character that XML escapes. */
function sentencePicture(sentence: string): string {
  return (
    '<svg xmlns="http://www.w3.org/2000/svg" width="900" height="40" font-family="sans-serif" font-size="16">' +
    `<text x="10" y="26">${sentence}</text></svg>`
  );
}

function pruningText(report: { readonly done: number; readonly total: number } | undefined): string {
  return report ? `Pruning: ${numberText(report.done)} of ${counted(report.total, "sum")}.` : "Pruning.";
}

function unitsText(units: number | "auto", finding: TicketFinding | undefined): string {
  return units === "auto"
    ? finding
      ? `${finding.units.join(" and ")}, by theory`
      : "by theory"
    : String(units);
}

function shownOf({ finding, targetDigest, file, network }: TicketAnswer) {
  const { engine, widths, theorem, bits, units, copies, seed, kept, initial, failed, failures } = finding;
  return {
    engine,
    widths,
    theorem,
    bits,
    units,
    copies,
    seed,
    kept,
    initial,
    failed,
    failures,
    targetDigest,
    fileDigest: file?.digest,
    masks: network?.masks.map((mask) => Array.from(mask)),
  };
}
