// The GPU runner: kernels on a WebGPU device, in browsers and through Dawn.

import { CapacityError } from "../../src/errors.ts";
import type { Work } from "../../src/plan.ts";
import type { Answer, Runner } from "../runner.ts";
import { LaunchChooser, type ChooserOptions } from "./choose.ts";
import {
  adapterKey,
  adapterName,
  DeviceLostError,
  openDevice,
  type Device,
  type DeviceOptions,
} from "./device.ts";
import { Dispatcher } from "./dispatch.ts";
import type { Launch } from "./launch.ts";
import { Tuner, type Store } from "./tune.ts";

interface GpuOptions extends ChooserOptions, DeviceOptions {
  /** Keeps the measurements by which launches are chosen. Without a store the most promising launch is taken. */
  readonly store?: Store;
}

/** How often lost work is run again on a new device. */
const MAX_RETRIES = 1;

const inMebibytes = (bytes: number) => `${(bytes / 2 ** 20).toPrecision(3)} MiB`;

/** A device with everything that lives as long as it does. */
class Session {
  readonly adapter: string;
  readonly device: Device;
  readonly #dispatcher: Dispatcher;
  readonly #chooser: LaunchChooser;
  readonly #onNotice: GpuOptions["onNotice"];

  constructor(adapter: GPUAdapter, device: Device, options: GpuOptions) {
    this.adapter = adapterName(adapter.info);
    this.device = device;
    this.#onNotice = options.onNotice;
    this.#dispatcher = new Dispatcher(device.gpu);
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

/**
 * Opens a device of the adapter that `requestAdapter` resolves to. After a loss it requests an adapter again, since a GPUAdapter
 * makes only one device, and runs the lost work again.
 * @throws {DeviceLostError} There is no adapter.
 */
export async function gpuRunner(
  requestAdapter: () => Promise<GPUAdapter | null>,
  options: GpuOptions = {},
): Promise<Runner> {
  async function open(): Promise<Session> {
    const adapter = await requestAdapter();
    if (!adapter) throw new DeviceLostError("no WebGPU adapter answers");
    return new Session(adapter, await openDevice(adapter, options), options);
  }
  let opening = open();
  const { adapter } = await opening;
  let isClosed = false;

  /** Replaces a session that failed, unless another piece of work has already done so. */
  function reopen(failed: Promise<Session>): void {
    if (isClosed || opening !== failed) return;
    closeWhenOpen(failed);
    opening = open();
    // The next run reports a failure to open.
    opening.catch(() => {});
  }

  async function run(work: Work, retries: number): Promise<Answer> {
    const current = opening;
    let session: Session | undefined;
    try {
      session = await current;
      return await session.run(work);
    } catch (error) {
      const failure = session?.device.failure ?? error;
      if (!session || session.device.failure) reopen(current);
      if (isClosed || retries === 0 || !(failure instanceof DeviceLostError)) throw failure;
      return run(work, retries - 1);
    }
  }

  return {
    engine: "gpu",
    adapter,
    // While one piece of work runs, the next is queued.
    queueDepth: 2,
    parallelism: 1,
    targetMilliseconds: 80,
    prepare: async (work) => (await opening).prepare(work),
    run: (work) => run(work, MAX_RETRIES),
    close() {
      isClosed = true;
      closeWhenOpen(opening);
    },
  };
}

function closeWhenOpen(session: Promise<Session>): void {
  session.then(
    ({ device }) => device.close(),
    () => {},
  );
}
