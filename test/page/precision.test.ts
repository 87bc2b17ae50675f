// The view Precision in a real browser, with WebGPU and without: its cells are those of the reference engine, and both
// renderers draw the surface at the same pixels.

import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { measurePhase } from "../../host/experiments/phase.ts";
import { referenceRunner } from "../../host/reference.ts";
import { MARK } from "../../demo/surface/renderer.ts";
import { mainThreadTasks, moveTo as openAddress, openPages, revisit, shownBy, visit } from "../page.ts";

interface Shown {
  readonly state: string;
  readonly engine: string | undefined;
  readonly cells: readonly {
    readonly halfRange: number;
    readonly trials: number;
    readonly solved: readonly number[];
  }[];
}

const CELLS = "?view=precision&items=1..14&halfRanges=4..8&trials=400&seed=7";
const HALF_RANGES = [4, 5, 6, 7, 8];

const pages = openPages("none", "webgpu");

/** Waits until every row has all its trials. */
async function counted(page: Page): Promise<Shown> {
  await page.waitForSelector("[data-status=done]", { timeout: 60_000 });
  return shownBy<Shown>(page);
}

/** Goes to another address of the page, and waits for its pictures. */
async function moveTo(page: Page, address: string): Promise<void> {
  await openAddress(page, address);
  await settled(page);
}

/** Waits until the pictures of a change are drawn. */
async function settled(page: Page): Promise<void> {
  await page.evaluate(
    () =>
      new Promise((resolve) => {
        requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(resolve, 50)));
      }),
  );
}

const addressOf = (page: Page) => new URL(page.url()).search;
const surface = (page: Page) => page.getByRole("application", { name: "The cells as a surface." });
const map = (page: Page) => page.getByRole("application", { name: "The cells as a map." });

/** A picture of the surface without the numbers of its axes, as a data URL. */
async function pictureOf(page: Page): Promise<string> {
  const png = await surface(page).screenshot({
    style: ".labels { visibility: hidden }",
    animations: "allow",
  });
  return `data:image/png;base64,${png.toString("base64")}`;
}

interface Looks {
  /** The center and the number of the pixels in the color of the selected cell. */
  readonly x: number;
  readonly y: number;
  readonly marked: number;
  /** How many different colors there are. */
  readonly colors: number;
  /** The share of pixels by which it differs from the other picture. */
  readonly differing: number;
}

/** Looks at the pixels of a picture. */
function look(page: Page, picture: string, other = picture): Promise<Looks> {
  return page.evaluate(
    async ({ urls, mark }) => {
      const [one, two] = await Promise.all(
        urls.map(async (url) => {
          const image = new Image();
          image.src = url;
          await image.decode();
          const { width, height } = image;
          const context = new OffscreenCanvas(width, height).getContext("2d")!;
          context.drawImage(image, 0, 0);
          return context.getImageData(0, 0, width, height);
        }),
      );
      const { data, width } = one!;
      const pixels = data.length / 4;
      // Every pixel is looked at, so that nothing is allocated for one.
      const isNear = (at: number, other: ArrayLike<number>, otherAt: number, most: number) =>
        Math.abs(data[at]! - other[otherAt]!) <= most &&
        Math.abs(data[at + 1]! - other[otherAt + 1]!) <= most &&
        Math.abs(data[at + 2]! - other[otherAt + 2]!) <= most;
      const colors = new Set(new Uint32Array(data.buffer));
      let [x, y, marked, differing] = [0, 0, 0, 0];
      for (let pixel = 0; pixel < pixels; pixel++) {
        if (!isNear(4 * pixel, two!.data, 4 * pixel, 60)) differing++;
        if (!isNear(4 * pixel, mark, 0, 24)) continue;
        x += pixel % width;
        y += Math.floor(pixel / width);
        marked++;
      }
      return { x: x / marked, y: y / marked, marked, colors: colors.size, differing: differing / pixels };
    },
    { urls: [picture, other], mark: [...MARK] },
  );
}

/** The counts of the reference engine, which are computed once. */
let expected: ReturnType<typeof countCells> | undefined;
const expectedCells = () => (expected ??= countCells());

async function countCells() {
  const runs = HALF_RANGES.map(async (halfRange) => {
    const request = { halfRange, items: { from: 1, to: 14 }, trials: 400, seed: 7 };
    const findings = await measurePhase(referenceRunner(), request);
    return { halfRange, trials: 400, solved: findings.map(({ covered }) => covered!.solved) };
  });
  return Promise.all(runs);
}

test(
  "By WebGPU and without it, counts are those of the reference engine and a cell is drawn at the same pixel",
  { tags: ["wide"] },
  async () => {
    await revisit(pages.browser("webgpu"), `${pages.address}${CELLS}&engine=gpu`, (gpu) =>
      revisit(pages.browser("none"), pages.address + CELLS, (cpu) => comparePages(gpu, cpu)),
    );
  },
);

/** Compares the counts of two pages with those of the reference engine, and their surfaces with each other. */
async function comparePages(gpu: Page, cpu: Page): Promise<void> {
  const expected = await expectedCells();
  for (const page of [gpu, cpu]) await page.emulateMedia({ reducedMotion: "reduce" });
  for (const [page, engine, renderer] of [
    [gpu, "gpu", "webgpu"],
    [cpu, "cpu", "canvas"],
  ] as const) {
    const shown = await counted(page);
    expect(shown.cells).toEqual(expected);
    expect(shown.engine).toBe(engine);
    expect(await surface(page).getAttribute("data-renderer")).toBe(renderer);
    await settled(page);
    expect((await look(page, await pictureOf(page))).colors, renderer).toBeGreaterThan(50);
    const png = (await map(page).screenshot()).toString("base64");
    expect((await look(page, `data:image/png;base64,${png}`)).colors, engine).toBeGreaterThan(20);
    expect(await page.evaluate(() => performance.getEntriesByName("picture").length)).toBe(1);
  }
  for (const change of [
    "cell=1,4",
    "cell=14,8&camera=20,50,1.3",
    "cell=9,5&align=yes&camera=-120,20,0.8",
    "cell=10,7&mode=failures&camera=75,70,1",
  ]) {
    const address = `${CELLS}&${change}`;
    await moveTo(gpu, `${address}&engine=gpu`);
    await moveTo(cpu, address);
    const [one, other] = [await pictureOf(gpu), await pictureOf(cpu)];
    const [ours, theirs] = [await look(cpu, one, other), await look(cpu, other)];
    expect(ours.marked, change).toBeGreaterThan(20);
    expect(Math.abs(ours.x - theirs.x), change).toBeLessThan(1);
    expect(Math.abs(ours.y - theirs.y), change).toBeLessThan(1);
    expect(ours.differing, change).toBeLessThan(0.03);
  }
}

test("A surface whose GPU is lost goes on on a 2D canvas", { tags: ["wide"] }, async () => {
  await visit(pages.browser("webgpu"), `${pages.address}?view=speed`, async (page) => {
    await page.evaluate(() => {
      const { gpu } = navigator;
      const requestAdapter = gpu.requestAdapter.bind(gpu);
      gpu.requestAdapter = async (options) => {
        const adapter = (await requestAdapter(options))!;
        const requestDevice = adapter.requestDevice.bind(adapter);
        adapter.requestDevice = async (descriptor) => {
          const device = await requestDevice(descriptor);
          Object.assign(globalThis, { device });
          return device;
        };
        return adapter;
      };
    });
    await moveTo(page, `${CELLS}&engine=gpu`);
    await page.waitForSelector("[data-renderer=webgpu]");
    await page.waitForFunction(() => "device" in globalThis);
    await page.evaluate(() => (globalThis as unknown as { device: GPUDevice }).device.destroy());
    await page.waitForSelector("[data-renderer=canvas]");
    await settled(page);
    expect((await look(page, await pictureOf(page))).colors).toBeGreaterThan(2);
  });
});

describe("Address and controls", () => {
  test("An address survives its picture: every input is read, and a change and its opposite write it again", async () => {
    const address =
      "?view=precision&mode=failures&align=yes&cell=6,5&items=2..12&halfRanges=4..8&trials=300&seed=9&camera=10.5,40,1.25";
    await revisit(pages.browser("none"), pages.address + address, async (page) => {
      const { cells } = await counted(page);
      expect(cells.map(({ halfRange, solved }) => [halfRange, solved.length])).toEqual(
        HALF_RANGES.map((halfRange) => [halfRange, 11]),
      );
      await page.getByLabel("shares").check();
      expect(addressOf(page)).toBe(address.replace("&mode=failures", ""));
      await page.getByLabel("failures").check();
      expect(addressOf(page)).toBe(address);
      await page.goBack();
      expect(await page.getByLabel("shares").isChecked()).toBe(true);
      await page.goForward();
      expect(await page.getByLabel("failures").isChecked()).toBe(true);
      expect(await page.getByLabel("align").isChecked()).toBe(true);
      // Nothing is counted again.
      expect(await shownBy<Shown>(page)).toMatchObject({ state: "done", cells });
    });
  });

  test(
    "A wrong input of the address is named at its field, and the cells of its initial value are drawn",
    { tags: ["wide"] },
    async () => {
      await revisit(pages.browser("none"), pages.address + CELLS, async (page) => {
        await counted(page);
        for (const [name, text] of [
          ["items", "9..3"],
          ["items", "0..65"],
          ["items", "seven"],
          ["halfRanges", "1..5000"],
          ["halfRanges", "1000..1010"],
          ["halfRanges", "8"],
          ["trials", "0"],
          ["trials", "1e99"],
          ["seed", "-1"],
          ["cell", "12"],
          ["cell", "5,0"],
          ["camera", "1,2"],
          ["camera", "0,90,1"],
          ["mode", "successes"],
          ["align", "maybe"],
        ] as const) {
          const params = new URLSearchParams(CELLS);
          params.set(name, text);
          await moveTo(page, `?${String(params)}`);
          const problems = await page.locator(".problem:visible").allTextContents();
          expect(problems, `${name}=${text}`).toHaveLength(1);
          expect(problems[0]).toMatch(new RegExp(`^${name}: expected .*, got `));
          await page.waitForFunction(
            () => (JSON.parse(document.getElementById("shown")!.textContent!) as Shown).cells.length > 0,
          );
        }
        await moveTo(page, CELLS);
        expect(await page.locator(".problem").count()).toBe(0);
        expect((await counted(page)).cells).toEqual(await expectedCells());
      });
    },
  );

  test("Arrow keys select a cell, and the command that is shown prints its counts", async () => {
    await revisit(pages.browser("none"), `${pages.address}${CELLS}&cell=6,5`, async (page) => {
      const { cells } = await counted(page);
      await map(page).focus();
      await page.keyboard.press("ArrowRight");
      await page.keyboard.press("ArrowUp");
      expect(addressOf(page)).toContain("cell=7,6");
      const { solved } = cells[2]!;
      expect(await page.locator("#cell").textContent()).toContain(
        `n = 7, M = 6: ${solved[6]} of 400 draws reach every target`,
      );
      const command = (await page.locator(".cell code").textContent())!;
      const [, halfRange, from, to, trials, seed] =
        /^exacta phase --half-range (\d+) --items (\d+)\.\.(\d+) --trials (\d+) --seed (\d+)$/
          .exec(command)!
          .map(Number);
      const findings = await measurePhase(referenceRunner(), {
        halfRange: halfRange!,
        items: { from: from!, to: to! },
        trials: trials!,
        seed: seed!,
      });
      expect(findings.map(({ covered }) => covered!.solved)).toEqual(solved);
      const box = (await map(page).boundingBox())!;
      await page.mouse.click(box.x + box.width - 8, box.y + 8);
      expect(addressOf(page)).toContain("cell=14,8");
    });
  });

  test("A drag and keys turn the surface, the address follows without a new entry, and Home resets it", async () => {
    await revisit(pages.browser("none"), pages.address + CELLS, async (page) => {
      await counted(page);
      await settled(page);
      const before = await pictureOf(page);
      const entries = await page.evaluate(() => history.length);
      const box = (await surface(page).boundingBox())!;
      await page.mouse.move(box.x + 100, box.y + 100);
      await page.mouse.down();
      await page.mouse.move(box.x + 150, box.y + 90, { steps: 5 });
      await page.mouse.up();
      await expect.poll(() => addressOf(page)).toContain("camera=-12,28,1");
      await surface(page).focus();
      await page.keyboard.press("ArrowRight");
      await page.keyboard.press("+");
      await expect.poll(() => addressOf(page)).toContain("camera=-6,28,1.15");
      await page.mouse.wheel(0, 100);
      await expect.poll(() => addressOf(page)).toContain("camera=-6,28,0.99");
      expect((await look(page, before, await pictureOf(page))).differing).toBeGreaterThan(0.05);
      await page.keyboard.press("Home");
      await expect.poll(() => addressOf(page)).toBe(CELLS);
      await settled(page);
      expect((await look(page, before, await pictureOf(page))).differing).toBe(0);
      expect(await page.evaluate(() => history.length)).toBe(entries);
    });
  });

  test(
    "Rows are aligned at once where the visitor wants no motion, and otherwise on a way of many pictures",
    { tags: ["wide"] },
    async () => {
      for (const reducedMotion of ["reduce", "no-preference"] as const)
        await revisit(pages.browser("none"), `${pages.address}${CELLS}&camera=0,40,1`, async (page) => {
          await page.emulateMedia({ reducedMotion });
          await counted(page);
          await page.getByLabel("align").check();
          await settled(page);
          const first = await pictureOf(page);
          await page.waitForTimeout(reducedMotion === "reduce" ? 400 : 1000);
          const { differing } = await look(page, first, await pictureOf(page));
          if (reducedMotion === "reduce") expect(differing).toBe(0);
          else expect(differing).toBeGreaterThan(0.01);
        });
    },
  );

  test("A pause holds the counts, continuing goes on from them, and other inputs begin anew", async () => {
    await revisit(
      pages.browser("none"),
      `${pages.address}?view=precision&items=1..14&halfRanges=4..8`,
      async (page) => {
        const total = async () =>
          (await shownBy<Shown>(page)).cells.reduce((sum, { trials }) => sum + trials, 0);
        await expect.poll(total).toBeGreaterThan(0);
        await page.getByRole("button", { name: "Pause" }).click();
        // Work in flight ends.
        await page.waitForTimeout(600);
        const held = await total();
        await page.waitForTimeout(400);
        expect(await total()).toBe(held);
        await page.getByRole("button", { name: "Continue" }).click();
        await expect.poll(total).toBeGreaterThan(held);
        await page.getByText("Other cells").click();
        await page.getByLabel("draws of each row").fill("400");
        await page.getByLabel("seed").fill("7");
        await page.getByLabel("seed").press("Enter");
        expect((await counted(page)).cells).toEqual(await expectedCells());
      },
    );
  });
});

test(
  "No task of the page takes 50 ms while trials run and the surface is dragged",
  { tags: ["wide"] },
  async () => {
    const browser = pages.browser("none");
    await visit(browser, `${pages.address}?view=precision`, async (page) => {
      await page.waitForFunction(() => performance.getEntriesByName("picture").length > 0);
      const box = (await surface(page).boundingBox())!;
      await page.mouse.move(box.x + 100, box.y + 100);
      await page.mouse.down();
      const tasks = await mainThreadTasks(browser, page, async () => {
        for (const until = performance.now() + 5000; performance.now() < until;)
          await page.mouse.move(box.x + 100 + 80 * Math.sin(performance.now() / 500), box.y + 100, {
            steps: 2,
          });
      });
      await page.mouse.up();
      expect(tasks.length).toBeGreaterThan(100);
      expect(tasks.filter((milliseconds) => milliseconds > 50)).toEqual([]);
    });
  },
);
