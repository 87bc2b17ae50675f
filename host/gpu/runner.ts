// The GPU runner: kernels on a WebGPU device, in browsers and through Dawn. It replaces devices that are lost.

import { RequestError } from "../../src/errors.ts";
import type { Work } from "../../src/plan.ts";
import type { Runner } from "../runner.ts";
import { answered, DeviceLostError, ExhaustedError, openDevice } from "./device.ts";
import { capacityError } from "./dispatch.ts";
import { Session, type GpuOptions } from "./session.ts";

/** How often one piece of lost work is run again on a new device. */
const MAX_RETRIES = 3;
/** The retries that a device uses up which hangs: it takes as long as many that are lost. */
const HANG_RETRIES = 2;
/** The waits between tries to open a device after a loss: while a browser restarts its GPU process, no adapter answers. */
const REOPENING_MS = [100, 500, 2000] as const;

/**
 * Opens a device of the adapter that `requestAdapter` resolves to. After a loss it requests an adapter again, since a GPUAdapter
 * makes only one device, and runs the lost work again. A device that does not answer in time is lost.
 * @throws {DeviceLostError} There is no adapter, or it gives no device; from `run`, the work is lost on every device.
 */
export async function gpuRunner(
  requestAdapter: () => Promise<GPUAdapter | null>,
  options: GpuOptions = {},
): Promise<Runner> {
  async function open(): Promise<Session> {
    const adapter = await answered("answer", requestAdapter(), options.patienceMilliseconds);
    if (!adapter) throw new DeviceLostError("no WebGPU adapter answers");
    return new Session(adapter, await openDevice(adapter, options), options);
  }
  let opening = open();
  const { adapter } = await opening;
  let isClosed = false;
  const noticed = new WeakSet<DeviceLostError>();

  /** Replaces a session that failed, unless another piece of work has already done so. */
  function reopen(failed: Promise<Session>): void {
    if (isClosed || opening !== failed) return;
    closeWhenOpen(failed);
    opening = open();
    // The next run reports a failure to open.
    opening.catch(() => {});
  }

  /** The session, as the promise that the runner has of it. Tries again to open one that failed to open. */
  async function opened(
    tries = 0,
  ): Promise<{ readonly current: Promise<Session>; readonly session: Session }> {
    const current = opening;
    try {
      return { current, session: await current };
    } catch (error) {
      const wait = REOPENING_MS[tries];
      const isHang = error instanceof DeviceLostError && error.isHang;
      if (isClosed || isHang || wait === undefined) throw error;
      await new Promise((resolve) => setTimeout(resolve, wait));
      reopen(current);
      return opened(tries + 1);
    }
  }

  /** Notices, once for each failure, that the work of a device is run again. */
  function noticeRetry(failure: DeviceLostError): void {
    if (!noticed.has(failure))
      options.onNotice?.(`${failure.message}; its work is computed again on a new device`);
    noticed.add(failure);
  }

  /** Lets a session act on some work, and after a loss of its device the next session. */
  async function attempt<T>(
    work: Work,
    act: (session: Session) => Promise<T>,
    retries = MAX_RETRIES,
  ): Promise<T> {
    const { current, session } = await opened();
    try {
      return await act(session);
    } catch (error) {
      if (!(error instanceof RequestError)) await session.device.newsOfLoss();
      const failure = session.device.failure ?? error;
      const isLost = failure instanceof DeviceLostError;
      if (session.device.failure || isLost) reopen(current);
      if (failure instanceof ExhaustedError) throw capacityError(work);
      if (isClosed || !isLost) throw failure;
      const left = retries - (failure.isHang ? HANG_RETRIES : 1);
      if (left < 0) throw failure;
      noticeRetry(failure);
      return attempt(work, act, left);
    }
  }

  return {
    engine: "gpu",
    adapter,
    // While one piece of work runs, the next is queued.
    queueDepth: 2,
    parallelism: 1,
    targetMilliseconds: 80,
    prepare: (work) => attempt(work, (session) => session.prepare(work)),
    run: (work) => attempt(work, (session) => session.run(work)),
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
