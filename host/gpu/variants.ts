// The variants of every kernel, smallest table first, and which of them serves.

import type { KernelName } from "../../src/kernels/index.ts";
import type { Work } from "../../src/plan.ts";
import { layers } from "./forward.ts";
import { instanceFits, isTiled } from "./instances.ts";
import { pruneFits } from "./prune.ts";
import { variantNames, type Fits, type Room, type Shape, type VariantName } from "./shape.ts";
import { trials } from "./trials.ts";

const fitsOf: Record<KernelName, Fits> = {
  reach: trials,
  forward: layers,
  prune: pruneFits,
  ...instanceFits,
};

/** The variants of a kernel. */
export const variantsOf = (kernel: KernelName): VariantName[] =>
  variantNames.filter((name) => fitsOf[kernel][name]);

/** Variants that are slow, and serve where no other has room. */
const LAST: readonly VariantName[] = ["storage"];

/** What may serve the work, the likeliest first: shapes of the variant of that name where the kernel has it. */
export function shapesOf(work: Work, room: Room, name?: VariantName): readonly Shape[] {
  const fits = fitsOf[work.kernel];
  const shapes = (names: readonly VariantName[]) =>
    names.flatMap((candidate) => fits[candidate]?.(work, room) ?? []);
  if (name && fits[name]) return shapes([name]);
  if (isTiled(work)) return shapes(["tiles"]);
  const fast = shapes(variantNames.filter((candidate) => candidate !== "tiles" && !LAST.includes(candidate)));
  return fast.length > 0 ? fast : shapes(LAST);
}

/** The likeliest of them. */
export const shapeOf = (work: Work, room: Room, name?: VariantName): Shape | undefined =>
  shapesOf(work, room, name)[0];
