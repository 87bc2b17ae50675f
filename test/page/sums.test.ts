// The view Sums in a real browser: it counts and finds what the library does, and its address shows it again.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { solve } from "../../host/experiments/solve.ts";
import { referenceRunner } from "../../host/reference.ts";
import { ensembleKey, ensembles, itemOf, drawValue, lawOf } from "../../src/ensemble.ts";
import type { SolveFinding } from "../../src/finding.ts";
import { type Graphics } from "../browser.ts";
import { callCommand } from "../cli/command.ts";
import { hide, moveTo, openPages, revisit, shownBy, visit } from "../page.ts";
import { violations } from "./axe.ts";

const pages = openPages("none", "webgpu");

interface Shown extends Pick<SolveFinding, "engine" | "count" | "witness" | "smallest" | "smallestWitness"> {
  readonly items: readonly number[];
  readonly target: number;
  readonly chosen: readonly number[];
  readonly total: number;
  readonly sums: readonly number[];
  readonly command: string;
}

/** Opens an address of Sums, by default in a browser without WebGPU. */
const open = (query: string, look: (page: Page) => Promise<void>, graphics: Graphics = "none") =>
  revisit(pages.browser(graphics), `${pages.address}?view=sums${query}`, look);

/** What the view shows after its answer. */
async function shown(page: Page): Promise<Shown> {
  await page.waitForSelector("#shown", { state: "attached" });
  return shownBy<Shown>(page);
}

/** Waits until what is shown is as expected. */
const showsTarget = (page: Page, target: number) =>
  page.waitForFunction(
    (wanted) => document.getElementById("shown")?.textContent?.includes(`"target":${wanted},`),
    target,
  );

/** The ten numbers of a seed. */
function draw(seed: bigint): number[] {
  const law = lawOf("rssp", 64);
  const key = ensembleKey(seed, "rssp", 64);
  return Array.from({ length: 10 }, (_, i) => itemOf(law, drawValue(law.range, key, 0, i)));
}

/** The first seed whose numbers contain a number. */
function seedWith(number: number): bigint {
  for (let seed = 10n; ; seed++) if (draw(seed).includes(number)) return seed;
}

/** The number of different sums of the first 0, 1, 2, ... numbers, by enumeration. */
function sumCounts(items: readonly number[]): number[] {
  let sums = new Set([0]);
  return [1, ...items.map((item) => (sums = new Set([...sums].flatMap((sum) => [sum, sum + item]))).size)];
}

async function answer(items: readonly number[], target: number) {
  const findings: SolveFinding[] = [];
  for await (const finding of solve(referenceRunner(), [{ items, target }])) findings.push(finding);
  const { count, witness, smallest, smallestWitness } = findings[0]!;
  return { items, target, count, witness, smallest, smallestWitness, sums: sumCounts(items) };
}

for (const graphics of ["none", "webgpu"] as const)
  test(
    `With graphics ${graphics} the view shows the answers of the reference engine for a draw`,
    { tags: graphics === "webgpu" ? ["wide"] : [] },
    async () => {
      const engine = graphics === "none" ? "cpu" : "gpu";
      await open(
        `&seed=9&target=12&engine=${engine}`,
        async (page) => expect(await shown(page)).toMatchObject({ ...(await answer(draw(9n), 12)), engine }),
        graphics,
      );
    },
  );

test("The view shows the answers of the reference engine for 24 numbers of the visitor's own", async () => {
  const items = [999, -998, 500, ...Array<number>(12).fill(3), ...Array<number>(8).fill(-7), 250];
  await open(`&numbers=${items.join()}&target=26`, async (page) => {
    expect(await shown(page)).toMatchObject(await answer(items, 26));
  });
});

test("The command that Share offers prints the count and the witness that are shown", async () => {
  const folder = await mkdtemp(join(tmpdir(), "exacta-sums-"));
  try {
    await open("&seed=18446744073709551615&target=-5", async (page) => {
      const { command, count, witness, smallestWitness } = await shown(page);
      const [, instance, words] = /^echo '([-\d :]+)' \| exacta (solve) -$/.exec(command)!;
      await writeFile(join(folder, "instance.txt"), `${instance}\n`);
      const { status, stdout } = await callCommand(`${words} instance.txt --engine cpu`, folder);
      expect(status).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ target: -5, count, witness, smallestWitness });
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("A visitor makes the target by keyboard alone", async () => {
  await visit(pages.browser(), `${pages.address}?view=sums`, async (page) => {
    const { items, smallestWitness } = await shown(page);
    const chip = page.getByRole("group").getByRole("button").first();
    for (let i = 0; i < 20 && !(await chip.evaluate((element) => element === document.activeElement)); i++)
      await page.keyboard.press("Tab");
    await page.keyboard.press("Space");
    expect(await page.locator("output").textContent()).toBe(String(items[0]));
    expect(await chip.getAttribute("aria-pressed")).toBe("true");
    await page.keyboard.press("Space");
    expect(await page.locator("output").textContent()).toBe("0");
    const reveal = page.getByRole("button", { name: "Show me" });
    for (let i = 0; i < 20 && !(await reveal.evaluate((element) => element === document.activeElement)); i++)
      await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    expect(await shown(page)).toMatchObject({ total: 37, chosen: smallestWitness });
    expect(await page.locator(".total").first().textContent()).toContain("One way with 3 numbers.");
    await chip.click();
    await chip.click();
    expect(await page.locator(".total").first().textContent()).toContain("You made it with 3 numbers.");
  });
});

test("The sum is written out, and no target that the view offers is one of the numbers or 0", async () => {
  await open("&chosen=1,2,3", async (page) => {
    const { items } = await shown(page);
    expect(items.slice(1, 4)).toEqual([-18, 33, -6]);
    expect(await page.locator(".total").first().innerText()).toMatch(/^−18 \+ 33 − 6 =\s+9\s/);
  });
  await open("&numbers=1,2,-1,-2&target=3", async (page) => {
    for (let i = 0; i < 6; i++) {
      const { target } = await shown(page);
      await page.getByRole("button", { name: "Another target" }).click();
      await page.waitForFunction(
        (before) => document.getElementById("shown")?.textContent?.includes(`"target":${before},`) === false,
        target,
      );
      expect((await shown(page)).target).toBe(target === 3 ? -3 : 3);
    }
  });
  // 37 is one of the numbers that follow.
  const seed = seedWith(37);
  await open(`&seed=${seed - 1n}`, async (page) => {
    await shown(page);
    await page.getByRole("button", { name: "Other numbers" }).click();
    await page.waitForFunction(
      () => document.getElementById("shown")?.textContent?.includes('"target":37,') === false,
    );
    const { items, target } = await shown(page);
    expect(items).toEqual(draw(seed));
    expect(items).not.toContain(target);
  });
});

test("Share offers no command until the numbers of the address are counted", async () => {
  await open("", async (page) => {
    await shown(page);
    // Nothing is computed while the page is hidden.
    await hide(page, true);
    await page.getByRole("button", { name: "Another target" }).click();
    const share = page.getByRole("button", { name: "Share", exact: true });
    const command = page.getByLabel("Command that computes the same", { exact: true });
    await share.click();
    expect(await command.count()).toBe(0);
    await page.getByRole("button", { name: "Close", exact: true }).click();
    await hide(page, false);
    const target = new URL(page.url()).searchParams.get("target")!;
    await showsTarget(page, Number(target));
    await share.click();
    expect(await command.inputValue()).toContain(` : ${target}'`);
  });
});

test("The last row of the strip has a mark for each run of sums", async () => {
  await open("&seed=5", async (page) => {
    const { items } = await shown(page);
    let sums = new Set([0]);
    for (const item of items) sums = new Set([...sums].flatMap((sum) => [sum, sum + item]));
    const runs = [...sums].filter((sum) => !sums.has(sum - 1)).length;
    const path = (await page.locator(".strip .last").getAttribute("d"))!;
    expect(path.split("M").length - 1).toBe(runs);
  });
});

test("The line of the strip ends at the target when the total is the target, and elsewhere before", async () => {
  await open("&chosen=0,1", async (page) => {
    await shown(page);
    const ends = async () => [
      Number(await page.locator("circle.total").getAttribute("cx")),
      Number(await page.locator("line.target").getAttribute("x1")),
    ];
    const [total, target] = await ends();
    expect(total).not.toBeCloseTo(target!, 1);
    await page.getByRole("button", { name: "Show me" }).click();
    const [made, same] = await ends();
    expect(made).toBeCloseTo(same!, 6);
    expect(same).toBe(target);
  });
});

test("The address of what is shown shows the same again, and back returns to what was shown before", async () => {
  await open("", async (page) => {
    const first = await shown(page);
    await page.getByRole("group").getByRole("button").nth(3).click();
    await page.getByRole("button", { name: "Other numbers" }).click();
    await page.fill("input[name=target]", "-8");
    await page.keyboard.press("Enter");
    await showsTarget(page, -8);
    await page.getByRole("group").getByRole("button").nth(5).click();
    const last = await shown(page);
    expect(last).toMatchObject({ target: -8, items: draw(4n), chosen: [5] });
    const address = page.url();
    await visit(pages.browser("none"), address, async (again) => {
      expect(await shown(again)).toEqual(last);
      expect(again.url()).toBe(address);
    });
    for (let i = 0; i < 4; i++) await page.goBack();
    await showsTarget(page, 37);
    expect(await shown(page)).toEqual(first);
  });
});

test("Numbers of the visitor's own replace the draw, and the chosen ones are forgotten", async () => {
  await open("&chosen=2,9", async (page) => {
    await shown(page);
    await page.locator("summary", { hasText: "More" }).click();
    await page.fill("input[name=numbers]", "5 7 -3");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.getElementById("shown")?.textContent?.includes("[5,7,-3]"));
    expect(await shown(page)).toMatchObject({ ...(await answer([5, 7, -3], 37)), chosen: [], count: "0" });
    expect(await page.locator("main").innerText()).toContain("No choice of these numbers makes 37.");
  });
});

test("A wrong address names its field and keeps a picture", async () => {
  const wrong = [
    ["numbers", "1,2,x"],
    ["numbers", "1000"],
    ["numbers", Array<number>(25).fill(1).join(",")],
    ["target", "1e9"],
    ["target", "half"],
    ["seed", "-1"],
    ["seed", "18446744073709551616"],
    ["chosen", "24"],
    ["chosen", "10"],
    ["chosen", "1,1"],
    ["from", "digits"],
  ] as const;
  const expected = { ...(await answer(draw(3n), 37)), chosen: [] };
  await open("", async (page) => {
    await shown(page);
    for (const [name, text] of wrong) {
      await moveTo(page, `?view=sums&${name}=${text}`);
      await page.getByRole("alert").waitFor();
      expect(await shown(page)).toMatchObject(expected);
      const alerts = await page.getByRole("alert").allInnerTexts();
      expect(alerts).toEqual([expect.stringMatching(`^${name}: expected`)]);
      expect(await page.locator(".strip .sums").count()).toBe(11);
      await moveTo(page, "?view=sums");
      await page.getByRole("alert").waitFor({ state: "detached" });
    }
  });
});

test("The view shows no symbol and no name of an ensemble", async () => {
  await open("&chosen=1,2", async (page) => {
    await shown(page);
    await page.locator("summary").last().click();
    const text = await page.locator("main").innerText();
    expect(text).toContain("Different sums");
    for (const word of [/\b[nkM]\b/, /P\(/, ...ensembles.map((name) => new RegExp(`\\b${name}\\b`, "i"))])
      expect(text).not.toMatch(word);
  });
});

test("In the light scheme and in the dark one axe finds no violation", { tags: ["wide"] }, async () => {
  await open("&chosen=0,3&target=x", async (page) => {
    await shown(page);
    await page.locator("summary").last().click();
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await violations(page), colorScheme).toEqual([]);
    }
  });
});

test("A worker that never runs its script is replaced, and its order is answered", async () => {
  const page = await pages.browser().newPage();
  try {
    await page.clock.install();
    await page.addInitScript(() => {
      const Started = Worker;
      let workers = 0;
      window.Worker = class extends Started {
        constructor(url: string | URL, options?: WorkerOptions) {
          super(workers++ === 0 ? "data:text/javascript," : url, options);
        }
      };
    });
    await page.goto(`${pages.address}?view=sums`);
    await page.getByText("Counting the ways.").waitFor();
    expect(await page.locator("#shown").count()).toBe(0);
    await page.clock.fastForward(11_000);
    await page.locator("#shown").waitFor({ state: "attached" });
  } finally {
    await page.close();
  }
});
