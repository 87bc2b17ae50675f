// From the nodes that a model was read into to the nodes of a graph.

import { RequestError } from "../../errors.ts";
import type { Shape } from "../../graph/model.ts";
import { MAX_WEIGHTS, type GivenLayer } from "../given.ts";
import type { GivenGraph, GivenNode } from "../givenGraph.ts";
import type { ClosedLayer } from "./affine.ts";
import { INPUT_ORIGIN, type LayerOrigin, type NodeOrigin, type Origin } from "./origin.ts";

/** A layer, with the name of its operator where no matrix of the model gives it one. */
export function closed({ what, map, rows }: LayerOrigin, isShared: boolean): ClosedLayer {
  const result = map.close(rows, isShared);
  return result.layer.name ? result : { ...result, layer: { ...result.layer, name: what } };
}

/** The layers between the input and `output` where they are dense and follow one another; undefined for other networks. */
export function chainTo(output: Origin): LayerOrigin[] | undefined {
  const layers: LayerOrigin[] = [];
  for (let origin = output; origin.kind !== "input"; origin = origin.from[0]!) {
    if (origin.kind !== "layer" || origin.image) return undefined;
    layers.push(origin);
  }
  return layers.toReversed();
}

/** All nodes that `output` depends on, each behind those that it reads. */
function inOrder(output: NodeOrigin): NodeOrigin[] {
  const nodes = new Set<Origin>([INPUT_ORIGIN]);
  const stack: Origin[] = [output];
  while (stack.length > 0) {
    const top = stack.at(-1)! as NodeOrigin;
    const missing = nodes.has(top) ? undefined : top.from.find((origin) => !nodes.has(origin));
    if (missing) stack.push(missing);
    else nodes.add(stack.pop()!);
  }
  return [...nodes].slice(1) as NodeOrigin[];
}

/**
 * The nodes of a graph. Nodes that flatten images are put in front of dense layers.
 * @param image The shape of the input where it is an image.
 * @throws {RequestError} For too many weights: several layers may have the numbers of one tensor.
 */
export function graphOf(
  output: NodeOrigin,
  image: Shape | undefined,
): Pick<GivenGraph, "input" | "nodes" | "integer"> {
  const origins = inOrder(output);
  const weights = origins.reduce(
    (sum, origin) => sum + (origin.kind === "layer" ? origin.map.weightsOf(origin.rows) : 0),
    0,
  );
  if (weights > MAX_WEIGHTS) throw new RequestError("graph", `at most ${MAX_WEIGHTS} weights`, weights);
  const layers = new Map(
    origins.flatMap((origin) => (origin.kind === "layer" ? [[origin, closed(origin, true)] as const] : [])),
  );
  const areExact = [...layers.values()].every(({ exact }) => exact);
  const integer =
    areExact && origins.every((origin) => origin.kind !== "add") && !hasLateBias(origins, layers);
  const input = image ?? [featuresOf(origins, layers)];
  const nodes: GivenNode[] = [];
  const values = new Map<Origin, number>([[INPUT_ORIGIN, 0]]);
  const flattened = new Map<number, number>();
  const shapeOf = (value: number) => (value === 0 ? input : nodes[value - 1]!.shape);
  /** The value of a node, flattened for one that reads features. */
  const read = (origin: Origin, what: string, readsFeatures: boolean): number => {
    const value = values.get(origin)!;
    const shape = shapeOf(value);
    if (!readsFeatures || shape.length === 1) return value;
    if (!flattened.has(value)) {
      nodes.push({ kind: "flatten", what, from: [value], shape: [shape[0] * shape[1] * shape[2]] });
      flattened.set(value, nodes.length);
    }
    return flattened.get(value)!;
  };
  for (const origin of origins) {
    const { what, shape, relu } = origin;
    const from = origin.from.map((value) => read(value, what, shape.length === 1));
    if (origin.kind === "layer") {
      const { window, groups = 1 } = origin.image ?? {};
      const layer = scaled(layers.get(origin)!, integer, areExact);
      nodes.push({ kind: window ? "conv" : "dense", what, from, shape, layer, window, groups, relu });
    } else if (origin.kind === "max-pool")
      nodes.push({ kind: origin.kind, what, from, shape, window: origin.window });
    else if (origin.kind === "add") nodes.push({ kind: origin.kind, what, from, shape, relu });
    else {
      const { kind, window, countPadding } = origin;
      nodes.push({ kind, what, from, shape, window, countPadding, relu });
    }
    values.set(origin, nodes.length);
  }
  return { input, nodes, integer };
}

/** The features of the input, as nodes take them. */
function featuresOf(origins: readonly NodeOrigin[], layers: ReadonlyMap<LayerOrigin, ClosedLayer>): number {
  const reader = origins.find(({ from }) => from.includes(INPUT_ORIGIN))!;
  return reader.kind === "layer" ? layers.get(reader)!.layer.columns : reader.shape[0];
}

/** Integers beside real numbers stay as they are, with a scale of 1. */
export function scaled(
  { layer, exact, hasMatrix }: ClosedLayer,
  isInteger: boolean,
  areExact: boolean,
): GivenLayer {
  if (isInteger || !exact || !(hasMatrix || areExact)) return layer;
  return { ...layer, scales: new Float64Array(layer.rows).fill(1) };
}

/** Whether a layer behind another one has a bias, which would need the scale of the layers before it. */
function hasLateBias(origins: readonly NodeOrigin[], layers: ReadonlyMap<LayerOrigin, ClosedLayer>): boolean {
  const isBehind = new Set<Origin>();
  return origins.some((origin) => {
    const isLate = origin.from.some((read) => isBehind.has(read));
    if (isLate || origin.kind === "layer") isBehind.add(origin);
    return isLate && origin.kind === "layer" && (layers.get(origin)!.layer.biases?.some(Boolean) ?? false);
  });
}
