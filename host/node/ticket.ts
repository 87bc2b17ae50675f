// exacta ticket and exacta verify: prunes a random network until it is the network of a file, and checks what came of it.

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { expected, integer, isRefusal, parse, refusalAt } from "../../src/check.ts";
import { drawValue } from "../../src/ensemble.ts";
import { outlineOf, readNetwork, type Network, type Outline, type Quantizer } from "../../src/network.ts";
import { seedSchema } from "../../src/random.ts";
import { decodeTicket, encodeTicket } from "../../src/ticket/file.ts";
import { enough, type Scheme } from "../../src/ticket/scheme.ts";
import { sizesOf, type Sizes } from "../../src/ticket/sizes.ts";
import { audit } from "../../src/ticket/audit.ts";
import { representedNetwork, verify, type Deviation } from "../../src/ticket/ticket.ts";
import { prune, type Pruned } from "../ticket.ts";
import { readList, readNumber } from "./arguments.ts";
import { prepareFolder, writeFiles } from "./files.ts";
import { withEngine, type RunArguments } from "./run.ts";
import { grouped } from "./table.ts";

export interface TicketArguments extends RunArguments {
  theorem?: string;
  bits?: string;
  initialBits?: string;
  weightQuantizer?: string;
  zero?: boolean;
  units?: string;
  copies?: string;
  seed?: string;
  attempts?: string;
  sparse?: boolean;
  out: string;
  json?: boolean;
}

export interface VerifyArguments {
  network?: string;
  json?: boolean;
}

/** The most deviations that are named. */
const NAMED = 10;

/** Prunes, and returns the exit status: 1 where some weight has no subset, and then no file is written. */
export async function runTicket(path: string, args: TicketArguments): Promise<number> {
  const { network, bits: targetBits } = await readNetworkFile(path);
  const scheme = schemeOf(args, network, targetBits);
  const seed = args.seed === undefined ? 1n : parse(seedSchema, args.seed, "seed");
  const attempts = parse(integer(1, 1e6), readNumber(args.attempts ?? "1"), "attempts");
  await prepareFolder(dirname(args.out), [basename(args.out)]);
  let pruned: Pruned | undefined;
  let attempt = 0;
  const stopped = await withEngine(args, undefined, false, async ({ engine, signal, report }) => {
    do
      pruned = await prune(engine, network, targetBits, scheme, BigInt.asUintN(64, seed + BigInt(attempt)), {
        sparse: args.sparse ?? false,
        signal,
        onProgress: report,
      });
    while (!signal.aborted && pruned.failures.length > 0 && ++attempt < attempts);
    return signal.aborted;
  });
  if (stopped || !pruned) {
    process.stderr.write("stopped early; no ticket is written\n");
    return 1;
  }
  const { ticket, failures } = pruned;
  const sizes = sizesOf(network, ticket);
  const found = failures.length === 0;
  if (found)
    await writeFiles(dirname(args.out), {
      [basename(args.out)]: encodeTicket(ticket, digestOf(network, targetBits)),
    });
  const finding = {
    kind: "ticket",
    found,
    ...scheme,
    seed: String(ticket.seed),
    attempts: Math.min(attempt + 1, attempts),
    widths: ticket.target.widths,
    targetBits,
    ...sizes,
    failed: failures.length,
    failures: failures.slice(0, NAMED),
  };
  if (args.json) process.stdout.write(`${JSON.stringify(finding)}\n`);
  else
    process.stdout.write(
      found
        ? `${args.out}: theorem ${scheme.theorem}, seed ${ticket.seed}, ${sizesText(sizes)}\n`
        : `no ticket: ${grouped(failures.length)} subset sums have no solution, more --units or --attempts may help; the first:\n` +
            failures.slice(0, NAMED).map(deviationText).join(""),
    );
  return found ? 0 : 1;
}

/** Checks a ticket, and returns the exit status: 1 where a weight differs, or its target is another one than was said. */
export async function runVerify(path: string, { network: named, json }: VerifyArguments): Promise<number> {
  const { ticket, digest } = refusedAt(path, decodeTicket, await readBytes(path));
  const { scheme, seed } = ticket;
  const { widths, bits: targetBits } = ticket.target;
  const given = named === undefined ? undefined : await readNetworkFile(named);
  if (given) checkOutline(outlineOf(given.network, given.bits), ticket.target);
  // Without the network it is what the ticket represents that must be consistent, and the one that the file names.
  const target = given?.network ?? representedNetwork(ticket);
  const deviation = verify(target, ticket);
  const isNamed = digest === digestOf(target, targetBits);
  // Sums of integers prove it for all inputs; running both networks shows it.
  const shown = deviation ? undefined : audit(target, ticket, randomInputs());
  const certified = isNamed && !deviation && !shown?.difference;
  const sizes = sizesOf(target, ticket);
  if (json) {
    const finding = {
      kind: "verify",
      certified,
      ...scheme,
      seed: String(seed),
      widths,
      targetBits,
      ...sizes,
    };
    process.stdout.write(`${JSON.stringify({ ...finding, deviation, audit: shown })}\n`);
  } else {
    const other = named ?? "its target";
    const run = shown
      ? `, run on ${shown.exhaustive ? "all" : "some"} inputs (${grouped(shown.inputs)}) as well`
      : "";
    const reason = deviation
      ? deviationText(deviation)
      : shown?.difference
        ? `outputs differ for input ${shown.difference.join(" ")}\n`
        : "the file names another target\n";
    process.stdout.write(
      certified
        ? `${path}: equals ${other} on every input${run}, ${sizesText(sizes)}\n`
        : `${path}: does not equal ${other}\n${reason}`,
    );
  }
  return certified ? 0 : 1;
}

/** Throws RangeError where a network cannot be the target of a ticket, whatever its weights are. */
function checkOutline(given: Outline, target: Outline): void {
  for (const name of Object.keys(target) as (keyof Outline)[])
    if (String(given[name]) !== String(target[name]))
      throw new RangeError(
        expected(`network, ${name}`, `${String(target[name])}, as the ticket's target has`, given[name]),
      );
}

/** Integers of 0..range - 1, the same ones in every run. */
function randomInputs(): (range: number) => number {
  let drawn = 0;
  return (range) => drawValue(range, [0, 0], drawn++, 0);
}

/** A number for each layer: those typed, the one typed for all, or a guess. */
function perLayer(typed: string | undefined, layers: number, guess: number): unknown[] {
  const list = typed === undefined ? [guess] : readList(typed);
  return list.length === 1 ? Array.from({ length: layers }, () => list[0]) : list;
}

function schemeOf(args: TicketArguments, network: Network, targetBits: number): Scheme {
  const { weightQuantizer = "away", zero = false } = args;
  const theorem = args.theorem === undefined ? 1 : readNumber(args.theorem);
  const bits =
    args.bits === undefined ? Math.ceil(targetBits / (theorem === 2 ? 1 : 2)) : readNumber(args.bits);
  const depth = network.layers.length;
  const weights = network.layers.reduce((sum, { weights }) => sum + weights.length, 0);
  // What people typed has any type; the scheme's own check decides.
  return {
    theorem,
    initialBits: args.initialBits === undefined ? bits : readNumber(args.initialBits),
    bits,
    weightQuantizer: weightQuantizer as Quantizer,
    zero,
    units: perLayer(args.units, theorem === 2 ? 1 : depth, enough("pooled", Number(bits), weights)),
    copies: theorem === 2 ? perLayer(args.copies, depth - 1, enough("direct", Number(bits), weights)) : [],
  } as Scheme;
}

async function readNetworkFile(path: string): Promise<{ network: Network; bits: number }> {
  const text = (await readBytes(path)).toString();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const { message } = error as Error;
    throw new TypeError(expected(path, "a network as JSON", text.slice(0, 60), message), { cause: error });
  }
  return refusedAt(path, readNetwork, value);
}

/** What a file's content is read as; a refusal says which file. */
function refusedAt<From, To>(path: string, read: (content: From) => To, content: From): To {
  try {
    return read(content);
  } catch (error) {
    throw isRefusal(error) ? refusalAt(path, error) : error;
  }
}

async function readBytes(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new RangeError(expected("file", "a readable file", path, code), { cause: error });
  }
}

/** SHA-256 of a target: its outline, then its weights layer by layer, in hexadecimal digits. */
function digestOf(network: Network, bits: number): string {
  const { quantizer, activationBits, clamp, constant } = network;
  const hash = createHash("sha256");
  hash.update(`${bits} ${quantizer} ${activationBits} ${clamp} ${constant}\n`);
  for (const { rows, columns, weights } of network.layers)
    hash.update(`${rows} ${columns} ${weights.join(" ")}\n`);
  return hash.digest("hex");
}

function sizesText({ target, initial, kept, bitsPerWeight, lowerBound, gap }: Sizes): string {
  return (
    `keeps ${grouped(kept)} of ${grouped(initial)} weights for ${grouped(target)}, ${bitsPerWeight.toFixed(1)} bits a ` +
    `weight; no network of fewer than ${grouped(Math.ceil(lowerBound))} weights has all such targets (${gap.toFixed(1)}x)`
  );
}

function deviationText({ layer, output, input, sign, copy, expected, got }: Deviation): string {
  return (
    `layer ${layer}, output ${output}, input ${input}, ${sign > 0 ? "positive" : "negative"} inputs, copy ${copy}: ` +
    `expected a subset sum of ${expected}, got ${got ?? "none"}\n`
  );
}
