// Packs questions about given instances into work for the kernels, several instances into one call of a kernel.

import { COUNT_WORDS } from "../kernels/count.ts";
import { CAPACITY_WORDS, knapsackWords } from "../kernels/knapsack.ts";
import { MEET_WORDS, WIDE_TARGET_WORDS } from "../kernels/meet.ts";
import { TARGET_WORDS } from "../kernels/instances.ts";
import { smallestWords } from "../kernels/smallest.ts";
import { witnessWords } from "../kernels/witness.ts";
import type { Work } from "../plan.ts";
import { methods, tableSums, type Problem, type Query, type Question } from "./problem.ts";

/** A question for a kernel. */
export interface KernelQuestion {
  /** The index of the query that asks it. */
  readonly query: number;
  readonly problem: Problem;
  readonly question: Question;
}

/** One call of a kernel. The answer to query queries[i] starts at word offsets[i] of its output. */
export interface PackedWork {
  readonly work: Work;
  readonly queries: readonly number[];
  readonly offsets: readonly number[];
}

/** The output that holds the answer to each query, and the word at which it starts; undefined where nothing was asked. */
export interface Answers {
  readonly words: readonly (Uint32Array | undefined)[];
  readonly offsets: readonly number[];
}

/**
 * Sorts the outputs of packed work by query.
 * @param length The number of queries.
 * @param outputs outputs[i] is the output of packed[i].
 */
export function answersByQuery(
  length: number,
  packed: readonly PackedWork[],
  outputs: readonly Uint32Array[],
): Answers {
  const words = new Array<Uint32Array | undefined>(length).fill(undefined);
  const offsets = new Array<number>(length).fill(0);
  packed.forEach((part, k) =>
    part.queries.forEach((query, i) => {
      words[query] = outputs[k];
      offsets[query] = part.offsets[i]!;
    }),
  );
  return { words, offsets };
}

type TableKernel = "witness" | "count" | "smallest";

/** The questions of one piece of work. */
interface Bin {
  readonly asked: TableKernel;
  readonly kernel: TableKernel | "meet";
  readonly tiles: boolean;
  /** By instance: the questions that share its table. */
  readonly instances: (readonly KernelQuestion[])[];
  /** The sums of the largest table; for `meet` the subsets of half of the items. */
  sums: number;
}

/** More than the classes of table sizes: sums are below 2^31, and a class spans a factor of 4. */
const SIZE_CLASSES = 32;

/**
 * Packs questions into work for a kernel. Questions about one problem must be consecutive. A piece of work takes problems of
 * one method and of table sizes within a factor of 4, so that no problem waits for a far larger table. Problems that are
 * solved by meeting in the middle go to the kernel `meet`.
 * @param masks Whether answers include index sets.
 * @param reduction The modulus of counts (src/kernels/instances.ts).
 */
export function packQuestions(
  kernel: TableKernel,
  questions: readonly KernelQuestion[],
  masks: boolean,
  reduction = 0,
): PackedWork[] {
  const bins = new Map<number, Bin>();
  const add = (instance: readonly KernelQuestion[], sums: number) => {
    const { method } = instance[0]!.problem;
    const key = SIZE_CLASSES * methods.indexOf(method) + (Math.log2(sums) >> 1);
    const bin = bins.get(key);
    if (bin) {
      bin.instances.push(instance);
      bin.sums = Math.max(bin.sums, sums);
    } else
      bins.set(key, {
        asked: kernel,
        kernel: method === "meet-in-the-middle" ? "meet" : kernel,
        tiles: method === "tiles",
        instances: [instance],
        sums,
      });
  };
  for (let k = 0; k < questions.length;) {
    const start = k;
    const { problem } = questions[k]!;
    while (questions[k]?.problem === problem) k++;
    const instance = questions.slice(start, k);
    const { method, apart, form } = problem;
    if (method === "meet-in-the-middle") add(instance, 2 ** (form.items.length / 2));
    else if (apart) for (const alone of instance) add([alone], tableSums(form, [alone.question]));
    else add(instance, tableSums(form, instance.map(questionOf)));
  }
  return [...bins.values()].map((bin) => packBin(bin, masks, reduction));
}

/**
 * Packs knapsacks into work: the queries with a question, one piece of work for each class of table sizes.
 */
export function packKnapsacks(queries: readonly Query[]): PackedWork[] {
  const bins = new Map<number, { readonly tiles: boolean; readonly knapsacks: Knapsack[] }>();
  for (let k = 0; k < queries.length;) {
    const { problem } = queries[k]!;
    const asked: number[] = [];
    let capacity = 0;
    for (; queries[k]?.problem === problem; k++) {
      const { question } = queries[k]!;
      if (!question) continue;
      asked.push(k);
      capacity = Math.max(capacity, Number(question.to));
    }
    if (asked.length === 0) continue;
    const tiles = problem.method === "tiles";
    const key = 2 * (Math.log2(capacity + 1) >> 1) + Number(tiles);
    const bin = bins.get(key) ?? { tiles, knapsacks: [] };
    bins.set(key, bin);
    bin.knapsacks.push({ problem, asked, capacity });
  }
  return [...bins.values()].map(({ tiles, knapsacks }) => packKnapsackBin(queries, knapsacks, tiles));
}

/** A problem with the queries that ask about it, and its greatest capacity, which is not more than all of its items weigh. */
interface Knapsack {
  readonly problem: Problem;
  readonly asked: readonly number[];
  readonly capacity: number;
}

function packKnapsackBin(all: readonly Query[], knapsacks: readonly Knapsack[], tiles: boolean): PackedWork {
  const [items, profits, targets, starts]: [number[], number[], number[], number[]] = [[], [], [], [0, 0]];
  const [queries, offsets]: [number[], number[]] = [[], []];
  let [answers, longest, sums] = [0, 0, 1];
  for (const { problem, asked, capacity } of knapsacks) {
    const { instance } = problem;
    instance.items.forEach((weight, i) => {
      // What is heavier never fits, whatever it weighs, and what brings no profit is in no smallest mask.
      items.push(Math.min(weight, capacity + 1));
      const profit = BigInt(Math.max(instance.profits![i]!, 0));
      profits.push(Number(profit & 0xffffffffn), Number(profit >> 32n));
    });
    for (const query of asked) {
      queries.push(query);
      offsets.push(answers);
      targets.push(Number(all[query]!.question!.to), answers);
      answers += knapsackWords(instance.items.length);
    }
    starts.push(items.length, targets.length / CAPACITY_WORDS);
    longest = Math.max(longest, instance.items.length);
    sums = Math.max(sums, capacity + 1);
  }
  const work: Work = {
    kernel: "knapsack",
    params: {
      instances: knapsacks.length,
      items: items.length,
      targets: targets.length / CAPACITY_WORDS,
      answers,
      longest,
      sums,
      tiles: Number(tiles),
    },
    inputs: {
      items: Uint32Array.from(items),
      profits: Uint32Array.from(profits),
      starts: Uint32Array.from(starts),
      targets: Uint32Array.from(targets),
    },
  };
  return { work, queries, offsets };
}

const questionOf = ({ question }: KernelQuestion) => question;

const answerWords: Record<Bin["kernel"], (n: number, masks: boolean) => number> = {
  witness: witnessWords,
  smallest: smallestWords,
  count: () => COUNT_WORDS,
  meet: () => MEET_WORDS,
};

/** Lays out the instances of a bin in the buffers of their kernel. */
function packBin(
  { asked, kernel, tiles, instances, sums }: Bin,
  masks: boolean,
  reduction: number,
): PackedWork {
  const [queries, offsets]: [number[], number[]] = [[], []];
  const starts = new Uint32Array(2 * (instances.length + 1));
  let [itemCount, targetCount, answers, longest] = [0, 0, 0, 0];
  instances.forEach((questions, k) => {
    const n = questions[0]!.problem.form.items.length;
    itemCount += n;
    targetCount += questions.length;
    starts[2 * k + 2] = itemCount;
    starts[2 * k + 3] = targetCount;
    longest = Math.max(longest, n);
    const words = answerWords[kernel](n, masks);
    for (const { query } of questions) {
      queries.push(query);
      offsets.push(answers);
      answers += words;
    }
  });
  const counts = { instances: instances.length, items: itemCount, targets: targetCount, answers, longest };
  const work: Work =
    kernel === "meet"
      ? {
          kernel,
          params: { ...counts, fewest: Number(asked === "smallest") },
          inputs: { ...wideInputs(instances, counts, offsets), starts },
        }
      : {
          kernel,
          params: { ...counts, sums, masks: Number(masks), tiles: Number(tiles), reduction },
          inputs: { ...narrowInputs(instances, counts, offsets), starts },
        };
  return { work, queries, offsets };
}

interface Counts {
  readonly items: number;
  readonly targets: number;
}

/** Items and targets in words of 32 bits. A target is: from, to, center, and the offset of its answer. */
function narrowInputs(instances: Bin["instances"], counts: Counts, offsets: readonly number[]) {
  const items = new Int32Array(counts.items);
  const targets = new Int32Array(TARGET_WORDS * counts.targets);
  let [item, target] = [0, 0];
  for (const questions of instances) {
    for (const value of questions[0]!.problem.form.items) items[item++] = Number(value);
    for (const { question } of questions) {
      const { from, to, center } = question;
      const word = TARGET_WORDS * target;
      targets[word] = Number(from);
      targets[word + 1] = Number(to);
      targets[word + 2] = Number(center);
      targets[word + 3] = offsets[target++]!;
    }
  }
  return { items, targets };
}

/** The same with 64 bits for each number, low word first. */
function wideInputs(instances: Bin["instances"], counts: Counts, offsets: readonly number[]) {
  const items = new BigInt64Array(counts.items);
  const targets = new BigInt64Array((WIDE_TARGET_WORDS / 2) * counts.targets);
  let [item, target] = [0, 0];
  for (const questions of instances) {
    for (const value of questions[0]!.problem.form.items) items[item++] = BigInt(value);
    for (const { question } of questions) {
      const { from, to, center } = question;
      targets.set([from, to, center, offsets[target]!].map(BigInt), (WIDE_TARGET_WORDS / 2) * target++);
    }
  }
  return { items: new Uint32Array(items.buffer), targets: new Uint32Array(targets.buffer) };
}
