// Engines that survive faults: threads that end or hang, GPUs that are lost or hang, and memory that is short. Their words are
// those of an undisturbed run, and every recovery is noticed.

import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { cpuRunner, type CpuOptions, type StartThread } from "../host/cpu/runner.ts";
import { measurePhase } from "../host/experiments/phase.ts";
import { DeviceLostError } from "../host/gpu/device.ts";
import { gpuRunner } from "../host/gpu/runner.ts";
import type { GpuOptions } from "../host/gpu/session.ts";
import { platform } from "../host/node/platform/index.ts";
import { startThread } from "../host/node/platform/threads.ts";
import { openEngine, type Platform } from "../host/open.ts";
import { referenceRunner } from "../host/reference.ts";
import type { Runner } from "../host/runner.ts";
import { withStandIn } from "../host/standIn.ts";
import { CapacityError } from "../src/errors.ts";
import { phaseConfig, plan } from "../src/experiments/phase.ts";
import { batchWork, type Work } from "../src/plan.ts";
import { tamperedAdapter, testAdapter } from "./gpu/devices.ts";
import { batchWords } from "./oracle.ts";

/** The words of every piece, all of them in flight at once. */
const wordsOf = async (runner: Runner, pieces: readonly Work[]): Promise<number[][]> =>
  Promise.all(pieces.map(async (work) => [...(await runner.run(work)).words]));

/** Lets timers pass when a test says so, and otherwise as fast as those of the machine. */
const holdTimers = () =>
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"], shouldAdvanceTime: true });
afterEach(() => void vi.useRealTimers());

describe("Threads", () => {
  const sweep = plan(
    phaseConfig({ ensemble: "rssp0", halfRange: 9, items: { from: 2, to: 8 }, targets: [3], seed: 1n }),
  );
  /** Pieces of different work, a few milliseconds each. */
  const pieces: readonly Work[] = Array.from({ length: 12 }, (_, i) =>
    batchWork(sweep, { first: 300 * i, count: 300 }),
  );
  let undisturbed: number[][];
  beforeAll(async () => void (undisturbed = await wordsOf(referenceRunner(), pieces)));

  /** Changes the script of the first `count` threads. */
  const changed =
    (change: (script: string) => string, count = 1): StartThread =>
    (script, handlers) =>
      startThread(count-- > 0 ? change(script) : script, handlers);

  /** Makes a thread do `what` at its second piece of work. */
  const atSecondPiece = (what: string) => (script: string) =>
    `${script}\n{ const answer = onmessage; let count = 0; onmessage = (event) => { if (event.data.id && ++count === 2) { ${what} } answer(event); }; }`;

  /** What runners with some numbers of threads notice. Their words are the right ones. */
  async function onThreads(
    start: () => StartThread,
    options: CpuOptions = {},
    threads: readonly number[] = [1, 2],
  ): Promise<string[]> {
    const notices: string[] = [];
    await Promise.all(
      threads.map(async (count) => {
        const runner = await cpuRunner(count, start(), {
          onNotice: (sentence) => notices.push(sentence),
          ...options,
        });
        expect(await wordsOf(runner, pieces)).toEqual(undisturbed);
        runner.close();
      }),
    );
    return notices;
  }

  const LATE = "a thread did not answer within 1 s";

  test.each([
    ["ends", "process.exit(3);", "a worker thread ended with status 3"],
    ["throws", "setTimeout(() => { throw new Error('boom'); }); return;", "boom"],
    ["loops for ever", "for (;;);", LATE],
    ["does not answer", "return;", LATE],
  ])("A thread that %s is replaced, and its work is computed again", async (_, what, reason) => {
    const notices = await onThreads(() => changed(atSecondPiece(what)), { limitMilliseconds: () => 1000 });
    // Of two threads, the other may take all work. On a busy machine other work may be late as well.
    expect(new Set(notices)).toEqual(new Set([`${reason}; another thread computes its work again`]));
  });

  test("A thread that never starts is replaced", async () => {
    const notices = await onThreads(() => changed(() => ""), { startMilliseconds: 1000 }, [1]);
    expect(notices[0]).toBe("a thread did not start within 1 s; another thread takes its place");
  });

  test("Work does not wait for a thread that never starts where another one starts", async () => {
    const options = { startMilliseconds: 60_000 };
    expect(await onThreads(() => changed(() => ""), options, [2])).toEqual([]);
  });

  test("A thread that the platform refuses to start is replaced", async () => {
    const notices = await onThreads(() => {
      let count = 0;
      return (script, handlers) => {
        if (count++ === 0) throw new Error("no threads today");
        return startThread(script, handlers);
      };
    });
    expect(notices).toEqual(new Array(2).fill("no threads today; another thread takes its place"));
  });

  test("A thread that ends while it has no work is replaced when there is some", async () => {
    const notices: string[] = [];
    let end = () => {};
    const start: StartThread = (script, handlers) => {
      const thread = startThread(script, handlers);
      end = () => thread.close();
      return thread;
    };
    const runner = await cpuRunner(1, start, { onNotice: (sentence) => notices.push(sentence) });
    expect(await wordsOf(runner, pieces)).toEqual(undisturbed);
    end();
    await expect
      .poll(() => notices)
      .toEqual(["a worker thread ended with status 1; another thread takes its place"]);
    expect(await wordsOf(runner, pieces)).toEqual(undisturbed);
    runner.close();
  });

  test("Work that ends four threads fails with the error of the last, and all other work is answered", async () => {
    const fatal = pieces[4]!.params;
    const { firstLow } = fatal as Extract<Work, { kernel: "reach" }>["params"];
    const change = (script: string) =>
      `${script}\n{ const answer = onmessage; onmessage = (event) => { if (event.data.params?.[0] === ${firstLow}) process.exit(7); answer(event); }; }`;
    const notices: string[] = [];
    const runner = await cpuRunner(2, changed(change, Infinity), {
      onNotice: (sentence) => notices.push(sentence),
    });
    const answers = await Promise.allSettled(pieces.map((work) => runner.run(work)));
    const [failed] = answers.splice(4, 1);
    expect(failed).toMatchObject({ reason: { message: "a worker thread ended with status 7" } });
    expect(answers.map((answer) => answer.status === "fulfilled" && [...answer.value.words])).toEqual(
      undisturbed.toSpliced(4, 1),
    );
    expect(notices).toHaveLength(3);
    runner.close();
  });

  test("Work is rejected where no thread starts after three replacements, and later work begins anew", async () => {
    let count = 0;
    const runner = await cpuRunner(1, (script, handlers) => {
      if (count++ < 4) throw new Error("no threads today");
      return startThread(script, handlers);
    });
    await expect(runner.run(pieces[0]!)).rejects.toThrow("no threads today");
    expect(count).toBe(4);
    expect(await wordsOf(runner, pieces)).toEqual(undisturbed);
    runner.close();
  });

  test("An answer that comes while the event loop is blocked is in time", async () => {
    const notices: string[] = [];
    const runner = await cpuRunner(1, startThread, {
      onNotice: (sentence) => notices.push(sentence),
      limitMilliseconds: (work) => (work === pieces[1] ? 1000 : 60_000),
    });
    await runner.run(pieces[0]!);
    const answer = runner.run(pieces[1]!);
    // Timers come before messages where the loop goes on from here.
    await new Promise((resolve) => setImmediate(resolve));
    const began = performance.now();
    while (performance.now() < began + 1200);
    expect([...(await answer).words]).toEqual(undisturbed[1]);
    expect(notices).toEqual([]);
    runner.close();
  });

  test(
    "A thread that hangs is replaced within the limit of small work, which is 10 s and little more",
    { tags: ["wide"] },
    async () => {
      holdTimers();
      const notices: string[] = [];
      const runner = await cpuRunner(1, changed(atSecondPiece("for (;;);")), {
        onNotice: (sentence) => notices.push(sentence),
      });
      const answers = pieces.map((work) => runner.run(work));
      await answers[0];
      vi.advanceTimersByTime(9_900);
      expect(notices).toEqual([]);
      vi.advanceTimersByTime(2_000);
      expect(notices).toEqual([
        "a thread did not answer within 11 s; another thread computes its work again",
      ]);
      expect((await Promise.all(answers)).map(({ words }) => [...words])).toEqual(undisturbed);
      runner.close();
    },
  );
});

/** An awaited call of a GPU, by the name of the function. */
type Call = "requestAdapter" | "requestDevice" | "createComputePipelineAsync" | "popErrorScope" | "mapAsync";

/**
 * Decides what becomes of an awaited call: its number `index` among those of the runner and its device, if there is one yet.
 * The call goes on when the answer resolves, and fails if it rejects.
 */
type Fault = (call: Call, index: number, device: GPUDevice | undefined) => Promise<void> | void;

const never = () => new Promise<void>(() => {});

/** Answers the test adapter, with a fault in its calls and in those of its devices. */
function faultyAdapter(fault: Fault): () => Promise<GPUAdapter> {
  let index = 0;
  const faulty =
    <A extends unknown[], T>(call: Call, act: (...args: A) => Promise<T>, device?: GPUDevice) =>
    async (...args: A): Promise<T> => {
      await fault(call, index++, device);
      return act(...args);
    };
  return faulty("requestAdapter", async () => {
    const adapter = await testAdapter();
    // A software adapter would have far more time.
    Object.defineProperty(adapter, "info", { value: { vendor: "test", description: "a GPU" } });
    const requestDevice = adapter.requestDevice.bind(adapter);
    adapter.requestDevice = faulty("requestDevice", async (descriptor?: GPUDeviceDescriptor) => {
      const device = await requestDevice(descriptor);
      // A compiler that is slow because the machine is busy is not a fault, so its time is not waited for.
      const compile = async (pipeline: GPUComputePipelineDescriptor) =>
        device.createComputePipeline(pipeline);
      device.createComputePipelineAsync = faulty("createComputePipelineAsync", compile, device);
      device.popErrorScope = faulty("popErrorScope", device.popErrorScope.bind(device), device);
      const createBuffer = device.createBuffer.bind(device);
      device.createBuffer = (descriptor) => {
        const buffer = createBuffer(descriptor);
        buffer.mapAsync = faulty("mapAsync", buffer.mapAsync.bind(buffer), device);
        return buffer;
      };
      return device;
    });
    return adapter;
  });
}

describe("A GPU", () => {
  /** Small pieces of the kernel that compiles fastest. */
  const pieces: readonly Work[] = Array.from({ length: 3 }, (_, k) =>
    batchWords({ kernel: "smallest", instances: [{ items: [3, 5, k + 1], targets: [[8, 8, 8]] }] }),
  );
  let undisturbed: number[][];
  beforeAll(async () => void (undisturbed = await wordsOf(referenceRunner(), pieces)));

  const PATIENCE_MS = 900;

  /** What a GPU with a fault notices, with the reference as its stand-in. Its words are the right ones. */
  async function noticesOf(
    fault: Fault,
    options: GpuOptions = { patienceMilliseconds: PATIENCE_MS },
  ): Promise<string[]> {
    const notices: string[] = [];
    const onNotice = (sentence: string) => void notices.push(sentence);
    const gpu = await gpuRunner(faultyAdapter(fault), { variant: "tiles", onNotice, ...options });
    const runner = withStandIn(gpu, async () => referenceRunner(), onNotice);
    expect(await wordsOf(runner, pieces)).toEqual(undisturbed);
    runner.close();
    return notices;
  }

  /** A fault at the first of some calls, or at every one. */
  const at =
    (call: Call, act: (device: GPUDevice | undefined) => Promise<void> | void, most = 1): Fault =>
    (name, _, device) =>
      name === call && most-- > 0 ? act(device) : undefined;

  /** A platform whose GPU has a fault. */
  const platformOf = (fault: Fault): Platform => ({
    ...platform,
    mayHaveGpu: () => true,
    gpu: async () =>
      Object.assign(Object.create((await platform.gpu()) ?? null) as GPU, {
        requestAdapter: faultyAdapter(fault),
      }),
    patienceMilliseconds: PATIENCE_MS,
  });

  const AGAIN = "its work is computed again on a new device";

  test("Work that is lost on every device goes to the CPU after three retries, and all work after it", async () => {
    const notices = await noticesOf(at("mapAsync", (device) => device?.destroy(), Infinity));
    const lost = "the GPU was lost: device was destroyed";
    const again = `${lost}; ${AGAIN}`;
    const instead = `${lost}; from now on TypeScript answers instead of a GPU`;
    expect(notices).toEqual([again, again, again, instead]);
  });

  // Tests that wait run together.
  test.concurrent(
    "The CPU answers all work after a loss where no adapter answers any more",
    { tags: ["wide"] },
    async () => {
      let isLost = false;
      const notices = await noticesOf((call, _, device) => {
        if (call === "requestAdapter" && isLost) throw new DeviceLostError("no WebGPU adapter answers");
        if (call !== "mapAsync") return;
        isLost = true;
        device?.destroy();
      });
      expect(notices).toEqual([
        `the GPU was lost: device was destroyed; ${AGAIN}`,
        "no WebGPU adapter answers; from now on TypeScript answers instead of a GPU",
      ]);
    },
  );

  test.concurrent.each(["createComputePipelineAsync", "mapAsync"] as const)(
    "A device that never answers a call is lost: %s",
    async (call) => {
      const [first] = await noticesOf(at(call, never));
      expect(first).toBe(`the GPU did not answer within 1 s; ${AGAIN}`);
    },
  );

  test.concurrent(
    "A device that never answers whether it has memory is lost",
    { tags: ["wide"] },
    async () => {
      const [first] = await noticesOf(at("popErrorScope", never));
      expect(first).toBe(`the GPU did not answer within 1 s; ${AGAIN}`);
    },
  );

  test.concurrent("The CPU answers where two devices hang", { tags: ["wide"] }, async () => {
    const notices = await noticesOf(at("mapAsync", never, Infinity));
    expect(notices).toEqual([
      `the GPU did not answer within 1 s; ${AGAIN}`,
      "the GPU did not answer within 1 s; from now on TypeScript answers instead of a GPU",
    ]);
  });

  test("A mapping that fails is tried again on a new device", async () => {
    const fails = at("mapAsync", () => {
      throw new DOMException("no mapping today", "OperationError");
    });
    expect(await noticesOf(fails)).toEqual([`the GPU gave no answer: no mapping today; ${AGAIN}`]);
  });

  test("The CPU answers work whose device is out of memory, and a new device answers later work", async () => {
    const exhausts = at("mapAsync", (device) => {
      const error = new GPUOutOfMemoryError("no memory today");
      device?.dispatchEvent(new GPUUncapturedErrorEvent("uncapturederror", { error }));
    });
    const notices = await noticesOf(exhausts);
    expect(notices).toEqual([
      expect.stringMatching(/^kernel smallest exceeds .*: TypeScript answers instead/),
    ]);
  });

  test("The CPU answers work whose inputs a device has no memory for", async () => {
    let isShort = true;
    const gpu = await gpuRunner(
      tamperedAdapter((device) => {
        const pop = device.popErrorScope.bind(device);
        device.popErrorScope = async () => {
          const error = await pop();
          const answer = isShort ? new GPUOutOfMemoryError("no memory today") : error;
          isShort = false;
          return answer;
        };
      }),
      { variant: "tiles" },
    );
    await expect(gpu.run(pieces[0]!)).rejects.toBeInstanceOf(CapacityError);
    expect([...(await gpu.run(pieces[0]!)).words]).toEqual(undisturbed[0]);
    gpu.close();
  });

  test("Work that a device refuses as invalid fails, and is not tried again", async () => {
    const refused = at("mapAsync", (device) => void device?.createBuffer({ size: 16, usage: 0 }));
    await expect(noticesOf(refused)).rejects.toThrow(/^the GPU refused its work: /);
  });

  test.each(["gpu", "auto"] as const)(
    "The CPU takes the place of a GPU that does not open: engine %s",
    async (engine) => {
      const hangs: Fault = (call) => (call === "requestAdapter" ? never() : undefined);
      const notices: string[] = [];
      const runner = await openEngine(
        { engine, threads: 1, onNotice: (sentence) => notices.push(sentence) },
        platformOf(hangs),
      );
      expect(runner.engine).toBe("cpu");
      expect(notices).toEqual(["the GPU did not answer within 1 s; the CPU answers instead"]);
      runner.close();
    },
  );

  test("The CPU takes the place of a GPU that is lost before it opens a device", async () => {
    const notices: string[] = [];
    const lost = at("requestDevice", () => {
      throw new DOMException("no device today", "OperationError");
    });
    const runner = await openEngine(
      { engine: "gpu", threads: 1, onNotice: (sentence) => notices.push(sentence) },
      platformOf(lost),
    );
    expect(runner.engine).toBe("cpu");
    expect(notices).toEqual(["the GPU gave no answer: no device today; the CPU answers instead"]);
    runner.close();
  });

  /** Counts the calls of each device, and destroys a device before its call `index`. */
  function losing(index: number, isLosing: (device: GPUDevice) => boolean): Fault {
    const counts = new Map<GPUDevice, number>();
    return (_, __, device) => {
      if (!device) return;
      const count = counts.get(device) ?? 0;
      counts.set(device, count + 1);
      if (count === index && isLosing(device)) device.destroy();
    };
  }

  test(
    "A device that is lost at every third of its calls, and each new one at the same call, leaves the words as they are",
    { tags: ["wide"], timeout: 600_000 },
    async () => {
      let calls = 0;
      await noticesOf((_, __, device) => void (device && calls++));
      expect(calls).toBeGreaterThanOrEqual(1 + 1 + 2 * pieces.length);
      // Every third call: the calls of a piece of work follow in the same order each time.
      for (let index = 0; index < calls; index += 3) {
        const notices = await noticesOf(losing(index, () => true));
        expect([index, notices.length]).toEqual([index, expect.toSatisfy((count) => count >= 1)]);
      }
    },
  );

  test(
    "A device that is lost at every seventh call of a sweep leaves its findings as they are",
    { tags: ["wide"], timeout: 600_000 },
    async () => {
      const request = { bits: 3, items: { from: 4, to: 8 }, trials: 40_000, seed: 1 } as const;
      const findingsOf = async (runner: Runner) =>
        (await measurePhase(runner, request)).map((finding) => ({ ...finding, engine: "", adapter: "" }));
      const expected = await findingsOf(referenceRunner());
      /** Checks the findings on a GPU with a fault. Answers its notices. */
      const check = async (fault: Fault): Promise<string[]> => {
        const notices: string[] = [];
        const gpu = await gpuRunner(faultyAdapter(fault), {
          variant: "thread",
          onNotice: (sentence) => notices.push(sentence),
        });
        expect(await findingsOf(gpu)).toEqual(expected);
        gpu.close();
        return notices;
      };
      let calls = 0;
      expect(await check((_, __, device) => void (device && calls++))).toEqual([]);
      expect(calls).toBeGreaterThan(5);
      for (let index = 0; index < calls; index += 7) {
        let first: GPUDevice | undefined;
        let count = 0;
        const lose = losing(index, (device) => device === first);
        const notices = await check((call, at, device) => {
          first ??= device;
          if (device && device === first) count++;
          return lose(call, at, device);
        });
        // The time of a batch decides the size of the next one, so that a run may have fewer calls than the first.
        const expectedNotices = count > index ? [`the GPU was lost: device was destroyed; ${AGAIN}`] : [];
        expect([index, notices]).toEqual([index, expectedNotices]);
      }
    },
  );

  test(
    "A device that hangs is replaced within the limit of a GPU, which is 20 s and little more",
    { tags: ["wide"] },
    async () => {
      holdTimers();
      let hangs = () => {};
      const isHanging = new Promise<void>((resolve) => (hangs = resolve));
      const hang = at("mapAsync", () => {
        hangs();
        return never();
      });
      const notices: string[] = [];
      const answers = noticesOf(hang, { onNotice: (sentence) => notices.push(sentence) });
      await isHanging;
      vi.advanceTimersByTime(19_900);
      expect(notices).toEqual([]);
      vi.advanceTimersByTime(4_000);
      await answers;
      expect(notices).toEqual([`the GPU did not answer within 21 s; ${AGAIN}`]);
    },
  );

  test("A GPU that is closed rejects its work, and no stand-in answers it", async () => {
    const gpu = await gpuRunner(
      faultyAdapter(() => {}),
      { variant: "tiles" },
    );
    const runner = withStandIn(
      gpu,
      () => expect.unreachable("opened"),
      () => expect.unreachable("noticed"),
    );
    const answer = runner.run(pieces[0]!);
    runner.close();
    await expect(answer).rejects.toThrow("the GPU was lost");
  });
});
