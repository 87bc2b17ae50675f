// The order of layers whose file holds them by name only: it follows from their shapes and from the numbers in their names, or is
// stated.

import { Described, RequestError } from "../errors.ts";
import { compareParts, partsOf, precedes } from "./names.ts";
import { quoted } from "./text.ts";

/** A layer to be ordered. */
export interface Link {
  /** Its name without the end that says `weight`. */
  readonly stem: string;
  /** The name of its matrix. */
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
}

/** The most layers that the search for an order tries in all, beyond the few that it needs where shapes decide. */
const MAX_TRIES = 100_000;
/** The most names of an order in an error. */
const MAX_NAMED = 12;

/**
 * The one order of layers in which each has as many inputs as the one before has outputs. Names that are equal up to a number are
 * in the order of their numbers, and the layers of a module, whose names begin with the same words before a dot or a slash,
 * follow one another.
 * @returns Undefined where no order is such.
 * @throws {RequestError} Where more than one is; names two, and the option by which one is stated.
 */
export function orderByShapes<Layer extends Link>(layers: readonly Layer[]): Layer[] | undefined {
  const orders = firstOrders(layers);
  if (orders === "too many")
    throw unsettled("very many layers that could follow one another", [
      layers.toSorted((a, b) => compareParts(partsOf(a.stem), partsOf(b.stem))),
    ]);
  if (orders.length > 1) throw unsettled("more than one", orders);
  return orders[0];
}

function unsettled(got: string, orders: readonly (readonly Link[])[]): RequestError {
  return new RequestError(
    "order of layers",
    "one that shapes and the numbers in names decide",
    new Described(got),
    orders.map((order) => ({
      option: "order",
      value: namesOf(order),
      because: `for the widths ${widthsOf(order)}`,
    })),
  );
}

function namesOf(order: readonly Link[]): string[] {
  const names = order.slice(0, MAX_NAMED).map(({ stem, name }) => stem || name);
  return order.length > MAX_NAMED ? [...names, "..."] : names;
}

/** `6 -> 2 -> 6`. */
function widthsOf(order: readonly Link[]): string {
  const widths = [order[0]!.columns, ...order.slice(0, MAX_NAMED).map(({ rows }) => rows)];
  return [...widths, ...(order.length > MAX_NAMED ? ["..."] : [])].join(" -> ");
}

/** The first two orders, by the order of names, that `orderByShapes` admits. */
function firstOrders<Layer extends Link>(layers: readonly Layer[]): Layer[][] | "too many" {
  const nodes = layers
    .map((layer) => ({ layer, parts: partsOf(layer.stem), modules: modulesOf(layer.stem), waits: 0 }))
    .toSorted((a, b) => compareParts(a.parts, b.parts));
  const later = nodes.map(({ parts }) => nodes.filter((other) => precedes(parts, other.parts)));
  for (const node of later.flat()) node.waits++;
  /** How many layers of each module are still to come. */
  const open = new Map<string, number>();
  const add = (module: string, count: number) => open.set(module, (open.get(module) ?? 0) + count);
  for (const { modules } of nodes) for (const module of modules) add(module, 1);
  const found: Layer[][] = [];
  const order: number[] = [];
  const used = new Set<number>();
  let tries = 0;
  const extend = (): void => {
    if (order.length === nodes.length) found.push(order.map((i) => nodes[i]!.layer));
    const last = nodes[order.at(-1) ?? -1];
    const module = last?.modules.findLast((name) => open.get(name)! > 0);
    for (let i = 0; i < nodes.length && found.length < 2 && tries <= MAX_TRIES; i++) {
      const { layer, modules, waits } = nodes[i]!;
      if (used.has(i) || waits > 0 || (last && layer.columns !== last.layer.rows)) continue;
      if (module !== undefined && !modules.includes(module)) continue;
      tries++;
      order.push(i);
      used.add(i);
      for (const other of later[i]!) other.waits--;
      for (const name of modules) add(name, -1);
      extend();
      for (const name of modules) add(name, 1);
      for (const other of later[i]!) other.waits++;
      used.delete(i);
      order.pop();
    }
  };
  extend();
  return tries > MAX_TRIES && found.length < 2 ? "too many" : found;
}

/** `a.b.` and `a.` of `a.b.c`, the outer one first. */
function modulesOf(stem: string): string[] {
  return Array.from(stem.matchAll(/[./]/g), ({ index }) => stem.slice(0, index + 1));
}

/**
 * The layers in a stated order.
 * @param order Each layer once, by its name, with or without the end that says `weight`.
 * @throws {RequestError} Names the first layer that is unknown, there twice, or missing.
 */
export function orderAsStated<Layer extends Link>(
  layers: readonly Layer[],
  order: readonly string[],
): Layer[] {
  const byName = new Map(
    layers.flatMap((layer) => [[layer.stem, layer] as const, [layer.name, layer] as const]),
  );
  const names = layers.map(({ stem, name }) => quoted(stem || name)).slice(0, MAX_NAMED);
  const known =
    names.join(", ") + (layers.length > MAX_NAMED ? ` and ${layers.length - MAX_NAMED} more` : "");
  const ordered = order.map((name) => {
    const layer = byName.get(name);
    if (!layer) throw new RequestError("order", `each of ${known} once`, name);
    return layer;
  });
  const twice = ordered.find((layer, i) => ordered.indexOf(layer) !== i);
  if (twice)
    throw new RequestError("order", `each of ${known} once`, new Described(`${quoted(twice.stem)} twice`));
  const missing = layers.find((layer) => !ordered.includes(layer));
  if (missing)
    throw new RequestError(
      "order",
      `each of ${known} once`,
      new Described(`no ${quoted(missing.stem || missing.name)}`),
    );
  return ordered;
}

/**
 * The order in the metadata of a file: an entry that lists each layer once, as JSON or between commas, or numbers each layer.
 * @returns Undefined where no entry does.
 * @throws {RequestError} Where two entries differ.
 */
export function orderInMetadata(
  layers: readonly Link[],
  metadata: Readonly<Record<string, unknown>>,
): string[] | undefined {
  const names = new Map(layers.flatMap(({ stem, name }) => [[stem, stem] as const, [name, stem] as const]));
  const orders = Object.values(metadata).flatMap((entry) => {
    const stems = listOf(entry)?.map((name) => names.get(name));
    const isWhole =
      stems?.length === layers.length && new Set(stems).size === layers.length && !stems.includes(undefined);
    return isWhole ? [stems as string[]] : [];
  });
  const [order] = orders;
  const other = orders.find((names) => names.some((name, i) => name !== order![i]));
  if (other)
    throw new RequestError(
      "metadata",
      "one order of layers",
      new Described(`${order!.join(",")} and ${other.join(",")}`),
      [order!, other].map((value) => ({ option: "order", value })),
    );
  return order;
}

/** The names in an entry of metadata: a list, or the names of numbers in the order of these. */
function listOf(entry: unknown): string[] | undefined {
  let value = entry;
  if (typeof entry === "string")
    try {
      value = JSON.parse(entry);
    } catch {
      value = entry.split(",").map((name) => name.trim());
    }
  if (Array.isArray(value)) return value.every((name) => typeof name === "string") ? value : undefined;
  if (typeof value !== "object" || value === null) return undefined;
  const numbered = Object.entries(value);
  const places = new Set(numbered.map(([, place]) => Number(place)));
  if (places.size < numbered.length || numbered.some(([, place]) => !/^\d+$/.test(String(place))))
    return undefined;
  return numbered.toSorted(([, a], [, b]) => Number(a) - Number(b)).map(([name]) => name);
}
