// Keeps the tickets of the tests, each with its network, for the check in Python: every ticket that pruning made without a
// failure, or that was certified. Tickets that a test changes are kept only where they are certified still.
//
// A folder for each target, named by its digest, has the network as network.json and the tickets beside it.

import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pruneToTicket as prune, targetDigest } from "../../host/experiments/ticket.ts";
import { isFactored, isGraph, type Graph, type GraphNode } from "../../src/graph/model.ts";
import type { readGraph as read } from "../../src/graph/read.ts";
import type { Network } from "../../src/network.ts";
import type { verifyTicket as verify } from "../../src/ticket/certificate.ts";
import { encodeTicket } from "../../src/ticket/file.ts";
import { countsOf, keptLayers } from "../../src/ticket/kept.ts";
import { isGraphTicket, type GraphTicket, type Ticket } from "../../src/ticket/ticket.ts";
import type { GraphJson } from "../graphs.ts";

/** The fields with the two matrices of the factored nodes that were read, by their product. A graph has the product alone. */
const matricesOf = new WeakMap<Int32Array, object>();

/** Tickets that are being written. */
const writing: Promise<void>[] = [];

/** Waits until every ticket is written. @throws Where one could not be. */
export async function allKept(): Promise<void> {
  await Promise.all(writing.splice(0));
}

export async function pruneToTicket(
  original: typeof prune,
  ...args: Parameters<typeof prune>
): Promise<Awaited<ReturnType<typeof prune>>> {
  const pruned = await original(...args);
  if (pruned.failures.length === 0) await keep(args[1].network, pruned.ticket);
  return pruned;
}

export function verifyTicket(
  original: typeof verify,
  ...args: Parameters<typeof verify>
): ReturnType<typeof verify> {
  const verdict = original(...args);
  const [network, ticket] = args;
  // The check refuses what a scheme leaves out, as `exacta verify` does.
  if (verdict.certified && countsOf(keptLayers(ticket), ticket).outside === 0)
    writing.push(keep(network, ticket));
  return verdict;
}

export function readGraph(original: typeof read, value: unknown): Graph {
  const graph = original(value);
  for (const [i, node] of graph.nodes.entries())
    if (isFactored(node)) {
      const { queries, keys, first, second } = (value as GraphJson).nodes[i]!;
      matricesOf.set(node.weights, structuredClone({ queries, keys, first, second }));
    }
  return graph;
}

/** The paths of files that were written. */
const written = new Set<string>();

async function keep(network: Network | Graph, given: Ticket | GraphTicket): Promise<void> {
  const folder = process.env["EXACTA_KEEP_TICKETS"]!;
  // A test may change the masks while the digest is computed.
  const ticket = { ...given, masks: given.masks.map((mask) => mask.slice()) } as Ticket | GraphTicket;
  const json = isGraph(network) ? graphJson(network) : networkJson(network, ticket);
  const digest = isGraph(network) ? await targetDigest(network) : await targetDigest(network, bitsOf(ticket));
  const own = join(folder, digest);
  const file = encodeTicket(ticket, digest);
  const name = createHash("sha256").update(file).digest("hex").slice(0, 32);
  await mkdir(own, { recursive: true });
  const contents = { "network.json": JSON.stringify(json), [`${name}.safetensors`]: file };
  for (const [base, content] of Object.entries(contents)) {
    const path = join(own, base);
    if (written.has(path)) continue;
    written.add(path);
    await writeFile(path, content);
  }
}

function bitsOf(ticket: Ticket | GraphTicket): number {
  if (isGraphTicket(ticket)) throw new Error("the ticket of a graph has no bits of its whole target");
  return ticket.target.bits;
}

/** The numbers of a tensor as nested lists. */
function nested(shape: readonly number[], values: ArrayLike<number>): unknown {
  const [size, ...rest] = shape;
  if (size === undefined) return values[0];
  const all = Array.from(values);
  const step = all.length / size;
  return Array.from({ length: size }, (_, i) => nested(rest, all.slice(i * step, (i + 1) * step)));
}

/** A perceptron as JSON: the constant unit becomes biases, as docs/ticket.md has it. */
function networkJson(network: Network, ticket: Ticket | GraphTicket): unknown {
  const { layers, activationBits, quantizer, clamp, constant } = network;
  const one = Number(constant);
  return {
    bits: bitsOf(ticket),
    activationBits,
    quantizer,
    clamp,
    layers: layers.map(({ rows, columns, weights }, l) => {
      const outputs = rows - (l < layers.length - 1 ? one : 0);
      const all = nested([rows, columns], weights) as number[][];
      const own = all.slice(0, outputs);
      return {
        weights: own.map((row) => row.slice(0, columns - one)),
        ...(constant && { biases: own.map((row) => row[columns - 1]) }),
      };
    }),
  };
}

function graphJson({ input, nodes }: Graph): unknown {
  const names = ["input", ...nodes.map(({ name }) => name)];
  const channelsOf = [input.shape[0], ...nodes.map(({ shape }) => shape[0])];
  return {
    input,
    nodes: nodes.map((node) => {
      const { kind, name } = node;
      const from = node.from.map((value) => names[value]!);
      return { kind, name, from, ...fieldsOf(node, channelsOf[node.from[0]!]!) };
    }),
  };
}

/** The fields of a node beside its name and what it reads. @param channels Of what it reads. */
function fieldsOf(node: GraphNode, channels: number): object {
  if (node.kind === "flatten") return {};
  const { activationBits, shift, quantizer, relu, clamp } = node.epilogue;
  const rounding = { activationBits: shift === 0 ? "exact" : activationBits, quantizer, relu, clamp };
  if (node.kind === "max-pool") return node.window;
  if (node.kind === "add") return rounding;
  if (node.kind === "average-pool") return { ...rounding, ...node.window, countPadding: node.countPadding };
  const { bits, weights, biases } = node;
  if (isFactored(node)) {
    const matrices = matricesOf.get(weights);
    if (!matrices) throw new Error(`the two matrices of ${node.name} are not known`);
    return { ...rounding, bits, ...matrices };
  }
  const layer = { ...rounding, bits, ...(biases && { biases: Array.from(biases) }) };
  if (node.kind === "dense") return { ...layer, weights: nested([node.shape[0], channels], weights) };
  const { size, ...window } = node.window;
  const shape = [node.shape[0], channels / node.groups, ...size];
  return { ...layer, ...window, groups: node.groups, weights: nested(shape, weights) };
}
