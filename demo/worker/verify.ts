// The order `verify`: draws the random network of a ticket's file again and compares it with its target.

import { sha256 } from "../../host/experiments/digest.ts";
import { targetDigest } from "../../host/experiments/ticket.ts";
import { verifyTicket } from "../../src/ticket/certificate.ts";
import { decodeTicket } from "../../src/ticket/file.ts";
import type { Deviation } from "../../src/ticket/ticket.ts";
import { networkOf, type NetworkSource } from "./networks.ts";
import type { Order } from "./orders.ts";

export interface VerifyOrder extends Order {
  readonly request: {
    readonly source: NetworkSource;
    /** The file of the ticket. */
    readonly ticket: Uint8Array<ArrayBuffer>;
  };
  readonly report: never;
  readonly answer: Verified;
}

export interface Verified {
  /** Whether the ticket equals the network on every input and names it. */
  readonly certified: boolean;
  /** The first weight that differs. */
  readonly deviation: Deviation | undefined;
  readonly targetDigest: string;
  readonly fileDigest: string;
  readonly milliseconds: number;
}

export async function verify({ source, ticket }: VerifyOrder["request"]): Promise<Verified> {
  const begun = performance.now();
  const { network, bits } = networkOf(source);
  const decoded = decodeTicket(ticket);
  const { certified, deviation } = verifyTicket(network, decoded.ticket);
  const digest = await targetDigest(network, bits);
  return {
    certified: certified && decoded.digest === digest,
    deviation,
    targetDigest: digest,
    fileDigest: await sha256(ticket),
    milliseconds: performance.now() - begun,
  };
}
