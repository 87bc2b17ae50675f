// The variants of every kernel, smallest table first, and which of them serves.

import type { KernelName } from "../../src/kernels/index.ts";
import type { Work } from "../../src/plan.ts";
import { layers } from "./forward.ts";
import { instanceFits, orderOf } from "./instances.ts";
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

/** The variant of that name where the kernel has it, otherwise the first that suits and fits. */
export function shapeOf(work: Work, room: Room, name?: VariantName): Shape | undefined {
  const fits = fitsOf[work.kernel];
  const order = work.kernel in instanceFits ? orderOf(work) : variantNames;
  const candidates = name && fits[name] ? [name] : order;
  for (const candidate of candidates) {
    const shape = fits[candidate]?.(work, room);
    if (shape) return shape;
  }
  return undefined;
}
