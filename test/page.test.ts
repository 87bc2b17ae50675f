// The page, built and served as a visitor gets it, in a real browser: with WebGPU and without it shows the reference's
// numbers, and it says what is wrong with a wrong address.

import { readFile } from "node:fs/promises";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PhaseFinding } from "../src/finding.ts";
import { launchBrowser, type Graphics } from "./browser.ts";
import { hasSoftware } from "../scripts/software.ts";
import { integers, requests, servePage, type ServedPage } from "./page.ts";

let served: ServedPage;

beforeAll(async () => {
  served = await servePage();
}, 60_000);

afterAll(() => served?.close());

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
    await page.goto(served.address + query);
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

describe.each(Object.entries(requests))("%s", (name, { query, ask }) => {
  const tags = name === "rssp" ? [] : ["wide" as const];
  test.each([
    ["webgpu", "gpu", "WebGPU"],
    ["none", "auto", "WebAssembly"],
  ] as const)(
    "With graphics %s and the engine %s, the page finds the integers of the reference engine, by %s",
    { timeout: 120_000, tags },
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
    await visit("webgpu", `${requests.rnpp.query}&engine=auto`, async (page) => {
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
    await visit("none", `${requests.rnpp.query}&engine=gpu`, async (page) => {
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
