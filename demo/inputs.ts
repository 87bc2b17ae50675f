// What a visitor may choose, as the texts that stand in the page's address, and the configurations they ask for.

import { RequestError } from "../src/errors.ts";
import { ensembles, halfRangeOf, isProduct, type Ensemble } from "../src/ensemble.ts";
import { phaseConfig, type PhaseConfig } from "../src/experiments/phase.ts";

const defaults = {
  ensemble: "rssp",
  /** k, one curve each, separated by commas. */
  bits: "4,6,8",
  /** N or A..B. */
  items: "1..22",
  /** Integers separated by commas; M and -M stand for the half range. Empty: the experiment's own. */
  targets: "1,M",
  trials: "200000",
  seed: "1",
  engine: "auto",
};

export type Inputs = typeof defaults;

/** The names the address knows, which are also those of the form's fields. */
export const names = Object.keys(defaults) as readonly (keyof Inputs)[];

/** What an address says; what it leaves open is the default. */
export function readAddress(search: string): Inputs {
  const given = new URLSearchParams(search);
  const inputs = { ...defaults };
  for (const name of names) inputs[name] = given.get(name)?.trim() ?? inputs[name];
  return inputs;
}

/** The query that `readAddress` reads back. Commas stay legible. */
export function writeAddress(inputs: Inputs): string {
  return `?${names.map((name) => `${name}=${encodeURIComponent(inputs[name]).replaceAll("%2C", ",")}`).join("&")}`;
}

/** The most bits the page offers: beyond, a trial takes so long that curves hardly move. */
export function mostBits(ensemble: string): number {
  return isProduct(ensemble as Ensemble) ? 10 : 14;
}

const pageEngines = ["auto", "gpu", "cpu"] as const;
export type PageEngine = (typeof pageEngines)[number];

/** The engine asked for. Throws RangeError for one the page does not offer. */
export function readEngine({ engine }: Inputs): PageEngine {
  const known = pageEngines.find((name) => name === engine);
  if (!known) throw new RequestError("engine", `one of ${pageEngines.join(", ")}`, engine);
  return known;
}

/** One configuration for each k, in ascending order. Throws TypeError or RangeError naming the input that is off. */
export function readConfigs(inputs: Inputs): PhaseConfig[] {
  const ensemble = ensembles.find((name) => name === inputs.ensemble);
  if (!ensemble) throw new RequestError("ensemble", `one of ${ensembles.join(", ")}`, inputs.ensemble);
  const most = mostBits(ensemble);
  const bits = list(inputs.bits).map((text) => integer("bits", text));
  if (bits.length === 0) throw new RequestError("bits", `at least one of 1..${most}`, inputs.bits);
  for (const k of bits)
    if (k < 1 || k > most) throw new RequestError("bits", `integers in 1..${most} for ${ensemble}`, k);
  const items = readItems(inputs.items);
  const trials = inputs.trials === "all" ? "all" : integer("trials", inputs.trials.replaceAll("_", ""));
  return [...new Set(bits)]
    .toSorted((a, b) => a - b)
    .map((k) => {
      const targets = readTargets(inputs.targets, halfRangeOf(ensemble, k));
      return phaseConfig({
        ensemble,
        bits: k,
        items,
        trials,
        seed: inputs.seed,
        ...(targets && { targets }),
      });
    });
}

function list(text: string): string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

/** Also 1e6. */
function integer(what: string, text: string): number {
  const value = text === "" ? NaN : Number(text);
  if (!Number.isInteger(value)) throw new RequestError(what, "an integer", text);
  return value;
}

function readItems(text: string): { from: number; to: number } {
  const [from = "", to = from, ...rest] = text.split("..").map((part) => part.trim());
  if (rest.length > 0) throw new RequestError("items", "N or A..B", text);
  return { from: integer("items", from), to: integer("items", to) };
}

function readTargets(text: string, halfRange: number): number[] | undefined {
  const targets = list(text).map((part) => {
    if (part === "M") return halfRange;
    if (part === "-M" || part === "−M") return -halfRange;
    return integer("targets", part);
  });
  return targets.length === 0 ? undefined : targets;
}
