// Every kernel on a GPU, and the launches that may serve a piece of work.

import { kernelNames, type KernelName } from "../../../src/kernels/index.ts";
import type { Values } from "../../../src/kernel.ts";
import type { Work, WorkOf } from "../../../src/plan.ts";
import {
  maxDispatchMs,
  type DeviceProfile,
  type GpuKernel,
  type Launch,
  type VariantName,
} from "../launch.ts";

/** The modules beside this one. Module `<kernel>.ts` exports the row `<kernel>`. */
const modules = import.meta.glob<Readonly<Record<string, unknown>>>("./*.ts", { eager: true });

/** @throws {Error} Where a kernel of src/kernels/index.ts has no row. */
function rowOf(kernel: KernelName): unknown {
  const row = modules[`./${kernel}.ts`]?.[kernel];
  if (!row) throw new Error(`kernel ${kernel}: host/gpu/kernels/${kernel}.ts exports no row ${kernel}`);
  return row;
}

// Every module declares the type of its row.
const gpuKernels = Object.fromEntries(kernelNames.map((kernel) => [kernel, rowOf(kernel)])) as {
  readonly [K in KernelName]: GpuKernel<K>;
};

/** The names of a kernel's variants, in order of preference. */
export const variantsOf = (kernel: KernelName): VariantName[] =>
  gpuKernels[kernel].variants.map(({ name }) => name);

/**
 * The launches that may serve the work, the most promising first. None has a dispatch that is longer than the device allows, by
 * estimate. A variant that is a last resort serves only where no other fits. `variant` forces one, where the kernel has it.
 */
export function launchesOf<K extends KernelName>(
  work: WorkOf<K>,
  device: DeviceProfile,
  variant?: VariantName,
): readonly Launch[] {
  const { variants, suitable }: GpuKernel<K> = gpuKernels[work.kernel];
  const forced = variants.filter(({ name }) => name === variant);
  const names = suitable?.(work);
  const candidates =
    forced.length > 0 ? forced : names ? variants.filter(({ name }) => names.includes(name)) : variants;
  const launches = candidates.map(({ lastResort, ...candidate }) => ({
    lastResort,
    found: candidate
      .launches(work, device)
      .filter(({ milliseconds }) => milliseconds <= maxDispatchMs(device)),
  }));
  const fast = launches.filter(({ lastResort }) => !lastResort).flatMap(({ found }) => found);
  return fast.length > 0 ? fast : launches.flatMap(({ found }) => found).slice(0, 1);
}

/** A small piece of work for a kernel. */
export const sampleWork = <K extends KernelName>(kernel: K): WorkOf<K> => gpuKernels[kernel].sample();

/**
 * The launch that a device gets for a variant of a kernel and a small sample of work: plain WGSL, constants, and the fallback
 * pass. The WGSL is the same for all work, except that `forward` has another program for wide numbers; constants depend on the
 * work. Undefined where the device lacks memory or a feature.
 */
export const sampleLaunch = (
  kernel: KernelName,
  variant: VariantName,
  device: DeviceProfile,
): Launch | undefined =>
  launchesOf(sampleWork(kernel), device, variant).find((launch) => launch.variant === variant);

/** The units of work, as `unitParam` counts them. */
export function unitsOf(work: Work): number {
  const params: Values<string> = work.params;
  return params[gpuKernels[work.kernel].unitParam]!;
}

/** The same work with `units` units: more or fewer trials, or the first instances, demands or inputs. */
export function withUnits<W extends Work>(work: W, units: number): W {
  return { ...work, params: { ...work.params, [gpuKernels[work.kernel].unitParam]: units } };
}

const roundUpToPowerOfTwo = (value: number) => (value > 0 ? 2 ** Math.ceil(Math.log2(value)) : 0);

/** The tuner's key: kernel and sizes, rounded up to powers of two. Work with the same key is given the same launch. */
export function tuningKey(work: Work): string {
  const params: Values<string> = work.params;
  const names: readonly string[] = gpuKernels[work.kernel].tuningParams;
  const sizes = names.map((name) => `${name} ${roundUpToPowerOfTwo(params[name]!)}`);
  if (work.kernel === "reach")
    sizes.push(work.params.itemsFrom === work.params.itemsTo ? "one number of items" : "several numbers");
  return `${work.kernel}: ${sizes.join(", ")}`;
}

/** A label that tells a launch from others that fit the same work. */
export function launchLabel({ variant, constants, fallback }: Launch): string {
  const { WIDTH, PRODUCTS, ACROSS, DOWN, HALVES } = constants;
  return [
    variant,
    ...(WIDTH ? [WIDTH] : []),
    ...(PRODUCTS ? ["by products"] : []),
    ...(ACROSS ? [`${ACROSS}x${DOWN}`] : []),
    ...(HALVES === 1 ? ["with one half"] : []),
    ...(fallback ? ["and the rest"] : []),
  ].join(" ");
}
