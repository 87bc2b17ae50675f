// Cases of the kernels on given instances, which share their batches: `witness`, `count`, `smallest` and `meet`.

import fc from "fast-check";
import { batchWords, type Given, type GivenBatch } from "../oracle.ts";
import type { Case, EngineName, RandomCase } from "./parity.ts";

export type GivenKernel = GivenBatch["kernel"];

/** An instance whose targets are single sums. */
export const exactly = (items: readonly number[], ...sums: readonly number[]): Given => ({
  items,
  targets: sums.map((sum) => [sum, sum, sum]),
});

/** The same instance with every sum negated. */
const negated = ({ items, targets }: Given): Given => ({
  items: items.map((item) => -Number(item)),
  targets: targets.map(([from, to, center]) => [-Number(to), -Number(from), -Number(center)]),
});

/** Sixteen items with so few sums that tables end at bit `top`, seen from either end and with either sign. */
function endingAt(top: number, kernel: GivenKernel): Given[] {
  const size = Math.max(1, Math.floor(top / 7));
  const items = Array.from({ length: 16 }, (_, i) => size + (i % 3 === 0 ? 1 : 0));
  const total = items.reduce((sum, item) => sum + item);
  const near = {
    items,
    targets: [[top, top, top], ...(kernel === "smallest" ? [] : [[0, top, top >> 1]])],
  };
  const far = exactly(items, total - top);
  return [near, far, negated(near), negated(far)];
}

/** n small items, with targets at both ends and between them. */
function ofLength(n: number): Given {
  const items = Array.from({ length: n }, (_, i) => [1, -1, 2, 0, 1][i % 5]!);
  const total = (sign: number) => items.reduce((sum, item) => sum + Math.max(sign * item, 0), 0);
  return exactly(items, -total(-1), total(1), 0, (total(1) - total(-1)) >> 1, total(1) >> 1);
}

const lengths = (kernel: GivenKernel): number[] =>
  kernel === "meet"
    ? [0, 1, 2, 3, 15, 16, 17]
    : [0, 1, 31, 32, 33, 63, 64, 65].filter((n) => kernel !== "count" || n <= 64);

/** Tiny instances, to have more of them than workgroups. */
const tiny = (count: number): Given[] =>
  Array.from({ length: count }, (_, k) => exactly([(k % 7) - 3, 1], (k % 7) - 2));

/** The seams of every kernel on given instances. `on` names the engines, by default all. */
export function givenSeams(kernel: GivenKernel): Case[] {
  const batch = (instances: readonly Given[], options: Omit<GivenBatch, "kernel" | "instances"> = {}) =>
    batchWords({ kernel, instances, ...options });
  // The lists of `meet` do not depend on the sums.
  const tops = kernel === "meet" ? [1, 32, 129] : [1, 2, 31, 32, 33, 63, 64, 65, 127, 128, 129];
  const seams = [...tops.flatMap((top) => endingAt(top, kernel)), ...lengths(kernel).map(ofLength)];
  const larger = [255, 256, 257, 511, 512, 513].flatMap((top) => endingAt(top, kernel));
  const items = [5, -3, 8, 8, -1, 0, 2, 7];
  const sums = Array.from({ length: 35 }, (_, i) => i - 4).filter((sum) => sum <= 30);
  const many = exactly(items, ...sums, ...sums);
  const threads: readonly EngineName[] = kernel === "meet" ? [] : ["thread"];
  return [
    {
      title: "tables and masks of 1 to 129 bits, with masks and without",
      wide: true,
      works: () => [true, false].map((masks) => batch(seams, { masks })),
    },
    {
      title: "tables and masks of 1 to 129 bits, as the engine chooses to launch them, tiled or not",
      works: () => [batch(seams), batch(seams, { masks: false }), batch(seams.toReversed(), { tiles: true })],
      on: ["reference", "cpu", "gpu"],
    },
    ...(kernel === "meet"
      ? []
      : [
          {
            title: "tables of 255 to 513 bits",
            wide: true,
            works: () => [batch(larger)],
            on: ["reference", "cpu", "storage", "tiles"],
          } as const,
        ]),
    {
      title: "many targets of an instance without items between others",
      wide: true,
      works: () => [batch([many, exactly([], 0), many])],
    },
    {
      title: "one target alone",
      wide: true,
      works: () => [batch([exactly(items, 11)])],
      on: ["reference", "cpu", "threads", "gpu"],
    },
    {
      title: "100 instances, on a GPU that allows 9 workgroups",
      works: () => [batch(tiny(100))],
      maxWorkgroups: 9,
      on: ["reference", "cpu", ...threads, "workgroup", "tiles"],
    },
    {
      title: "1100 instances, more than have tables in storage at a time",
      works: () => [batch(tiny(1100))],
      on: ["reference", "cpu", "storage"],
    },
  ];
}

/** A few items of one magnitude with targets anywhere among their sums. */
const instance = fc
  .tuple(fc.nat({ max: 12 }), fc.constantFrom(1, 2, 9), fc.constantFrom(0, 1, -1))
  .chain(([n, magnitude, sign]) =>
    fc
      .tuple(
        fc.array(fc.integer({ min: sign > 0 ? 0 : -magnitude, max: sign < 0 ? 0 : magnitude }), {
          minLength: n,
          maxLength: n,
        }),
        fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(20), fc.nat(20)), {
          minLength: 1,
          maxLength: 4,
        }),
      )
      .map(([items, targets]): Given => {
        const low = items.reduce((sum, item) => sum + Math.min(item, 0), 0);
        const high = items.reduce((sum, item) => sum + Math.max(item, 0), 0);
        return {
          items,
          targets: targets.map(([where, below, above]) => {
            const center = Math.round(low + where * (high - low));
            return [Math.max(center - below, low), Math.min(center + above, high), center];
          }),
        };
      }),
  );

/** Larger than all random instances, so that a shader is compiled once for all of them. */
const anchor = exactly(new Array<number>(16).fill(20), 120, 121);

export const givenRandom = (kernel: GivenKernel): RandomCase[] => [
  {
    title: "random batches",
    wide: true,
    works: fc
      .tuple(fc.array(instance, { minLength: 20, maxLength: 40 }), fc.nat({ max: 5 }))
      .map(([drawn, repeated]) => {
        const instances =
          kernel === "smallest"
            ? drawn.map(({ items, targets }) =>
                exactly(items as number[], ...targets.map(([, , center]) => Number(center))),
              )
            : drawn;
        return [
          batchWords({
            kernel,
            instances: [...instances, anchor, ...instances.slice(0, repeated)],
            masks: repeated % 4 > 0,
          }),
        ];
      }),
    seed: 7,
    runs: 3,
    on: [
      "reference",
      "cpu",
      "threads",
      ...(kernel === "meet" ? [] : (["thread"] as const)),
      "workgroup",
      "storage",
      "tiles",
    ],
  },
];

/** Instances on which faults show, with further ones that a kernel needs. */
export const shown = (kernel: GivenKernel, more: readonly Given[] = []): GivenBatch => ({
  kernel,
  instances: [
    exactly([40, -33, 40, 7, 31, -5, 64, 0], 40, 71, -38, 100, 99),
    negated(exactly([40, -33, 40, 7, 31, -5, 64, 0], 40, 71, -38, 100, 99)),
    ...(kernel === "smallest"
      ? []
      : [
          {
            items: [10, 20, 40, 3, -50],
            targets: [
              [-30, 60, 26],
              [11, 31, 25],
              [2, 9, 5],
            ],
          },
          {
            items: [-10, -20, -40, -3, 50],
            targets: [
              [-60, 30, -25],
              [-31, -11, -25],
              [-9, -2, -5],
            ],
          },
        ]),
    exactly(new Array<number>(16).fill(3), 24, 23, 3),
    ...more,
  ],
});

/** An instance whose nearest sums are the same distance below and above the center. */
export const tie: Given = { items: [10, 20], targets: [[0, 30, 15]] };

const great = 2 ** 30 - 9;
/** Targets near both ends of sums that span almost 2^31. */
export const nearEnds: readonly Given[] = [
  exactly([great, 7, great, -3, 1], 2 * great + 5, 2 * great + 8),
  exactly([-great, -7, -great, 3, -1], -2 * great - 5, -2 * great - 8),
  exactly([great, 7, great], 7, 8),
];
