// The inputs of Odds, the sweeps that they ask for, and the command that counts the same.

import {
  ensembles,
  halfRangeOf,
  isProduct,
  MAX_ITEMS,
  MAX_TRIALS,
  type Ensemble,
} from "../../src/ensemble.ts";
import { RequestError } from "../../src/errors.ts";
import { phaseConfig, type PhaseConfig } from "../../src/experiments/phase.ts";
import { choiceField, integerField, optionalField, seedField, textField, type Fields } from "../fields.ts";

/** What the charts show: shares of the trials, or failures on a logarithmic axis. */
const scales = ["shares", "failures"] as const;
export type Scale = (typeof scales)[number];

export interface Inputs {
  readonly ensemble: Ensemble;
  /** The bits k of the half range, separated by commas: a curve for each. */
  readonly bits: string;
  /** The numbers of items, as N or A..B. */
  readonly items: string;
  /** Integers separated by commas; M and -M are the ends of the range. Without any, the experiment chooses the targets. */
  readonly targets: string;
  /** A number, `all`, or empty: until the visitor pauses. */
  readonly trials: string;
  readonly seed: string;
  readonly scale: Scale;
  /** The number of items on which the visitor bets. */
  readonly bet: number | undefined;
}

/** Each target has a chart. */
const MAX_TARGETS = 12;

/** The names are those of version 0.1, so that its addresses stay valid. */
export const fields: Fields<Inputs> = {
  ensemble: choiceField("rssp", ensembles),
  bits: textField("5,6,7"),
  items: textField("1..22"),
  targets: textField("1,M"),
  trials: textField(""),
  seed: seedField(),
  scale: choiceField("shares", scales),
  bet: optionalField(integerField(0, 0, MAX_ITEMS)),
};

/** Whether the inputs ask for trials: a bet is made, or the experiment is not the initial one. */
export function asksForTrials(inputs: Inputs): boolean {
  return inputs.bet !== undefined || isOwnExperiment(inputs);
}

/** Whether the experiment is not the initial one. The bet and the scale of the charts do not belong to it. */
export function isOwnExperiment(inputs: Inputs): boolean {
  return (Object.keys(fields) as (keyof Inputs)[]).some(
    (name) => name !== "bet" && name !== "scale" && inputs[name] !== fields[name].initial,
  );
}

/** The most bits that the page offers. With more, a trial takes too long for a live curve. */
export function mostBits(ensemble: Ensemble): number {
  return isProduct(ensemble) ? 10 : 14;
}

/** The bits of a text, in ascending order. */
export function bitsOfText(bits: string): number[] {
  return [...new Set(list(bits).map((text) => integer("bits", text)))].toSorted((a, b) => a - b);
}

/**
 * One configuration for each k, in ascending order.
 * @throws {RequestError} Names the wrong input.
 */
export function configsOf({ ensemble, bits, items, targets, trials, seed }: Inputs): PhaseConfig[] {
  const most = mostBits(ensemble);
  const asked = bitsOfText(bits);
  if (asked.length === 0) throw new RequestError("bits", `at least one of 1..${most}`, bits);
  for (const k of asked)
    if (k < 1 || k > most) throw new RequestError("bits", `integers in 1..${most} for ${ensemble}`, k);
  return asked.map((k) => {
    const values = targetsOf(targets, halfRangeOf(ensemble, k));
    return phaseConfig({
      ensemble,
      bits: k,
      items: itemsOf(items),
      trials: trialsOf(trials),
      seed,
      ...(values && { targets: values }),
    });
  });
}

/** The command that prints the counts of `trials` trials of each curve. */
export function commandOf(configs: readonly PhaseConfig[], inputs: Inputs, trials: number): string {
  const { ensemble, items, enumerate, seed } = configs[0]!;
  const targets = list(inputs.targets).map((part) => part.replace("−", "-"));
  return [
    "exacta phase",
    `--ensemble ${ensemble}`,
    `--bits ${bitsOfText(inputs.bits).join(",")}`,
    `--items ${items.from}..${items.to}`,
    ...(targets.length > 0 ? [`--targets ${targets.join(",")}`] : []),
    `--trials ${enumerate ? "all" : trials}`,
    `--seed ${seed}`,
  ].join(" ");
}

function list(text: string): string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

/** Reads an integer, which may have an exponent or separators. */
function integer(field: string, text: string): number {
  const plain = text.replaceAll("_", "");
  const value = plain === "" ? NaN : Number(plain);
  if (!Number.isInteger(value)) throw new RequestError(field, "an integer", text);
  return value;
}

function itemsOf(text: string): { from: number; to: number } {
  const [from = "", to = from, ...rest] = text.split("..").map((part) => part.trim());
  if (rest.length > 0) throw new RequestError("items", "N or A..B", text);
  const range = { from: integer("items", from), to: integer("items", to) };
  for (const n of [range.from, range.to])
    if (n < 0 || n > MAX_ITEMS) throw new RequestError("items", `integers in 0..${MAX_ITEMS}`, n);
  return range;
}

function trialsOf(text: string): number | "all" {
  if (text === "") return MAX_TRIALS;
  return text === "all" ? "all" : integer("trials", text);
}

function targetsOf(text: string, halfRange: number): number[] | undefined {
  const parts = list(text);
  if (parts.length > MAX_TARGETS)
    throw new RequestError("targets", `at most ${MAX_TARGETS} targets`, parts.length);
  const targets = parts.map((part) => {
    if (part === "M") return halfRange;
    if (part === "-M" || part === "−M") return -halfRange;
    const target = integer("targets", part);
    if (target !== (target | 0)) throw new RequestError("targets", "integers of 32 bits, or M", target);
    return target;
  });
  return targets.length === 0 ? undefined : targets;
}
