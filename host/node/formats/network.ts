// Networks in files, and the errors of those that were rounded.

import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { locating, RequestError } from "../../../src/errors.ts";
import { isGraph, isLinear, sizeOf, type Graph } from "../../../src/graph/model.ts";
import { outlineOfGraph, type GraphOutline } from "../../../src/graph/outline.ts";
import {
  refuseConflicts,
  importModel,
  type ImportedNetwork,
  type ImportOptions,
} from "../../../src/import/network.ts";
import { quoted } from "../../../src/import/text.ts";
import { outlineOf, type Network, type Outline } from "../../../src/network.ts";
import { decodeTicket, isTicket } from "../../../src/ticket/file.ts";
import type { GraphTicket, Ticket } from "../../../src/ticket/ticket.ts";
import { readBytes } from "./files.ts";
import { significant } from "../reports/table.ts";

/** A network of a file, in either form. */
export type ReadNetwork = ImportedNetwork<Network | Graph>;

/**
 * The network of a file.
 * @throws {RequestError} that names the file.
 */
export async function readNetworkFile(
  path: string,
  options: ImportOptions,
  defaults: ImportOptions = {},
): Promise<ReadNetwork> {
  const bytes = await readBytes(path);
  const external = externalFiles(dirname(path));
  return locating(path, () => importModel(bytes, { ...options, external }, defaults));
}

/**
 * Reads the files beside a model, below its folder: a model comes from anywhere, and must not name files of the reader.
 * @throws {RequestError} For a location outside of the folder, and a file that cannot be read; names the file and the bytes.
 */
export function externalFiles(folder: string): NonNullable<ImportOptions["external"]> {
  return (location, offset, length) => {
    if (isAbsolute(location) || /^[a-z]:|\\/i.test(location) || location.split("/").includes(".."))
      throw new RequestError("external data", "a file below the folder of the model", location);
    const path = join(folder, location);
    const refusal = (expected: string, received: unknown, remedy: string) =>
      new RequestError(`external data, ${path}`, expected, received, remedy);
    let file: number;
    try {
      // A pipe would wait for a writer.
      file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw refusal(
        "a readable file",
        code,
        "it belongs to the model and must lie beside it, under this name",
      );
    }
    try {
      const stats = fstatSync(file);
      if (!stats.isFile() || offset + length > stats.size)
        throw refusal(
          `${length} bytes from byte ${offset}`,
          stats.isFile() ? `${stats.size} bytes in all` : "no file",
          "the file is cut off, or belongs to another model",
        );
      const bytes = new Uint8Array(length);
      for (let at = 0; at < length;) {
        const read = readSync(file, bytes, at, length - at, offset + at);
        if (read === 0) throw refusal(`${length} bytes from byte ${offset}`, at, "the file became shorter");
        at += read;
      }
      return bytes;
    } finally {
      closeSync(file);
    }
  };
}

/** The options with which a network is read for a ticket of this target. */
export function optionsOf(target: Outline | GraphOutline): ImportOptions {
  if ("nodes" in target) {
    const layers = target.nodes.filter(isLinear);
    const targetBits = layers.reduce((most, { bits }) => Math.max(most, bits), 0);
    const { quantizer, clamp } = layers[0]!.epilogue;
    return { targetBits, activationBits: target.input.activationBits, quantizer, clamp };
  }
  const { bits: targetBits, activationBits, quantizer, clamp } = target;
  return { targetBits, activationBits, quantizer, clamp };
}

/** What a network takes and gives: `columns` integers of at most 2^activationBits in magnitude, and `outputs` integers. */
interface Ends {
  readonly columns: number;
  /** The shape of an input that is an image. */
  readonly shape?: readonly number[] | undefined;
  readonly activationBits: number;
  readonly outputs: number;
}

/** The ends of a network that was read. */
export function endsOf({ network, bits }: ReadNetwork): Ends {
  return outlineEnds(isGraph(network) ? outlineOfGraph(network) : outlineOf(network, bits));
}

function outlineEnds(outline: Outline | GraphOutline): Ends {
  if ("nodes" in outline) {
    const { shape, activationBits } = outline.input;
    return {
      columns: sizeOf(shape),
      shape: shape.length === 3 ? shape : undefined,
      activationBits,
      outputs: sizeOf(outline.nodes.at(-1)!.shape),
    };
  }
  const { widths, activationBits, constant } = outline;
  return { columns: widths[0]! - Number(constant), activationBits, outputs: widths.at(-1)! };
}

/**
 * The network or the ticket in a file, whichever it holds.
 * @throws {RequestError} that names the file.
 */
export async function readNetworkOrTicket(
  path: string,
  options: ImportOptions,
): Promise<{ network: Network | Graph | Ticket | GraphTicket; ends: Ends; imported?: ReadNetwork }> {
  const bytes = await readBytes(path);
  if (isTicket(bytes)) {
    const { ticket } = locating(path, () => decodeTicket(bytes));
    refuseConflicts(options, optionsOf(ticket.target), "the ticket");
    return { network: ticket, ends: outlineEnds(ticket.target) };
  }
  const external = externalFiles(dirname(path));
  const imported = locating(path, () => importModel(bytes, { ...options, external }));
  return { network: imported.network, ends: endsOf(imported), imported };
}

/** Lines about the import of a network: notes on the file, and without `json` the errors of rounding. */
export function importedLines(path: string, imported: ReadNetwork, json = false): string[] {
  const { network, bits, notes, quantization } = imported;
  const { activationBits, quantizer } = isGraph(network)
    ? { ...network.input, ...(network.nodes.find(isLinear) ?? network.nodes[0]!).epilogue }
    : network;
  const lines = notes.map((note) => `note: ${note}`);
  if (quantization && !json) {
    const { layers, inputs, outputRange, outputError, outputErrorRms } = quantization;
    lines.unshift(
      `real numbers as integers: ${bits} bits of weights, ${activationBits} of activations, ${quantizer}`,
      ...layers.map(
        ({ name, rows, columns, scale, kept, weightError, biasError }, l) =>
          `layer ${l}, ${quoted(name)}, ${rows} x ${columns}: ${kept ? "integers kept, " : ""}scale ${significant(scale)}, weights off by at most ` +
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
