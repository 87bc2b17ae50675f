// exacta ticket and exacta verify: prunes a random network until it is the network of a file, and checks what came of it.

import { basename, dirname } from "node:path";
import { RequestError, locating } from "../../../src/errors.ts";
import { integer, parse } from "../../../src/check.ts";
import { refuseConflicts } from "../../../src/import/network.ts";
import { drawValue } from "../../../src/ensemble.ts";
import type { TicketFinding, VerifyFinding } from "../../../src/finding.ts";
import type { Network } from "../../../src/network.ts";
import { seedSchema } from "../../../src/random.ts";
import { decodeTicket, encodeTicket, isTicket } from "../../../src/ticket/file.ts";
import type { Scheme } from "../../../src/ticket/scheme.ts";
import { sizesOf, type Sizes } from "../../../src/ticket/sizes.ts";
import { compareOutputs } from "../../../src/ticket/comparison.ts";
import { keptLayers } from "../../../src/ticket/kept.ts";
import { firstDeviation, representedNetwork } from "../../../src/ticket/certificate.ts";
import { checkTarget, type Deviation } from "../../../src/ticket/ticket.ts";
import { schemeFor } from "../../../src/ticket/width.ts";
import { targetDigest, pruneToTicket, type Pruned } from "../../experiments/ticket.ts";
import { provenanceOf } from "../../runner.ts";
import { readList, readNumber } from "../formats/arguments.ts";
import { prepareFile, readBytes, writeFiles } from "../formats/files.ts";
import {
  importedText,
  optionsOf,
  readNetworkFile,
  readOptions,
  type ImportArguments,
} from "../formats/network.ts";
import { untilStopped, withEngine, type RunArguments } from "./run.ts";
import { grouped } from "../reports/table.ts";

export interface TicketArguments extends RunArguments, ImportArguments {
  theorem?: string;
  bits?: string;
  initialBits?: string;
  weightQuantizer?: string;
  zero?: boolean;
  pools?: string;
  support?: boolean;
  units?: string;
  copies?: string;
  failure?: string;
  seed?: string;
  attempts?: string;
  sparse?: boolean;
  out: string;
  json?: boolean;
}

export interface VerifyArguments extends ImportArguments {
  network?: string;
  json?: boolean;
}

/** The most deviations that are named. */
const NAMED = 10;

/** Prunes, and returns the exit status: 1 where some weight has no subset, and then no file is written. */
export async function runTicket(path: string, args: TicketArguments): Promise<number> {
  const imported = await readNetworkFile(path, readOptions(args));
  const { network, bits: targetBits } = imported;
  const { scheme, predictedFailure } = schemeOf(args, network, targetBits);
  const seed = args.seed === undefined ? 1n : parse(seedSchema, args.seed, "seed");
  const attempts = parse(integer(1, 1e6), readNumber(args.attempts ?? "1"), "attempts");
  await prepareFile(args.out, [path]);
  process.stderr.write(importedText(path, imported, args.json));
  let pruned: Pruned | undefined;
  let attempt = 0;
  const provenance = await withEngine(
    args,
    undefined,
    false,
    async ({ engine, signal, report }) => {
      do
        pruned = await untilStopped(
          pruneToTicket(
            engine,
            {
              network,
              bits: targetBits,
              scheme,
              seed: BigInt.asUintN(64, seed + BigInt(attempt)),
              sparse: args.sparse ?? false,
            },
            { signal, onProgress: ({ done }) => report(done) },
          ),
          signal,
          () => undefined,
        );
      while (pruned && pruned.failures.length > 0 && ++attempt < attempts);
      return provenanceOf(engine);
    },
    "subset sums",
  );
  if (!pruned) {
    process.stderr.write("stopped early; no ticket is written\n");
    return 1;
  }
  const { ticket, failures } = pruned;
  const sizes = sizesOf(ticket, keptLayers(ticket));
  const found = failures.length === 0;
  if (found)
    await writeFiles(dirname(args.out), {
      [basename(args.out)]: encodeTicket(ticket, await targetDigest(network, targetBits)),
    });
  const finding: TicketFinding = {
    kind: "ticket",
    found,
    ...scheme,
    predictedFailure,
    seed: String(ticket.seed),
    attempts: Math.min(attempt + 1, attempts),
    widths: ticket.target.widths,
    targetBits,
    ...sizes,
    failed: failures.length,
    failures: failures.slice(0, NAMED),
    ...(imported.quantization && { quantization: imported.quantization }),
    ...provenance,
  };
  if (args.json) process.stdout.write(`${JSON.stringify(finding)}\n`);
  else
    process.stdout.write(
      found
        ? `${args.out}: theorem ${scheme.theorem}, seed ${ticket.seed}, ${widthText(scheme)} (predicted failure ${shortest(predictedFailure)}), ${sizesText(sizes)}\n`
        : `no ticket: ${grouped(failures.length)} subset sums have no solution, more --units or --attempts may help (predicted failure ${shortest(predictedFailure)}); the first:\n` +
            failures.slice(0, NAMED).map(deviationText).join(""),
    );
  return found ? 0 : 1;
}

/** Checks a ticket, and returns the exit status: 1 where a weight differs, or its target is another one than was said. */
export async function runVerify(path: string, args: VerifyArguments): Promise<number> {
  const { network: named, json } = args;
  const options = readOptions(args);
  const bytes = await readBytes(path);
  if (!isTicket(bytes)) throw new RequestError("file", "an exacta ticket", path);
  const { ticket, digest } = locating(path, () => decodeTicket(bytes));
  const { scheme, seed } = ticket;
  const { widths, bits: targetBits } = ticket.target;
  const said = optionsOf(ticket.target);
  if (named === undefined) refuseConflicts(options, said, "the ticket");
  // Real numbers are rounded as they were for the ticket.
  const given = named === undefined ? undefined : await readNetworkFile(named, options, said);
  if (given) checkTarget(given.network, ticket.target);
  // Without the network it is what the ticket represents that must be consistent, and the one that the file names.
  const kept = keptLayers(ticket);
  const target = given?.network ?? representedNetwork(ticket, kept);
  const deviation = firstDeviation(target, kept);
  const isNamed = digest === (await targetDigest(target, targetBits));
  // Sums of integers prove it for all inputs; running both networks shows it.
  const shown = deviation ? undefined : compareOutputs(target, kept, randomInputs());
  const sizes = sizesOf(ticket, kept);
  const certified = isNamed && !deviation && !shown?.difference && sizes.outside === 0;
  if (given) process.stderr.write(importedText(named!, given, json));
  if (json) {
    const finding: VerifyFinding = {
      kind: "verify",
      certified,
      ...scheme,
      seed: String(seed),
      widths,
      targetBits,
      ...sizes,
      ...(deviation && { deviation }),
      ...(shown && { audit: shown }),
    };
    process.stdout.write(
      `${JSON.stringify({ ...finding, ...(given?.quantization && { quantization: given.quantization }) })}\n`,
    );
  } else {
    const other = named ?? "its target";
    const run = shown?.inputs
      ? `, run on ${shown.exhaustive ? "all" : "some"} inputs (${grouped(shown.inputs)}) as well`
      : ", too large to run it";
    const refused = deviation
      ? `does not equal ${other}\n${deviationText(deviation)}`
      : shown?.difference
        ? `does not equal ${other}\noutputs differ for input ${shown.difference.join(" ")}\n`
        : sizes.outside > 0
          ? `is no ticket of its scheme\n${grouped(sizes.outside)} products are kept that it leaves out\n`
          : `is no ticket of ${other}\nthe file names another target\n`;
    process.stdout.write(
      certified
        ? `${path}: equals ${other} on every input${run}, ${sizesText(sizes)}\n`
        : `${path}: ${refused}`,
    );
  }
  return certified ? 0 : 1;
}

/** Integers of 0..range - 1, the same ones in every run. */
function randomInputs(): (range: number) => number {
  let drawn = 0;
  return (range) => drawValue(range, [0, 0], drawn++, 0);
}

/** A number for each layer: those typed, or the one typed for all; undefined where theory is to choose. */
function perLayer(typed: string | undefined, layers: number): unknown[] | undefined {
  if (typed === undefined || typed === "auto") return undefined;
  const list = readList(typed);
  return list.length === 1 && layers > 0 ? Array.from({ length: layers }, () => list[0]) : list;
}

const numberOf = (typed: string | undefined) => (typed === undefined ? undefined : readNumber(typed));

/** The scheme that was asked for. */
function schemeOf(args: TicketArguments, network: Network, targetBits: number): ReturnType<typeof schemeFor> {
  const { theorem, bits, initialBits, weightQuantizer, zero, pools, support, failure } = args;
  const depth = network.layers.length;
  const typed = {
    theorem: numberOf(theorem),
    bits: numberOf(bits),
    initialBits: numberOf(initialBits),
    weightQuantizer,
    zero,
    pools,
    support,
    failure: numberOf(failure),
    units: perLayer(args.units, theorem === "2" ? 1 : depth),
    copies: perLayer(args.copies, theorem === "2" ? depth - 1 : 0),
  };
  const given = Object.fromEntries(Object.entries(typed).filter(([, value]) => value !== undefined));
  // What people typed has any type; the scheme's own check decides.
  return schemeFor(network, targetBits, given);
}

function sizesText({ target, initial, kept, dead, bitsPerWeight, lowerBound, gap }: Sizes): string {
  return (
    `keeps ${grouped(kept)} of ${grouped(initial)} weights for ${grouped(target)}, ${bitsPerWeight.toFixed(1)} bits a ` +
    `weight; no network of fewer than ${grouped(Math.ceil(lowerBound))} weights has all such targets (${gap.toFixed(1)}x)` +
    (dead > 0 ? `; ${grouped(dead)} more are kept and change nothing` : "")
  );
}

function widthText({ units, copies }: Scheme): string {
  return `${units.join(" ")} hidden units${copies.length > 0 ? ` and ${copies.join(" ")} copies` : ""} an input`;
}

/** Two significant digits. */
function shortest(probability: number): string {
  return String(Number(probability.toPrecision(2)));
}

function deviationText({ layer, output, input, sign, copy, expected, got }: Deviation): string {
  return (
    `layer ${layer}, output ${output}, input ${input}, ${sign > 0 ? "positive" : "negative"} inputs, copy ${copy}: ` +
    `expected a subset sum of ${expected}, got ${got ?? "none"}\n`
  );
}
