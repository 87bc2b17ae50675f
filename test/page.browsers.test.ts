// The page in Firefox, whose WebGPU is wgpu with the compiler naga, and in WebKit. CI installs both browsers; elsewhere these
// tests run where the browsers are installed.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import puppeteer from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasSoftware, software } from "../scripts/software.ts";
import type { PhaseFinding } from "../src/finding.ts";
import { integers, requests, servePage, type ServedPage } from "./page.ts";

/** With EXACTA_BROWSERS=1 a browser that is missing is a failure. */
const isRequired = process.env["EXACTA_BROWSERS"] === "1";

const FIREFOX = "/usr/bin/firefox-esr";
const WEBKIT_DRIVER = "/usr/bin/WebKitWebDriver";
const WEBKIT = "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser";

/** Milliseconds between two looks at a page, and after which it is given up. */
const POLL_MS = 200;
const PATIENCE_MS = 120_000;

let served: ServedPage;

beforeAll(async () => {
  served = await servePage();
}, 60_000);

afterAll(() => served?.close());

/** What the page shows at the end of a run. */
interface Shown {
  readonly state: string;
  readonly error: string;
  readonly engine: string;
  readonly findings: string;
}

/** Runs in the page. */
const LOOK = `({
  state: document.body.dataset.state,
  error: document.getElementById("error").textContent,
  engine: document.getElementById("engine").textContent,
  findings: document.getElementById("findings").textContent,
})`;

/** Waits for the end of the run, and returns what `look` shows then. */
async function atEnd(look: () => Promise<Shown>): Promise<Shown> {
  const begun = performance.now();
  for (;;) {
    const shown = await look();
    if (["done", "stopped", "error"].includes(shown.state)) return shown;
    expect(performance.now() - begun, `the page is still ${shown.state}: ${shown.engine}`).toBeLessThan(
      PATIENCE_MS,
    );
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

const integersOf = ({ findings }: Shown) => integers(JSON.parse(findings) as PhaseFinding[]);

describe.runIf(isRequired || existsSync(FIREFOX))("Firefox", { tags: ["wide"] }, () => {
  /** Opens the page with the software adapter of the tests, or without WebGPU, and fails where the browser complains. */
  async function visit(graphics: "webgpu" | "none", query: string): Promise<Shown> {
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
    try {
      const page = await browser.newPage();
      const complaints: string[] = [];
      page.on("pageerror", (error) => complaints.push(String(error)));
      page.on("console", (message) => {
        if (message.type() === "error") complaints.push(message.text());
      });
      await page.goto(served.address + query);
      const shown = await atEnd(() => page.evaluate(LOOK) as Promise<Shown>);
      expect(complaints).toEqual([]);
      return shown;
    } finally {
      await browser.close();
      await rm(home, { recursive: true, force: true });
    }
  }

  test.each(Object.entries(requests))(
    "By the GPU the page finds the integers of the reference engine, twice in a row, for %s",
    async (_, { query, ask }) => {
      const expected = integers(await ask());
      for (let time = 0; time < 2; time++) {
        const shown = await visit("webgpu", `${query}&engine=gpu`);
        expect(shown).toMatchObject({ state: "done", error: "" });
        expect(shown.engine).toContain("WebGPU");
        expect(integersOf(shown)).toEqual(expected);
      }
    },
  );

  test("Without WebGPU the page finds the integers of the reference engine by WebAssembly", async () => {
    const { query, ask } = requests.rssp;
    const shown = await visit("none", `${query}&engine=auto`);
    expect(shown).toMatchObject({ state: "done", error: "" });
    expect(shown.engine).toContain("WebAssembly");
    expect(integersOf(shown)).toEqual(integers(await ask()));
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

  test("By WebAssembly the page finds the integers of the reference engine", async () => {
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
      const { query, ask } = requests.rssp;
      await command("POST", `${session}/url`, { url: `${served.address}${query}&engine=auto` });
      const shown = await atEnd(
        () =>
          command("POST", `${session}/execute/sync`, {
            script: `return ${LOOK}`,
            args: [],
          }) as Promise<Shown>,
      );
      expect(shown).toMatchObject({ state: "done", error: "" });
      expect(shown.engine).toContain("WebAssembly");
      expect(integersOf(shown)).toEqual(integers(await ask()));
    } finally {
      await command("DELETE", session);
    }
  });
});
