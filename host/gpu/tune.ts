// Measures which of several candidates is fastest, and remembers the choice for each adapter and size. No result depends on
// it, and a candidate whose words differ from the definition is never chosen.

import * as z from "zod/mini";
import manifest from "../../package.json" with { type: "json" };
import type { Store } from "./store.ts";

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
/** Measured passes of each candidate. The shortest counts, because other work of the machine only makes passes longer. */
const PASSES = 3;
/** Passes before this time are not measured: an idle GPU raises its clocks only after a while, some of them fivefold. */
const WARM_UP_MS = 200;
const DEFAULT_BUDGET_MS = 1000;
/** The milliseconds of compiling and of first passes after which no other candidate is compiled. */
const DEFAULT_COMPILE_BUDGET_MS = 3000;
/** A candidate that is slower than the best by this factor is not measured again. */
const SLOW_FACTOR = 2;
/** The factors by which one pass is larger than the one before, at least and at most. */
const MIN_GROWTH = 2;
const MAX_GROWTH = 32;
/** Shorter times count as this one, so that none is divided by 0. */
const SHORTEST_MS = 0.001;
/** Significant digits of a stored rate. */
const RATE_DIGITS = 3;

/** The answer of a candidate to some units of work. */
export interface Pass {
  readonly words: Uint32Array;
  readonly milliseconds: number;
}

export interface ChoiceOptions {
  /** The units of the first pass, and those of the longest. */
  readonly first: number;
  readonly most: number;
  /** The right words of the first pass, asked for where candidates differ. */
  readonly reference: () => Promise<Uint32Array>;
  /** Called with a sentence about a candidate whose words are wrong. */
  readonly onFault?: (sentence: string) => void;
  /** The milliseconds of measuring after which no other pass begins; each candidate in turn has one before. */
  readonly budget?: number;
  /** The milliseconds of compiling after which no other candidate is compiled; the first always is. */
  readonly compileBudget?: number;
}

/** A candidate that is compiled and has answered its first pass. */
interface Contender {
  readonly name: string;
  readonly words: Uint32Array;
  /** The units of its next pass. */
  units: number;
  /** The units a millisecond of its fastest pass, of those that count if there are any; 0 where it has failed or has none. */
  rate: number;
  /** The passes that count. */
  passes: number;
  isDone: boolean;
}

/**
 * Measures candidates and returns the one with the highest rate. The first pass of each only compiles: drivers may do so at the
 * first use. Its words are compared, and a candidate whose words are wrong is dropped. Then the candidates take turns. Their
 * passes grow until they take MIN_PASS_MS or have `most` units, and count once the GPU is warm.
 * @param pass Processes a number of units with a candidate. A candidate that throws has the rate 0.
 * @throws The error of the last candidate, if all candidates failed.
 */
export async function choose(
  candidates: readonly string[],
  pass: (candidate: string, units: number) => Promise<Pass>,
  options: ChoiceOptions,
  now: () => number = () => performance.now(),
): Promise<Choice> {
  const { most, budget = DEFAULT_BUDGET_MS } = options;
  const { contenders, rates } = await compiled(candidates, pass, options, now);
  const began = now();
  const isOver = () => now() - began > budget;
  let failure: unknown;
  const racing = () => contenders.filter(({ isDone }) => !isDone);
  while (racing().length > 0 && !(isOver() && contenders.some(({ rate }) => rate > 0)))
    for (const contender of racing()) {
      if (isOver() && contenders.some(({ rate }) => rate > 0)) break;
      const isWarm = now() - began >= WARM_UP_MS;
      try {
        const { milliseconds } = await pass(contender.name, contender.units);
        count(contender, milliseconds, isWarm, most);
      } catch (error) {
        failure = error;
        Object.assign(contender, { rate: 0, isDone: true });
      }
      const best = Math.max(...contenders.map(({ passes, rate }) => (passes > 0 ? rate : 0)));
      contender.isDone ||= contender.passes > 0 && SLOW_FACTOR * contender.rate < best;
    }
  // Those that have no pass yet are left out.
  for (const { name, rate, isDone } of contenders)
    if (rate > 0 || isDone) rates[name] = Number((1000 * rate).toPrecision(RATE_DIGITS));
  const best = Object.keys(rates).reduce((a, b) => (rates[b]! > rates[a]! ? b : a));
  if (rates[best] === 0) throw failure;
  return { best, rates };
}

/** Counts a pass of a contender, or makes its next pass longer. */
function count(contender: Contender, milliseconds: number, isWarm: boolean, most: number): void {
  const { units } = contender;
  const rate = units / Math.max(milliseconds, SHORTEST_MS);
  if (isWarm && (milliseconds >= MIN_PASS_MS || units >= most)) {
    contender.rate = contender.passes > 0 ? Math.max(contender.rate, rate) : rate;
    contender.passes++;
    contender.isDone = milliseconds >= LONG_PASS_MS || contender.passes === PASSES;
    return;
  }
  if (contender.passes === 0) contender.rate = rate;
  if (milliseconds >= MIN_PASS_MS) return;
  const wanted = (2 * MIN_PASS_MS) / Math.max(milliseconds, SHORTEST_MS);
  const growth = Math.min(Math.max(wanted, MIN_GROWTH), MAX_GROWTH);
  contender.units = Math.min(Math.ceil(units * growth), most);
}

/** Compiles candidates in their order, and drops those that fail or answer wrong words: their rates are 0. */
async function compiled(
  candidates: readonly string[],
  pass: (candidate: string, units: number) => Promise<Pass>,
  { first, most, reference, onFault, compileBudget = DEFAULT_COMPILE_BUDGET_MS }: ChoiceOptions,
  now: () => number,
): Promise<{ contenders: Contender[]; rates: Record<string, number> }> {
  const began = now();
  const units = Math.min(first, most);
  const contenders: Contender[] = [];
  const rates: Record<string, number> = {};
  let failure: unknown;
  for (const name of candidates) {
    if (contenders.length > 0 && now() - began > compileBudget) break;
    try {
      const { words } = await pass(name, units);
      contenders.push({ name, words, units, rate: 0, passes: 0, isDone: false });
    } catch (error) {
      failure = error;
      rates[name] = 0;
    }
  }
  if (contenders.length === 0) throw failure;
  const [{ words }, ...others] = contenders as [Contender, ...Contender[]];
  if (others.every((other) => differenceOf(words, other.words) === undefined)) return { contenders, rates };
  const right = await reference();
  const isRight = ({ name, words }: Contender) => {
    const at = differenceOf(right, words);
    if (at === undefined) return true;
    const sentence = `${name} answers ${words[at]} in word ${at}, and the definition ${right[at]}: it is not used`;
    onFault?.(sentence);
    failure = new Error(sentence);
    rates[name] = 0;
    return false;
  };
  const kept = contenders.filter(isRight);
  if (kept.length === 0) throw failure;
  return { contenders: kept, rates };
}

/** The index of the first word that differs; undefined if there is none. */
function differenceOf(a: Uint32Array, b: Uint32Array): number | undefined {
  for (let i = 0; i < Math.max(a.length, b.length); i++) if (a[i] !== b[i]) return i;
  return undefined;
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
