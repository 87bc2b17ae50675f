// From a point of Odds to a draw like it in Sums.

import { expect, test } from "vitest";
import { drawLike } from "../../demo/odds/like.ts";
import { phaseConfig } from "../../src/experiments/phase.ts";
import { openPages, revisit } from "../page.ts";

const pages = openPages("none");

for (const ensemble of ["rssp", "rnpp"] as const)
  test(
    `The enter key at a point of ${ensemble} opens a draw that makes its target in Sums, and back returns to Odds`,
    { tags: ensemble === "rnpp" ? ["wide"] : [] },
    async () => {
      const query = `?view=odds&ensemble=${ensemble}&bits=5&items=4..9&targets=7&trials=1000&seed=3`;
      await revisit(pages.browser(), pages.address + query, async (page) => {
        await page.waitForSelector(".odds[data-state=done]");
        // The second chart is that of the target.
        const point = page.locator(".chart .point").nth(1);
        await point.focus();
        expect(await point.getAttribute("aria-label")).toMatch(
          /^7 numbers up to 32: .+ See a draw that works$/,
        );
        await page.keyboard.press("Enter");
        await page.waitForSelector("main[data-view=sums] h1");
        const { numbers, target } = drawLike(phaseConfig({ ensemble, bits: 5, seed: 3 }), 7, 7, true)!;
        await expect
          .poll(() => Object.fromEntries(new URL(page.url()).searchParams))
          .toEqual({ view: "sums", numbers: numbers.join(","), target: String(target), from: "odds" });
        const opened = page.url();
        await page.reload();
        await page.waitForSelector("main[data-view=sums] h1");
        expect(await page.locator(".problem").count()).toBe(0);
        expect(page.url()).toBe(opened);
        await page.goBack();
        await page.waitForSelector(".odds[data-state=done]");
      });
    },
  );

test("A draw that fails opens over the chosen numbers of Sums, which says so and leads back to Odds", async () => {
  await revisit(pages.browser(), `${pages.address}?view=sums&chosen=0,9`, async (page) => {
    await page.waitForSelector("#shown", { state: "attached" });
    await page.locator(".bar").getByRole("link", { name: "Odds" }).click();
    await page.getByRole("slider").fill("5");
    await page.getByRole("button", { name: "Bet on 5, and count" }).click();
    await page.getByRole("button", { name: "See one that fails", exact: true }).first().click();
    const { numbers, target } = drawLike(phaseConfig({ bits: 6 }), 5, "covered", false)!;
    await page.getByText(`This draw cannot make ${target}`).waitFor();
    expect(await page.getByRole("alert").count()).toBe(0);
    const { searchParams } = new URL(page.url());
    expect(searchParams.get("numbers")).toBe(numbers.join(","));
    expect(searchParams.get("chosen")).toBe(null);
    await page.getByRole("link", { name: "Back to Odds" }).click();
    await page.waitForSelector("main[data-view=odds] .verdict");
  });
});

test("A point whose numbers are too large for Sums is not offered", async () => {
  await revisit(pages.browser(), `${pages.address}?view=odds&bits=11&items=4&trials=1000`, async (page) => {
    await page.waitForSelector(".odds[data-state=done]");
    expect(await page.getByText("See a draw that works").count()).toBe(0);
  });
});
