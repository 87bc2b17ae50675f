// exacta theory: moments, proven bounds and predictions, without simulation.

import { RequestError } from "../../../src/errors.ts";
import { depthFinding } from "../../../src/experiments/depth.ts";
import { computeTheory, type TheoryRequest } from "../../../src/experiments/theory.ts";
import { rangeText } from "../../../src/figures/phase.ts";
import type { DepthFinding, TargetTheory, TheoryFinding } from "../../../src/finding.ts";
import { proofs } from "../../../src/theory/envelope.ts";
import { given, readList, readNumber } from "../formats/arguments.ts";
import { outputOf } from "../output.ts";
import { ensembleSentences } from "../reports/ensembles.ts";
import { columns, counted, grouped, significant, wrap } from "../reports/table.ts";
import { command, flag, value, type ArgumentsOf } from "./command.ts";
import { instanceOptions, readRequests } from "./instances.ts";
import { jsonOption } from "./options.ts";

const options = {
  ...instanceOptions,
  total: value("number", "Lambda, the sum of all items that Lemmas 2 and 3 are about; for rssp", "none"),
  width: value("number", "d, inputs and outputs of the layers of Theorem 3", "1"),
  depthConstruction: flag(
    "how wide binary random networks are in two layers and in depth, for weights of --bits",
  ),
  ...jsonOption,
};

export const theoryCommand = command({
  name: "theory",
  summary: "Computes exact moments, proven bounds and limit laws of random instances, without simulation.",
  manual: `
Computes for [random instances](#random-instances), without a trial, the mean number of solutions E Y, proven lower and upper bounds on
the probability that a target is reachable, and two predictions of it. M is at most 2^12, for \`rnpp\` 2^22 - 1.

Below are the statements of Kumar & Natale. Most hold as n grows, and beside them are exact values. For \`rnpp\`: the first two moments of
Theorem 4 and the sides of Lemma 1, for M of 2 or more. For subset sums: Lemma 4, the form of the follow-up paper with fitted constants,
and Theorem 3 with Corollary 1. With \`--total\` they are about instances whose items add up to Lambda: by Lemma 2 as many signs have
the sum Lambda - 2 t as subsets have the sum t, and Lemma 3 bounds P for all t but 0 and Lambda.

With \`--depth-construction\` a table compares how wide binary random networks are that contain a weight of \`--bits\` (1..8 by default), in
two layers and in depth (\`exacta ticket --depth-construction\`).`,
  examples: [
    "exacta theory --bits 6 --items 8..12 --targets 0,1,64",
    "exacta theory --bits 6 --items 12 --targets 1,64 --total 20 --width 8",
  ],
  options,
  async run(args) {
    if (args.depthConstruction) return runDepth(args);
    const sweeps = readRequests(args).map((request) =>
      computeTheory(
        given<TheoryRequest>({ ...request, total: readNumber(args.total), width: readNumber(args.width) }),
      ),
    );
    const output = outputOf(args);
    for (const finding of sweeps.flat()) output.finding(finding);
    output.text(theoryTable(sweeps, args.total));
    return 0;
  },
});

/** The bits of weights whose widths are listed by default. */
const DEPTH_BITS = "1..8";

function runDepth(args: ArgumentsOf<typeof options>): number {
  const { bits, json } = args;
  for (const [name, given] of Object.entries(args))
    if (given !== undefined && !["bits", "json", "depthConstruction"].includes(name))
      throw new RequestError(name, "none with --depth-construction", given);
  const findings = readList(bits ?? DEPTH_BITS, "bits").map(depthFinding);
  const output = outputOf({ ...(json && { json }) });
  for (const finding of findings) output.finding(finding);
  output.text(depthTable(findings));
  return 0;
}

function depthTable(findings: readonly DepthFinding[]): string {
  const [{ widths }] = findings as [DepthFinding];
  const header = widths.flatMap(({ probability }) => [`P = ${probability}: units`, "copies", "rows"]);
  return `${[
    ...wrap(
      "How wide a random network of weights -1 and 1 is that contains a weight of k bits, uniform on -2^k..2^k, for both signs of its input. " +
        "units: hidden units of two layers. copies: copies of each power of two in depth, with k + 2 random layers. rows: the rows of their widest layer.",
    ),
    "",
    ...columns([
      ["k", "layers", ...header],
      ...findings.map(({ targetBits, layers, widths: of }) => [
        String(targetBits),
        String(layers),
        ...of.flatMap(({ pairUnits, copies, rows }) => [pairUnits, copies, rows].map(grouped)),
      ]),
    ]),
  ].join("\n")}\n`;
}

/** The most targets whose paper statements fit a line. */
const MAX_STATED_TARGETS = 2;

/** The table, at most 100 columns wide: a block for each configuration and target. */
function theoryTable(sweeps: readonly (readonly TheoryFinding[])[], total: string | undefined): string {
  const meaning = wrap(
    "n: the number of random items. lambda: log2 M - n + (1/2) log2 n. E Y: the mean number of solutions. lower, upper: proven bounds on P(target reachable), " +
      "each with the name of its proof. window: the window law, a limit of P as n grows at fixed lambda, with corrections. " +
      "poisson: P if the number of solutions were Poisson distributed with its exact mean. " +
      "Lemma 4: its bound on the probability of failure, which is 1 up to n = 128, and the largest |Lambda| that its proof covers. fitted: the follow-up paper's form of a bound for all targets at once, with constants that are fitted and not proven.",
  );
  const names = new Set(
    sweeps.flat().flatMap(({ targets }) => targets.flatMap(({ lower, upper }) => [lower.name, upper.name])),
  );
  const proofTexts = Object.entries(proofs)
    .filter(([name]) => names.has(name as keyof typeof proofs))
    .map(([name, text]) => `${name}: ${text}.`);
  meaning.push(...wrap(proofTexts.join(" ")));
  meaning.push(...ensembleSentences(sweeps.map(([first]) => first!.ensemble)));
  return `${[meaning.join("\n"), ...sweeps.flatMap((findings) => theoryBlocks(findings, total))].join("\n\n")}\n`;
}

function theoryBlocks(findings: readonly TheoryFinding[], total: string | undefined): string[] {
  const [first] = findings as [TheoryFinding];
  const name = `${first.ensemble}, ${rangeText(first)}`;
  return [
    ...first.targets.map((_, t) => targetBlock(name, findings, t)),
    ...(first.perfect ? [perfectBlock(name, findings)] : []),
    paperBlock(name, findings),
    ...givenBlocks(name, findings, total),
    ...layersText(name, first),
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
      [
        "n",
        "lambda",
        "E Y",
        ...(isSigned ? ["E Y^2"] : []),
        "lower",
        "by",
        ...(isSigned ? [] : ["window"]),
        "poisson",
        "upper",
        "by",
      ],
      ...findings.map((finding) => {
        const { expected, expectedSquare, lower, upper, predictions } = finding.targets[t]!;
        return [
          String(finding.items),
          lambdaText(finding),
          significant(expected),
          ...(isSigned ? [significant(expectedSquare)] : []),
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
    `${name}, statements of the paper as n grows${isSigned ? ": E Y and E Y^2 (Theorem 4), P (Lemma 1)" : ""}`,
    "",
    ...columns([
      [
        "n",
        ...first.targets
          .slice(0, MAX_STATED_TARGETS)
          .flatMap(({ target }) => [`E Y(${target})`, ...(isSigned ? ["E Y^2", "low", "high"] : [])]),
        ...(isSigned ? [] : ["Lemma 4: failure", "|Lambda| up to", "fitted"]),
      ],
      ...findings.map(({ items, targets, covered, lemma4 }) => [
        String(items),
        ...targets
          .slice(0, MAX_STATED_TARGETS)
          .flatMap(({ paper }) => [
            significant(paper?.expected),
            ...(isSigned
              ? [significant(paper?.expectedSquare), significant(paper?.low), significant(paper?.high)]
              : []),
          ]),
        ...(isSigned
          ? []
          : [significant(lemma4?.failure), significant(lemma4?.halfWidth), significant(covered?.followUp)]),
      ]),
    ]),
  ].join("\n");
}

/** Lemmas 2 and 3 for each target, beside exact moments; none without a total. */
function givenBlocks(name: string, findings: readonly TheoryFinding[], total: string | undefined): string[] {
  if (total === undefined) return [];
  const known = findings.filter(({ given }) => given);
  if (known.length === 0) return [`${name}, given Lambda = ${total}: the items of no n have that total`];
  return known[0]!.given!.targets.map(({ target, signedSum, lemma3 }, t) =>
    [
      `${name}, target ${target}, given Lambda = ${total}: signed sum ${signedSum} (Lemma 2)${lemma3 ? "; limits by Lemma 3" : ""}`,
      "",
      ...columns([
        [
          "n",
          "P(Lambda)",
          "E Y",
          "E Y^2",
          ...(lemma3 ? ["limit: E Y", "E Y^2", "P from", "P to"] : ["Lemma 3 leaves this target out"]),
        ],
        ...known.map(({ items, given }) => {
          const { expected, expectedSquare, lemma3 } = given!.targets[t]!;
          return [
            String(items),
            ...[given!.probability, expected, expectedSquare].map(significant),
            ...(lemma3
              ? [lemma3.expected, lemma3.expectedSquare, lemma3.low, lemma3.high].map(significant)
              : [""]),
          ];
        }),
      ]),
    ].join("\n"),
  );
}

/** Theorem 3 and Corollary 1 in words. */
function layersText(name: string, { theorem3 }: TheoryFinding): string[] {
  if (!theorem3) return [];
  const { width, probability, parameters, hiddenUnits } = theorem3;
  return [
    wrap(
      `${name}, Theorem 3: a network that contains each ${width} x ${width} layer of weights of -M..M with probability ${probability} has at ` +
        `least ${counted(Math.ceil(parameters), "parameter")} other than 0. Corollary 1: with two dense layers it has at least ` +
        `${counted(Math.ceil(hiddenUnits), "hidden unit")}.`,
    ).join("\n"),
  ];
}

function lambdaText({ lambda }: TheoryFinding): string {
  return lambda?.toFixed(3) ?? "";
}

function predicted(predictions: TargetTheory["predictions"], name: string): string {
  return significant(predictions.find((prediction) => prediction.name === name)?.value);
}
