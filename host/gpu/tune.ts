// Which of the shapes that fit serves: measured once for each adapter and size on real work, and remembered. No result
// depends on it.

import * as z from "zod/mini";
import manifest from "../../package.json" with { type: "json" };

/** Where one text is kept between runs. It may forget; what it cannot keep is measured again. */
export interface Store {
  /** The text, or undefined where there is none. */
  read(): Promise<string | undefined>;
  write(text: string): Promise<void>;
}

const choiceSchema = z.object({ best: z.string(), rates: z.record(z.string(), z.number()) });
const keptSchema = z.record(z.string(), z.record(z.string(), choiceSchema));

/** What was measured for one kernel and size: units of work a second (trials, say) of each candidate, and the best. */
export type Choice = z.infer<typeof choiceSchema>;
/** Choices by kernel and size. */
export type Choices = Record<string, Choice>;

/** A pass of this many milliseconds is a measurement. */
const ENOUGH = 5;
/** Such passes of each candidate; the shortest counts, which other work of the machine disturbed least. */
const PASSES = 3;
/** No other candidate is begun after so many, compiling included. */
const BUDGET = 1000;
/** The least and the most that one pass may be larger than the one before. */
const GROWTH = [2, 32] as const;

/**
 * Measures candidates in their order, each by passes that are long enough or have all the units there are.
 * @param time Works on so many units, and answers how many milliseconds that took; a candidate that throws is out, and where
 * all do, that is passed on.
 * @param budget Milliseconds after which no other candidate is begun; the first one always is.
 */
export async function choose(
  candidates: readonly string[],
  time: (candidate: string, units: number) => Promise<number>,
  { first, most, budget = BUDGET }: { first: number; most: number; budget?: number },
  now: () => number = () => performance.now(),
): Promise<Choice> {
  const began = now();
  const rates: Record<string, number> = {};
  let failure: unknown;
  for (const candidate of candidates) {
    if (Object.keys(rates).length > 0 && now() - began > budget) break;
    let units = Math.min(first, most);
    try {
      let took = await time(candidate, units);
      while (took < ENOUGH && units < most) {
        const growth = Math.min(Math.max((2 * ENOUGH) / Math.max(took, 0.01), GROWTH[0]), GROWTH[1]);
        units = Math.min(Math.ceil(units * growth), most);
        took = await time(candidate, units);
      }
      // One that is that long is not repeated.
      for (let pass = 1; pass < PASSES && took < 10 * ENOUGH; pass++)
        took = Math.min(took, await time(candidate, units));
      const rate = (1000 * units) / Math.max(took, 0.001);
      rates[candidate] = Number(rate.toPrecision(3));
    } catch (error) {
      failure = error;
      rates[candidate] = 0;
    }
  }
  const best = Object.keys(rates).reduce((a, b) => (rates[b]! > rates[a]! ? b : a));
  if (rates[best] === 0) throw failure;
  return { best, rates };
}

/** The choices of one adapter in a store that others share. */
export class Tuner {
  readonly #store: Store;
  readonly #name: string;
  #choices: Promise<Choices> | undefined;
  #writing: Promise<void> = Promise.resolve();

  /** @param adapter What tells an adapter and its driver from others. */
  constructor(store: Store, adapter: string) {
    this.#store = store;
    this.#name = `exacta ${manifest.version}, ${adapter}`;
  }

  /** All that is known. */
  choices(): Promise<Choices> {
    return (this.#choices ??= this.#read().then((kept) => ({ ...kept[this.#name] })));
  }

  /** Remembers a choice. */
  async keep(size: string, choice: Choice): Promise<void> {
    (await this.choices())[size] = choice;
    // One after the other, each over what others have written since.
    this.#writing = this.#write(this.#writing);
    await this.#writing;
  }

  async #write(before: Promise<void>): Promise<void> {
    await before;
    const kept = await this.#read();
    const mine = { ...kept[this.#name], ...(await this.choices()) };
    await this.#store.write(JSON.stringify({ ...kept, [this.#name]: mine }, undefined, 1)).catch(() => {});
  }

  /** Forgets all choices of the adapter, so that they are measured anew. */
  async forget(): Promise<void> {
    const { [this.#name]: _, ...others } = await this.#read();
    this.#choices = Promise.resolve({});
    await this.#store.write(JSON.stringify(others, undefined, 1)).catch(() => {});
  }

  async #read(): Promise<Record<string, Choices>> {
    try {
      const parsed = keptSchema.safeParse(JSON.parse((await this.#store.read()) ?? "{}"));
      return parsed.success ? parsed.data : {};
    } catch {
      return {};
    }
  }
}

/** A store for as long as the program runs. */
export function memoryStore(text?: string): Store {
  return {
    read: async () => text,
    write: async (fresh) => void (text = fresh),
  };
}
