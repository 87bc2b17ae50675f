// The variants of every kernel, smallest table first, and which of them serves.

import type { KernelName } from "../../../src/kernels/index.ts";
import type { Work } from "../../../src/plan.ts";
import { layers } from "./forward.ts";
import { instanceFits, orderOf } from "./tables.ts";
import { pruneFits } from "./prune.ts";
import { variantNames, type Fits, type Room, type Shape, type VariantName } from "../launch.ts";
import { trials } from "./reach.ts";

const fitsOf: Record<KernelName, Fits> = {
  reach: trials,
  forward: layers,
  prune: pruneFits,
  ...instanceFits,
};

/** The variants of a kernel. */
export const variantsOf = (kernel: KernelName): VariantName[] =>
  variantNames.filter((name) => fitsOf[kernel][name]);

/** Variants that serve where no other has room: they are slower, or too much for what they are asked. */
const LAST: ReadonlySet<VariantName> = new Set(["storage", "tiles"]);

/** What may serve the work, the likeliest first: shapes of the variant of that name where the kernel has it. */
export function shapesOf(work: Work, room: Room, name?: VariantName): readonly Shape[] {
  const fits = fitsOf[work.kernel];
  const order = work.kernel in instanceFits ? orderOf(work) : variantNames;
  const names = name && fits[name] ? [name] : order;
  const shapes = names.flatMap((candidate) => fits[candidate]?.(work, room) ?? []);
  const fast = shapes.filter((shape) => !LAST.has(shape.name));
  return fast.length > 0 ? fast : shapes.slice(0, 1);
}

/** The likeliest of them. */
export const shapeOf = (work: Work, room: Room, name?: VariantName): Shape | undefined =>
  shapesOf(work, room, name)[0];

/** The parameter that says how much work there is, and how much of it the first measurement is given. */
export const unitOf: Record<KernelName, string> = {
  reach: "count",
  witness: "instances",
  count: "instances",
  smallest: "instances",
  meet: "instances",
  prune: "demands",
  forward: "samples",
};

/** Parameters that say how large a piece of it is. */
const measures: Record<KernelName, readonly string[]> = {
  reach: ["halfRange", "extent", "itemsTo", "targets"],
  witness: ["longest", "sums", "masks"],
  count: ["longest", "sums"],
  smallest: ["longest", "sums", "masks"],
  meet: ["longest"],
  prune: ["group", "sums", "sparse"],
  forward: ["columns", "group", "rows", "wide"],
};

const upTo = (value: number) => (value > 0 ? 2 ** Math.ceil(Math.log2(value)) : 0);

/** What work has in common that is best served by the same shape: the kernel, and sizes up to a power of two. */
export function sizeOf({ kernel, params }: Work): string {
  const sizes = measures[kernel].map((name) => `${name} ${upTo(params[name]!)}`);
  if (kernel === "reach")
    sizes.push(params.itemsFrom === params.itemsTo ? "one number of items" : "several numbers");
  return `${kernel}: ${sizes.join(", ")}`;
}

/** What tells a shape from others that fit the same work. */
export function labelOf({ name, constants, rest }: Shape): string {
  return [name, ...(constants.WIDTH ? [constants.WIDTH] : []), ...(rest ? ["and the rest"] : [])].join(" ");
}
