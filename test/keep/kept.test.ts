// What the tests keep for the check in Python.

import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { referenceRunner } from "../../host/reference.ts";
import { pruneToTicket as prune, targetDigest } from "../../host/experiments/ticket.ts";
import { readGraph as read } from "../../src/graph/read.ts";
import { readNetwork } from "../../src/network.ts";
import { verifyTicket as verify } from "../../src/ticket/certificate.ts";
import { decodeTicket } from "../../src/ticket/file.ts";
import { graphSchemeFor, schemeFor } from "../../src/ticket/width.ts";
import { generator, randomGraph } from "../graphs.ts";
import { allKept, pruneToTicket, readGraph, verifyTicket } from "./kept.ts";

const reference = referenceRunner();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "exacta-kept-"));
});
beforeEach(() => {
  vi.stubEnv("EXACTA_KEEP_TICKETS", folder);
  return () => vi.unstubAllEnvs();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const { network, bits } = readNetwork({
  bits: 2,
  activationBits: 3,
  layers: [{ weights: [[4, -1]], biases: [3] }, { weights: [[-3], [2]] }],
});

/** The files of the folder of a target. */
async function keptOf(digest: string): Promise<string[]> {
  await allKept();
  return (await readdir(folder)).includes(digest) ? (await readdir(join(folder, digest))).toSorted() : [];
}

test("A ticket without failures is kept once beside its network, and one that is changed is not", async () => {
  const { scheme } = schemeFor(network, bits);
  const digest = await targetDigest(network, bits);
  const narrow = { ...scheme, units: [2, 2] };
  const { failures } = await pruneToTicket(prune, reference, { network, bits, scheme: narrow });
  expect(failures).not.toEqual([]);
  const { ticket } = await pruneToTicket(prune, reference, { network, bits, scheme, seed: 3n });
  const masks = ticket.masks.map((mask) => mask.map(() => 0));
  expect(verifyTicket(verify, network, { ...ticket, masks }).certified).toBe(false);
  expect(verifyTicket(verify, network, ticket).certified).toBe(true);
  const [file, ...others] = await keptOf(digest);
  expect(others).toEqual(["network.json"]);
  expect(decodeTicket(await readFile(join(folder, digest, file!)))).toEqual({ ticket, digest });
  const json: unknown = JSON.parse(await readFile(join(folder, digest, "network.json"), "utf8"));
  expect(readNetwork(json)).toEqual({ network, bits });
});

test("A certified ticket that keeps a product which its scheme leaves out is not kept", async () => {
  const { scheme } = schemeFor(network, bits);
  const shared = { ...scheme, units: scheme.units.map((h) => h + (h % 2)) };
  const { ticket } = await prune(reference, { network, bits, scheme: shared });
  const before = await keptOf(await targetDigest(network, bits));
  const halves = { ...ticket, scheme: { ...shared, pools: "halves" as const } };
  expect(verifyTicket(verify, network, halves).certified).toBe(true);
  expect(await keptOf(await targetDigest(network, bits))).toEqual(before);
});

test("The networks of random graphs are kept as they are", async () => {
  let attention = 0;
  for (let seed = 0; seed < 40; seed++) {
    const json = randomGraph(generator(seed), { bits: 2, side: 3, channels: 2, attention: seed % 2 === 0 });
    const graph = readGraph(read, json);
    if (!json.nodes.some(({ weights, queries, first }) => weights ?? queries ?? first)) continue;
    attention += Number(json.nodes.some(({ queries, first }) => queries ?? first));
    const digest = await targetDigest(graph);
    const { scheme } = graphSchemeFor(graph, {});
    // The verdict is not the subject, so that no ticket has to be found.
    const { ticket } = await prune(reference, {
      network: graph,
      scheme: { ...scheme, units: scheme.units.map(() => 2) },
    });
    verifyTicket(() => ({ certified: true }), graph, ticket);
    expect(await keptOf(digest)).toHaveLength(2);
    const kept: unknown = JSON.parse(await readFile(join(folder, digest, "network.json"), "utf8"));
    expect([seed, read(kept)]).toEqual([seed, graph]);
  }
  expect(attention).toBeGreaterThan(5);
});
