// exacta theory: moments, proven bounds and predictions, without simulation.

import { computeTheory } from "../../../src/experiments/theory.ts";
import { rangeText } from "../../../src/figures/phase.ts";
import type { TargetTheory, TheoryFinding } from "../../../src/finding.ts";
import { readRequests, type InstanceArguments } from "../formats/arguments.ts";
import { columns, significant, wrap } from "../reports/table.ts";

export interface TheoryArguments extends InstanceArguments {
  json?: boolean;
}

/** Runs the command and returns its exit status. Throws TypeError or RangeError for a request that cannot be met. */
export async function runTheory(args: TheoryArguments): Promise<number> {
  const findings = readRequests(args).flatMap((request) => computeTheory(request));
  process.stdout.write(
    args.json ? findings.map((finding) => `${JSON.stringify(finding)}\n`).join("") : theoryTable(findings),
  );
  return 0;
}

/** The most targets whose statements fit a line. */
const STATED = 2;

/** The table of `exacta theory`, at most 100 columns wide: a block for each configuration and target. */
function theoryTable(findings: readonly TheoryFinding[]): string {
  const meaning = wrap(
    "n: number of random items. lambda: log2 M - n + (1/2) log2 n. E Y: mean number of solutions. P(target reachable) " +
      "lies between lower and upper, which are proven, each by the bound beside it; window and poisson predict it. " +
      "Lemma 4 says nothing up to n = 128; its proof asks for a total Lambda of no more than so much. covered: the follow-up paper's bound for all targets, with constants that fit exact counts but are not proven.",
  );
  const blocks = new Map<number, TheoryFinding[]>();
  for (const finding of findings)
    blocks.set(finding.halfRange, [...(blocks.get(finding.halfRange) ?? []), finding]);
  return `${[meaning.join("\n"), ...[...blocks.values()].flatMap(theoryBlocks)].join("\n\n")}\n`;
}

function theoryBlocks(findings: readonly TheoryFinding[]): string[] {
  const [first] = findings as [TheoryFinding];
  const name = `${first.ensemble}, ${rangeText(first)}`;
  const signed = first.ensemble === "rnpp";
  const blocks = first.targets.map(({ target }, t) =>
    [
      `${name}, ${signed ? "signed sum" : "target"} ${target}`,
      "",
      ...columns([
        ["n", "lambda", "E Y", "lower", "by", ...(signed ? [] : ["window"]), "poisson", "upper", "by"],
        ...findings.map((finding) => {
          const { expected, lower, upper, predictions } = finding.targets[t]!;
          return [
            String(finding.items),
            lambdaText(finding),
            significant(expected),
            significant(lower.value),
            lower.name,
            ...(signed ? [] : [predicted(predictions, "window")]),
            predicted(predictions, "poisson"),
            significant(upper.value),
            upper.name,
          ];
        }),
      ]),
    ].join("\n"),
  );
  const perfect = [
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
  const stated = first.targets.slice(0, STATED);
  const paper = [
    `${name}, what the paper states as n grows${signed ? ": E Y, and the sides of P by Lemma 1" : ""}`,
    "",
    ...columns([
      [
        "n",
        ...stated.flatMap(({ target }) => [`E Y(${target})`, ...(signed ? ["low", "high"] : [])]),
        ...(signed ? [] : ["Lemma 4: failure", "|Lambda| up to", "covered"]),
      ],
      ...findings.map(({ items, targets, covered, lemma4 }) => [
        String(items),
        ...targets
          .slice(0, STATED)
          .flatMap(({ paper }) => [
            significant(paper?.expected),
            ...(signed ? [significant(paper?.low), significant(paper?.high)] : []),
          ]),
        ...(signed
          ? []
          : [significant(lemma4?.failure), significant(lemma4?.halfWidth), significant(covered?.followUp)]),
      ]),
    ]),
  ].join("\n");
  return [...blocks, ...(first.perfect ? [perfect] : []), paper];
}

function lambdaText({ lambda }: TheoryFinding): string {
  return lambda?.toFixed(3) ?? "";
}

function predicted(predictions: TargetTheory["predictions"], name: string): string {
  return significant(predictions.find((prediction) => prediction.name === name)?.value);
}
