// Figures of required findings: items against the precision, and against the probability of failure.

import type { RequiredFinding } from "../finding.ts";
import { probabilityText, type Figure, type FigurePoint } from "./figure.ts";

/** The names of the pools in titles. */
export const poolNames: Record<RequiredFinding["pool"], string> = {
  uniform: "uniform items",
  products: "products",
  support: "rejected products, counted after rejection",
};

/** The fewest items of a finding, with the items that its intervals allow for. */
function pointOf(
  x: number,
  { items, decided, itemsLow, itemsHigh, itemsTo }: RequiredFinding,
): FigurePoint[] {
  if (items === undefined) return [];
  const slack = decided || itemsLow !== undefined ? 0 : 1;
  return [
    { x, y: items, low: itemsLow ?? items - slack, high: itemsHigh ?? Math.min(items + slack, itemsTo) },
  ];
}

const distinct = <T>(list: readonly T[]) => [...new Set(list)];

/**
 * Two figures for each pool: a curve for each failure against k, and one for each k against the failure.
 *
 * n items have 2^n subsets, so that on average a target of -M..M is missed with probability 1 - 2^n / (2 M + 1) at least. The
 * bound is that of the largest failure, which holds for the others too.
 */
export function requiredFigures(findings: readonly RequiredFinding[]): Figure[] {
  return distinct(findings.map(({ pool }) => pool)).flatMap((pool) => {
    const mine = findings.filter((finding) => finding.pool === pool);
    const [bits, failures] = [
      distinct(mine.map((finding) => finding.bits)).toSorted((a, b) => a - b),
      distinct(mine.map(({ failure }) => failure)).toSorted((a, b) => b - a),
    ];
    const textOf = probabilityText(failures);
    const most = Math.max(1, ...mine.map(({ items, itemsHigh }) => itemsHigh ?? items ?? 0));
    const y = { label: "items, n", domain: [0, Math.ceil(most * 1.05)] as const };
    const dots = "measured; bands are the items that 95 % intervals allow for";
    const name = poolNames[pool];
    return [
      ...(bits.length > 1
        ? [
            {
              title: `Required items against the precision, ${name}`,
              caption:
                "The fewest random items with which each target of -M..M is missed with at most the probability of the curve.",
              x: { label: "k, for M = 2^k", symbol: "k" },
              y,
              legend: "P(the worst target is missed)",
              dots,
              series: failures.map((failure) => ({
                name: textOf(failure),
                points: bits.flatMap((k) =>
                  mine
                    .filter((one) => one.bits === k && one.failure === failure)
                    .flatMap((one) => pointOf(k, one)),
                ),
                lines: [],
              })),
              lines: [
                {
                  kind: "bound" as const,
                  side: "lower" as const,
                  name: `log2 ((2M + 1) (1 - ${failures[0]})): fewer items have too few subsets`,
                  points: bits.map((k) => ({
                    x: k,
                    y: mine.find((one) => one.bits === k)!.information + Math.log2(1 - failures[0]!),
                  })),
                },
              ],
            },
          ]
        : []),
      ...(failures.length > 2
        ? [
            {
              title: `Required items against the failure, ${name}`,
              caption:
                "The fewest random items against the logarithm of the probability. Where a curve is straight, failure falls exponentially with the items.",
              x: { label: "−log10 P(the worst target is missed)", symbol: "−log10 P", real: true },
              y,
              legend: "Precision k",
              dots,
              series: bits.map((k) => ({
                name: `k = ${k}`,
                bits: k,
                points: failures.flatMap((failure) =>
                  mine
                    .filter((one) => one.bits === k && one.failure === failure)
                    .flatMap((one) => pointOf(-Math.log10(failure), one)),
                ),
                lines: [],
              })),
            },
          ]
        : []),
    ];
  });
}
