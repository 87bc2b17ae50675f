// From questions about problems to calls of the kernels on given instances.

import { COUNT_WORDS } from "../kernels/count.ts";
import { MEET_WORDS, WIDE_TARGET_WORDS } from "../kernels/meet.ts";
import { TARGET_WORDS } from "../kernels/instances.ts";
import { smallestWords } from "../kernels/smallest.ts";
import { witnessWords } from "../kernels/witness.ts";
import type { Work } from "../plan.ts";
import { sumsOf, type Problem, type Question } from "./problem.ts";

/** A question for a kernel. */
export interface Asked {
  /** The place of what asks it among all that do. */
  readonly query: number;
  readonly problem: Problem;
  readonly question: Question;
}

/** One call of a kernel, and where the answer to each query starts in its output. */
export interface Call {
  readonly work: Work;
  readonly queries: readonly number[];
  readonly places: readonly number[];
}

/** The words that answer each query and where they start; no words where nothing was asked. */
export interface Answers {
  readonly words: readonly (Uint32Array | undefined)[];
  readonly places: readonly number[];
}

/** Sorts by query what calls have answered; `length` is the number of queries. */
export function answersOf(length: number, calls: readonly Call[], outputs: readonly Uint32Array[]): Answers {
  const words = new Array<Uint32Array | undefined>(length).fill(undefined);
  const places = new Array<number>(length).fill(0);
  calls.forEach((call, k) =>
    call.queries.forEach((query, i) => {
      words[query] = outputs[k];
      places[query] = call.places[i]!;
    }),
  );
  return { words, places };
}

type TableKernel = "witness" | "count" | "smallest";

/** Questions that go into one call. */
interface Bin {
  readonly kernel: TableKernel | "meet";
  readonly tiles: boolean;
  readonly rows: (readonly Asked[])[];
  sums: number;
}

/**
 * The calls of a kernel that answer questions; those about one problem stand together. Alike problems share a call, so
 * that none waits for the table of another. Problems that are solved by meeting in the middle go to the kernel meet.
 */
export function callsOf(kernel: TableKernel, asked: readonly Asked[], masks: boolean): Call[] {
  const bins = new Map<number, Bin>();
  const add = (row: readonly Asked[], sums: number) => {
    const { method } = row[0]!.problem;
    const key = 32 * ["bitset", "tiles", "meet-in-the-middle"].indexOf(method) + (Math.log2(sums) >> 1);
    const bin = bins.get(key);
    if (bin) {
      bin.rows.push(row);
      bin.sums = Math.max(bin.sums, sums);
    } else
      bins.set(key, {
        kernel: method === "meet-in-the-middle" ? "meet" : kernel,
        tiles: method === "tiles",
        rows: [row],
        sums,
      });
  };
  for (let k = 0; k < asked.length;) {
    const start = k;
    const { problem } = asked[k]!;
    while (asked[k]?.problem === problem) k++;
    const row = asked.slice(start, k);
    const { method, apart, form } = problem;
    if (method === "meet-in-the-middle") add(row, 2 ** (form.items.length / 2));
    else if (apart) for (const alone of row) add([alone], sumsOf(form, [alone.question]));
    else add(row, sumsOf(form, row.map(questionOf)));
  }
  return [...bins.values()].map((bin) => pack(bin, masks));
}

const questionOf = ({ question }: Asked) => question;

const answerWords: Record<Bin["kernel"], (n: number, masks: boolean) => number> = {
  witness: witnessWords,
  smallest: smallestWords,
  count: () => COUNT_WORDS,
  meet: () => MEET_WORDS,
};

/** Puts problems into the buffers of their kernel. */
function pack({ kernel, tiles, rows, sums }: Bin, masks: boolean): Call {
  const [queries, places]: [number[], number[]] = [[], []];
  const starts = new Uint32Array(2 * (rows.length + 1));
  let [itemCount, targetCount, answers, longest] = [0, 0, 0, 0];
  rows.forEach((row, k) => {
    const n = row[0]!.problem.form.items.length;
    itemCount += n;
    targetCount += row.length;
    starts[2 * k + 2] = itemCount;
    starts[2 * k + 3] = targetCount;
    longest = Math.max(longest, n);
    const words = answerWords[kernel](n, masks);
    for (const { query } of row) {
      queries.push(query);
      places.push(answers);
      answers += words;
    }
  });
  const counts = { instances: rows.length, items: itemCount, targets: targetCount, answers, longest };
  const work: Work =
    kernel === "meet"
      ? { kernel, params: counts, inputs: { ...wideInputs(rows, counts, places), starts } }
      : {
          kernel,
          params: { ...counts, sums, masks: Number(masks), tiles: Number(tiles) },
          inputs: { ...narrowInputs(rows, counts, places), starts },
        };
  return { work, queries, places };
}

interface Counts {
  readonly items: number;
  readonly targets: number;
}

function narrowInputs(rows: Bin["rows"], counts: Counts, places: readonly number[]) {
  const items = new Int32Array(counts.items);
  const targets = new Int32Array(TARGET_WORDS * counts.targets);
  let [item, target] = [0, 0];
  for (const row of rows) {
    for (const value of row[0]!.problem.form.items) items[item++] = Number(value);
    for (const { question } of row) {
      const { from, to, center } = question;
      const at = TARGET_WORDS * target;
      targets[at] = Number(from);
      targets[at + 1] = Number(to);
      targets[at + 2] = Number(center);
      targets[at + 3] = places[target++]!;
    }
  }
  return { items, targets };
}

function wideInputs(rows: Bin["rows"], counts: Counts, places: readonly number[]) {
  const items = new BigInt64Array(counts.items);
  const targets = new BigInt64Array((WIDE_TARGET_WORDS / 2) * counts.targets);
  let [item, target] = [0, 0];
  for (const row of rows) {
    for (const value of row[0]!.problem.form.items) items[item++] = BigInt(value);
    for (const { question } of row) {
      const { from, to, center } = question;
      targets.set([from, to, center, places[target]!].map(BigInt), (WIDE_TARGET_WORDS / 2) * target++);
    }
  }
  return { items: new Uint32Array(items.buffer), targets: new Uint32Array(targets.buffer) };
}
