// The section `answers`: questions whose answers are known by a formula, asked of every kernel on every engine. A device that is
// new to exacta should see it first. Its rows have the digest of the numbers that came, and `known` that of the formula.

import { readNetwork } from "../../../../src/network.ts";
import { verifyTicket } from "../../../../src/ticket/certificate.ts";
import { schemeFor } from "../../../../src/ticket/width.ts";
import { runNetwork } from "../../../experiments/network.ts";
import { measurePhase } from "../../../experiments/phase.ts";
import { solve } from "../../../experiments/solve.ts";
import { pruneToTicket } from "../../../experiments/ticket.ts";
import type { Engine } from "../../../runner.ts";
import { openEngine } from "../../index.ts";
import { columns } from "../../reports/table.ts";
import type { Context, Section } from "../context.ts";
import { digestOf } from "../measure/digest.ts";
import { timed } from "../measure/measure.ts";
import type { Row } from "../records/record.ts";
import { rowOf, valueText } from "../records/rows.ts";

/** A question with the numbers that answer it. */
interface Question {
  readonly kernel: string;
  readonly size: string;
  readonly known: readonly number[];
  readonly ask: (engine: Engine) => Promise<readonly number[]>;
}

/** Items of -1, 0 and 1: of the 3^n instances, 2^n have no 1, and 2 2^n - 1 lack a 1 or a -1. */
const trits = (n: number): Question => ({
  kernel: "reach",
  size: `every instance of ${n} items of -1..1`,
  known: [3 ** n, 3 ** n - 2 ** n, 3 ** n - 2 ** (n + 1) + 1],
  async ask(engine) {
    const request = { ensemble: "rssp0", halfRange: 1, items: n, targets: [1], trials: "all" } as const;
    const [{ trials, targets, covered } = {} as never] = await measurePhase(engine, request);
    return [trials, targets[0]!.solved, covered!.solved];
  },
});

/** n equal items: binomial(n, k) index sets have k of them, and the first k are the canonical one. */
const equal = (
  n: number,
  k: number,
  item: number,
  method: "bitset" | "tiles" | "meet-in-the-middle",
): Question => ({
  kernel: method === "meet-in-the-middle" ? "meet" : "witness, count, smallest",
  size: `${k} of ${n} items of ${item}, by ${method}`,
  known: [binomial(n, k), k, ...Array.from({ length: k }, (_, i) => i)],
  async ask(engine) {
    const instance = { items: new Array<number>(n).fill(item), target: k * item };
    const ask = method === "meet-in-the-middle" ? (["count", "witness"] as const) : undefined;
    for await (const finding of solve(engine, [instance], { method, ...(ask && { ask: [...ask] }) })) {
      const { count, smallest, witness } = finding;
      return [Number(count), smallest ?? witness!.length, ...witness!];
    }
    return [];
  },
});

function binomial(n: number, k: number): number {
  let product = 1;
  for (let i = 1; i <= k; i++) product = (product * (n - k + i)) / i;
  return product;
}

const small = readNetwork({
  bits: 2,
  activationBits: 3,
  layers: [
    {
      weights: [
        [4, -1],
        [0, 3],
      ],
    },
    { weights: [[-4, 2]] },
  ],
});

/** Outputs that were computed by hand: 40/4 = 10 and -24/4 = 0 rectified; then -40/4. 8/4 = 2 and 12/4 = 3; then -2/4, down. */
const byHand: Question = {
  kernel: "forward",
  size: "two layers, by hand",
  known: [-10, -1],
  ask: async (engine) => [...(await runNetwork(engine, small.network, Int32Array.of(8, -8, 3, 4)))],
};

const certified: Question = {
  kernel: "prune",
  size: "a ticket of six weights, certified",
  known: [0, 1],
  async ask(engine) {
    const { network, bits } = small;
    const { scheme } = schemeFor(network, bits);
    const { ticket, failures } = await pruneToTicket(engine, { network, bits, scheme });
    return [failures.length, Number(verifyTicket(network, ticket).certified)];
  },
};

const questions: readonly Question[] = [
  trits(4),
  trits(12),
  equal(20, 10, 1, "bitset"),
  equal(31, 16, 3000, "tiles"),
  equal(24, 11, 1_000_003, "meet-in-the-middle"),
  byHand,
  certified,
];

/** The width of the first column of the table. */
const KERNEL_COLUMNS = 24;

const digest = (numbers: readonly number[]) => digestOf([new Uint32Array(Float64Array.from(numbers).buffer)]);

/** Asks every question of every engine. */
export async function benchAnswers({ engines, signal, note }: Context): Promise<Section> {
  const rows: Row[] = questions.map(({ kernel, size, known }) =>
    rowOf({ section: "answers", engine: "known", kernel, size, variant: "" }, "s", [0], {
      digest: digest(known),
    }),
  );
  for (const name of engines) {
    const engine = await openEngine({ engine: name });
    try {
      for (const { kernel, size, ask } of questions) {
        if (signal.aborted) break;
        note(`answers, ${name}: ${size}`);
        let numbers: readonly number[] = [];
        const seconds = await timed(async () => {
          numbers = await ask(engine);
        });
        rows.push(
          rowOf({ section: "answers", engine: name, kernel, size, variant: "" }, "s", [seconds], {
            digest: digest(numbers),
          }),
        );
      }
    } finally {
      engine.close();
    }
  }
  const known = new Map(rows.filter(({ engine }) => engine === "known").map((row) => [row.size, row.digest]));
  const asked = rows.filter(({ engine }) => engine !== "known");
  return {
    title: "answers that a formula knows, and the time until they came, compiling included",
    rows,
    table: columns([
      ["kernel".padEnd(KERNEL_COLUMNS), "question", "engine", "answer", "after"],
      ...asked.map(({ kernel, size, engine, value, digest: came }) => [
        kernel.padEnd(KERNEL_COLUMNS),
        size,
        engine,
        came === known.get(size) ? "right" : "WRONG",
        valueText(value, "s"),
      ]),
    ]),
  };
}
