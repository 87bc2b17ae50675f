// The order `ticket`: prunes a random network to a given network.

import { sha256 } from "../../host/experiments/digest.ts";
import { pruneToTicket, targetDigest } from "../../host/experiments/ticket.ts";
import { provenanceOf } from "../../host/runner.ts";
import type { TicketFinding } from "../../src/finding.ts";
import type { Network } from "../../src/network.ts";
import { encodeTicket } from "../../src/ticket/file.ts";
import { keptLayers } from "../../src/ticket/kept.ts";
import { isKept, type Mask } from "../../src/ticket/mask.ts";
import { demandsOf, drawnWeights, layersOf, type Demand, type RandomLayer } from "../../src/ticket/scheme.ts";
import { sizesOf } from "../../src/ticket/sizes.ts";
import type { Ticket } from "../../src/ticket/ticket.ts";
import { schemeFor } from "../../src/ticket/width.ts";
import { engineOf } from "./engine.ts";
import { networkOf, type NetworkSource } from "./networks.ts";
import type { Context, Order, PageEngine } from "./orders.ts";

export interface TicketOrder extends Order {
  readonly request: {
    readonly engine: PageEngine;
    readonly source: NetworkSource;
    readonly theorem: 1 | 2;
    /** The hidden units of each input in every layer that has them; undefined where theory chooses. */
    readonly units: number | undefined;
    readonly seed: string;
  };
  readonly report: { readonly done: number; readonly total: number };
  readonly answer: TicketAnswer;
}

export interface TicketAnswer {
  readonly finding: TicketFinding;
  /** SHA-256 of the target; undefined where the browser computes none. */
  readonly targetDigest: string | undefined;
  /** The ticket; undefined where a weight has no subset or the target has no digest. */
  readonly file: TicketFile | undefined;
  /** Undefined where the random network is too large for a picture. */
  readonly network: DrawnNetwork | undefined;
}

interface TicketFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly digest: string;
}

/** A random network with what is kept of it. */
export interface DrawnNetwork {
  readonly layers: readonly RandomLayer[];
  readonly masks: readonly Mask[];
  readonly sums: readonly WeightSum[];
}

/** The sum of kept items behind a weight of the target, for inputs of one sign and one copy of its output. */
export interface WeightSum extends Pick<RandomLayer, "layer" | "kind" | "scaleBits" | "signed" | "copies"> {
  readonly output: number;
  readonly input: number;
  readonly copy: number;
  readonly sign: Demand["sign"];
  /** The weight times 2^scaleBits. */
  readonly sum: number;
  /** Each item: the weights u and v of a product, or one weight. They are undefined where no subset has the sum. */
  readonly terms: readonly (readonly number[])[] | undefined;
}

/** The most weights of a random network that is drawn as a picture. */
const MAX_DRAWN_WEIGHTS = 2 ** 14;
/** The most failures that an answer lists. */
const MAX_FAILURES = 10;

export async function ticket(
  { engine, source, theorem, units, seed }: TicketOrder["request"],
  { signal, report }: Context<TicketOrder>,
): Promise<TicketAnswer> {
  // A slider sends many orders, and the page drops all but the last. Their messages are handled first.
  await new Promise((resolve) => setTimeout(resolve));
  signal.throwIfAborted();
  const { network, bits } = networkOf(source);
  const widths = theorem === 1 ? network.layers.length : 1;
  const { scheme, predictedFailure } = schemeFor(network, bits, {
    theorem,
    ...(units !== undefined && { units: Array.from({ length: widths }, () => units) }),
  });
  const { runner } = await engineOf(engine);
  const request = { network, bits, scheme, seed, sparse: true };
  const { ticket: found, failures } = await pruneToTicket(runner, request, { signal, onProgress: report });
  const kept = keptLayers(found);
  const sizes = sizesOf(found, kept);
  const finding: TicketFinding = {
    kind: "ticket",
    found: failures.length === 0,
    ...scheme,
    predictedFailure,
    seed,
    attempts: 1,
    widths: found.target.widths,
    targetBits: bits,
    ...sizes,
    failed: failures.length,
    failures: failures.slice(0, MAX_FAILURES),
    ...provenanceOf(runner),
  };
  const digest = isSecureContext ? await targetDigest(network, bits) : undefined;
  return {
    finding,
    targetDigest: digest,
    file: digest !== undefined && finding.found ? await fileOf(found, digest) : undefined,
    network: sizes.initial <= MAX_DRAWN_WEIGHTS ? drawnNetwork(network, found) : undefined,
  };
}

async function fileOf(found: Ticket, digest: string): Promise<TicketFile> {
  const bytes = encodeTicket(found, digest);
  return { bytes, digest: await sha256(bytes) };
}

function drawnNetwork(network: Network, { scheme, seed, masks, target }: Ticket): DrawnNetwork {
  const layers = layersOf(target.widths, target.bits, scheme);
  const random = drawnWeights(scheme, seed);
  function* sums(): Generator<WeightSum> {
    for (const demand of demandsOf(network, layers, scheme, seed)) {
      const { layer, kind, scaleBits, signed, copies } = layers[demand.index]!;
      yield {
        layer,
        kind,
        scaleBits,
        signed,
        copies,
        output: Math.floor(demand.row / copies),
        input: demand.input,
        copy: demand.row % copies,
        sign: demand.sign,
        sum: demand.sum,
        terms: termsOf(demand),
      };
    }
  }
  /** The kept items of a demand. */
  function termsOf({ index, input, firstWeight, items, members, sum }: Demand): number[][] | undefined {
    const { kind, group } = layers[index]!;
    const kept = items.flatMap((item, i) =>
      isKept(masks[index]!, firstWeight + members[i]!) ? [{ item, member: members[i]! }] : [],
    );
    if (kept.reduce((total, { item }) => total + item, 0) !== sum) return undefined;
    return kept.map(({ item, member }) => {
      if (kind === "direct") return [item];
      const u = random(index - 1)(input * group + member);
      return [u, item / u];
    });
  }
  return { layers, masks, sums: [...sums()] };
}
