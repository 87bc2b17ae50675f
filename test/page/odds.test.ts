// The view Odds in a real browser: it counts the trials of the library, until it is paused, and its address draws it again.

import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { measurePhase } from "../../host/experiments/phase.ts";
import { openEngine, type Engine } from "../../host/node/index.ts";
import type { PhaseFinding } from "../../src/finding.ts";
import { type Graphics } from "../browser.ts";
import {
  hide,
  integers,
  mainThreadTasks,
  moveTo,
  openPages,
  requests,
  revisit,
  settled as settledView,
  shownBy,
} from "../page.ts";

let node: Engine;

const pages = openPages("none", "webgpu");

beforeAll(async () => {
  node = await openEngine({ engine: "cpu" });
});

afterAll(async () => {
  node?.close();
});

interface Shown {
  readonly state: string;
  readonly trials: readonly number[];
  readonly findings: readonly PhaseFinding[];
}

/** Opens an address of Odds, by default in a browser without WebGPU. */
const open = (query: string, look: (page: Page) => Promise<void>, graphics: Graphics = "none") =>
  revisit(pages.browser(graphics), pages.address + query, look);

const shown = (page: Page) => shownBy<Shown>(page);
const stateOf = (page: Page, state: string) =>
  page.waitForSelector(`.odds[data-state=${state}]`, { timeout: 60_000 });
/** Waits until some trials are counted. */
const counted = (page: Page) =>
  page.waitForFunction(() => document.getElementById("shown")?.textContent!.includes('"kind":"phase"'));

const settled = (page: Page) => settledView<Shown>(page);

/** Numbers of items and targets of the address `SMALL`. */
const SMALL = "?view=odds&bits=4&items=1..10";
/** What the CPU of this machine counts for it. */
const ofSmall = async (trials: number, seed: number) =>
  integers(
    await measurePhase(node, {
      ensemble: "rssp",
      bits: 4,
      items: { from: 1, to: 10 },
      targets: [1, 16],
      trials,
      seed,
    }),
  );

describe.each(["none", "webgpu"] as const)("With graphics %s", (graphics) => {
  const engine = graphics === "none" ? "auto" : "gpu";

  describe.each(Object.entries(requests))("%s", (name, { query, ask }) => {
    const tags = graphics === "webgpu" && name !== "rssp" ? ["wide" as const] : [];
    test("The page counts the integers of the reference engine", { tags }, async () => {
      const expected = integers(await ask());
      await open(
        `${query}&engine=${engine}`,
        async (page) => {
          await stateOf(page, "done");
          const { findings } = await shown(page);
          expect(integers(findings)).toEqual(expected);
          expect(new Set(findings.map(({ engine }) => engine))).toEqual(
            new Set([graphics === "none" ? "cpu" : "gpu"]),
          );
          expect(await page.locator(".odds").textContent()).toContain("predicted");
        },
        graphics,
      );
    });
  });
});

test("A run that is paused and continued counts what a run without a pause counts", async () => {
  const trials = 2_000_000;
  await open(`${SMALL}&seed=5&trials=${trials}`, async (page) => {
    await counted(page);
    await page.getByRole("button", { name: "Pause" }).click();
    const paused = await settled(page);
    expect(paused.state).toBe("paused");
    expect(paused.trials[0]).toBeGreaterThan(0);
    expect(paused.trials[0]).toBeLessThan(trials);
    expect(integers(paused.findings)).toEqual(await ofSmall(paused.trials[0]!, 5));
    await page.getByRole("button", { name: "Continue" }).click();
    await stateOf(page, "done");
    expect(integers((await shown(page)).findings)).toEqual(await ofSmall(trials, 5));
  });
});

test("Trials are counted without an end, and none while the page is hidden", async () => {
  await open(`${SMALL}&seed=6`, async (page) => {
    await counted(page);
    await hide(page, true);
    const hidden = await settled(page);
    expect(hidden.state).toBe("running");
    await page.waitForTimeout(500);
    expect((await shown(page)).trials).toEqual(hidden.trials);
    await hide(page, false);
    await page.waitForFunction(
      (before) => (JSON.parse(document.getElementById("shown")!.textContent!) as Shown).trials[0]! > before,
      hidden.trials[0]!,
    );
  });
});

test("Ten quick changes leave the counts of the last one, and no count of another one is shown on the way", async () => {
  await open(`${SMALL}&trials=30000`, async (page) => {
    await counted(page);
    const stale = await page.evaluate(async () => {
      const field = document.querySelector<HTMLInputElement>("input[name=seed]")!;
      const stale: string[] = [];
      const look = () => {
        const { findings } = JSON.parse(document.getElementById("shown")!.textContent!) as Shown;
        for (const { seed } of findings) if (seed !== field.value) stale.push(`${seed} for ${field.value}`);
      };
      for (let seed = 11; seed <= 20; seed++) {
        field.value = String(seed);
        field.dispatchEvent(new Event("change", { bubbles: true }));
        for (let i = 0; i < seed - 8; i++) {
          await new Promise((resolve) => setTimeout(resolve, 15));
          look();
        }
      }
      return stale;
    });
    expect(stale).toEqual([]);
    await stateOf(page, "done");
    const { findings } = await settled(page);
    expect(integers(findings)).toEqual(await ofSmall(30000, 20));
  });
});

test("A bet starts the count, and is answered by the fewest numbers that are enough in half of the draws", async () => {
  await open("?view=odds", async (page) => {
    expect((await shown(page)).state).toBe("idle");
    await page.getByRole("slider").fill("9");
    await page.getByRole("button", { name: "Bet on 9, and count" }).click();
    await counted(page);
    await page.getByRole("button", { name: "Pause" }).click();
    const { findings } = await settled(page);
    expect(new URL(page.url()).searchParams.get("bet")).toBe("9");
    const enough = findings.find(({ bits, covered }) => bits === 6 && covered!.probability >= 0.5)!;
    const verdict = page.locator(".verdict");
    await expect.poll(() => verdict.textContent()).toMatch(new RegExp(`^You need ${enough.items}: with `));
    expect(await verdict.textContent()).toContain(`Your bet of 9 was ${enough.items - 9}\u00a0too\u00a0few.`);
    expect(await verdict.textContent()).not.toMatch(/ %/);
    // The point of the bet is read out first.
    expect(await page.locator(".readout").first().textContent()).toMatch(/^9 numbers up to 64: /);
  });
});

test("The choice of successes or failures starts nothing, and leaves the counts and the settings closed", async () => {
  await open("?view=odds", async (page) => {
    expect(await page.locator(".experiment form").isVisible()).toBe(false);
    await page.getByRole("button", { name: /^Bet on/ }).click();
    await counted(page);
    const before = await shown(page);
    await page.getByLabel("failures").check();
    await page.getByLabel("successes").check();
    const after = await shown(page);
    expect(after.trials[0]).toBeGreaterThanOrEqual(before.trials[0]!);
    expect(after.state).toBe("running");
  });
  await open("?view=odds&scale=failures", async (page) => {
    expect((await shown(page)).state).toBe("idle");
    expect(await page.locator(".experiment form").isVisible()).toBe(false);
  });
});

test("Settings that are changed before the bet leave the question, and a begun count goes on with the initial ones", async () => {
  await open("?view=odds", async (page) => {
    await page.locator("summary", { hasText: "Settings" }).click();
    await page.selectOption("select[name=ensemble]", "rnpp");
    await page.getByText("Draw some random numbers from 1 to 64.").waitFor();
    expect((await shown(page)).state).toBe("idle");
  });
  await open("?view=odds&seed=2", async (page) => {
    await counted(page);
    const seed = page.locator("input[name=seed]");
    await seed.fill("1");
    await seed.press("Enter");
    await expect.poll(async () => (await shown(page)).findings[0]?.seed).toBe("1");
    expect((await shown(page)).state).toBe("running");
  });
});

test("Curves have their names at their ends, which do not overlap", async () => {
  await open("?view=odds&bits=2,4,6&items=1..14&targets=1&trials=1000&scale=failures", async (page) => {
    await stateOf(page, "done");
    const ends = page.locator(".chart").first().locator(".end text");
    expect(await ends.allTextContents()).toEqual(["k = 2", "k = 4", "k = 6"]);
    const heights = await ends.evaluateAll((all) => all.map((end) => Number(end.getAttribute("y"))));
    const sorted = heights.toSorted((a, b) => a - b);
    for (const [i, height] of sorted.slice(1).entries())
      expect(height - sorted[i]!).toBeGreaterThanOrEqual(14);
  });
});

test("The axis of failures counts in percent, each number a tenth of the one before", async () => {
  await open("?view=odds&bits=2&items=1..14&targets=1&trials=200000&scale=failures", async (page) => {
    await stateOf(page, "done");
    const ticks = await page.locator(".chart").first().locator(".tick text").allTextContents();
    const values = ticks.map((text) => Number(/^([\d.]+)\u00a0%$/.exec(text)![1]));
    expect(values.length).toBeGreaterThan(3);
    expect(values[0]).toBe(100);
    for (const [i, value] of values.slice(1).entries()) expect(values[i]! / value).toBeCloseTo(10, 6);
  });
});

test.each([
  "?view=odds",
  "?view=odds&bet=11",
  "?view=odds&ensemble=products0&bits=1,2,3&items=2..9&targets=-M,0,5&trials=1000&seed=18446744073709551615&scale=failures&bet=4&engine=cpu",
  "?view=odds&bits=2&items=3&targets=&trials=all",
])("The address %s names what it draws", async (address) => {
  await open(address, async (page) => {
    await page.getByRole("button", { name: "Share" }).click();
    const again = await page.getByLabel("Address", { exact: true }).inputValue();
    expect(new URL(again).search).toBe(address);
  });
});

test("Back and forward bring back inputs and their counts", async () => {
  await open(`${SMALL}&trials=5000&seed=1`, async (page) => {
    const seed = page.locator("input[name=seed]");
    await seed.fill("2");
    await seed.press("Enter");
    await stateOf(page, "done");
    await page.goBack();
    await expect.poll(() => seed.inputValue()).toBe("1");
    await stateOf(page, "done");
    expect(integers((await shown(page)).findings)).toEqual(await ofSmall(5000, 1));
    await page.goForward();
    await expect.poll(() => seed.inputValue()).toBe("2");
    await stateOf(page, "done");
    expect(integers((await shown(page)).findings)).toEqual(await ofSmall(5000, 2));
  });
});

test("A wrong address names its input, and the picture is that of the initial value", async () => {
  const wrong = [
    "ensemble=dice",
    "bits=99",
    "bits=",
    "bits=4,x",
    "items=6..1",
    "items=1..2..3",
    "items=1..99",
    "targets=x",
    "targets=3e9",
    `targets=${Array.from({ length: 13 }, (_, i) => i).join(",")}`,
    "trials=0",
    "trials=1.5",
    "trials=all",
    "seed=-1",
    "scale=square",
    "bet=65",
    "engine=tpu",
    "color=red",
  ];
  await open("?view=odds", async (page) => {
    await stateOf(page, "idle");
    const problem = page.locator(".problem");
    for (const parameter of wrong) {
      const [name] = parameter.split("=");
      await moveTo(page, "?view=odds");
      await problem.waitFor({ state: "detached" });
      await moveTo(page, `?view=odds&${parameter}`);
      await problem.waitFor();
      expect(await problem.allTextContents(), parameter).toEqual([
        expect.stringMatching(new RegExp(`^${name}: expected `)),
      ]);
      await expect
        .poll(() => page.locator(".chart svg .tick").count(), { message: parameter })
        .toBeGreaterThan(3);
      if (name === "items") expect(await page.locator("input[name=items]").inputValue()).toBe("1..22");
    }
  });
});

test("A wrong entry of the form is explained at its field, and the last picture stays", async () => {
  await open(`${SMALL}&trials=4000`, async (page) => {
    await stateOf(page, "done");
    const items = page.locator("input[name=items]");
    await items.fill("6..1");
    await items.press("Enter");
    const problem = page.locator(".field:has(input[name=items]) .problem");
    expect(await problem.textContent()).toBe('items: expected A..B with A not above B, got "6..1"');
    expect(await items.getAttribute("aria-invalid")).toBe("true");
    expect((await shown(page)).findings).toHaveLength(10);
    await items.fill("2..6");
    await items.press("Enter");
    await problem.waitFor({ state: "detached" });
    await expect.poll(async () => (await shown(page)).findings.length).toBe(5);
  });
});

test("Without WebGPU the engine gpu is refused at its field, and another engine counts", async () => {
  await open(`${SMALL}&trials=4000&engine=gpu`, async (page) => {
    await stateOf(page, "failed");
    expect(await page.locator(".field:has(select[name=engine]) .problem").textContent()).toBe(
      "WebGPU finds no adapter on this machine. Choose the CPU.",
    );
    await page.selectOption("select[name=engine]", "cpu");
    await stateOf(page, "done");
    expect(integers((await shown(page)).findings)).toEqual(await ofSmall(4000, 1));
    expect(new URL(page.url()).searchParams.get("engine")).toBe("cpu");
  });
});

test("Without a failure a point of the failures is absent, and a bar is at its upper limit", async () => {
  // A single number of -1 and 1 reaches 0 in every trial, and 1 in half of them.
  await open("?view=odds&bits=1&items=1&targets=0,1&trials=1000&scale=failures", async (page) => {
    await stateOf(page, "done");
    const paths = (kind: string, chart: number) =>
      page.locator(".chart").nth(chart).locator(`path.${kind}`).getAttribute("d");
    expect(await paths("dots", 1)).toBe("");
    expect(await paths("limits", 1)).toMatch(/^M[\d. ]+h8m-4 0v8$/);
    expect(await paths("dots", 2)).toMatch(/^M[\d. ]+h0$/);
    expect(await paths("limits", 2)).toBe("");
  });
});

test("The arrow keys choose a point of a chart, whose numbers are read out", async () => {
  await open(`${SMALL}&trials=4000`, async (page) => {
    await stateOf(page, "done");
    const [finding] = (await shown(page)).findings.slice(-1);
    const point = page.locator(".chart .point").first();
    await point.focus();
    for (let i = 0; i < 10; i++) await page.keyboard.press("ArrowRight");
    await expect
      .poll(() => point.getAttribute("aria-label"))
      .toContain(
        `10 numbers up to 16: ${Number((100 * finding!.covered!.probability).toPrecision(4))}\u00a0% of draws (95\u00a0% interval `,
      );
  });
});

test("The table has the numbers of the charts", async () => {
  await open(`${SMALL}&trials=4000`, async (page) => {
    await stateOf(page, "done");
    await page.getByText("The numbers", { exact: true }).click();
    const { findings } = await shown(page);
    await page.locator("table tbody tr").first().waitFor();
    const rows = await page.locator("table tbody tr").allTextContents();
    expect(rows).toHaveLength(10);
    for (const [i, { covered }] of findings.entries())
      expect(rows[i]).toContain(covered!.probability.toFixed(5));
  });
});

test("No task of the main thread takes 50 ms while trials run for 5 s", { tags: ["wide"] }, async () => {
  await open("?view=odds&bet=12", async (page) => {
    await counted(page);
    const tasks = await mainThreadTasks(pages.browser("none"), page, () => page.waitForTimeout(5000));
    expect(tasks.length).toBeGreaterThan(100);
    expect(tasks.filter((milliseconds) => milliseconds > 50)).toEqual([]);
  });
});
