// exacta theory: moments, proven bounds and predictions, without simulation.

import { computeTheory } from "../../../src/experiments/theory.ts";
import { rangeText } from "../../../src/figures/phase.ts";
import type { TargetTheory, TheoryFinding } from "../../../src/finding.ts";
import { outputOf } from "../output.ts";
import { columns, significant, wrap } from "../reports/table.ts";
import { command } from "./command.ts";
import { instanceOptions, readRequests } from "./instances.ts";
import { jsonOption } from "./options.ts";

export const theoryCommand = command({
  name: "theory",
  summary: "Computes exact moments, proven bounds and limit laws of random instances, without simulation.",
  manual: `
Computes for [random instances](#random-instances), without a trial, the mean number of solutions E Y, proven lower and upper bounds on
the probability that a target is reachable, and two predictions of it. M is at most 2^12, for \`rnpp\` 2^22 - 1.`,
  examples: ["exacta theory --bits 6 --items 8..12 --targets 0,1,64"],
  options: { ...instanceOptions, ...jsonOption },
  async run(args) {
    const sweeps = readRequests(args).map((request) => computeTheory(request));
    const output = outputOf(args);
    for (const finding of sweeps.flat()) output.finding(finding);
    output.text(theoryTable(sweeps));
    return 0;
  },
});

/** The most targets whose paper statements fit a line. */
const MAX_STATED_TARGETS = 2;

/** The table, at most 100 columns wide: a block for each configuration and target. */
function theoryTable(sweeps: readonly (readonly TheoryFinding[])[]): string {
  const meaning = wrap(
    "n: the number of random items. lambda: log2 M - n + (1/2) log2 n. E Y: the mean number of solutions. lower, upper: proven bounds on P(target reachable), " +
      "each with the name of its proof. window, poisson: predictions of it. " +
      "Lemma 4: its bound on the probability of failure, which is 1 up to n = 128, and the largest |Lambda| that its proof covers. fitted: the follow-up paper's form of a bound for all targets at once, with constants that are fitted and not proven.",
  );
  return `${[meaning.join("\n"), ...sweeps.flatMap(theoryBlocks)].join("\n\n")}\n`;
}

function theoryBlocks(findings: readonly TheoryFinding[]): string[] {
  const [first] = findings as [TheoryFinding];
  const name = `${first.ensemble}, ${rangeText(first)}`;
  return [
    ...first.targets.map((_, t) => targetBlock(name, findings, t)),
    ...(first.perfect ? [perfectBlock(name, findings)] : []),
    paperBlock(name, findings),
  ];
}

/** The block of the target with index `t`. */
function targetBlock(name: string, findings: readonly TheoryFinding[], t: number): string {
  const [first] = findings as [TheoryFinding];
  const isSigned = first.ensemble === "rnpp";
  return [
    `${name}, ${isSigned ? "signed sum" : "target"} ${first.targets[t]!.target}`,
    "",
    ...columns([
      ["n", "lambda", "E Y", "lower", "by", ...(isSigned ? [] : ["window"]), "poisson", "upper", "by"],
      ...findings.map((finding) => {
        const { expected, lower, upper, predictions } = finding.targets[t]!;
        return [
          String(finding.items),
          lambdaText(finding),
          significant(expected),
          significant(lower.value),
          lower.name,
          ...(isSigned ? [] : [predicted(predictions, "window")]),
          predicted(predictions, "poisson"),
          significant(upper.value),
          upper.name,
        ];
      }),
    ]),
  ].join("\n");
}

function perfectBlock(name: string, findings: readonly TheoryFinding[]): string {
  return [
    `${name}, perfect partition (signed sum -1, 0 or 1)`,
    "",
    ...columns([
      ["n", "lambda", "lower", "limit", "poisson", "upper"],
      ...findings.map((finding) => [
        String(finding.items),
        lambdaText(finding),
        significant(finding.perfect?.lower),
        predicted(finding.perfect?.predictions ?? [], "window"),
        predicted(finding.perfect?.predictions ?? [], "poisson"),
        significant(finding.perfect?.upper),
      ]),
    ]),
  ].join("\n");
}

/** What the paper states as n grows: for signed sums Lemma 1, for subset sums Lemma 4. */
function paperBlock(name: string, findings: readonly TheoryFinding[]): string {
  const [first] = findings as [TheoryFinding];
  const isSigned = first.ensemble === "rnpp";
  return [
    `${name}, statements of the paper as n grows${isSigned ? ": E Y, and the bounds on P of Lemma 1" : ""}`,
    "",
    ...columns([
      [
        "n",
        ...first.targets
          .slice(0, MAX_STATED_TARGETS)
          .flatMap(({ target }) => [`E Y(${target})`, ...(isSigned ? ["low", "high"] : [])]),
        ...(isSigned ? [] : ["Lemma 4: failure", "|Lambda| up to", "fitted"]),
      ],
      ...findings.map(({ items, targets, covered, lemma4 }) => [
        String(items),
        ...targets
          .slice(0, MAX_STATED_TARGETS)
          .flatMap(({ paper }) => [
            significant(paper?.expected),
            ...(isSigned ? [significant(paper?.low), significant(paper?.high)] : []),
          ]),
        ...(isSigned
          ? []
          : [significant(lemma4?.failure), significant(lemma4?.halfWidth), significant(covered?.followUp)]),
      ]),
    ]),
  ].join("\n");
}

function lambdaText({ lambda }: TheoryFinding): string {
  return lambda?.toFixed(3) ?? "";
}

function predicted(predictions: TargetTheory["predictions"], name: string): string {
  return significant(predictions.find((prediction) => prediction.name === name)?.value);
}
