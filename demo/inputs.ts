// The inputs of the page as texts of its address, and the configurations that they request.

import { RequestError } from "../src/errors.ts";
import { ensembles, halfRangeOf, isProduct, type Ensemble } from "../src/ensemble.ts";
import { phaseConfig, type PhaseConfig } from "../src/experiments/phase.ts";

const defaults = {
  ensemble: "rssp",
  /** The bits k of the half range, separated by commas: a curve for each. */
  bits: "4,6,8",
  /** The numbers of items, as N or A..B. */
  items: "1..22",
  /** Integers separated by commas; M is the half range. Without any, the experiment chooses the targets. */
  targets: "1,M",
  trials: "200000",
  seed: "1",
  engine: "auto",
};

export type Inputs = typeof defaults;

/** The names of the inputs, in the address and as fields of the form. */
export const names = Object.keys(defaults) as readonly (keyof Inputs)[];

/** The inputs of an address, with defaults for the names that it omits. */
export function readAddress(search: string): Inputs {
  const given = new URLSearchParams(search);
  const inputs = { ...defaults };
  for (const name of names) inputs[name] = given.get(name)?.trim() ?? inputs[name];
  return inputs;
}

/** The query that `readAddress` reads back. Commas are not escaped, so that the address is legible. */
export function writeAddress(inputs: Inputs): string {
  return `?${names.map((name) => `${name}=${encodeURIComponent(inputs[name]).replaceAll("%2C", ",")}`).join("&")}`;
}

/** The most bits that the page offers. With more, a trial takes too long for a live curve. */
export function mostBits(ensemble: string): number {
  return isProduct(ensemble as Ensemble) ? 10 : 14;
}

const pageEngines = ["auto", "gpu", "cpu"] as const;
export type PageEngine = (typeof pageEngines)[number];

/**
 * The requested engine.
 * @throws {RequestError} for an engine that the page does not offer.
 */
export function readEngine({ engine }: Inputs): PageEngine {
  const known = pageEngines.find((name) => name === engine);
  if (!known) throw new RequestError("engine", `one of ${pageEngines.join(", ")}`, engine);
  return known;
}

/**
 * One configuration for each k, in ascending order.
 * @throws {RequestError} with the name of the wrong input.
 */
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

/** Reads an integer, which may have an exponent, as 1e6. */
function integer(field: string, text: string): number {
  const value = text === "" ? NaN : Number(text);
  if (!Number.isInteger(value)) throw new RequestError(field, "an integer", text);
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
