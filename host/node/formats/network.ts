// Networks in files, and the errors of those that were rounded.

import { locating } from "../../../src/errors.ts";
import {
  refuseConflicts,
  importNetwork,
  type ImportedNetwork,
  type ImportOptions,
} from "../../../src/import/network.ts";
import { quoted } from "../../../src/import/text.ts";
import { outlineOf, type Network, type Outline } from "../../../src/network.ts";
import { decodeTicket, isTicket } from "../../../src/ticket/file.ts";
import type { Ticket } from "../../../src/ticket/ticket.ts";
import { readBytes } from "./files.ts";
import { significant } from "../reports/table.ts";

/**
 * The network of a file.
 * @throws {RequestError} that names the file.
 */
export async function readNetworkFile(
  path: string,
  options: ImportOptions,
  defaults: ImportOptions = {},
): Promise<ImportedNetwork> {
  const bytes = await readBytes(path);
  return locating(path, () => importNetwork(bytes, options, defaults));
}

/** The options with which a network is read for a ticket of this target. */
export function optionsOf({ bits: targetBits, activationBits, quantizer, clamp }: Outline): ImportOptions {
  return { targetBits, activationBits, quantizer, clamp };
}

/**
 * The network or the ticket in a file, whichever it holds.
 * @throws {RequestError} that names the file.
 */
export async function readNetworkOrTicket(
  path: string,
  options: ImportOptions,
): Promise<{ network: Network | Ticket; outline: Outline; imported?: ImportedNetwork }> {
  const bytes = await readBytes(path);
  if (isTicket(bytes)) {
    const { ticket } = locating(path, () => decodeTicket(bytes));
    refuseConflicts(options, optionsOf(ticket.target), "the ticket");
    return { network: ticket, outline: ticket.target };
  }
  const imported = locating(path, () => importNetwork(bytes, options));
  return { network: imported.network, outline: outlineOf(imported.network, imported.bits), imported };
}

/** Lines about the import of a network: notes on the file, and without `json` the errors of rounding. */
export function importedLines(path: string, imported: ImportedNetwork, json = false): string[] {
  const { network, bits, notes, quantization } = imported;
  const lines = notes.map((note) => `note: ${note}`);
  if (quantization && !json) {
    const { layers, inputs, outputRange, outputError, outputErrorRms } = quantization;
    lines.unshift(
      `real numbers as integers: ${bits} bits of weights, ${network.activationBits} of activations, ${network.quantizer}`,
      ...layers.map(
        ({ name, rows, columns, scale, weightError, biasError }, l) =>
          `layer ${l}, ${quoted(name)}, ${rows} x ${columns}: scale ${significant(scale)}, weights off by at most ` +
          significant(weightError) +
          (biasError === undefined ? "" : `, biases by ${significant(biasError)}`),
      ),
      `on ${inputs} random inputs: outputs span ${significant(outputRange)} and are off by at most ` +
        `${share(outputError, outputRange)}, root mean square ${share(outputErrorRms, outputRange)}`,
    );
  }
  return lines.map((line) => `${path}: ${line}`);
}

/** An error in percent of a range, or as it is where the range is 0. */
function share(error: number, range: number): string {
  return range > 0 ? `${significant((100 * error) / range)} %` : significant(error);
}
