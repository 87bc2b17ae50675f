// What all views of the page share: they are accessible, fit every screen, open by keyboard alone, and work without a network
// under any path.

import { createServer, type Server } from "node:http";
import { readFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { viewNames, type ViewName } from "../../demo/views.ts";
import { openPages, revisit, visit } from "../page.ts";
import { violations } from "./axe.ts";

const pages = openPages("none");

/** An address of each view at which it computes something small. */
const addresses: Record<ViewName, string> = {
  digits: "",
  sums: "?view=sums",
  odds: "?view=odds&bet=9&trials=1000",
  precision: "?view=precision&trials=500",
  ticket: "?view=ticket",
  speed: "?view=speed&milliseconds=10",
};

/** Waits until what was changed is drawn. */
const drawn = (page: Page) =>
  page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));

/** Waits for the first computed picture of the open view. */
async function pictured(page: Page): Promise<void> {
  await page.waitForSelector("main[data-view]");
  await page.waitForFunction(() => performance.getEntriesByName("picture").length > 0);
}

/** Compares the open view with screens of these sizes, one after the other. */
async function compareScreens(
  page: Page,
  ...sizes: readonly (readonly [width: number, height: number])[]
): Promise<void> {
  for (const [width, height] of sizes) {
    await page.setViewportSize({ width, height });
    await drawn(page);
    const { overflow, first, fold } = await page.evaluate(() => {
      scrollTo(0, 0);
      const nav = document.querySelector("nav")!.getBoundingClientRect();
      return {
        overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
        first: [...document.querySelectorAll("[data-first]")].map(
          (element) => element.getBoundingClientRect().bottom,
        ),
        fold: nav.top > innerHeight / 2 ? nav.top : innerHeight,
      };
    });
    const screen = `${width} x ${height}`;
    expect(overflow, screen).toBe(0);
    expect(first.length, "elements of the first interaction").toBeGreaterThan(0);
    expect(Math.max(...first), screen).toBeLessThanOrEqual(fold);
  }
}

describe("Each view", () => {
  /** The tab in which the views open one after the other. */
  let page: Page;
  beforeAll(async () => {
    page = await pages.browser().newPage({ reducedMotion: "reduce" });
  });
  afterAll(() => page?.close());

  describe.each(viewNames)("View %s", (name) => {
    beforeAll(async () => {
      await page.emulateMedia({ colorScheme: "light" });
      await page.goto(pages.address + addresses[name]);
      await pictured(page);
    });

    test("The view opens from its address, and the bar names it", async () => {
      expect(await page.locator("main").getAttribute("data-view")).toBe(name);
      const current = await page.locator(".bar nav a[aria-current=page]").textContent();
      expect(current!.toLowerCase()).toBe(name);
    });

    test("The view moves nothing by itself where the visitor asks for reduced motion", async () => {
      expect(await page.evaluate(() => document.getAnimations().length)).toBe(0);
    });

    test("The view has no violation of accessibility that axe finds, in the light scheme", async () => {
      expect(await violations(page)).toEqual([]);
    });

    test("On screens of 390 x 844 and 1024 x 768, nothing overflows and the first interaction is above the fold", async () => {
      await compareScreens(page, [390, 844], [1024, 768]);
    });
  });
});

test.each(viewNames)(
  "On a screen of 1920 x 1080 the view %s is above the fold, and in the dark scheme axe finds no violation in it",
  { tags: ["wide"] },
  async (name) => {
    await revisit(pages.browser(), pages.address + addresses[name], async (page) => {
      await page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
      await pictured(page);
      const size = page.viewportSize()!;
      await compareScreens(page, [1920, 1080]);
      await page.setViewportSize(size);
      await drawn(page);
      expect(await violations(page)).toEqual([]);
    });
  },
);

test("The check of accessibility finds an image without a name", async () => {
  await revisit(pages.browser(), pages.address + addresses.sums, async (page) => {
    await pictured(page);
    await page.evaluate(() => document.querySelector("main")!.append(document.createElement("img")));
    expect(await violations(page)).not.toEqual([]);
  });
});

test("All six views open by the keyboard alone, and the focus is visible", async () => {
  await visit(pages.browser(), pages.address, async (page) => {
    await pictured(page);
    for (const name of [...viewNames.slice(1), "digits"] as const) {
      await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
      for (let presses = 0; presses < 20; presses++) {
        await page.keyboard.press("Tab");
        const href = await page.evaluate(() =>
          document.activeElement?.closest("nav a")?.getAttribute("href"),
        );
        if (href === (name === "digits" ? "?" : `?view=${name}`)) break;
      }
      const outline = await page.evaluate(() => getComputedStyle(document.activeElement!).outlineStyle);
      expect(outline).not.toBe("none");
      await page.keyboard.press("Enter");
      await page.waitForSelector(`main[data-view=${name}]`);
    }
    await page.goBack();
    await page.waitForSelector("main[data-view=speed]");
    await page.goForward();
    await page.waitForSelector("main[data-view=digits]");
  });
});

test("An unknown view and an unknown input are named, and the page shows its first view", async () => {
  await revisit(pages.browser(), `${pages.address}?view=colours`, async (page) => {
    await pictured(page);
    expect(await page.locator(".problem").allInnerTexts()).toEqual([
      'view: expected one of digits, sums, odds, precision, ticket, speed, got "colours"',
    ]);
  });
  await revisit(pages.browser(), `${pages.address}?view=sums&numbrs=1,2`, async (page) => {
    await pictured(page);
    expect((await page.locator(".problem").allInnerTexts()).join()).toMatch(
      /^numbrs: expected one of view, /,
    );
  });
});

test("A name that every object has and an input with two values are named as well", async () => {
  await revisit(pages.browser(), `${pages.address}?view=sums&__proto__=1&seed=1&seed=2`, async (page) => {
    await pictured(page);
    expect(await page.locator(".problem").allInnerTexts()).toEqual([
      expect.stringMatching(/^__proto__: expected one of view, /),
      "seed: expected one value, got 2",
    ]);
  });
});

test("Opening what is open makes no entry of the history", async () => {
  await revisit(pages.browser(), `${pages.address}?view=sums`, async (page) => {
    await pictured(page);
    const entries = await page.evaluate(() => history.length);
    await page.getByRole("link", { name: "Sums", exact: true }).click();
    await page.getByRole("link", { name: "Speed", exact: true }).click();
    await page.waitForSelector("main[data-view=speed]");
    expect(await page.evaluate(() => history.length)).toBe(entries + 1);
  });
});

test(
  "A view that fails to load late leaves the view that was opened meanwhile",
  { tags: ["wide"] },
  async () => {
    const page = await pages.browser().newPage();
    await page.goto(`${pages.address}?view=sums`);
    await pictured(page);
    let isRefused = false;
    await page.route(/\/odds-[^/]*\.js/, async (route) => {
      await page.waitForSelector("main[data-view=speed]");
      await route.abort();
      isRefused = true;
    });
    await page.getByRole("link", { name: "Odds", exact: true }).click();
    await page.getByRole("link", { name: "Speed", exact: true }).click();
    await expect.poll(() => isRefused).toBe(true);
    await page.waitForTimeout(200);
    expect(await page.locator("[role=alert]").allInnerTexts()).toEqual([]);
    await page.close();
  },
);

test("A refused text stands in its field when its view is opened again", async () => {
  await revisit(pages.browser(), `${pages.address}?view=sums`, async (page) => {
    await pictured(page);
    const target = page.locator("input[name=target]");
    await target.evaluate((element) => element.closest("details")?.setAttribute("open", ""));
    await target.fill("abc");
    await target.press("Enter");
    await page.locator(".problem").waitFor();
    await page.getByRole("link", { name: "Speed", exact: true }).click();
    await page.waitForSelector("main[data-view=speed]");
    await page.getByRole("link", { name: "Sums", exact: true }).click();
    await page.waitForSelector("main[data-view=sums]");
    expect(await target.inputValue()).toBe("abc");
    expect(await page.locator(".problem").allInnerTexts()).toEqual([expect.stringContaining('got "abc"')]);
  });
});

for (const [name, tags] of [
  ["digits", []],
  ["sums", ["wide" as const]],
  ["ticket", ["wide" as const]],
] as const)
  test(
    `In ${name} an engine that fails is named once, nothing is said to be computed, and a button chooses the CPU`,
    { tags: [...tags] },
    async () => {
      await revisit(pages.browser(), `${pages.address}?view=${name}&engine=gpu`, async (page) => {
        await page.getByRole("button", { name: "Compute on the CPU" }).waitFor();
        expect(await page.locator(".problem").allInnerTexts()).toEqual([
          "WebGPU finds no adapter on this machine. Choose the CPU.",
        ]);
        expect(await page.locator("main").innerText()).not.toMatch(/Counting|Pruning[.:]|is pruned/);
        await page.getByRole("button", { name: "Compute on the CPU" }).click();
        await pictured(page);
        expect(await page.locator(".problem").count()).toBe(0);
        expect(new URL(page.url()).searchParams.get("engine")).toBe("cpu");
      });
    },
  );

for (const [name, tags] of [
  ["sums", []],
  ["ticket", ["wide" as const]],
  ["speed", ["wide" as const]],
] as const)
  test(
    `A frame of ${name} in another page shows no field and no link to the next view`,
    { tags: [...tags] },
    async () => {
      await revisit(pages.browser(), `${pages.address}?view=${name}&embed=yes`, async (page) => {
        await pictured(page);
        for (const control of ["input:not([type=file])", "select", ".next", ".bar"])
          expect(await page.locator(`${control}:visible`).count(), `${name} ${control}`).toBe(
            // The weights of the graph are the picture.
            name === "ticket" && control.startsWith("input") ? 9 : 0,
          );
      });
    },
  );

test("A frame in another page says what is wrong", async () => {
  await revisit(pages.browser(), `${pages.address}?view=speed&embed=yes&milliseconds=x`, async (page) => {
    await pictured(page);
    expect(await page.locator(".problem:visible").allInnerTexts()).toEqual([
      expect.stringMatching(/^milliseconds: expected /),
    ]);
  });
});

test(
  "Share and the meaning of a term have no violation of accessibility that axe finds",
  { tags: ["wide"] },
  async () => {
    await revisit(pages.browser(), `${pages.address}?view=sums`, async (page) => {
      await pictured(page);
      await page.locator(".term > button").first().click();
      await page.locator("[role=note]").waitFor();
      expect(await violations(page)).toEqual([]);
      await page.getByRole("button", { name: "Share" }).click();
      await page.getByRole("dialog").waitFor();
      expect(await violations(page)).toEqual([]);
    });
  },
);

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
};

/**
 * A static server of a folder under a path, which knows nothing of Vite. Browsers may keep its files. The page itself names
 * the number of the request for it.
 */
async function serveUnder(path: string, folder: string): Promise<Server> {
  async function fileOf(address: string): Promise<{ file: string; body: Buffer } | undefined> {
    const { pathname } = new URL(address, "http://localhost");
    const file = pathname.endsWith("/") ? `${pathname}index.html` : pathname;
    if (!file.startsWith(path)) return undefined;
    return readFile(join(folder, file.slice(path.length))).then(
      (body) => ({ file, body }),
      () => undefined,
    );
  }
  let pages = 0;
  const server = createServer((request, response) => {
    void fileOf(request.url!).then((found) => {
      if (!found) return response.writeHead(404).end();
      const type = TYPES[extname(found.file)] ?? "application/octet-stream";
      response.writeHead(200, { "Content-Type": type, "Cache-Control": "max-age=600" });
      return found.file.endsWith(".html")
        ? response.end(String(found.body).replace("</body>", `<!-- request ${++pages} --></body>`))
        : response.end(found.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

test(
  "The built folder runs under a path of any static server, and again without a network",
  { timeout: 60_000, tags: ["wide"] },
  async () => {
    const server = await serveUnder("/a/b/", pages.folder);
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a/b/`;
    const context = await pages.browser().newContext();
    try {
      // The page waits for 5 s before it stores its files, which the test does not.
      await context.addInitScript(() => {
        const { setTimeout } = globalThis;
        const soon = (act: () => void, delay?: number) => setTimeout(act, delay === 5000 ? 0 : delay);
        Object.assign(globalThis, { setTimeout: soon });
      });
      const page = await context.newPage();
      await page.goto(address);
      await pictured(page);
      // The cache of another build, which the same origin serves.
      await page.evaluate(() => caches.open("exacta-other"));
      // Resolves when the service worker has stored every file.
      await page.evaluate(() => navigator.serviceWorker.ready);
      await context.setOffline(true);
      await new Promise((resolve) => server.close(resolve).closeAllConnections());
      await page.goto(`${address}?view=sums`);
      await pictured(page);
      expect(await page.locator("main").getAttribute("data-view")).toBe("sums");
      // The service worker asks the server, whatever the browser has kept.
      expect(await page.content()).toMatch(/<!-- request [^1] -->/);
      expect(await page.evaluate(() => caches.keys())).toContain("exacta-other");
    } finally {
      await context.close();
      server.close();
    }
  },
);
