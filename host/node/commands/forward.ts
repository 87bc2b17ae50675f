// exacta forward: what a network, or the pruned network of a ticket, makes of the inputs in a file.

import { createHash } from "node:crypto";
import { basename, dirname } from "node:path";
import * as z from "zod/mini";
import { RequestError, locating } from "../../../src/errors.ts";
import { version } from "../../../package.json";
import { parse } from "../../../src/check.ts";
import { passes } from "../../../src/ticket/passes.ts";
import { runNetwork } from "../../experiments/network.ts";
import { prepareFile, readBytes, writeFiles } from "../formats/files.ts";
import { csvOf, decodeInputs, encodeNpy, int64Bytes } from "../formats/matrix.ts";
import { importedText, readNetworkOrTicket, readOptions, type ImportArguments } from "../formats/network.ts";
import { untilStopped, withEngine, type RunArguments } from "./run.ts";
import { grouped } from "../reports/table.ts";

export interface ForwardArguments extends RunArguments, ImportArguments {
  inputs: string;
  out?: string;
  pass?: string;
  argmax?: boolean;
  json?: boolean;
}

const passSchema = z._default(z.enum(passes, `one of ${passes.join(", ")}`), "collapsed");
const outSchema = z.optional(z.string().check(z.regex(/\.(npy|csv)$/i, "a name that ends in .npy or .csv")));

/** Runs the command and returns its exit status. Throws TypeError or RangeError for what cannot be met or read. */
export async function runForward(path: string, args: ForwardArguments): Promise<number> {
  const pass = parse(passSchema, args.pass, "pass");
  const out = parse(outSchema, args.out, "out");
  const { network, outline, imported } = await readNetworkOrTicket(path, readOptions(args));
  if (imported && !args.quiet) process.stderr.write(importedText(path, imported));
  const { widths, activationBits, constant } = outline;
  const columns = widths[0]! - Number(constant);
  if (columns === 0) throw new RequestError(`${path}: widths`, "inputs beside the constant", widths);
  const bytes = await readBytes(args.inputs);
  const inputs = locating(args.inputs, () => decodeInputs(bytes, columns, 2 ** activationBits));
  if (out !== undefined) await prepareFile(out, [path, args.inputs]);
  const [count, width] = [inputs.length / columns, widths.at(-1)!];
  const { outputs, seconds, ...provenance } = await withEngine(
    args,
    count,
    out === undefined && !args.json,
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
      engine: engine.engine,
      adapter: engine.adapter,
    }),
    "inputs",
  );
  if (!outputs) {
    process.stderr.write("stopped early; no outputs are written\n");
    return 1;
  }
  const shape = args.argmax ? [count] : [count, width];
  const values = args.argmax ? largest(outputs, width) : outputs;
  const csv = csvOf(values, shape[1] ?? 1);
  if (out !== undefined)
    await writeFiles(dirname(out), {
      [basename(out)]: /\.npy$/i.test(out) ? encodeNpy(values, shape) : csv,
    });
  else if (!args.json) await print(csv);
  if (args.json) {
    const digest = outputsDigest(outputs);
    const finding = { kind: "forward", file: path, pass, inputs: count, outputs: width, digest };
    process.stdout.write(`${JSON.stringify({ ...finding, ...provenance, version })}\n`);
  }
  // A network has no hidden units that could be summed up before.
  const passed = "masks" in network ? `pass ${pass}` : "passes audit and collapsed are one";
  if (!args.quiet)
    process.stderr.write(
      `inputs ${grouped(count)}, outputs ${grouped(width)}, ${passed}, ${provenance.engine}: ${provenance.adapter}, ` +
        `${seconds.toFixed(1)} s, ${grouped(Math.round(count / seconds))} inputs/s\n`,
    );
  return 0;
}

/** SHA-256 of outputs as integers of 64 bits, low byte first, in hexadecimal digits. */
export function outputsDigest(outputs: Float64Array): string {
  return createHash("sha256").update(int64Bytes(outputs)).digest("hex");
}

/** The place of the largest output of each input, the first of equals. */
export function largest(outputs: Float64Array, width: number): Float64Array {
  return Float64Array.from({ length: outputs.length / width }, (_, k) => {
    const row = outputs.subarray(k * width, (k + 1) * width);
    let best = 0;
    for (let i = 1; i < width; i++) if (row[i]! > row[best]!) best = i;
    return best;
  });
}

/** Writes to stdout no faster than its reader reads. */
async function print(texts: Iterable<string>): Promise<void> {
  for (const text of texts) await new Promise<void>((resolve) => process.stdout.write(text, () => resolve()));
}
