// A hidden page computes nothing, and what it measures does not contain the time in which it was hidden.

import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import type { BenchReport } from "../../demo/worker/bench.ts";
import { hide, openPages, revisit, shownBy } from "../page.ts";

const pages = openPages("none");

const trialsOf = async (page: Page) => (await shownBy<{ trials: readonly number[] }>(page)).trials;

test("Trials that are paused while the page is hidden stay paused when it is shown", async () => {
  await revisit(pages.browser(), `${pages.address}?view=odds&bet=11`, async (page) => {
    await page.getByRole("button", { name: "Pause" }).waitFor();
    await expect.poll(() => trialsOf(page)).not.toEqual([]);
    await hide(page, true);
    // Batches that the engine has begun end.
    await page.waitForTimeout(500);
    await page.getByRole("button", { name: "Pause" }).click();
    const paused = await trialsOf(page);
    await hide(page, false);
    await page.waitForTimeout(500);
    expect(await trialsOf(page)).toEqual(paused);
    await page.getByRole("button", { name: "Continue" }).click();
    await expect.poll(async () => (await trialsOf(page))[0]).toBeGreaterThan(paused[0]!);
  });
});

test(
  "The rate of trials does not contain the time in which the page was hidden",
  { tags: ["wide"] },
  async () => {
    await revisit(pages.browser(), `${pages.address}?view=odds&bits=1,2,3,4,5&bet=11`, async (page) => {
      await expect.poll(() => trialsOf(page)).not.toEqual([]);
      const begun = performance.now();
      for (let times = 0; times < 2; times++) {
        await hide(page, true);
        await page.waitForTimeout(900);
        await hide(page, false);
        await page.waitForTimeout(300);
      }
      await page.getByRole("button", { name: "Pause" }).click();
      await page.waitForTimeout(500);
      const text = await page.locator(".count").innerText();
      const [, number, factor] = /([\d.]+)([KM]?)\/s/.exec(text)!;
      const rate = Number(number) * { "": 1, K: 1e3, M: 1e6 }[factor as "" | "K" | "M"];
      const total = (await trialsOf(page)).reduce((sum, each) => sum + each);
      expect(total / rate).toBeLessThan((performance.now() - begun) / 1000 - 1.3);
    });
  },
);

test("A measurement of Speed during which the page was hidden is repeated", { tags: ["wide"] }, async () => {
  await revisit(pages.browser(), `${pages.address}?view=speed&milliseconds=40`, async (page) => {
    const rows = async () => (await shownBy<BenchReport>(page)).rows ?? [];
    await expect.poll(async () => (await rows()).length, { interval: 5 }).toBeGreaterThan(0);
    await hide(page, true);
    // A measurement of 40 ms that takes more than 400 is not repeated otherwise.
    await page.waitForTimeout(800);
    await hide(page, false);
    await page.waitForSelector(".speed[data-state=done]");
    const measured = (await rows()).filter(({ kernel }) => kernel === "reach");
    // A work whose measurement takes long is measured once.
    expect(measured.map(({ rounds }) => rounds)).toEqual(measured.map(() => 3));
  });
});

test("Share offers no command while the answer to the inputs is missing", async () => {
  await revisit(pages.browser(), `${pages.address}?view=sums`, async (page) => {
    await page.getByText(/There are 9 ways/).waitFor();
    await hide(page, true);
    const command = page.getByLabel("Command that computes the same", { exact: true });
    for (const isKnown of [true, false]) {
      await page.getByRole("button", { name: "Share" }).click();
      await page.getByRole("dialog").waitFor();
      expect(await command.count()).toBe(isKnown ? 1 : 0);
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "detached" });
      await page.getByRole("button", { name: "Another target" }).click();
      await page.waitForTimeout(100);
    }
    await hide(page, false);
  });
});
