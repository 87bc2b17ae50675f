// The page, built and served as a visitor gets it, in a real browser: with WebGPU and without it shows the reference's
// numbers, and it says what is wrong with a wrong address.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { build, preview, type PreviewServer } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { measurePhase } from "../host/experiments/phase.ts";
import { referenceRunner } from "../host/reference.ts";
import type { PhaseFinding } from "../src/finding.ts";
import { launchBrowser, type Graphics } from "./browser.ts";
import { hasSoftware } from "../scripts/software.ts";

const project = {
  root: fileURLToPath(new URL("../demo", import.meta.url)),
  configFile: fileURLToPath(new URL("../demo/vite.config.mts", import.meta.url)),
  logLevel: "error",
} as const;

let folder: string;
let server: PreviewServer;
let address: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "exacta-page-"));
  await build({ ...project, build: { outDir: folder, emptyOutDir: true } });
  server = await preview({ ...project, build: { outDir: folder }, preview: { host: "127.0.0.1", port: 0 } });
  address = server.resolvedUrls!.local[0]!;
}, 60_000);

afterAll(async () => {
  await server?.close();
  if (folder) await rm(folder, { recursive: true, force: true });
});

/** Opens the page in a browser of its own, hands it over, and fails where the browser had anything to complain about. */
async function visit(graphics: Graphics, query: string, look: (page: Page) => Promise<void>): Promise<void> {
  const browser = await launchBrowser(graphics);
  try {
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    page.on("requestfailed", (request) =>
      complaints.push(`${request.url()}: ${request.failure()?.errorText}`),
    );
    await page.goto(address + query);
    await look(page);
    expect(complaints).toEqual([]);
  } finally {
    await browser.close();
  }
}

/** Waits for the run's end and returns what the page holds. */
async function finished(page: Page): Promise<PhaseFinding[]> {
  await page.waitForFunction(() => document.body.dataset["state"] !== "running", undefined, {
    timeout: 100_000,
  });
  expect(await page.locator("#error").textContent()).toBe("");
  expect(await page.locator("body").getAttribute("data-state")).toBe("done");
  return JSON.parse((await page.locator("#findings").textContent())!) as PhaseFinding[];
}

/** The integers of findings, in a fixed order. */
function integers(findings: readonly PhaseFinding[]) {
  return findings.map(({ ensemble, halfRange, items, trials, seed, targets, covered, perfect }) => ({
    ensemble,
    halfRange,
    items,
    trials,
    seed,
    targets: targets.map(({ target, solved }) => ({ target, solved })),
    all: (covered ?? perfect)!.solved,
  }));
}

const wanted = {
  rssp: {
    query: "?ensemble=rssp&bits=3,5&items=4..9&targets=1,M,-7&trials=3000&seed=20260101",
    ask: async () => {
      const runs = [3, 5].map((bits) =>
        measurePhase(referenceRunner(), {
          ensemble: "rssp",
          bits,
          items: { from: 4, to: 9 },
          targets: [1, 2 ** bits, -7],
          trials: 3000,
          seed: 20260101,
        }),
      );
      return (await Promise.all(runs)).flat();
    },
  },
  rnpp: {
    query: "?ensemble=rnpp&bits=6&items=5..8&targets=&trials=2000&seed=7",
    ask: () =>
      measurePhase(referenceRunner(), {
        ensemble: "rnpp",
        bits: 6,
        items: { from: 5, to: 8 },
        trials: 2000,
        seed: 7,
      }),
  },
};

describe.each(Object.entries(wanted))("%s", (_, { query, ask }) => {
  test.each([
    ["webgpu", "gpu", "WebGPU"],
    ["none", "auto", "WebAssembly"],
  ] as const)(
    "With graphics %s and the engine %s, the page finds the integers of the reference engine, by %s",
    { timeout: 120_000 },
    async (graphics, engine, engineName) => {
      const expected = integers(await ask());
      await visit(graphics, `${query}&engine=${engine}`, async (page) => {
        const findings = await finished(page);
        expect(integers(findings)).toEqual(expected);
        expect(new Set(findings.map(({ engine }) => engine))).toEqual(
          new Set([engine === "auto" ? "cpu" : "gpu"]),
        );
        expect(await page.locator("#engine").textContent()).toContain(engineName);
        expect(await page.locator("#figures figure svg").count()).toBeGreaterThanOrEqual(2);
        expect(await page.locator("#figures").textContent()).toContain("predicted");
      });
    },
  );
});

test.runIf(hasSoftware)(
  "The engine auto takes the CPU if the only adapter is a software one",
  { timeout: 60_000 },
  async () => {
    await visit("webgpu", `${wanted.rnpp.query}&engine=auto`, async (page) => {
      expect((await finished(page)).map(({ engine }) => engine)).toEqual(["cpu", "cpu", "cpu", "cpu"]);
      expect(await page.locator("#engine").textContent()).toContain(
        "because the only WebGPU adapter is a software one",
      );
    });
  },
);

test(
  "Without WebGPU the engine gpu is refused, and the page runs another engine",
  { timeout: 60_000 },
  async () => {
    await visit("none", `${wanted.rnpp.query}&engine=gpu`, async (page) => {
      await page.waitForSelector("body[data-state=error]");
      expect(await page.locator("#error").textContent()).toBe(
        "engine gpu: expected a WebGPU adapter, got nothing; use the engine cpu, which needs none",
      );
      expect(await page.locator("#engine").textContent()).toBe("");
      await page.selectOption("select[name=engine]", "cpu");
      expect(await finished(page)).toHaveLength(4);
      expect(new URL(page.url()).searchParams.get("engine")).toBe("cpu");
    });
  },
);

test("An error of the address is shown, and the corrected form runs", { timeout: 60_000 }, async () => {
  await visit("none", "?bits=99&trials=1000&items=1..6&engine=cpu", async (page) => {
    await page.waitForSelector("body[data-state=error]");
    expect(await page.locator("#error").innerText()).toBe(
      "bits: expected integers in 1..14 for rssp, got 99",
    );
    await page.locator("#bits").getByText("4", { exact: true }).click();
    expect(integers(await finished(page)).map(({ halfRange, items }) => [halfRange, items])).toEqual(
      [1, 2, 3, 4, 5, 6].map((n) => [16, n]),
    );
    await page.fill("input[name=items]", "6..1");
    await page.click("#start");
    expect(await page.locator("#error").innerText()).toBe(
      'items: expected A..B with A not above B, got "6..1"',
    );
  });
});

test("Stop keeps what was counted", { timeout: 60_000 }, async () => {
  await visit("none", "?bits=6&items=1..12&trials=1e12&engine=cpu", async (page) => {
    await page.waitForFunction(() => document.getElementById("findings")!.textContent !== "[]");
    await page.click("#stop");
    await page.waitForSelector("body[data-state=stopped]");
    const findings = JSON.parse((await page.locator("#findings").textContent())!) as PhaseFinding[];
    expect(findings).toHaveLength(12);
    expect(findings[0]!.trials).toBeGreaterThan(0);
    expect(findings[0]!.trials).toBeLessThan(1e12);
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("#download")]);
    const lines = await readFile(await download.path(), "utf8");
    expect(
      lines
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual(findings);
  });
});
