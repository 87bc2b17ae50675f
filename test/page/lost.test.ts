// Lost devices in a real browser: Chromium rejects pending results before it says that the device is lost.

import { afterAll, beforeAll, expect, test } from "vitest";
import { measurePhase } from "../../host/experiments/phase.ts";
import { openEngine, type Engine } from "../../host/node/index.ts";
import type { PhaseFinding } from "../../src/finding.ts";
import { integers, openPages, shownBy, visit } from "../page.ts";

let node: Engine;

const pages = openPages("webgpu");

beforeAll(async () => {
  node = await openEngine({ engine: "cpu" });
});

afterAll(async () => {
  node?.close();
});

const TRIALS = 200_000;

test(
  "Two devices that are destroyed during a run, after which no adapter answers for a while, leave the counts of a run without a loss",
  { tags: ["wide"] },
  async () => {
    const query = `?view=odds&bits=4&items=1..10&targets=1,M&seed=5&trials=${TRIALS}&engine=gpu`;
    await visit(pages.browser(), pages.address + query, async (page) => {
      await page.waitForFunction(() =>
        document.getElementById("shown")?.textContent?.includes('"kind":"phase"'),
      );
      const [worker] = page.workers();
      await worker!.evaluate(() => {
        const destroyed = new Set<GPUDevice>();
        // A browser that restarts its GPU process has no adapter.
        const ask = navigator.gpu.requestAdapter.bind(navigator.gpu);
        let lostAt = -Infinity;
        navigator.gpu.requestAdapter = async (options) =>
          performance.now() < lostAt + 400 ? null : ask(options);
        const { prototype } = GPUDevice;
        const { value: create } = Object.getOwnPropertyDescriptor(prototype, "createCommandEncoder") as {
          value: GPUDevice["createCommandEncoder"];
        };
        prototype.createCommandEncoder = function (...descriptor) {
          if (destroyed.size < 2 && !destroyed.has(this)) {
            destroyed.add(this);
            // The work that is being encoded is in flight by then.
            setTimeout(() => {
              lostAt = performance.now();
              this.destroy();
            });
          }
          return create.apply(this, descriptor);
        };
        Object.assign(globalThis, { destroyed });
      });
      await page.waitForSelector(".odds[data-state=done], .odds[data-state=failed]", { timeout: 45_000 });
      const destroyed = await worker!.evaluate(
        () => (globalThis as unknown as { destroyed: Set<GPUDevice> }).destroyed.size,
      );
      expect(destroyed).toBe(2);
      const { state, findings } = await shownBy<{ state: string; findings: PhaseFinding[] }>(page);
      expect(state).toBe("done");
      const request = { ensemble: "rssp", bits: 4, items: { from: 1, to: 10 }, targets: [1, 16] } as const;
      expect(integers(findings)).toEqual(
        integers(await measurePhase(node, { ...request, trials: TRIALS, seed: 5 })),
      );
      expect(new Set(findings.map(({ engine }) => engine))).toEqual(new Set(["gpu"]));
    });
  },
);
