// exacta forward: runs the inputs of a file through a network, or through the pruned network of a ticket.

import { basename, dirname } from "node:path";
import * as z from "zod/mini";
import { parse } from "../../../src/check.ts";
import { RequestError, locating } from "../../../src/errors.ts";
import { passes } from "../../../src/ticket/passes.ts";
import { runNetwork } from "../../experiments/network.ts";
import { provenanceOf } from "../../runner.ts";
import { prepareFile, readBytes, writeFiles } from "../formats/files.ts";
import { csvOf, decodeInputs, encodeNpy } from "../formats/matrix.ts";
import { importedLines, readNetworkOrTicket } from "../formats/network.ts";
import { outputOf, writeResult } from "../output.ts";
import { largestOutputs, outputsDigest } from "../formats/outputs.ts";
import { grouped } from "../reports/table.ts";
import { command, flag, requiredValue, value, type ArgumentsOf } from "./command.ts";
import { networkOptions, readNetworkOptions } from "./import.ts";
import { runOptions, untilStopped, withEngine } from "./run.ts";

const options = {
  ...networkOptions,
  inputs: requiredValue("file", "integers, a row for each input: .npy, or text such as CSV"),
  out: value("file", "the outputs, a row for each input: .npy or .csv", "CSV on stdout"),
  pass: value(
    "name",
    `${passes.join(", ")}: how a ticket is run, with all kept hidden units or with the dense layers that equal them`,
    "collapsed",
  ),
  argmax: flag("write the index of the largest output, from 0, instead of the outputs"),
  ...runOptions,
};

export const forwardCommand = command({
  name: "forward",
  summary: "Runs inputs through a network, or through the pruned network of a ticket.",
  manual: `
Runs integers in -2^m..2^m, with m the bits of activations, through a [network](#networks) and prints its outputs, the same on every engine. For a
ticket, \`--pass audit\` evaluates every hidden unit that is kept, and \`--pass collapsed\` the dense layers that equal them; both give
the same integers. With \`--json\` a finding with a digest of the outputs is printed instead of the outputs. Of several largest
outputs, \`--argmax\` takes the first.

The network of a ticket fixes how real numbers become integers; other options are refused, except \`--input-scale\`.`,
  formats: `
  .npy    integers, booleans or floats without a fraction, of shape [inputs, columns] or of more axes
  text    a row for each input, between commas, tabs or blanks; a first line of names and comments with # are skipped`,
  examples: ["exacta forward ticket.safetensors --inputs x.csv --pass audit"],
  statusOne: "the run was stopped; no outputs are written",
  operands: {
    file: { summary: "a network as JSON, safetensors or ONNX, or a ticket", expected: "a file" },
  },
  options,
  run: runForward,
});

const passSchema = z._default(z.enum(passes, `one of ${passes.join(", ")}`), "collapsed");
const outSchema = z.optional(z.string().check(z.regex(/\.(npy|csv)$/i, "a name that ends in .npy or .csv")));

async function runForward({
  file,
  ...args
}: ArgumentsOf<typeof options> & { readonly file: string }): Promise<number> {
  const pass = parse(passSchema, args.pass, "pass");
  const out = parse(outSchema, args.out, "out");
  const { network, outline, imported } = await readNetworkOrTicket(file, readNetworkOptions(args));
  const output = outputOf(args);
  if (imported) output.note(...importedLines(file, imported));
  const { widths, activationBits, constant } = outline;
  const columns = widths[0]! - Number(constant);
  if (columns === 0) throw new RequestError(`${file}: widths`, "inputs beside the constant", widths);
  const bytes = await readBytes(args.inputs);
  const inputs = locating(args.inputs, () => decodeInputs(bytes, columns, 2 ** activationBits));
  if (out !== undefined) await prepareFile(out, [file, args.inputs]);
  const [count, width] = [inputs.length / columns, widths.at(-1)!];
  const stopWithReader = out === undefined && !args.json;
  const run = { output, unit: "inputs", total: count, stopWithReader };
  const { outputs, seconds, ...provenance } = await withEngine(
    args,
    run,
    async ({ engine, signal, report, seconds }) => ({
      outputs: await untilStopped(
        runNetwork(engine, network, inputs, {
          pass,
          signal,
          onProgress: ({ done, total }) => report(Math.round((done / total) * count)),
        }),
        signal,
        () => undefined,
      ),
      seconds: seconds(),
      ...provenanceOf(engine),
    }),
  );
  if (!outputs) {
    output.warn("stopped early; no outputs are written");
    return 1;
  }
  const shape = args.argmax ? [count] : [count, width];
  const values = args.argmax ? largestOutputs(outputs, width) : outputs;
  const csv = csvOf(values, shape[1] ?? 1);
  if (out !== undefined)
    await writeFiles(dirname(out), {
      [basename(out)]: /\.npy$/i.test(out) ? encodeNpy(values, shape) : csv,
    });
  else if (!args.json) for (const rows of csv) await writeResult(rows);
  const digest = outputsDigest(outputs);
  output.finding({
    kind: "forward",
    file,
    pass,
    inputs: count,
    outputs: width,
    digest,
    ...provenance,
  });
  // A network that is not a ticket has no hidden units to collapse, so it has a single pass.
  const passText = "masks" in network ? `pass ${pass}` : "passes audit and collapsed are one";
  output.note(
    `inputs ${grouped(count)}, outputs ${grouped(width)}, ${passText}, ${provenance.engine}: ${provenance.adapter}, ` +
      `${seconds.toFixed(1)} s, ${grouped(Math.round(count / seconds))} inputs/s`,
  );
  return 0;
}
