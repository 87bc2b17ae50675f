// What every ticket of a graph must pass.

import { expect } from "vitest";
import { runNetwork } from "../host/experiments/network.ts";
import { targetDigest } from "../host/experiments/ticket.ts";
import type { Engine } from "../host/runner.ts";
import type { Graph } from "../src/graph/model.ts";
import { representedWeights, verifyTicket } from "../src/ticket/certificate.ts";
import { forwardKeptGraph } from "../src/ticket/comparison.ts";
import { decodeTicket, encodeTicket } from "../src/ticket/file.ts";
import { countsOf, keptLayers } from "../src/ticket/kept.ts";
import { passes } from "../src/ticket/passes.ts";
import type { GraphTicket } from "../src/ticket/ticket.ts";
import { oracleGraph, randomInput, type GraphJson } from "./graphs.ts";

/** A ticket and the graph that it must equal. */
export interface TicketCase {
  /** Names the case where it fails. */
  readonly seed: number;
  readonly json: GraphJson;
  readonly graph: Graph;
  readonly ticket: GraphTicket;
}

/** Every input of a graph, or two drawn ones where they are more than 90. */
export function someInputs(json: GraphJson, random: (range: number) => number): number[][] {
  const { shape, activationBits, nonnegative } = json.input;
  const least = nonnegative ? 0 : -(2 ** activationBits);
  const range = 2 ** activationBits - least + 1;
  const elements = shape.reduce((a, b) => a * b);
  if (range ** elements > 90) return [randomInput(random, json), randomInput(random, json)];
  return Array.from({ length: range ** elements }, (_, k) =>
    Array.from({ length: elements }, (_, i) => (Math.floor(k / range ** i) % range) + least),
  );
}

/** A ticket survives its file, is certified, keeps nothing in vain, and represents the weights of its target. */
export async function expectCertified({ seed, graph, ticket }: TicketCase): Promise<void> {
  const digest = await targetDigest(graph);
  expect(decodeTicket(encodeTicket(ticket, digest))).toEqual({ ticket, digest });
  expect([seed, verifyTicket(graph, ticket)]).toEqual([seed, { certified: true }]);
  const kept = keptLayers(ticket);
  expect(countsOf(kept, ticket)).toMatchObject({ dead: 0, outside: 0 });
  expect(await targetDigest(representedWeights(ticket.target, kept) as Graph)).toBe(digest);
}

/** Both passes of a ticket have the outputs of the interpreter. */
export async function expectPasses(
  engine: Engine,
  { seed, json, ticket }: TicketCase,
  inputs: readonly (readonly number[])[],
): Promise<void> {
  const outputs = inputs.flatMap((input) => oracleGraph(json, input));
  for (const pass of passes)
    expect([seed, pass, Array.from(await runNetwork(engine, ticket, inputs.flat(), { pass }))]).toEqual([
      seed,
      pass,
      outputs,
    ]);
}

/** The pass that verification takes has the outputs of the interpreter as well. */
export function expectIndependentPass(
  { seed, json, graph, ticket }: TicketCase,
  inputs: readonly (readonly number[])[],
): void {
  const kept = keptLayers(ticket);
  expect([seed, inputs.flatMap((input) => Array.from(forwardKeptGraph(graph, kept, input)!))]).toEqual([
    seed,
    inputs.flatMap((input) => oracleGraph(json, input)),
  ]);
}
