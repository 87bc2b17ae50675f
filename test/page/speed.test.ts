// The view Speed in a real browser: rates of the engines that it has, and digests of what they compute.

import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { pictureOf } from "../../demo/speed/text.ts";
import type { BenchReport } from "../../demo/worker/bench.ts";
import { demandsOf } from "../../host/bench/demands.ts";
import { digestOf } from "../../host/node/bench/measure/digest.ts";
import { referenceRunner } from "../../host/reference.ts";
import { phaseConfig, plan } from "../../src/experiments/phase.ts";
import { batchWork, type Work } from "../../src/plan.ts";
import { type Graphics } from "../browser.ts";
import { moveTo, openPages, revisit, shownBy } from "../page.ts";

const pages = openPages("none", "webgpu");

type Shown = BenchReport & { readonly state: string };

const open = (graphics: Graphics, query: string, look: (page: Page) => Promise<void>) =>
  revisit(pages.browser(graphics), `${pages.address}?view=speed${query}`, look);

/** What is shown when all rows are measured. */
async function measured(page: Page): Promise<Shown> {
  await page.waitForSelector(".speed[data-state=done]", { timeout: 60_000 });
  return shownBy<Shown>(page);
}

async function referenceDigest(works: readonly Work[]): Promise<string> {
  const runner = referenceRunner();
  const answers = [];
  for (const work of works) answers.push((await runner.run(work)).words);
  return digestOf(answers);
}

/** What measurements of less than 50 ms are of. */
const SIZES = ["reach M = 2^8, n = 14", "prune 32 -> 16, 8 bits from 4", "forward 64 -> 64"];

describe.each([
  ["none", ["cpu"]],
  ["webgpu", ["cpu", "gpu"]],
] as const)("With graphics %s", (graphics, engines) => {
  const tags = graphics === "none" ? [] : ["wide"];
  test(
    "Every engine has a rate for every work, and the digests of its outputs are those of the reference engine",
    { tags },
    async () => {
      await open(graphics, "&milliseconds=20", async (page) => {
        const { engines: found, rows } = await measured(page);
        expect(found.filter(({ adapter }) => adapter).map(({ engine }) => engine)).toEqual(engines);
        if (graphics === "none") expect(found[1]!.problem).toContain("WebGPU");
        for (const engine of engines) {
          const own = rows.filter((row) => row.engine === engine);
          expect(own.map(({ kernel, size }) => `${kernel} ${size}`)).toEqual(SIZES);
          expect(own.filter(({ rate }) => !(rate > 0 && rate < Infinity))).toEqual([]);
          expect(own.map(({ digest }) => digest)).toEqual(
            rows.filter((row) => row.engine === "cpu").map(({ digest }) => digest),
          );
        }
        const trials = plan(phaseConfig({ bits: 8, items: 14, targets: [0], seed: 1 }));
        expect(rows.find(({ size }) => size === "M = 2^8, n = 14")!.digest).toBe(
          await referenceDigest([batchWork(trials, { first: 0, count: 512 })]),
        );
        expect(rows.find(({ kernel }) => kernel === "prune")!.digest).toBe(
          await referenceDigest(demandsOf(32, 16).map(({ work }) => work)),
        );
        expect(await page.locator("tbody tr").count()).toBe(SIZES.length);
      });
    },
  );
});

test(
  "What is measured is copied, drawn and repeated, and the address opens its duration and its engine again",
  { tags: ["wide"] },
  async () => {
    await open("none", "&milliseconds=10", async (page) => {
      const report = await measured(page);
      const drawn = await page.evaluate((text) => {
        const { documentElement } = new DOMParser().parseFromString(text, "image/svg+xml");
        return [documentElement, ...documentElement.children].map(({ tagName }) => tagName);
      }, pictureOf(report));
      // A bar for each rate.
      expect(drawn).toEqual(["svg", "rect", ...SIZES.flatMap(() => ["text", "rect", "text"])]);

      // A page that is not served over HTTPS has no clipboard.
      await page.evaluate(() =>
        Object.defineProperty(navigator, "clipboard", { value: undefined, configurable: true }),
      );
      await page.getByRole("button", { name: "Copy as Markdown" }).click();
      expect(await page.getByLabel(/^Copy as Markdown: /).inputValue()).toMatch(/^- CPU: /);
      await page.evaluate(() => Reflect.deleteProperty(navigator, "clipboard"));

      await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
      const copied = () => page.evaluate(() => navigator.clipboard.readText());
      await page.getByRole("button", { name: "Copy as Markdown" }).click();
      await expect.poll(async () => (await copied()).match(/^\| /gm)?.length).toBe(SIZES.length + 2);
      await page.getByRole("button", { name: "Copy as JSON" }).click();
      await expect.poll(copied).toMatch(/^\{/);
      expect((JSON.parse(await copied()) as BenchReport).rows).toHaveLength(SIZES.length);
      await page.getByRole("button", { name: "Share" }).click();
      const command = page.getByLabel("Command that measures the same kernels", { exact: true });
      expect(await command.inputValue()).toMatch(/^exacta bench /);
      await page.keyboard.press("Escape");

      await page.locator("select[name=milliseconds]").selectOption("50");
      await page.locator("select[name=engine]").selectOption("cpu");
      await expect.poll(() => new URL(page.url()).search).toBe("?view=speed&milliseconds=50&engine=cpu");
      await page.reload();
      await expect.poll(() => page.locator("select[name=milliseconds]").inputValue()).toBe("50");
      expect(await page.locator("select[name=engine]").inputValue()).toBe("cpu");
      const { rows } = await measured(page);
      // Longer measurements are of four sizes of `reach`.
      expect(rows.map(({ kernel }) => kernel)).toEqual([
        ...new Array<string>(4).fill("reach"),
        "prune",
        "forward",
      ]);
    });
  },
);

test("A wrong duration of the address is named at its field, which has the initial one", async () => {
  const [first, ...others] = ["x", "9", "10001", "1.5", ""];
  await open("none", `&milliseconds=${first}`, async (page) => {
    for (const wrong of [first, ...others]) {
      if (wrong !== first) await moveTo(page, `?view=speed&milliseconds=${wrong}`);
      await expect
        .poll(() => page.locator(".field .problem").allInnerTexts())
        .toEqual([`milliseconds: expected an integer in 10..10000, got "${wrong}"`]);
      expect(await page.locator(".problem").count()).toBe(1);
      expect(await page.locator("select[name=milliseconds]").inputValue()).toBe("200");
    }
  });
});
