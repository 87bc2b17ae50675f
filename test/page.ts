// The page, built and served for tests in browsers, and requests whose answers are known.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { preview } from "vite";
import { beforeAll, expect } from "vitest";
import { measurePhase } from "../host/experiments/phase.ts";
import { referenceRunner } from "../host/reference.ts";
import type { PhaseFinding } from "../src/finding.ts";
import { launchBrowser, type Graphics } from "./browser.ts";
import { buildWhereOld } from "./build.ts";

const project = {
  root: fileURLToPath(new URL("../demo", import.meta.url)),
  configFile: fileURLToPath(new URL("../demo/vite.config.mts", import.meta.url)),
  logLevel: "error",
} as const;

interface ServedPage {
  /** Ends with a slash. */
  readonly address: string;
  /** The files of the page. */
  readonly folder: string;
  readonly close: () => Promise<void>;
}

/** Builds the page where a source is newer, and serves it. */
export async function servePage(): Promise<ServedPage> {
  await buildWhereOld("page");
  const server = await preview({ ...project, preview: { host: "127.0.0.1", port: 0 } });
  return {
    address: server.resolvedUrls!.local[0]!,
    folder: join(project.root, "dist"),
    close: () => server.close(),
  };
}

/** The page and the browsers of this process, which the test files that share it share. */
let served: Promise<ServedPage> | undefined;
function servedOnce(): Promise<ServedPage> {
  // Vitest ends its workers by this signal. An exit also ends the browsers, which Playwright sees to.
  if (!served) process.once("SIGTERM", () => process.exit());
  return (served ??= servePage());
}
const launched = new Map<Graphics, Promise<Browser>>();

/** The page and the browsers of a test file. */
interface Pages extends Omit<ServedPage, "close"> {
  /** A browser with these graphics, by default the first that was asked for. */
  readonly browser: (graphics?: Graphics) => Browser;
}

/** Serves the page and starts browsers before the tests of a file, unless an earlier file of the process has done so. */
export function openPages(...graphics: readonly [Graphics, ...Graphics[]]): Pages {
  let opened: ServedPage | undefined;
  const browsers = new Map<Graphics, Browser>();
  beforeAll(async () => {
    opened = await servedOnce();
    for (const kind of graphics) {
      const browser = launched.get(kind) ?? launchBrowser(kind);
      launched.set(kind, browser);
      browsers.set(kind, await browser);
    }
  }, 120_000);
  return {
    get address() {
      return opened!.address;
    },
    get folder() {
      return opened!.folder;
    },
    browser: (kind = graphics[0]) => browsers.get(kind)!,
  };
}

/** Tabs that earlier visits have left empty: a tab that is there already loads the page in half the time of a new one. */
const emptyTabs = new Map<Browser, Page[]>();

/** A tab that shows nothing and has no history, in a context of its own. */
async function takeTab(browser: Browser): Promise<Page> {
  const tab = emptyTabs.get(browser)?.pop();
  return tab ?? (await browser.newContext({ serviceWorkers: "block" })).newPage();
}

const forgetListeners = (tab: Page) =>
  (["pageerror", "console", "requestfailed"] as const).forEach((event) => tab.removeAllListeners(event));

/** Leaves no entry of the history but the present one. */
async function forgetHistory(tab: Page): Promise<void> {
  const session = await tab.context().newCDPSession(tab);
  await session.send("Page.resetNavigationHistory");
  await session.detach();
}

/** Leaves a tab to later visits, after which its page computes nothing more. */
async function leaveTab(browser: Browser, tab: Page): Promise<void> {
  forgetListeners(tab);
  await tab.goto("about:blank");
  await forgetHistory(tab);
  emptyTabs.set(browser, [...(emptyTabs.get(browser) ?? []), tab]);
}

/** Collects what a browser complains about in a tab. */
function complaintsOf(tab: Page): string[] {
  const complaints: string[] = [];
  tab.on("pageerror", (error) => complaints.push(String(error)));
  tab.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  tab.on("requestfailed", (request) => {
    const problem = request.failure()?.errorText;
    // The browser drops what it still loads for a page that is left.
    if (problem !== "net::ERR_ABORTED") complaints.push(`${request.url()}: ${problem}`);
  });
  return complaints;
}

/**
 * Opens the page in a tab, hands it over, and fails where the browser had anything to complain about. With options the tab is in
 * a new context; a test that changes more of its tab than the page in it gives some.
 */
export async function visit(
  browser: Browser,
  address: string,
  look: (page: Page) => Promise<void>,
  options?: BrowserContextOptions,
): Promise<void> {
  const page = options ? await (await browser.newContext(options)).newPage() : await takeTab(browser);
  let isLeft = false;
  try {
    const complaints = complaintsOf(page);
    await page.goto(address);
    await look(page);
    expect(complaints).toEqual([]);
    if (!options) await leaveTab(browser, page);
    isLeft = !options;
  } finally {
    if (!isLeft) await page.context().close();
  }
}

/** A tab of each browser in which the page stays open. */
const stayingTabs = new Map<Browser, Page>();

/** Views that compute next to nothing. Between tests, a staying tab has one of them open. */
const idleViews = { sums: "?view=sums&numbers=1&target=1", odds: "?view=odds" } as const;

/** Opens an idle view, which ends what the view before computes, and clears the mark of its picture. */
async function openIdle(tab: Page, name: keyof typeof idleViews): Promise<void> {
  await moveTo(tab, idleViews[name]);
  await tab.waitForSelector(`main[data-view=${name}] #shown`, { state: "attached" });
  await tab.evaluate(() => performance.clearMarks("picture"));
}

/**
 * Opens an address of the page as `visit` does, but by replacing the address in a tab that has loaded the page: loading it again
 * would take most of the time of a test. The view is a new one, and the engines of the worker are the old ones.
 */
export async function revisit(
  browser: Browser,
  address: string,
  look: (page: Page) => Promise<void>,
): Promise<void> {
  const page = stayingTabs.get(browser) ?? (await takeTab(browser));
  const idle = new URL(address).searchParams.get("view") === "sums" ? "odds" : "sums";
  let isLeft = false;
  try {
    const complaints = complaintsOf(page);
    if (!stayingTabs.has(browser)) {
      await page.goto(new URL(idleViews[idle], address).href);
      await page.waitForSelector("main #shown", { state: "attached" });
      await page.evaluate(() => performance.clearMarks("picture"));
    }
    stayingTabs.set(browser, page);
    if (!(await page.locator(`main[data-view=${idle}]`).count())) await openIdle(page, idle);
    await forgetHistory(page);
    await page.emulateMedia({ colorScheme: "light", reducedMotion: "no-preference" });
    await page.evaluate((address) => {
      history.replaceState(null, "", address);
      dispatchEvent(new PopStateEvent("popstate"));
    }, address);
    await page.waitForSelector(`main:not([data-view=${idle}])`);
    await look(page);
    expect(complaints).toEqual([]);
    // The dialog Share belongs to the page and would stay open over other views.
    await page.evaluate(() => document.querySelector("dialog")?.dispatchEvent(new Event("close")));
    await page.waitForSelector("dialog", { state: "detached" });
    await openIdle(page, idle);
    forgetListeners(page);
    isLeft = true;
  } finally {
    if (!isLeft) {
      stayingTabs.delete(browser);
      await page.context().close();
    }
  }
}

/** Tells the page that it is hidden, or shown again. */
export function hide(page: Page, hidden: boolean): Promise<void> {
  return page.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
}

interface TraceEvent {
  readonly pid: number;
  readonly tid: number;
  /** Microseconds for which the thread computed, without those in which others had its core. */
  readonly tdur?: number;
  readonly args: { readonly name?: string };
}

/** The milliseconds for which each task of the page's main thread computes during an action. */
export async function mainThreadTasks(
  browser: Browser,
  page: Page,
  action: () => Promise<void>,
): Promise<number[]> {
  await browser.startTracing(page, { categories: ["toplevel", "disabled-by-default-devtools.timeline"] });
  await action();
  const { traceEvents } = JSON.parse(String(await browser.stopTracing())) as { traceEvents: TraceEvent[] };
  const threadOf = ({ pid, tid }: TraceEvent) => `${pid} ${tid}`;
  const main = new Set(traceEvents.filter(({ args }) => args.name === "CrRendererMain").map(threadOf));
  return traceEvents.flatMap((event) =>
    event.tdur !== undefined && main.has(threadOf(event)) ? [event.tdur / 1000] : [],
  );
}

/** What the open view shows, in integers. */
export async function shownBy<T>(page: Page): Promise<T> {
  return JSON.parse((await page.locator("#shown").textContent())!) as T;
}

/** Goes to another address of the page as the browser's back button does. */
export function moveTo(page: Page, address: string): Promise<void> {
  return page.evaluate((address) => {
    history.pushState(null, "", address);
    dispatchEvent(new PopStateEvent("popstate"));
  }, address);
}

/** Milliseconds in which batches that an engine has begun show their trials, or end. */
const SETTLING_MS = 400;

/** Waits until two looks in a row, with a pause between them, show the same numbers of trials. */
export async function settled<T extends { readonly trials: readonly number[] }>(page: Page): Promise<T> {
  for (let before = await shownBy<T>(page); ;) {
    await page.waitForTimeout(SETTLING_MS);
    const now = await shownBy<T>(page);
    if (now.trials.join() === before.trials.join()) return now;
    before = now;
  }
}

/** The integers of findings, in a fixed order. */
export function integers(findings: readonly PhaseFinding[]) {
  return findings.map(({ ensemble, halfRange, items, trials, seed, targets, covered, perfect }) => ({
    ensemble,
    halfRange,
    items,
    trials,
    seed,
    targets: targets.map(({ target, solved }) => ({ target, solved })),
    all: (covered ?? perfect)!.solved,
  }));
}

/** Requests to the page, and the answers of the reference engine. */
export const requests = {
  rssp: {
    query: "?ensemble=rssp&bits=3,5&items=4..9&targets=1,M,-7&trials=3000&seed=20260101",
    ask: async () => {
      const runs = [3, 5].map((bits) =>
        measurePhase(referenceRunner(), {
          ensemble: "rssp",
          bits,
          items: { from: 4, to: 9 },
          targets: [1, 2 ** bits, -7],
          trials: 3000,
          seed: 20260101,
        }),
      );
      return (await Promise.all(runs)).flat();
    },
  },
  rnpp: {
    query: "?ensemble=rnpp&bits=6&items=5..8&targets=&trials=2000&seed=7",
    ask: () =>
      measurePhase(referenceRunner(), {
        ensemble: "rnpp",
        bits: 6,
        items: { from: 5, to: 8 },
        trials: 2000,
        seed: 7,
      }),
  },
};
