// Reports in a browser: the switch between shares and failures, figures as files, and the width of a phone.

import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Page } from "playwright-core";
import { referenceRunner } from "../host/reference.ts";
import { measurePhase } from "../host/experiments/phase.ts";
import { measureWidth } from "../host/experiments/width.ts";
import { reportHtml } from "../host/node/reports/phase.ts";
import { widthReport } from "../host/node/reports/width.ts";
import { phaseConfig } from "../src/experiments/phase.ts";
import { withTheory } from "../src/experiments/theory.ts";
import { openPages } from "./page.ts";

const pages = openPages("none");
let page: Page;
beforeAll(async () => {
  page = await pages.browser().newPage();
});
afterAll(() => page.context().close());

const about = { command: "exacta", started: new Date(0), seconds: 1, stopped: false };

async function phaseReport(): Promise<string> {
  const request = { bits: 2, items: { from: 2, to: 12 }, trials: 500 };
  const findings = await measurePhase(referenceRunner(), request);
  return reportHtml([withTheory({ config: phaseConfig(request), findings, theory: [] })], about);
}

async function reportOfWidth(): Promise<string> {
  return widthReport(
    [await measureWidth(referenceRunner(), { bits: 1, width: 1, trials: 20, maxUnits: 30 })],
    about,
  );
}

/** The widths and heights of PNG files are in their first chunk. */
const sizeOf = (png: Buffer) => [png.readUInt32BE(16), png.readUInt32BE(20)];

test("A report switches between shares and failures without a script, and saves what it shows as SVG and PNG", async () => {
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.setContent(await phaseReport());
  const shown = () =>
    page.locator(".switched svg[role=img]").evaluateAll((all) => all.map((one) => one.checkVisibility()));
  expect(await shown()).toEqual([true, true, true, false, false, false]);
  await page.getByLabel("the share that fails").check();
  expect(await shown()).toEqual([false, false, false, true, true, true]);
  const save = async (kind: string) => {
    const saving = page.waitForEvent("download");
    await page.locator(".form-1 figure").last().getByRole("button", { name: kind }).click();
    const file = await saving;
    return { name: file.suggestedFilename(), bytes: await readFile(await file.path()) };
  };
  const svg = await save("SVG");
  expect(svg.name).toBe("every-target-from-m-to-m.svg");
  expect(String(svg.bytes)).toMatch(
    /^<svg[^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"[^]*Every target from −M to M[^]*<\/svg>$/,
  );
  const png = await save("PNG");
  expect([png.name, png.bytes.toString("latin1", 1, 4), sizeOf(png.bytes)]).toEqual([
    "every-target-from-m-to-m.png",
    "PNG",
    [880, 598],
  ]);
});

test("Reports fit the width of a phone", async () => {
  await page.setViewportSize({ width: 390, height: 800 });
  for (const report of [await phaseReport(), await reportOfWidth()]) {
    await page.setContent(report);
    await page.locator("details").evaluateAll((all) => all.forEach((one) => one.setAttribute("open", "")));
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
  }
});
