// Instances in columns that a thread of WebAssembly poses and answers by itself (host/cpu/wasm/plain.ts).

import {
  maskOffsetsOf,
  servesColumns,
  type PlainAnswers,
  type PlainInstances,
} from "../../src/solve/columns.ts";
import { listCosts, meetingCost, tableCost, type SolveConfig } from "../../src/solve/problem.ts";

/** A request in the form that threads take. The bits are those of FLAGS in host/cpu/wasm/plain.ts. */
export interface PlainRequest {
  readonly flags: number;
  readonly asksCount: boolean;
  readonly asksWitness: boolean;
  readonly asksSmallest: boolean;
  readonly tolerance: number;
  /** The cost of an update of a table, and of meeting in the middle by the number of items; 0 where that does not serve. */
  readonly updateCost: number;
  readonly meetingCosts: Float64Array<ArrayBuffer>;
}

const [BOUNDED, AT_MOST, WITNESS, COUNT, SMALLEST] = [1, 2, 4, 8, 16] as const;

/** The request as threads take it; undefined where they do not serve it. */
export function plainRequest(config: SolveConfig): PlainRequest | undefined {
  const { asked, partition, tolerance, atMost, method } = config;
  if (partition || !servesColumns(config)) return undefined;
  const [asksCount, asksWitness, asksSmallest] = [
    asked.has("count"),
    asked.has("witness"),
    asked.has("smallest"),
  ];
  return {
    flags:
      (tolerance === undefined ? 0 : BOUNDED) |
      (atMost ? AT_MOST : 0) |
      (asksWitness ? WITNESS : 0) |
      (asksCount ? COUNT : 0) |
      (asksSmallest ? SMALLEST : 0),
    asksCount,
    asksWitness,
    asksSmallest,
    tolerance: tolerance ?? 0,
    updateCost: tableCost(asked, 1),
    // The cost for no target is that of one pass through the lists.
    meetingCosts: listCosts.map((_, n) => (method === undefined ? meetingCost(asked, n, 0, false) : 0)),
  };
}

/** The call of `answerColumns`, as the message to a thread. */
export interface PlainCall {
  readonly kernel: "answerColumns";
  readonly params: Uint32Array<ArrayBuffer>;
  readonly inputs: readonly Uint32Array<ArrayBuffer>[];
  readonly length: number;
}

/** Words of the parameters, and of the output before its columns. */
const PARAMS = 10;
const HEAD = 2;

const wordsOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView<ArrayBuffer>) =>
  new Uint32Array(buffer, byteOffset, byteLength / 4);

/** The call for instances, and what reads its output: undefined where some instance is left to the kernels. */
export function plainCall(
  request: PlainRequest,
  { items, offsets, targets, targetOffsets }: PlainInstances,
): { call: PlainCall; answersOf: (words: Uint32Array<ArrayBuffer>) => PlainAnswers | undefined } {
  const { flags, asksCount, asksWitness, asksSmallest, tolerance, updateCost, meetingCosts } = request;
  const [count, queries] = [offsets.length - 1, targets.length];
  const firstQuery = targetOffsets[0]!;
  const hasMasks = asksWitness || asksSmallest;
  const maskOffsets = hasMasks
    ? maskOffsetsOf(offsets, targetOffsets, { first: 0, end: count })
    : new Uint32Array(0);
  const masks = maskOffsets[queries] ?? 0;
  const params = new Uint32Array(PARAMS);
  params.set([count, queries, offsets[0]!, firstQuery, flags, masks]);
  new Float64Array(params.buffer).set([tolerance, updateCost], 3);
  const columns = [
    asksCount ? 2 * queries : 0,
    queries,
    asksSmallest ? queries : 0,
    asksWitness ? masks : 0,
    asksSmallest ? masks : 0,
    Math.ceil(queries / 4),
  ] as const;
  return {
    call: {
      kernel: "answerColumns",
      params,
      inputs: [items, offsets, targets, targetOffsets, meetingCosts].map(wordsOf),
      length: columns.reduce((sum, words) => sum + words, HEAD),
    },
    answersOf(words) {
      if (words[0] !== count) return undefined;
      const { buffer } = words;
      let at = words.byteOffset + 4 * HEAD;
      const [counts, sums, sizes, witnesses, smallest, reachable] = columns.map((length) => {
        const column = new Uint32Array(buffer, at, length);
        at += 4 * length;
        return column;
      }) as [Uint32Array<ArrayBuffer>, ...Uint32Array<ArrayBuffer>[]];
      return {
        firstQuery,
        counts,
        sums: new Int32Array(buffer, sums!.byteOffset, sums!.length),
        sizes: new Int32Array(buffer, sizes!.byteOffset, sizes!.length),
        maskOffsets,
        witnesses: witnesses!,
        smallest: smallest!,
        reachable: new Uint8Array(buffer, reachable!.byteOffset, queries),
      };
    },
  };
}
