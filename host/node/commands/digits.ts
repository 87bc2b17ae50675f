// exacta digits: the whole story on a real network. A random network is pruned until it is one that reads handwritten
// digits, that is proven, and both read all test images.

import { readFile } from "node:fs/promises";
import * as z from "zod/mini";
import { integer, parse } from "../../../src/check.ts";
import type { DigitsFinding } from "../../../src/finding.ts";
import { importNetwork } from "../../../src/import/network.ts";
import type { Network } from "../../../src/network.ts";
import { seedSchema } from "../../../src/random.ts";
import { decodeTicket, encodeTicket } from "../../../src/ticket/file.ts";
import { keptLayers } from "../../../src/ticket/kept.ts";
import { passes, type Pass } from "../../../src/ticket/passes.ts";
import { sizesOf } from "../../../src/ticket/sizes.ts";
import { representedNetwork, verifyTicket } from "../../../src/ticket/certificate.ts";
import type { Ticket } from "../../../src/ticket/ticket.ts";
import { schemeFor } from "../../../src/ticket/width.ts";
import { runNetwork } from "../../experiments/network.ts";
import { provenanceOf, type Engine } from "../../runner.ts";
import { targetDigest, pruneToTicket } from "../../experiments/ticket.ts";
import { readNumber } from "../formats/arguments.ts";
import { digitsReport, type DigitsReport } from "../reports/digits.ts";
import { prepareFolder, writeFiles } from "../formats/files.ts";
import { largest, outputsDigest } from "./forward.ts";
import { importedText } from "../formats/network.ts";
import { readDigits, type Digits } from "../formats/mnist.ts";
import { untilStopped, withEngine, type RunArguments } from "./run.ts";
import { DIGITS_NETWORK } from "../packaged.ts";
import { columns, grouped } from "../reports/table.ts";

export interface DigitsArguments extends RunArguments {
  theorem?: string;
  targetBits?: string;
  seed?: string;
  out?: string;
  json?: boolean;
}

const FILE = "digits.safetensors";
const REPORT = "digits.html";
const theoremSchema = z.union([z.literal(1), z.literal(2)], "1 or 2");

/** Runs the command and returns its exit status: 1 where no ticket is found, or anything differs. */
export async function runDigits(args: DigitsArguments, command: string): Promise<number> {
  const started = new Date();
  const theorem = parse(theoremSchema, readNumber(args.theorem ?? "1"), "theorem");
  const targetBits = parse(integer(1, 8), readNumber(args.targetBits ?? "4"), "target-bits");
  const seed = parse(seedSchema, args.seed ?? "1", "seed");
  const folder = args.out ?? (args.json ? undefined : "results");
  const images = await readDigits("test");
  if (folder !== undefined) await prepareFolder(folder, [FILE, REPORT]);
  const imported = importNetwork(await readFile(DIGITS_NETWORK), { targetBits });
  if (!args.quiet && !args.json) process.stderr.write(importedText(FILE, imported));
  const { network } = imported;
  const { scheme } = schemeFor(network, targetBits, { theorem });
  const request = { network, bits: targetBits, scheme, seed };
  const told = await withEngine(
    args,
    undefined,
    false,
    async ({ engine, signal, report, seconds }) => {
      const pruned = await untilStopped(
        pruneToTicket(engine, request, { signal, onProgress: ({ done }) => report(done) }),
        signal,
        () => undefined,
      );
      if (!pruned) return "stopped early\n";
      if (pruned.failures.length > 0)
        return `no ticket: ${grouped(pruned.failures.length)} subset sums have no solution\n`;
      // From here on the ticket is what its file says.
      const bytes = encodeTicket(pruned.ticket, await targetDigest(network, targetBits));
      const { ticket } = decodeTicket(bytes);
      const { certified } = verifyTicket(network, ticket);
      const { initial, kept, target } = sizesOf(ticket, keptLayers(ticket));
      const runs: Run[] = [];
      try {
        for (const pass of [undefined, ...passes])
          runs.push(await classify(engine, network, ticket, pass, images, signal));
      } catch (error) {
        if (error === signal.reason) return "stopped early\n";
        throw error;
      }
      const [whole] = runs;
      const equal = runs.every(({ outputs }) => outputs.every((output, i) => output === whole!.outputs[i]));
      const finding: DigitsFinding = {
        kind: "digits",
        theorem,
        targetBits,
        seed: String(seed),
        images: images.count,
        correct: whole!.correct,
        target,
        initial,
        kept,
        certified,
        equal,
        digests: runs.map(({ outputs }) => outputsDigest(outputs)),
        ...provenanceOf(engine),
      };
      if (folder !== undefined) {
        const shown: DigitsReport = {
          network,
          represented: representedNetwork(ticket),
          images: images.images,
          labels: images.labels,
          outputs: whole!.outputs,
          pruned: runs[1]!.outputs,
        };
        const about = { command, started, seconds: seconds(), stopped: false };
        await writeFiles(folder, { [FILE]: bytes, [REPORT]: digitsReport(finding, shown, about) });
      }
      return { finding, runs };
    },
    "subset sums",
  );
  if (typeof told === "string") {
    process.stderr.write(told);
    return 1;
  }
  const { finding, runs } = told;
  process.stdout.write(args.json ? `${JSON.stringify(finding)}\n` : storyText(finding, runs));
  if (folder !== undefined)
    process.stderr.write(
      `${folder}/${REPORT} shows it; ${folder}/${FILE} is the ticket: a seed and ${grouped(finding.initial)} bits of masks\n`,
    );
  return finding.certified && finding.equal ? 0 : 1;
}

/** One way of reading all images. */
interface Run {
  readonly outputs: Float64Array;
  readonly correct: number;
  readonly seconds: number;
}

async function classify(
  engine: Engine,
  network: Network,
  ticket: Ticket,
  pass: Pass | undefined,
  { images, labels }: Digits,
  signal: AbortSignal,
): Promise<Run> {
  const start = performance.now();
  const outputs = await runNetwork(engine, pass ? ticket : network, images, {
    signal,
    ...(pass && { pass }),
  });
  const seconds = (performance.now() - start) / 1000;
  const classes = largest(outputs, outputs.length / labels.length);
  return {
    outputs,
    seconds,
    correct: classes.reduce((sum, digit, k) => sum + Number(digit === labels[k]), 0),
  };
}

const name = (text: string) => text.padEnd(44);

function storyText(
  { theorem, targetBits, seed, images, target, ...rest }: DigitsFinding,
  runs: readonly Run[],
): string {
  const { initial, kept, certified, equal, engine, adapter } = rest;
  const reads = ({ correct, seconds }: Run) => [
    `${((100 * correct) / images).toFixed(2)} %`,
    seconds.toFixed(2),
  ];
  const [whole, audit, collapsed] = runs as [Run, Run, Run];
  const table = columns([
    [name(""), "weights", "kept", `reads of ${grouped(images)} images`, "seconds"],
    [name(`the network, ${targetBits} bits a weight`), grouped(target), "", ...reads(whole)],
    [name("a random network, pruned, all hidden units"), grouped(initial), grouped(kept), ...reads(audit)],
    [name("the same, collapsed"), "", "", ...reads(collapsed)],
  ]);
  const outputs = grouped(whole.outputs.length);
  return [
    `A network that reads handwritten digits, and the random network of seed ${seed}, pruned to it by Theorem ${theorem}`,
    "",
    ...table,
    "",
    certified
      ? "certified: behind every weight what is kept adds up to it, so both are equal on every input"
      : "not certified: a weight differs",
    `${equal ? `all ${outputs} outputs are the same integers` : "outputs differ"} (${engine}: ${adapter})`,
    "",
  ].join("\n");
}
