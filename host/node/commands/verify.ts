// exacta verify: draws a ticket's network again from its seed and checks it against the target.

import { RequestError, locating } from "../../../src/errors.ts";
import { drawValue } from "../../../src/ensemble.ts";
import type { GraphVerifyFinding, VerifyFinding } from "../../../src/finding.ts";
import { graphOfNetwork, networkOfGraph, withInputs } from "../../../src/graph/chain.ts";
import { isGraph, type Graph } from "../../../src/graph/model.ts";
import { refuseConflicts, type ImportOptions } from "../../../src/import/network.ts";
import type { Network, Outline } from "../../../src/network.ts";
import { compareOutputs, type OutputComparison } from "../../../src/ticket/comparison.ts";
import { firstDeviation, representedWeights } from "../../../src/ticket/certificate.ts";
import { decodeTicket, isTicket } from "../../../src/ticket/file.ts";
import { keptLayers, type KeptLayer } from "../../../src/ticket/kept.ts";
import { sizesOf } from "../../../src/ticket/sizes.ts";
import { checkTarget, isGraphTicket, type GraphTicket, type Ticket } from "../../../src/ticket/ticket.ts";
import { targetDigest } from "../../experiments/ticket.ts";
import { readBytes } from "../formats/files.ts";
import { importedLines, optionsOf, readNetworkFile, type ReadNetwork } from "../formats/network.ts";
import { outputOf } from "../output.ts";
import { grouped } from "../reports/table.ts";
import { deviationText, keptText, layerSizes } from "../reports/ticket.ts";
import { command, value, type ArgumentsOf } from "./command.ts";
import { readNetworkOptions, ticketNetworkOptions } from "./import.ts";
import { jsonOption } from "./options.ts";

const options = {
  network: value("file", "the network that the ticket must equal", "the one whose digest the ticket has"),
  ...ticketNetworkOptions,
  ...jsonOption,
};
type Options = ArgumentsOf<typeof options>;

export const verifyCommand = command({
  name: "verify",
  summary: "Draws a ticket's network again from its seed and checks every weight.",
  manual: `
Draws the random network of a ticket again and sums up the kept items behind every weight: equal sums make the pruned network equal to the
target on all inputs, or on all that are not negative for a ticket of \`--nonnegative\`. Nothing in the file is trusted but the seed and the masks. Both networks are also run, on all inputs of
a small network, unless sums of the random one reach 2^53. Without \`--network\` the ticket is checked against the network that
its file names by a digest. Where that is neither the network of its sums for positive inputs nor that for negative ones, the weight that
is named may be right, and one that it is compared with wrong.

How real numbers became integers is taken from the ticket; other options are refused, except \`--input-scale\`.`,
  examples: ["exacta verify ticket.safetensors --network network.json"],
  statusOne: "the ticket does not equal the network; the first weight that differs is named",
  operands: { ticket: { summary: "a file of exacta ticket", expected: "a file" } },
  options,
  run: runVerify,
});

/** What was found out about a ticket. */
interface Verification {
  readonly finding: VerifyFinding | GraphVerifyFinding;
  /** The network of `--network`. */
  readonly given: ReadNetwork | undefined;
  /** Whether it is about inputs that are never negative. */
  readonly nonnegative: boolean;
  /** Whether the target is read off the ticket and has another digest than the file names. */
  readonly guessed: boolean;
}

async function runVerify(args: Options & { readonly ticket: string }): Promise<number> {
  const { finding, given, nonnegative, guessed } = await verify(
    args.ticket,
    args.network,
    readNetworkOptions(args),
  );
  const output = outputOf(args);
  if (given) output.warn(...importedLines(args.network!, given, args.json));
  output.finding({ ...finding, ...(given?.quantization && { quantization: given.quantization }) });
  output.text(`${args.ticket}: ${verdictText(finding, args.network ?? "its target", nonnegative)}\n`);
  if (guessed && finding.deviation)
    output.text("this sum is wrong, or one that it is compared with; --network tells which\n");
  return finding.certified ? 0 : 1;
}

async function verify(path: string, named: string | undefined, asked: ImportOptions): Promise<Verification> {
  const bytes = await readBytes(path);
  if (!isTicket(bytes)) throw new RequestError("file", "an exacta ticket", path);
  const { ticket, digest } = locating(path, () => decodeTicket(bytes));
  const given = await readTarget(ticket, named, asked);
  const kept = keptLayers(ticket);
  // Without the network, the ticket must represent some network consistently, and the file must name that network.
  const target = given?.network ?? (await representedTarget(ticket, kept, digest));
  const deviation = firstDeviation(target, kept);
  const isNamed = digest === (await digestOf(target, ticket));
  // Equal sums prove equality for all inputs; running both networks demonstrates it.
  const shown = deviation ? undefined : compareOutputs(target, kept, randomInputs());
  const sizes = sizesOf(ticket, kept);
  const { widths, bits: targetBits } = ticket.target as Outline;
  const finding = {
    kind: "verify",
    certified: isNamed && !deviation && !shown?.difference && sizes.outside === 0,
    ...ticket.scheme,
    seed: String(ticket.seed),
    ...(isGraph(target) ? { layers: layerSizes(target) } : { widths, targetBits }),
    ...sizes,
    ...(deviation && { deviation }),
    ...(shown && { audit: shown }),
  } as VerifyFinding | GraphVerifyFinding;
  return {
    finding,
    given,
    nonnegative: isGraph(target) && target.input.nonnegative,
    guessed: !given && !isNamed,
  };
}

/**
 * The network whose digest the file has, from the sums for inputs of one sign: a wrong bit of a mask leaves those of the other
 * sign right. Where neither has the digest, the network for nonnegative inputs.
 */
async function representedTarget(
  ticket: Ticket | GraphTicket,
  kept: readonly KeptLayer[],
  digest: string,
): Promise<Network | Graph> {
  const [first, second] = ([1, -1] as const).map((sign) => representedWeights(ticket.target, kept, sign));
  return (await digestOf(second!, ticket)) === digest ? second! : first!;
}

function digestOf(target: Network | Graph, ticket: Ticket | GraphTicket): Promise<string> {
  return isGraph(target) ? targetDigest(target) : targetDigest(target, (ticket as Ticket).target.bits);
}

/** The network of a file, rounded as it was for the ticket and in the ticket's form; undefined where no file is named. */
async function readTarget(
  ticket: Ticket | GraphTicket,
  named: string | undefined,
  asked: ImportOptions,
): Promise<ReadNetwork | undefined> {
  const defaults = optionsOf(ticket.target);
  if (named === undefined) {
    refuseConflicts(asked, defaults, "the ticket");
    return undefined;
  }
  const read = await readNetworkFile(named, asked, defaults);
  const network = locating(named, () => inFormOf(ticket, read));
  checkTarget(network, ticket.target);
  return { ...read, network };
}

/** A network in the form of the ticket's target; a graph also for the inputs that the ticket is about. */
function inFormOf(ticket: Ticket | GraphTicket, { network, bits }: ReadNetwork): Network | Graph {
  if (!isGraphTicket(ticket)) return isGraph(network) ? networkOfGraph(network).network : network;
  const graph = isGraph(network) ? network : graphOfNetwork(network, bits, false);
  return withInputs(graph, ticket.target.input.nonnegative);
}

/** Integers in 0..range - 1, the same ones in every run. */
function randomInputs(): (range: number) => number {
  let drawn = 0;
  return (range) => drawValue(range, [0, 0], drawn++, 0);
}

function verdictText(
  finding: VerifyFinding | GraphVerifyFinding,
  target: string,
  nonnegative: boolean,
): string {
  const { certified, deviation, audit: shown, outside } = finding;
  if (certified)
    return `equals ${target} on every input${nonnegative ? " that is not negative" : ""}\n${auditText(shown)}; ${keptText(finding)}`;
  if (deviation) return `does not equal ${target}\n${deviationText(deviation)}`.trimEnd();
  if (shown?.difference)
    return `does not equal ${target}\noutputs differ for input ${shown.difference.join(" ")}`;
  if (outside > 0)
    return `is no ticket of its scheme\n${grouped(outside)} products are kept that it leaves out`;
  return `is no ticket of ${target}\nthe file has the digest of another network: it is damaged, or the ticket of that network`;
}

function auditText(shown: OutputComparison | undefined): string {
  return shown?.inputs
    ? `run on ${shown.exhaustive ? "all" : "some"} inputs (${grouped(shown.inputs)}) as well`
    : "too large to run it";
}
