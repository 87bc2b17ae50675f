// exacta ticket: prunes a random network until it equals the network of a file.

import { basename, dirname } from "node:path";
import { integer, parse } from "../../../src/check.ts";
import { RequestError } from "../../../src/errors.ts";
import type { GraphTicketFinding, Provenance, TicketFinding } from "../../../src/finding.ts";
import { graphOfNetwork, networkOfGraph, withInputs } from "../../../src/graph/chain.ts";
import { isGraph, isLinear, type Graph } from "../../../src/graph/model.ts";
import { quantizers, type Network } from "../../../src/network.ts";
import { seedSchema } from "../../../src/random.ts";
import { encodeTicket } from "../../../src/ticket/file.ts";
import { keptLayers } from "../../../src/ticket/kept.ts";
import { skips } from "../../../src/ticket/skips.ts";
import { poolings, type GraphScheme, type Scheme } from "../../../src/ticket/scheme.ts";
import { sizesOf } from "../../../src/ticket/sizes.ts";
import type { GraphTicket, Ticket } from "../../../src/ticket/ticket.ts";
import {
  graphSchemeFor,
  schemeFor,
  type GraphSchemeRequest,
  type SchemeRequest,
} from "../../../src/ticket/width.ts";
import { provenanceOf } from "../../runner.ts";
import { pruneToTicket, targetDigest, type Pruned } from "../../experiments/ticket.ts";
import { given, readList, readNumber } from "../formats/arguments.ts";
import { prepareFile, writeFiles } from "../formats/files.ts";
import { importedLines, readNetworkFile, type ReadNetwork } from "../formats/network.ts";
import { outputOf } from "../output.ts";
import { grouped } from "../reports/table.ts";
import {
  deviationText,
  layerSizes,
  lines,
  shortProbability,
  sizesTexts,
  widthText,
} from "../reports/ticket.ts";
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
import { randomWeightOptions, sparseOption, seedOption, theoremOption } from "./options.ts";
import { runOptions, untilStopped, withEngine, type RunOptions } from "./run.ts";

const options = {
  out: requiredValue("file", "the ticket, a safetensors file with a seed and masks"),
  ...networkOptions,
  ...theoremOption,
  nonnegative: flag("inputs are never negative, so that the first layer needs half the subset sums"),
  bits: value("k", "bits of the random weights after reduction", "the fewest that suffice"),
  ...randomWeightOptions,
  weightQuantizer: value("name", `how random weights are reduced: ${quantizers.join(", ")}`, "away"),
  pools: value("name", `how hidden units are shared among inputs: ${poolings.join(", ")}`, "shared"),
  skip: value(
    "name",
    `what becomes of additions y = Q(W x + x) in the random network: ${skips.join(", ")}`,
    "identity",
  ),
  support: flag("reject products of two weights until they are uniform on the distinct ones"),
  units: value("list", "hidden units of each input, for every layer", "auto, by theory"),
  copies: value(
    "list",
    "copies of each neuron, for theorem 2, or of each power of two, in depth",
    "auto, by theory",
  ),
  depthConstruction: flag("with bits 0: make weights of k bits of powers of two in k + 2 layers"),
  failure: value("number", "the probability of failure that auto accepts, by theory", "0.01"),
  ...seedOption,
  attempts: value("number", "seeds to try, one after the other", "1"),
  ...sparseOption,
  ...runOptions,
};
type Options = ArgumentsOf<typeof options>;

export const ticketCommand = command({
  name: "ticket",
  summary: "Prunes a random network until it equals a given network on every input.",
  manual: `
Draws a random network larger than the given [network](#networks) from a seed and finds, by solving random subset sums on the engine, which of its weights to keep so that it
equals that network: by Theorem 1 with twice as many layers, by \`--theorem 2\` with one layer more and copies of every neuron.
The file holds the seed and masks of one bit a weight, and any reader of safetensors can load it.

A [graph](#networks) of convolutions, attention, pools and additions has a random network with two layers for each of its layers with weights:
hidden units of each channel, and a window on them. \`--bits\`, \`--initial-bits\` and \`--units\` take a number for all of these layers, or a list
of one for each. Theorem 2 is about chains of dense layers only.

Additions stay as they are, since they add equal integers. With \`--skip none\` the random network has none of them: where a node adds the input
of a layer to its exact output, the layer is pruned to W + 1. With \`--skip random\` it has a random weight from each input to its
output besides, which is kept where that helps.

With \`--nonnegative\` the ticket equals its network on all inputs that are not negative.

Without \`--units\` and \`--copies\` the random network is as narrow as theory allows for a probability of failure of \`--failure\`.
Where a weight has no subset, no file is written, and the first such weights are listed.

\`--bits 0\` makes a binary random network, with \`--zero\` a ternary one; a weight of k bits then takes about 2^k hidden units. With
\`--depth-construction\` a layer of k bits becomes k + 2 random layers instead, which have \`--copies\` of x, 2x, 4x, ..., 2^k x for each
input x and sign: a power is the sum of two copies of the one before it, and an output adds one copy for each binary digit of a weight.

\`--pools halves\` and \`--support\` follow the paper's proof to the letter: half of an input's hidden units serve each sign, and
products are rejected until they are uniform on all distinct products. (On all integers, as the proof asks, no rejection can
make them uniform.)`,
  examples: ["exacta ticket network.json --out ticket.safetensors"],
  statusOne: "a weight has no subset; no file is written",
  statusStopped: "a signal stopped the run; no file is written",
  operands: { network: { summary: "a network as JSON, safetensors or ONNX", expected: "a file" } },
  options,
  run: runTicket,
});

/** The most deviations that are listed. */
const MAX_LISTED_DEVIATIONS = 10;

async function runTicket(args: Options & { readonly network: string }, { stop }: Call): Promise<number> {
  const imported = await readNetworkFile(args.network, readNetworkOptions(args));
  const request = readRequest(args, imported);
  const attempts = parse(integer(1, 1e6), readNumber(args.attempts ?? "1"), "attempts");
  await prepareFile(args.out, [args.network]);
  const output = outputOf(args);
  output.warn(...importedLines(args.network, imported, args.json));
  const found = await prune(args, { output, stop, unit: "subset sums" }, request, attempts);
  if (!found) {
    output.warn("stopped early; no ticket is written");
    return STOPPED_STATUS;
  }
  const { ticket, failures } = found.pruned;
  const { scheme, predictedFailure } = request;
  const isComplete = failures.length === 0;
  if (isComplete)
    await writeFiles(dirname(args.out), {
      [basename(args.out)]: encodeTicket(ticket, await digestOf(request)),
    });
  const sizes = sizesOf(ticket, keptLayers(ticket));
  const target =
    "bits" in request
      ? { widths: (ticket as Ticket).target.widths, targetBits: request.bits }
      : { layers: layerSizes(request.network) };
  const finding = {
    kind: "ticket",
    found: isComplete,
    ...scheme,
    predictedFailure,
    seed: String(ticket.seed),
    attempts: found.attempts,
    ...target,
    ...sizes,
    failed: failures.length,
    failures: failures.slice(0, MAX_LISTED_DEVIATIONS),
    ...(imported.quantization && { quantization: imported.quantization }),
    ...found.provenance,
  } as TicketFinding | GraphTicketFinding;
  output.finding(finding);
  const predicted = `predicted failure ${shortProbability(predictedFailure)}`;
  output.text(
    isComplete
      ? `${args.out}: theorem ${scheme.theorem}, seed ${ticket.seed}, ${predicted}\n${lines([widthText(scheme), ...sizesTexts(sizes)])}`
      : `no ticket: ${grouped(failures.length)} ${args.depthConstruction ? "copies or weights have no edges" : "subset sums have no solution"}, more --units or --attempts may help (${predicted}); the first:\n` +
          finding.failures.map(deviationText).join(""),
  );
  return isComplete ? 0 : 1;
}

interface Choices {
  readonly predictedFailure: number;
  readonly seed: bigint;
  readonly sparse: boolean;
}

interface NetworkRequest extends Choices {
  readonly network: Network;
  readonly bits: number;
  readonly scheme: Scheme;
}

interface GraphRequest extends Choices {
  readonly network: Graph;
  readonly scheme: GraphScheme;
}

function readRequest(args: Options, read: ReadNetwork): NetworkRequest | GraphRequest {
  const seed = args.seed === undefined ? 1n : parse(seedSchema, args.seed, "seed");
  const choices = { seed, sparse: args.sparse ?? false };
  refuseCopies(args, read);
  const isPlain =
    !isGraph(read.network) &&
    !args.nonnegative &&
    !args.depthConstruction &&
    (args.skip ?? "identity") === "identity";
  if (args.theorem === "2" || isPlain) {
    const { network, bits } = networkOf(args, read);
    const scheme = schemeFor(network, bits, readScheme(args, network.layers.length));
    return { network, bits, ...scheme, ...choices };
  }
  const given = isGraph(read.network) ? read.network : graphOfNetwork(read.network, read.bits, false);
  const network = withInputs(given, args.nonnegative ?? false);
  return { network, ...graphSchemeFor(network, readGraphScheme(args, network)), ...choices };
}

/** @throws {RequestError} For copies of a random network that has none. */
function refuseCopies(
  { copies = "auto", theorem = "1", depthConstruction }: Options,
  { network }: ReadNetwork,
): void {
  if (copies === "auto" || theorem !== "1" || depthConstruction) return;
  const remedy = { option: "depthConstruction", value: true } as const;
  throw new RequestError(
    "copies",
    "none, since a pair of layers has no copies",
    copies,
    isGraph(network) ? remedy : [{ option: "theorem", value: "2" }, remedy],
  );
}

/** The network as a list of layers. */
function networkOf({ nonnegative, skip, depthConstruction }: Options, { network, bits }: ReadNetwork) {
  for (const [name, given] of Object.entries({ nonnegative, skip, depthConstruction }))
    if (given !== undefined && given !== "identity") throw new RequestError(name, "theorem 1", 2);
  return isGraph(network) ? networkOfGraph(network) : { network, bits };
}

function digestOf(request: NetworkRequest | GraphRequest): Promise<string> {
  return "bits" in request ? targetDigest(request.network, request.bits) : targetDigest(request.network);
}

function readScheme(args: Options, layers: number): SchemeRequest {
  const { theorem, bits, initialBits } = args;
  const isTheorem2 = theorem === "2";
  return given<SchemeRequest>({
    ...commonScheme(args),
    theorem: readNumber(theorem),
    bits: readNumber(bits),
    initialBits: readNumber(initialBits),
    units: perLayer("units", args.units, isTheorem2 ? 1 : layers),
    copies: perLayer("copies", args.copies, isTheorem2 ? layers - 1 : 0),
  });
}

function readGraphScheme(args: Options, { nodes }: Graph): GraphSchemeRequest {
  const layers = nodes.filter(isLinear).length;
  const { depthConstruction } = args;
  return given<GraphSchemeRequest>({
    ...commonScheme(args),
    skip: args.skip,
    theorem: readNumber(args.theorem),
    bits: perLayer("bits", args.bits, layers),
    initialBits: perLayer("initialBits", args.initialBits, layers),
    units: perLayer("units", args.units, layers),
    copies: perLayer("copies", args.copies, layers),
    depthConstruction,
  });
}

function commonScheme({ weightQuantizer, zero, pools, support, failure }: Options) {
  return { weightQuantizer, zero, pools, support, failure: readNumber(failure) };
}

/** A number for each layer: those typed, or one for all; undefined where theory is to choose. */
function perLayer(name: string, typed: string | undefined, layers: number): unknown[] | undefined {
  if (typed === undefined || typed === "auto") return undefined;
  const list = readList(typed, name);
  return list.length === 1 && layers > 0 ? Array.from({ length: layers }, () => list[0]) : list;
}

/** Prunes the networks of one seed after the other until one contains the target; undefined where it was stopped. */
async function prune(
  args: Options,
  run: RunOptions,
  request: NetworkRequest | GraphRequest,
  attempts: number,
): Promise<{ pruned: Pruned<Ticket | GraphTicket>; attempts: number; provenance: Provenance } | undefined> {
  return withEngine(args, run, async ({ engine, signal, report }) => {
    for (let attempt = 1; ; attempt++) {
      const seed = BigInt.asUintN(64, request.seed + BigInt(attempt - 1));
      const pruned = await untilStopped(
        pruneToTicket(engine, { ...request, seed }, { signal, onProgress: ({ done }) => report(done) }),
        signal,
        () => undefined,
      );
      if (!pruned) return undefined;
      if (pruned.failures.length === 0 || attempt === attempts)
        return { pruned, attempts: attempt, provenance: provenanceOf(engine) };
    }
  });
}
