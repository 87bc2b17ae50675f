// A session of the GPU runner: a device, and the pipelines, buffers and launch choices that live as long as it does.

import { CapacityError } from "../../src/errors.ts";
import type { Work } from "../../src/plan.ts";
import type { Answer } from "../runner.ts";
import { LaunchChooser, type ChooserOptions } from "./choose.ts";
import { adapterKey, adapterName, type Device, type DeviceOptions } from "./device.ts";
import { Dispatcher } from "./dispatch.ts";
import type { Launch } from "./launch.ts";
import type { Store } from "./store.ts";
import { Tuner } from "./tune.ts";

export interface GpuOptions extends ChooserOptions, DeviceOptions {
  /** Keeps the measurements by which launches are chosen. Without a store the most promising launch is taken. */
  readonly store?: Store;
}

const inMebibytes = (bytes: number) => `${(bytes / 2 ** 20).toPrecision(3)} MiB`;

/** Chooses launches for work, and runs them on one device until it fails. */
export class Session {
  readonly adapter: string;
  readonly device: Device;
  readonly #dispatcher: Dispatcher;
  readonly #chooser: LaunchChooser;
  readonly #onNotice: GpuOptions["onNotice"];

  constructor(adapter: GPUAdapter, device: Device, options: GpuOptions) {
    this.adapter = adapterName(adapter.info);
    this.device = device;
    this.#onNotice = options.onNotice;
    this.#dispatcher = new Dispatcher(device);
    const tuner = options.store && new Tuner(options.store, adapterKey(adapter));
    this.#chooser = new LaunchChooser(device, this.#dispatcher, tuner, options);
  }

  /** Chooses the launch of some work and compiles it. */
  async prepare(work: Work): Promise<void> {
    await this.#dispatcher.prepare(work, await this.#chooser.choose(work));
  }

  async run(work: Work): Promise<Answer> {
    const answer = await this.#runLaunch(work, await this.#chooser.choose(work));
    if (this.device.failure) throw this.device.failure;
    return answer;
  }

  /** Runs a launch; where the device is out of memory, one with half as much scratch memory, and so on. */
  async #runLaunch(work: Work, launch: Launch): Promise<Answer> {
    try {
      return await this.#dispatcher.run(work, launch);
    } catch (error) {
      if (!(error instanceof CapacityError)) throw error;
      const before = this.device.profile.maxScratchBytes;
      this.device.limitScratch(Math.min(before ?? Infinity, Math.floor(launch.scratchBytes / 2)));
      const smaller = await this.#chooser.choose(work).catch(() => undefined);
      if (!smaller || smaller.scratchBytes >= launch.scratchBytes) {
        this.device.limitScratch(before);
        throw error;
      }
      this.#onNotice?.(
        `${this.adapter} has no ${inMebibytes(launch.scratchBytes)} of memory for kernel ${work.kernel}, ` +
          `which goes on with ${inMebibytes(smaller.scratchBytes)}`,
      );
      return this.#runLaunch(work, smaller);
    }
  }
}
