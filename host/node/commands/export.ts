// exacta export: writes the pruned random network of a ticket for other programs.

import { basename, dirname } from "node:path";
import * as z from "zod/mini";
import { parse } from "../../../src/check.ts";
import { locating, RequestError } from "../../../src/errors.ts";
import { onnxModel } from "../../../src/export/onnx.ts";
import { prunedNetwork, type ExportNetwork } from "../../../src/export/pruned.ts";
import { describeNetwork, namedTensors } from "../../../src/export/tensors.ts";
import { EXPORTER } from "../../../src/import/foreign.ts";
import { decodeTicket, isTicket } from "../../../src/ticket/file.ts";
import { prepareFile, readBytes, writeFiles } from "../formats/files.ts";
import { encodeTensors } from "../formats/tensors.ts";
import { outputOf } from "../output.ts";
import { grouped } from "../reports/table.ts";
import { command, flag, requiredValue, type ArgumentsOf } from "./command.ts";

const forms = ["safetensors", "onnx"] as const;

const options = {
  to: requiredValue("name", `the form of the file: ${forms.join(", ")}`),
  collapsed: flag("write the layers that equal the random layers"),
  out: requiredValue("file", "the network"),
};

export const exportCommand = command({
  name: "export",
  summary: "Writes the pruned random network of a ticket for PyTorch or ONNX.",
  manual: `
Draws the random network of a ticket again and writes it with its masks, so that other programs run it: as tensors in the
shapes of PyTorch, or as an ONNX model, which takes and gives the integers of \`exacta forward\`. [formats.md](formats.md#exported-tickets)
has the names of tensors. Every random weight is there, and so is its mask; the model multiplies them.

With \`--collapsed\` the random layers of each layer are one layer: the sums of their kept weights, for inputs of each sign where they differ.

Nothing in the file of the ticket is trusted but the seed and the masks. Whether the network equals its target, \`exacta verify\` says. A network
is refused if float64, in which models compute, could not hold its sums.`,
  examples: ["exacta export ticket.safetensors --to onnx --out ticket.onnx"],
  operands: { ticket: { summary: "a file of exacta ticket", expected: "a file" } },
  options,
  run: runExport,
});

const formSchema = z.enum(forms, `one of ${forms.join(", ")}`);

async function runExport({
  ticket: path,
  ...args
}: ArgumentsOf<typeof options> & { readonly ticket: string }): Promise<number> {
  const form = parse(formSchema, args.to, "to");
  const bytes = await readBytes(path);
  if (!isTicket(bytes)) throw new RequestError("file", "an exacta ticket", path);
  const { ticket } = locating(path, () => decodeTicket(bytes));
  await prepareFile(args.out, [path]);
  const network = locating(path, () => prunedNetwork(ticket, args.collapsed ?? false));
  const content =
    form === "onnx" ? onnxModel(network) : encodeTensors(namedTensors(network), metadataOf(network));
  await writeFiles(dirname(args.out), { [basename(args.out)]: content });
  outputOf({}).text(`${args.out}: ${sizesText(network)}\n`);
  return 0;
}

/** Programs that load state dicts ask for the format. */
const metadataOf = (network: ExportNetwork) => ({ format: "pt", [EXPORTER]: describeNetwork(network) });

function sizesText({ nodes, layers, collapsed }: ExportNetwork): string {
  const tensors = layers.flatMap((layer) => Object.values(layer.tensors));
  const weights = tensors.reduce((sum, { values }) => sum + values.length, 0);
  const kept = tensors.reduce(
    (sum, { mask }) => sum + (mask?.reduce((count, bit) => count + bit, 0) ?? 0),
    0,
  );
  return (
    `${grouped(nodes.length)} nodes, ` +
    (collapsed
      ? `${grouped(weights)} weights`
      : `${grouped(weights)} random weights, of which ${grouped(kept)} are kept`)
  );
}
