// The page in Firefox, whose WebGPU is wgpu with the compiler naga, and in WebKit. CI installs both browsers; elsewhere these
// tests run where the browsers are installed.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import puppeteer, { type Browser } from "puppeteer-core";
import { afterAll, describe, expect, test } from "vitest";
import type { ViewName } from "../demo/views.ts";
import { hasSoftware, software } from "../scripts/software.ts";
import type { PhaseFinding } from "../src/finding.ts";
import { integers, openPages, requests, revisit } from "./page.ts";

/** With EXACTA_BROWSERS=1 a browser that is missing is a failure. */
const isRequired = process.env["EXACTA_BROWSERS"] === "1";

const FIREFOX = "/usr/bin/firefox-esr";
const WEBKIT_DRIVER = "/usr/bin/WebKitWebDriver";
const WEBKIT = "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser";

/** Milliseconds between two looks at a page, and after which it is given up. */
const POLL_MS = 200;
const PATIENCE_MS = 120_000;

/** Chromium is among them, whose integers tests of each view compare with the library's. */
const pages = openPages("none");

/** What the page shows. */
interface Shown {
  /** The name of the open view, whose heading is drawn. */
  readonly view: string | null;
  readonly problems: readonly string[];
  /** The state of the trials of Odds. */
  readonly state: string | null;
  /** The integers of the view, as JSON. */
  readonly integers: string;
}

/** Runs in the page. */
const LOOK = `({
  view: document.querySelector("main:has(h1)")?.dataset.view ?? null,
  problems: [...document.querySelectorAll(".problem")].map((problem) => problem.textContent),
  state: document.querySelector(".odds")?.dataset.state ?? null,
  integers: document.getElementById("shown")?.textContent ?? "",
})`;

/** Looks at the page until it is as it should be. */
async function until(look: () => Promise<Shown>, isDone: (shown: Shown) => boolean): Promise<Shown> {
  const begun = performance.now();
  for (;;) {
    const shown = await look();
    if (isDone(shown)) return shown;
    expect(performance.now() - begun, `the page still shows ${JSON.stringify(shown)}`).toBeLessThan(
      PATIENCE_MS,
    );
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** What a view shows at an address at which it computes; the tests of `requests` have Odds. */
interface Computation {
  readonly query: string;
  /** The integers that every browser must show, once they are computed. */
  readonly integersOf: (json: Record<string, unknown>) => unknown;
}

const computations: Record<Exclude<ViewName, "odds">, Computation> = {
  digits: { query: "?digit=7&unit=3", integersOf: (json) => json },
  sums: { query: "?view=sums&seed=5", integersOf: (json) => json },
  precision: {
    query: "?view=precision&trials=200&items=1..8&halfRanges=2..4",
    integersOf: ({ state, cells }) => (state === "done" ? cells : undefined),
  },
  ticket: { query: "?view=ticket&seed=4", integersOf: (json) => json },
  speed: {
    query: "?view=speed&milliseconds=10",
    integersOf: ({ state, rows }) =>
      state === "done" ? (rows as { digest: string }[]).map(({ digest }) => digest) : undefined,
  },
};

const computed = Object.entries(computations) as [ViewName, Computation][];

const computedBy = ({ integersOf }: Computation, { integers: text }: Shown): unknown =>
  text === "" ? undefined : integersOf(JSON.parse(text) as Record<string, unknown>);

const isComputed = (computation: Computation, shown: Shown) => computedBy(computation, shown) !== undefined;

/** The integers of computations in Chromium, which Firefox and WebKit must show both. */
const chromiumIntegers = new Map<Computation, Promise<unknown>>();
function expectedOf(computation: Computation): Promise<unknown> {
  const known = chromiumIntegers.get(computation) ?? computeInChromium(computation);
  chromiumIntegers.set(computation, known);
  return known;
}

async function computeInChromium(computation: Computation): Promise<unknown> {
  let computed: unknown;
  await revisit(pages.browser(), pages.address + computation.query, async (page) => {
    const look = () => page.evaluate(LOOK) as Promise<Shown>;
    computed = computedBy(computation, await until(look, (shown) => isComputed(computation, shown)));
  });
  return computed;
}

const findingsOf = (shown: Shown) =>
  (JSON.parse(shown.integers) as { findings: readonly PhaseFinding[] }).findings;
const integersOf = (shown: Shown) => integers(findingsOf(shown));
/** Whether the trials at an address have ended. The trials of another ensemble may still be shown before. */
const isCounted = (query: string) => (shown: Shown) =>
  shown.state === "failed" ||
  (shown.state === "done" && findingsOf(shown).every(({ ensemble }) => query.includes(ensemble)));

const enginesOf = (shown: Shown) => new Set(findingsOf(shown).map(({ engine }) => engine));

/** Opens an address of the page, and looks at it until it is as it should be. */
type Visit = (query: string, isDone: (shown: Shown) => boolean) => Promise<Shown>;

/** An expression that goes to another address of the page as the browser's back button does. */
const moveTo = (query: string) =>
  `(history.pushState(null, "", ${JSON.stringify(query)}), dispatchEvent(new PopStateEvent("popstate")))`;

/** Compares every view of a browser without WebGPU with Chromium, and Odds with the reference engine. */
async function checkViews(visit: Visit): Promise<void> {
  const { query, ask } = requests.rssp;
  const odds = await visit(`${query}&engine=auto`, isCounted(query));
  expect(odds).toMatchObject({ state: "done", problems: [] });
  expect(enginesOf(odds)).toEqual(new Set(["cpu"]));
  expect(integersOf(odds)).toEqual(integers(await ask()));
  for (const [view, computation] of computed) {
    const isDone = (shown: Shown) => shown.view === view && isComputed(computation, shown);
    const shown = await visit(computation.query, isDone);
    expect(shown).toMatchObject({ view, problems: [] });
    expect(computedBy(computation, shown)).toEqual(await expectedOf(computation));
  }
}

describe.runIf(isRequired || existsSync(FIREFOX))("Firefox", { tags: ["wide"] }, () => {
  /** A browser with the software adapter of the tests, and one without WebGPU, which start at their first visit. */
  const browsers = new Map<"webgpu" | "none", Promise<{ browser: Browser; home: string }>>();
  afterAll(async () => {
    for (const started of browsers.values()) {
      const { browser, home } = await started;
      await browser.close();
      await rm(home, { recursive: true, force: true });
    }
  });

  async function start(graphics: "webgpu" | "none") {
    const home = await mkdtemp(join(tmpdir(), "exacta-firefox-"));
    const browser = await puppeteer.launch({
      browser: "firefox",
      executablePath: FIREFOX,
      headless: true,
      protocolTimeout: PATIENCE_MS,
      extraPrefsFirefox: {
        "dom.webgpu.enabled": graphics === "webgpu",
        "gfx.webgpu.ignore-blocklist": true,
      },
      env: { ...process.env, HOME: home, ...(hasSoftware && (await software()).dawnEnv) },
    });
    return { browser, home };
  }

  /** Opens a tab, and fails where the browser complains. The first visit loads the page, and later ones move in it. */
  async function withTab(graphics: "webgpu" | "none", look: (visit: Visit) => Promise<void>): Promise<void> {
    const started = browsers.get(graphics) ?? start(graphics);
    browsers.set(graphics, started);
    const { browser } = await started;
    const page = await browser.newPage();
    try {
      const complaints: string[] = [];
      page.on("pageerror", (error) => complaints.push(String(error)));
      page.on("console", (message) => {
        if (message.type() === "error") complaints.push(message.text());
      });
      let isLoaded = false;
      await look(async (query, isDone) => {
        await (isLoaded ? page.evaluate(moveTo(query)) : page.goto(pages.address + query));
        isLoaded = true;
        return until(() => page.evaluate(LOOK) as Promise<Shown>, isDone);
      });
      expect(complaints).toEqual([]);
    } finally {
      await page.close();
    }
  }

  test("By the GPU the page finds the integers of the reference engine, for rnpp in two tabs in a row and then for rssp", async () => {
    for (const asked of [[requests.rnpp], [requests.rnpp, requests.rssp]])
      await withTab("webgpu", async (visit) => {
        for (const { query, ask } of asked) {
          const shown = await visit(`${query}&engine=gpu`, isCounted(query));
          expect(shown).toMatchObject({ state: "done", problems: [] });
          expect(enginesOf(shown)).toEqual(new Set(["gpu"]));
          expect(integersOf(shown)).toEqual(integers(await ask()));
        }
      });
  });

  test("Without WebGPU every view computes the integers of Chromium, and Odds those of the reference engine", async () => {
    await withTab("none", checkViews);
  });
});

describe.runIf(isRequired || existsSync(WEBKIT_DRIVER))("WebKit", { tags: ["wide"] }, () => {
  const children: ChildProcess[] = [];
  afterAll(() => children.forEach((child) => child.kill()));

  /** Starts a program that ends with the tests. */
  function start(program: string, args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
    const child = spawn(program, args, { env, stdio: ["ignore", "ignore", "ignore", "pipe"] });
    children.push(child);
    return child;
  }

  /** A port that is free now. */
  async function freePort(): Promise<number> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, "close");
    return port;
  }

  test("Every view computes the integers of Chromium, and Odds those of the reference engine", async () => {
    // Xvfb writes the number of the display that it has chosen.
    const display = start("Xvfb", ["-displayfd", "3"], process.env);
    const [number] = (await once(display.stdio[3]!, "data")) as [Buffer];
    const port = await freePort();
    start(WEBKIT_DRIVER, [`--port=${port}`], {
      ...process.env,
      DISPLAY: `:${number.toString().trim()}`,
      // The sandbox of WebKit refuses root.
      ...(process.getuid?.() === 0 && { WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1" }),
    });
    /** A command of the WebDriver protocol; tried again until the driver listens. */
    const command = async (method: string, path: string, body?: unknown): Promise<unknown> => {
      for (let tries = 0; ; tries++) {
        try {
          const response = await fetch(`http://127.0.0.1:${port}${path}`, {
            method,
            ...(body !== undefined && { body: JSON.stringify(body) }),
          });
          const { value } = (await response.json()) as { value: unknown };
          expect(response.ok, JSON.stringify(value)).toBe(true);
          return value;
        } catch (error) {
          if (!(error instanceof TypeError) || tries === 50) throw error;
          await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        }
      }
    };
    const { sessionId } = (await command("POST", "/session", {
      capabilities: {
        alwaysMatch: { "webkitgtk:browserOptions": { binary: WEBKIT, args: ["--automation"] } },
      },
    })) as { sessionId: string };
    const session = `/session/${sessionId}`;
    try {
      const evaluate = (script: string) =>
        command("POST", `${session}/execute/sync`, { script: `return ${script}`, args: [] });
      let isLoaded = false;
      await checkViews(async (query, isDone) => {
        if (isLoaded) await evaluate(moveTo(query));
        else await command("POST", `${session}/url`, { url: pages.address + query });
        isLoaded = true;
        return until(() => evaluate(LOOK) as Promise<Shown>, isDone);
      });
    } finally {
      await command("DELETE", session);
    }
  });
});
