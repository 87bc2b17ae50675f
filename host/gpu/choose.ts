// Chooses the launch of a piece of work: the fastest by measurement, or the most promising.

import type { CapacityError } from "../../src/errors.ts";
import type { Work } from "../../src/plan.ts";
import { referenceRunner } from "../reference.ts";
import type { Device } from "./device.ts";
import { capacityError, type Dispatcher } from "./dispatch.ts";
import { launchesOf, launchLabel, tuningKey, unitsOf, withUnits } from "./kernels/index.ts";
import { maxDispatchMs, type Launch, type VariantName } from "./launch.ts";
import { choose, type Pass, type Tuner } from "./tune.ts";

export interface ChooserOptions {
  /** Forces a variant, for the kernels that have it. */
  readonly variant?: VariantName;
  /** Milliseconds of measuring one size after which no other pass begins; by default 1000. */
  readonly budget?: number;
  /** Called with a sentence for the user. */
  readonly onNotice?: (sentence: string) => void;
}

/** Trials of the first and of the longest measurement of `reach`. It draws as many as it needs, not those of the work. */
const FIRST_TRIALS = 2 ** 9;
/** The trials that a GPU needs 5 ms for if it counts 13 G of them a second. */
const MAX_TRIALS = 2 ** 26;
/** Units of the first measurement of another kernel. */
const FIRST_UNITS = 2 ** 11;
/** Work of fewer units with shorter dispatches, by estimate, takes less time than measuring it. */
const MIN_MEASURED_MS = 1;

/** Launches in another order: the first of every variant, then the second of every variant, and so on. */
export function oneOfEachVariantFirst(launches: readonly Launch[]): Launch[] {
  const rank = (launch: Launch, i: number) =>
    launches.slice(0, i).filter(({ variant }) => variant === launch.variant).length;
  return launches
    .map((launch, i) => ({ launch, rank: rank(launch, i) }))
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ launch }) => launch);
}

/** The launches of one device. Measurements are remembered by the tuner, and choices as long as the device. */
export class LaunchChooser {
  readonly #device: Device;
  readonly #dispatcher: Dispatcher;
  readonly #tuner: Tuner | undefined;
  readonly #options: ChooserOptions;
  /** The labels of the chosen launches by tuning key. */
  readonly #labels = new Map<string, Promise<string>>();

  /** @param tuner Without one nothing is measured, and the most promising launch is chosen. */
  constructor(device: Device, dispatcher: Dispatcher, tuner: Tuner | undefined, options: ChooserOptions) {
    this.#device = device;
    this.#dispatcher = dispatcher;
    this.#tuner = tuner;
    this.#options = options;
  }

  /**
   * The launch for some work, which is measured at the first large work of its tuning key.
   * @throws {CapacityError} No variant fits the limits of the device.
   */
  async choose(work: Work): Promise<Launch> {
    const launches = this.#launchesOf(work);
    const [first] = launches;
    if (!first) throw this.#refusal(work);
    if (!this.#tuner || launches.length === 1) return first;
    const isLarge = maxUnitsOf(work) >= FIRST_UNITS || first.milliseconds >= MIN_MEASURED_MS;
    const label = await (isLarge ? this.#labelOf(work, this.#tuner) : this.#knownLabel(work, this.#tuner));
    return launches.find((launch) => launchLabel(launch) === label) ?? first;
  }

  #launchesOf(work: Work): readonly Launch[] {
    return launchesOf(work, this.#device.profile, this.#options.variant);
  }

  /** The reason why there is no launch: the work exceeds the memory of the device, or the longest dispatch that is allowed. */
  #refusal(work: Work): CapacityError {
    const { profile } = this.#device;
    const patient = { ...profile, maxDispatchMilliseconds: Infinity };
    return launchesOf(work, patient, this.#options.variant).length > 0
      ? capacityError(work, `dispatches of ${maxDispatchMs(profile)} ms on a slow GPU`)
      : capacityError(work);
  }

  #keyOf(work: Work): string {
    const { variant } = this.#options;
    return tuningKey(work) + (variant ? `, ${variant}` : "");
  }

  /** The label of the fastest launch as far as it is known. */
  async #knownLabel(work: Work, tuner: Tuner): Promise<string | undefined> {
    const key = this.#keyOf(work);
    return this.#labels.get(key) ?? (await tuner.choices())[key]?.best;
  }

  /** The label of the fastest launch. Work that comes while it is measured waits for the same measurement. */
  #labelOf(work: Work, tuner: Tuner): Promise<string> {
    const key = this.#keyOf(work);
    let label = this.#labels.get(key);
    if (!label) {
      this.#labels.set(key, (label = this.#measuredLabel(work, key, tuner)));
      label.catch(() => this.#labels.delete(key));
    }
    return label;
  }

  async #measuredLabel(work: Work, key: string, tuner: Tuner): Promise<string> {
    const { budget, onNotice } = this.#options;
    const labels = oneOfEachVariantFirst(this.#launchesOf(work)).map(launchLabel);
    const known = (await tuner.choices())[key];
    if (known && labels.includes(known.best)) return known.best;
    const most = maxUnitsOf(work);
    const first = Math.min(work.kernel === "reach" ? FIRST_TRIALS : FIRST_UNITS, most);
    const choice = await choose(labels, (label, units) => this.#pass(withUnits(work, units), label), {
      first,
      most,
      reference: async () => (await referenceRunner().run(withUnits(work, first))).words,
      onFault: (sentence) => onNotice?.(`the GPU or its driver has a fault: ${key}: ${sentence}`),
      ...(budget !== undefined && { budget, compileBudget: 3 * budget }),
    });
    if (!this.#device.failure) await tuner.keep(key, choice);
    return choice.best;
  }

  /** The answer to some work by one of its launches, and the milliseconds that it took: of the device's clock if it has one. */
  async #pass(work: Work, label: string): Promise<Pass> {
    const launch = this.#launchesOf(work).find((candidate) => launchLabel(candidate) === label);
    if (!launch) throw capacityError(work);
    await this.#dispatcher.prepare(work, launch);
    const began = performance.now();
    const { words, deviceMilliseconds } = await this.#dispatcher.run(work, launch);
    return { words, milliseconds: deviceMilliseconds ?? performance.now() - began };
  }
}

/** The most units that may be measured. */
function maxUnitsOf(work: Work): number {
  return work.kernel === "reach" ? MAX_TRIALS : unitsOf(work);
}
