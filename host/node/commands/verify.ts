// exacta verify: draws a ticket's network again from its seed and checks it against the target.

import { RequestError, locating } from "../../../src/errors.ts";
import { drawValue } from "../../../src/ensemble.ts";
import type { VerifyFinding } from "../../../src/finding.ts";
import {
  chainOf,
  refuseConflicts,
  type ImportedNetwork,
  type ImportOptions,
} from "../../../src/import/network.ts";
import { compareOutputs, type OutputComparison } from "../../../src/ticket/comparison.ts";
import { firstDeviation, representedWeights } from "../../../src/ticket/certificate.ts";
import { decodeTicket, isTicket } from "../../../src/ticket/file.ts";
import { keptLayers } from "../../../src/ticket/kept.ts";
import { sizesOf } from "../../../src/ticket/sizes.ts";
import { checkTarget, type Ticket } from "../../../src/ticket/ticket.ts";
import { targetDigest } from "../../experiments/ticket.ts";
import { readBytes } from "../formats/files.ts";
import { importedLines, optionsOf, readNetworkFile } from "../formats/network.ts";
import { outputOf } from "../output.ts";
import { grouped } from "../reports/table.ts";
import { deviationText, sizesText } from "../reports/ticket.ts";
import { command, value, type ArgumentsOf } from "./command.ts";
import { readNetworkOptions, ticketNetworkOptions } from "./import.ts";
import { jsonOption } from "./options.ts";

const options = {
  network: value("file", "the network that the ticket must equal", "the one that the ticket names"),
  ...ticketNetworkOptions,
  ...jsonOption,
};
type Options = ArgumentsOf<typeof options>;

export const verifyCommand = command({
  name: "verify",
  summary: "Draws a ticket's network again from its seed and checks every weight.",
  manual: `
Draws the random network of a ticket again and sums up the kept items behind every weight: equal sums make the pruned network equal to the
target on all inputs. Nothing in the file is trusted but the seed and the masks. Both networks are also run, on all inputs of
a small network, unless sums of the random one reach 2^53. Without \`--network\` the ticket is checked against the network that
its file names by a digest.

How real numbers became integers is taken from the ticket; other options are refused, except \`--input-scale\`.`,
  examples: ["exacta verify ticket.safetensors --network network.json"],
  statusOne: "the ticket does not equal the network; the first weight that differs is named",
  operands: { ticket: { summary: "a file of exacta ticket", expected: "a file" } },
  options,
  run: runVerify,
});

/** What was found out about a ticket. */
interface Verification {
  readonly finding: VerifyFinding;
  /** The network of `--network`. */
  readonly given: ImportedNetwork | undefined;
}

async function runVerify(args: Options & { readonly ticket: string }): Promise<number> {
  const { finding, given } = await verify(args.ticket, args.network, readNetworkOptions(args));
  const output = outputOf(args);
  if (given) output.warn(...importedLines(args.network!, given, args.json));
  output.finding({ ...finding, ...(given?.quantization && { quantization: given.quantization }) });
  output.text(`${args.ticket}: ${verdictText(finding, args.network ?? "its target")}\n`);
  return finding.certified ? 0 : 1;
}

async function verify(path: string, named: string | undefined, asked: ImportOptions): Promise<Verification> {
  const bytes = await readBytes(path);
  if (!isTicket(bytes)) throw new RequestError("file", "an exacta ticket", path);
  const { ticket, digest } = locating(path, () => decodeTicket(bytes));
  const given = await readTarget(ticket, named, asked);
  const kept = keptLayers(ticket);
  // Without the network, the ticket must represent some network consistently, and the file must name that network.
  const target = given?.network ?? representedWeights(ticket.target, kept);
  const deviation = firstDeviation(target, kept);
  const isNamed = digest === (await targetDigest(target, ticket.target.bits));
  // Equal sums prove equality for all inputs; running both networks demonstrates it.
  const shown = deviation ? undefined : compareOutputs(target, kept, randomInputs());
  const sizes = sizesOf(ticket, kept);
  const finding: VerifyFinding = {
    kind: "verify",
    certified: isNamed && !deviation && !shown?.difference && sizes.outside === 0,
    ...ticket.scheme,
    seed: String(ticket.seed),
    widths: ticket.target.widths,
    targetBits: ticket.target.bits,
    ...sizes,
    ...(deviation && { deviation }),
    ...(shown && { audit: shown }),
  };
  return { finding, given };
}

/** The network of a file, rounded as it was for the ticket; undefined where no file is named. */
async function readTarget(
  ticket: Ticket,
  named: string | undefined,
  asked: ImportOptions,
): Promise<ImportedNetwork | undefined> {
  const defaults = optionsOf(ticket.target);
  if (named === undefined) {
    refuseConflicts(asked, defaults, "the ticket");
    return undefined;
  }
  const given = chainOf(await readNetworkFile(named, asked, defaults));
  checkTarget(given.network, ticket.target);
  return given;
}

/** Integers in 0..range - 1, the same ones in every run. */
function randomInputs(): (range: number) => number {
  let drawn = 0;
  return (range) => drawValue(range, [0, 0], drawn++, 0);
}

function verdictText(finding: VerifyFinding, target: string): string {
  const { certified, deviation, audit: shown, outside } = finding;
  if (certified) return `equals ${target} on every input${auditText(shown)}, ${sizesText(finding)}`;
  if (deviation) return `does not equal ${target}\n${deviationText(deviation)}`.trimEnd();
  if (shown?.difference)
    return `does not equal ${target}\noutputs differ for input ${shown.difference.join(" ")}`;
  if (outside > 0)
    return `is no ticket of its scheme\n${grouped(outside)} products are kept that it leaves out`;
  return `is no ticket of ${target}\nthe file names another target`;
}

function auditText(shown: OutputComparison | undefined): string {
  return shown?.inputs
    ? `, run on ${shown.exhaustive ? "all" : "some"} inputs (${grouped(shown.inputs)}) as well`
    : ", too large to run it";
}
