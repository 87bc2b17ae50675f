// Measures which of several candidates is fastest, and remembers the choice for each adapter and size. No result depends on
// it.

import * as z from "zod/mini";
import manifest from "../../package.json" with { type: "json" };

/** Keeps one text between runs. It may forget it: measurements are then made again. */
export interface Store {
  /** The text; undefined if there is none. */
  read(): Promise<string | undefined>;
  write(text: string): Promise<void>;
}

const choiceSchema = z.object({ best: z.string(), rates: z.record(z.string(), z.number()) });
const storedSchema = z.record(z.string(), z.record(z.string(), choiceSchema));

/** The best candidate, and the rates that were measured: units of work a second of each candidate, 0 for one that failed. */
export type Choice = z.infer<typeof choiceSchema>;
/** Choices by tuning key. */
export type Choices = Record<string, Choice>;

/** The shortest pass whose time is believed. */
const MIN_PASS_MS = 5;
/** A pass of this length is not repeated. */
const LONG_PASS_MS = 50;
/** Passes of each candidate. The shortest counts, because other work of the machine only makes passes longer. */
const PASSES = 3;
const DEFAULT_BUDGET_MS = 1000;
/** The factors by which one pass is larger than the one before, at least and at most. */
const MIN_GROWTH = 2;
const MAX_GROWTH = 32;
/** Shorter times count as this one, so that none is divided by 0. */
const SHORTEST_MS = 0.001;
/** Significant digits of a stored rate. */
const RATE_DIGITS = 3;

/**
 * Measures candidates in their order and returns the one with the highest rate. The passes of a candidate grow until they
 * take MIN_PASS_MS or have `most` units.
 * @param time Processes a number of units with a candidate and returns the milliseconds that it took. A candidate that throws
 * has the rate 0.
 * @param first The units of the first pass; `most`: those of the longest.
 * @param budget The milliseconds, compiling included, after which no other candidate is begun; the first always is.
 * @throws The error of the last candidate, if all candidates failed.
 */
export async function choose(
  candidates: readonly string[],
  time: (candidate: string, units: number) => Promise<number>,
  { first, most, budget = DEFAULT_BUDGET_MS }: { first: number; most: number; budget?: number },
  now: () => number = () => performance.now(),
): Promise<Choice> {
  const began = now();
  const rates: Record<string, number> = {};
  let failure: unknown;
  for (const candidate of candidates) {
    if (Object.keys(rates).length > 0 && now() - began > budget) break;
    try {
      const rate = await rateOf((units) => time(candidate, units), first, most);
      rates[candidate] = Number(rate.toPrecision(RATE_DIGITS));
    } catch (error) {
      failure = error;
      rates[candidate] = 0;
    }
  }
  const best = Object.keys(rates).reduce((a, b) => (rates[b]! > rates[a]! ? b : a));
  if (rates[best] === 0) throw failure;
  return { best, rates };
}

/** The units a second of one candidate. */
async function rateOf(
  time: (units: number) => Promise<number>,
  first: number,
  most: number,
): Promise<number> {
  let units = Math.min(first, most);
  let shortest = await time(units);
  while (shortest < MIN_PASS_MS && units < most) {
    const wanted = (2 * MIN_PASS_MS) / Math.max(shortest, SHORTEST_MS);
    const growth = Math.min(Math.max(wanted, MIN_GROWTH), MAX_GROWTH);
    units = Math.min(Math.ceil(units * growth), most);
    shortest = await time(units);
  }
  for (let pass = 1; pass < PASSES && shortest < LONG_PASS_MS; pass++)
    shortest = Math.min(shortest, await time(units));
  return (1000 * units) / Math.max(shortest, SHORTEST_MS);
}

/** The choices of one adapter, in a store that other adapters and other versions of exacta share. */
export class Tuner {
  readonly #store: Store;
  /** The part of the store that is this adapter's. */
  readonly #name: string;
  #choices: Promise<Choices> | undefined;
  #writing: Promise<void> = Promise.resolve();

  /** @param adapter The key that tells an adapter and its driver from others. */
  constructor(store: Store, adapter: string) {
    this.#store = store;
    this.#name = `exacta ${manifest.version}, ${adapter}`;
  }

  /** All choices for this adapter: read from the store at the first call, and kept since. */
  choices(): Promise<Choices> {
    return (this.#choices ??= this.#read().then((stored) => ({ ...stored[this.#name] })));
  }

  /** Remembers a choice. A store that cannot be written to is ignored: the choice then lasts as long as the tuner. */
  async keep(key: string, choice: Choice): Promise<void> {
    (await this.choices())[key] = choice;
    // Writes follow one another, and each reads the store again to preserve what other processes have written.
    this.#writing = this.#write(this.#writing);
    await this.#writing;
  }

  async #write(before: Promise<void>): Promise<void> {
    await before;
    const stored = await this.#read();
    const mine = { ...stored[this.#name], ...(await this.choices()) };
    await this.#store.write(JSON.stringify({ ...stored, [this.#name]: mine }, undefined, 1)).catch(() => {});
  }

  /** Forgets all choices for the adapter. */
  async forget(): Promise<void> {
    const { [this.#name]: _, ...others } = await this.#read();
    this.#choices = Promise.resolve({});
    await this.#store.write(JSON.stringify(others, undefined, 1)).catch(() => {});
  }

  /** All choices in the store, by adapter; none if its text is missing or not of this form. */
  async #read(): Promise<Record<string, Choices>> {
    try {
      const parsed = storedSchema.safeParse(JSON.parse((await this.#store.read()) ?? "{}"));
      return parsed.success ? parsed.data : {};
    } catch {
      return {};
    }
  }
}

/** A store that lasts as long as the program. */
export function memoryStore(text?: string): Store {
  return {
    read: async () => text,
    write: async (fresh) => void (text = fresh),
  };
}
