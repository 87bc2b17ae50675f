// exacta forward: runs the inputs of a file through a network, or through the pruned network of a ticket.

import { basename, dirname } from "node:path";
import * as z from "zod/mini";
import { parse } from "../../../src/check.ts";
import { Described, RequestError, locating, type Remedy } from "../../../src/errors.ts";
import { integerInput, realOutputs, type RealScales } from "../../../src/import/real.ts";
import { passes } from "../../../src/ticket/passes.ts";
import { seedSchema } from "../../../src/random.ts";
import { runNetwork } from "../../experiments/network.ts";
import { provenanceOf } from "../../runner.ts";
import { prepareFile, readBytes, writeFiles } from "../formats/files.ts";
import { csvOf, decodeInputs } from "../formats/matrix.ts";
import { importedLines, readNetworkOrTicket } from "../formats/network.ts";
import { encodeNpy } from "../formats/npy.ts";
import { outputOf, writeResult } from "../output.ts";
import { largestOutputs, outputsDigest } from "../formats/outputs.ts";
import { grouped } from "../reports/table.ts";
import {
  command,
  flag,
  requiredValue,
  STOPPED_STATUS,
  value,
  type ArgumentsOf,
  type Call,
} from "./command.ts";
import { networkOptions, readNetworkOptions } from "./import.ts";
import { runOptions, untilStopped, withEngine } from "./run.ts";

const roundings = ["quantizer", "stochastic"] as const;

const options = {
  ...networkOptions,
  inputs: requiredValue("file", "numbers, a row for each input: .npy, or text such as CSV"),
  real: flag("inputs and outputs are real numbers, for a network that was made from real numbers"),
  header: value("yes|no", "whether the first line of text has names", "yes for names, refused for 0,1,2,..."),
  out: value("file", "the outputs, a row for each input: .npy or .csv", "CSV on stdout"),
  pass: value(
    "name",
    `${passes.join(", ")}: how a ticket is run, with all kept hidden units or with the dense layers that equal them`,
    "collapsed",
  ),
  rounding: value("name", `${roundings.join(", ")}: how sums become activations`, "quantizer"),
  seed: value("number", "an integer of 64 bits, for stochastic rounding", "1"),
  argmax: flag("write the index of the largest output, from 0, instead of the outputs"),
  ...runOptions,
};

export const forwardCommand = command({
  name: "forward",
  summary: "Runs inputs through a network, or through the pruned network of a ticket.",
  manual: `
Runs integers in -2^m..2^m, with m the bits of activations, through a [network](#networks) and prints its outputs, integers that are the same on every engine. For a
ticket, \`--pass audit\` evaluates every hidden unit that is kept, and \`--pass collapsed\` the dense layers that equal them; both give
the same integers. With \`--json\` a finding with a digest of the outputs is printed instead of the outputs. Of several largest
outputs, \`--argmax\` takes the first.

With \`--real\`, for a network that was made from real numbers, an input x becomes the integer nearest to x 2^m / u, ties away
from 0, with u the \`--input-scale\`. An output is its integer times S / 2^m, with S the output scale, which is printed.

With \`--rounding stochastic\` the sums of layers and additions are rounded up with the probability of the part that is cut off, by
random numbers of \`--seed\`. A ticket takes the numbers of its target, so both still have the same outputs.

The network of a ticket fixes how real numbers become integers; other options are refused, except \`--input-scale\`.`,
  formats: `
  .npy    integers, booleans or floats, of shape [inputs, columns] or of more axes; images have shape [inputs, channels, height, width]
  text    a row for each input, between semicolons, tabs, commas or blanks; a first line of names and comments with # are skipped`,
  examples: ["exacta forward ticket.safetensors --inputs x.csv --pass audit"],
  statusStopped: "a signal stopped the run; no outputs are written",
  operands: {
    file: { summary: "a network as JSON, safetensors or ONNX, or a ticket", expected: "a file" },
  },
  options,
  run: runForward,
});

const passSchema = z._default(z.enum(passes, `one of ${passes.join(", ")}`), "collapsed");
const roundingSchema = z._default(z.enum(roundings, `one of ${roundings.join(", ")}`), "quantizer");
const headerSchema = z.optional(z.enum(["yes", "no"], "yes or no"));
const outSchema = z.optional(z.string().check(z.regex(/\.(npy|csv)$/i, "a name that ends in .npy or .csv")));

const realRemedy: Remedy = {
  option: "real",
  value: true,
  because: "which rounds inputs to integers by the input scale",
};

function integerRemedy(activationBits: number): Remedy {
  return `the inputs of this network are integers: of real numbers in -1..1, give the integers nearest to 2^${activationBits} times them`;
}

/** The refusal of real inputs for a ticket, or for a network of integers, neither of which has scales. */
function notReal(isNetwork: boolean, activationBits: number): RequestError {
  return new RequestError(
    "real",
    "a network that was made from real numbers",
    new Described(isNetwork ? "a network of integers" : "a ticket, which has no scales"),
    isNetwork
      ? integerRemedy(activationBits)
      : "give the file of the network that it equals, and the options with which it was made",
  );
}

/** How integers and real numbers are related. */
function scalesText({ activationBits, inputScale, outputScale }: RealScales): string {
  const scale =
    typeof outputScale === "number"
      ? `${outputScale} / 2^${activationBits}`
      : `S / 2^${activationBits}, with S ${outputScale.slice(0, MAX_LISTED_SCALES).join(", ")}${outputScale.length > MAX_LISTED_SCALES ? ", ..." : ""} for each output`;
  return (
    `real numbers: an input is the integer nearest to x 2^${activationBits} / ${inputScale}, ties away from 0; ` +
    `an output is its integer times ${scale}`
  );
}

/** The most scales of outputs that are listed. */
const MAX_LISTED_SCALES = 12;

async function runForward(
  { file, ...args }: ArgumentsOf<typeof options> & { readonly file: string },
  { stop }: Call,
): Promise<number> {
  const pass = parse(passSchema, args.pass, "pass");
  const isStochastic = parse(roundingSchema, args.rounding, "rounding") === "stochastic";
  if (args.seed !== undefined && !isStochastic)
    throw new RequestError("seed", "none with the quantizers of the network", args.seed, {
      option: "rounding",
      value: "stochastic",
    });
  const seed = isStochastic ? parse(seedSchema, args.seed ?? "1", "seed") : undefined;
  const out = parse(outSchema, args.out, "out");
  const header = parse(headerSchema, args.header, "header");
  const { network, ends, imported } = await readNetworkOrTicket(file, readNetworkOptions(args));
  const output = outputOf(args);
  const { columns, shape: imageShape, activationBits, outputs: width } = ends;
  if (columns === 0) throw new RequestError(`${file}: widths`, "inputs beside the constant", columns);
  const scales = imported?.quantization && { activationBits, ...imported.quantization };
  if (args.real && !scales) throw notReal(imported !== undefined, activationBits);
  const real = args.real ? scales : undefined;
  const bytes = await readBytes(args.inputs, "inputs");
  const form = {
    columns,
    shape: imageShape,
    most: 2 ** activationBits,
    real: real && { largest: real.inputScale, integerOf: (x: number) => integerInput(real, x) },
    hasHeader: header === undefined ? undefined : header === "yes",
    fractions: scales ? realRemedy : integerRemedy(activationBits),
  };
  const inputs = locating(args.inputs, () => decodeInputs(bytes, form));
  if (out !== undefined) await prepareFile(out, [file, args.inputs]);
  // Notes on what was read belong to a result, so that refusals come first.
  if (imported) output.note(...importedLines(file, imported));
  const count = inputs.length / columns;
  const stopWithReader = out === undefined && !args.json;
  const run = { output, stop, unit: "inputs", total: count, stopWithReader };
  const { outputs, seconds, ...provenance } = await withEngine(
    args,
    run,
    async ({ engine, signal, report, seconds }) => ({
      outputs: await untilStopped(
        runNetwork(engine, network, inputs, {
          pass,
          ...(seed !== undefined && { stochasticSeed: seed }),
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
    return stop.aborted ? STOPPED_STATUS : 0;
  }
  const shape = args.argmax ? [count] : [count, width];
  // Integers of outputs with scales of their own do not compare.
  const compared = real || typeof scales?.outputScale === "object" ? realOutputs(scales!, outputs) : outputs;
  const values = args.argmax ? largestOutputs(compared, width) : real ? compared : outputs;
  const csv = csvOf(values, shape[1] ?? 1);
  if (out !== undefined)
    await writeFiles(dirname(out), {
      [basename(out)]: /\.npy$/i.test(out) ? encodeNpy(values, shape, real && !args.argmax) : csv,
    });
  else if (!args.json) for (const rows of csv) await writeResult(rows);
  const digest = outputsDigest(outputs);
  output.finding({
    kind: "forward",
    file,
    pass,
    ...(seed !== undefined && { rounding: "stochastic", seed: String(seed) }),
    inputs: count,
    outputs: width,
    digest,
    ...(real && { activationBits, inputScale: real.inputScale, outputScale: real.outputScale }),
    ...provenance,
  });
  if (real) output.note(scalesText(real));
  // A network that is not a ticket has no hidden units to collapse, so it has a single pass.
  const passText = "masks" in network ? `pass ${pass}` : "passes audit and collapsed are one";
  output.note(
    `inputs ${grouped(count)}, outputs ${grouped(width)}, ${passText}, ${provenance.engine}: ${provenance.adapter}, ` +
      `${seconds.toFixed(1)} s, ${grouped(Math.round(count / seconds))} inputs/s`,
  );
  return 0;
}
