// The page, built and served as a visitor gets it, in a real browser: its bar, its addresses, its history and its engines.

import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { viewNames } from "../demo/views.ts";
import { hasSoftware } from "../scripts/software.ts";
import type { PhaseFinding } from "../src/finding.ts";
import { openPages, requests, revisit, shownBy } from "./page.ts";

const pages = openPages("none", "webgpu");

const open = (query: string, look: (page: Page) => Promise<void>) =>
  revisit(pages.browser(), pages.address + query, look);

/** Waits until a view is open. */
const opened = (page: Page, name: string) => page.waitForSelector(`main[data-view=${name}] h1`);

test("The bar opens every view, and back and forward go through them", { tags: ["wide"] }, async () => {
  await open("", async (page) => {
    await opened(page, "digits");
    for (const name of viewNames.slice(1)) {
      await page
        .locator(".bar nav a")
        .filter({ hasText: new RegExp(`^${name}$`, "i") })
        .click();
      await opened(page, name);
      expect(new URL(page.url()).searchParams.get("view")).toBe(name);
    }
    for (const name of viewNames.toReversed().slice(1)) {
      await page.goBack();
      await opened(page, name);
    }
    await page.goForward();
    await opened(page, viewNames[1]!);
  });
});

test("An address of version 0.1, which names no view, opens Odds", async () => {
  await open("?bits=4&items=4..6&trials=100", async (page) => {
    await opened(page, "odds");
    expect(await page.locator("input[name=items]").inputValue()).toBe("4..6");
  });
});

test.runIf(hasSoftware)("The engine auto takes the CPU if the only adapter is a software one", async () => {
  await revisit(
    pages.browser("webgpu"),
    `${pages.address}${requests.rnpp.query}&engine=auto`,
    async (page) => {
      await page.waitForSelector(".odds[data-state=done]");
      const { findings } = await shownBy<{ findings: readonly PhaseFinding[] }>(page);
      expect(new Set(findings.map(({ engine }) => engine))).toEqual(new Set(["cpu"]));
      await page.locator("summary", { hasText: "The numbers" }).click();
      expect(await page.locator(".odds details [role=status]").textContent()).toContain(
        "because the only WebGPU adapter is a software one",
      );
    },
  );
});
