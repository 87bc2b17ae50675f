// The view Ticket in a real browser: it prunes to the ticket of the library, which the command line verifies.

import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pruneToTicket, targetDigest } from "../../host/experiments/ticket.ts";
import { referenceRunner } from "../../host/reference.ts";
import type { TicketFinding } from "../../src/finding.ts";
import { importNetwork } from "../../src/import/network.ts";
import { encodeTicket } from "../../src/ticket/file.ts";
import { schemeFor } from "../../src/ticket/width.ts";
import { type Graphics } from "../browser.ts";
import { callCommand } from "../cli/command.ts";
import { hide, moveTo, openPages, revisit, shownBy, visit } from "../page.ts";
import { violations } from "./axe.ts";
import { jsonOf, onnxOf, safetensorsOf } from "../writers.ts";

let folder: string;

const pages = openPages("none", "webgpu");

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "exacta-ticket-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

interface Shown extends Pick<
  TicketFinding,
  "engine" | "widths" | "units" | "copies" | "kept" | "failed" | "failures"
> {
  readonly targetDigest: string;
  readonly fileDigest?: string;
  readonly masks?: readonly (readonly number[])[];
  readonly command: string;
}

/** Opens an address of Ticket, by default in a browser without WebGPU. */
const open = (query: string, look: (page: Page) => Promise<void>, graphics: Graphics = "none") =>
  revisit(pages.browser(graphics), `${pages.address}?view=ticket${query}`, look);

/** What the view shows after pruning. */
async function shown(page: Page): Promise<Shown> {
  await page.waitForSelector("#shown", { state: "attached" });
  return shownBy<Shown>(page);
}

/** Waits until what is shown contains a text. */
const shows = (page: Page, text: string) =>
  page.waitForFunction((part) => document.getElementById("shown")?.textContent?.includes(part), text);

/** The network that the view opens with. */
const network = {
  bits: 2,
  activationBits: 3,
  layers: [
    {
      weights: [
        [3, -1],
        [-2, 4],
        [1, 2],
      ],
    },
    { weights: [[-4, 2, 3]] },
  ],
};
const networkFile = new TextEncoder().encode(JSON.stringify(network));

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** What the view shows of a file, by the reference engine. */
async function pruned(file: Uint8Array, theorem: 1 | 2, seed: number, units?: number) {
  const { network, bits } = importNetwork(file);
  const widths = theorem === 1 ? network.layers.map(() => units!) : [units!];
  const { scheme } = schemeFor(network, bits, { theorem, ...(units !== undefined && { units: widths }) });
  const request = { network, bits, scheme, seed, sparse: true };
  const { ticket, failures } = await pruneToTicket(referenceRunner(), request);
  const digest = await targetDigest(network, bits);
  return {
    units: scheme.units,
    copies: scheme.copies,
    failed: failures.length,
    targetDigest: digest,
    masks: ticket.masks.map((mask) => Array.from(mask)),
    ...(failures.length === 0 && { fileDigest: sha256(encodeTicket(ticket, digest)) }),
  };
}

for (const [graphics, theorem] of [
  ["none", 1],
  ["none", 2],
  ["webgpu", 1],
] as const)
  test(
    `With graphics ${graphics} and theorem ${theorem}, masks and digests are those of the reference engine`,
    { tags: graphics === "webgpu" ? ["wide"] : [] },
    async () => {
      const engine = graphics === "none" ? "cpu" : "gpu";
      await open(
        `&theorem=${theorem}&seed=7&engine=${engine}`,
        async (page) =>
          expect(await shown(page)).toMatchObject({ engine, ...(await pruned(networkFile, theorem, 7)) }),
        graphics,
      );
    },
  );

test("The saved ticket is the file of the command that Share offers, and exacta verify certifies it", async () => {
  await open("&theorem=2&seed=3", async (page) => {
    const { command, kept, fileDigest } = await shown(page);
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Save the ticket" }).click(),
    ]);
    expect(download.suggestedFilename()).toBe("ticket.safetensors");
    const saved = await readFile(await download.path());
    expect(sha256(saved)).toBe(fileDigest);
    await writeFile(join(folder, "saved.safetensors"), saved);

    const [, text, words] = /^echo '(.+)' > network.json && exacta (.+)$/.exec(command)!;
    expect(JSON.parse(text!)).toEqual(network);
    await writeFile(join(folder, "network.json"), text!);
    const made = await callCommand(`${words} --engine cpu --json`, folder);
    expect(JSON.parse(made.stdout)).toMatchObject({ found: true, kept });
    expect(await readFile(join(folder, "ticket.safetensors"))).toEqual(saved);

    const proof = await callCommand("verify saved.safetensors --network network.json --json", folder);
    expect(proof.status).toBe(0);
    expect(JSON.parse(proof.stdout)).toMatchObject({ certified: true, kept });
  });
});

test("Verify draws the ticket again and shows the digests of the ticket and of the network", async () => {
  await open("", async (page) => {
    const { fileDigest, targetDigest } = await shown(page);
    await page.getByRole("button", { name: "Verify" }).click();
    await page.getByText("every weight is equal").waitFor();
    const verdict = await page.locator(".verdict").textContent();
    expect(verdict).toContain(fileDigest);
    expect(verdict).toContain(targetDigest);
  });
});

test("With fewer hidden units the first weight that cannot be made is named, by keyboard alone", async () => {
  await open("", async (page) => {
    await shown(page);
    await page.locator("input[name=units]").focus();
    await page.keyboard.press("Home");
    await shows(page, '"units":[1,1]');
    for (let i = 0; i < 7; i++) await page.keyboard.press("ArrowRight");
    await shows(page, '"units":[8,8]');
    const expected = await pruned(networkFile, 1, 1, 8);
    const { failures, ...finding } = await shown(page);
    expect(finding).toMatchObject(expected);
    expect(expected.failed).toBeGreaterThan(0);
    const { layer, output, input } = failures[0]!;
    const name = [["a", "b"], ["1", "2", "3"], ["out"]];
    const text = await page.locator(".outcome").textContent();
    expect(text).toContain(
      `The first is behind weight ${name[layer]![input]} to ${name[layer + 1]![output]}:`,
    );
    expect(await page.locator(".graph input[aria-invalid=true]").count()).toBe(
      new Set(failures.map((one) => `${one.layer} ${one.output} ${one.input}`)).size,
    );
    expect(new URL(page.url()).searchParams.get("units")).toBe("8");
    expect(await page.getByRole("button", { name: "Verify" }).count()).toBe(0);
  });
});

test("A weight that has the focus writes out its sums, and a changed one is pruned anew", async () => {
  await open("", async (page) => {
    await shown(page);
    await page.locator(".graph input").first().focus();
    await page.keyboard.press("Tab");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await page.locator(".sums").filter({ hasText: "Weight b to 1 is −3" }).waitFor();
    // Both sums are products that add up to the weight.
    const formulas = await page.locator(".sums code").allTextContents();
    expect(formulas).toHaveLength(2);
    for (const formula of formulas) {
      const [sum, items] = formula.replaceAll("−", "-").replaceAll(/[()]/g, "").split(" = ") as [
        string,
        string,
      ];
      const total = items
        .split(" + ")
        .map((item) => item.split("·").map(Number))
        .reduce((all, [u, v]) => all + u! * v!, 0);
      expect([sum, total]).toEqual(["-3", -3]);
    }
    const { searchParams } = new URL(page.url());
    expect(searchParams.get("weights")).toBe("3,-3,-2,4,1,2,-4,2,3");
    expect(searchParams.get("weight")).toBe("2");
  });
});

const layers = [
  {
    weights: [
      [0.5, -1],
      [0.25, 1],
    ],
    biases: [0.125, 0],
  },
  { weights: [[1, -0.75]] },
];

test("A file of each kind is pruned, by choice and by drop, and a file that is none leaves the picture", async () => {
  await open("", async (page) => {
    await shown(page);
    const field = page.locator("input[type=file]");
    for (const [name, bytes] of [
      ["net.json", jsonOf(layers)],
      ["net.safetensors", safetensorsOf(layers)],
    ] as const) {
      await field.setInputFiles({ name, mimeType: "application/octet-stream", buffer: Buffer.from(bytes) });
      await page.getByText(name, { exact: true }).waitFor();
      await shows(page, '"widths":[3,3,1]');
      expect(await shown(page)).toMatchObject(await pruned(bytes, 1, 1));
      await page.getByRole("button", { name: "Back to the small network" }).click();
      await shows(page, '"widths":[2,3,1]');
    }
    const bytes = onnxOf(layers);
    const dropped = await page.evaluateHandle((numbers) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([Uint8Array.from(numbers)], "net.onnx"));
      return transfer;
    }, Array.from(bytes));
    await page.locator(".drop").dispatchEvent("drop", { dataTransfer: dropped });
    await shows(page, '"widths":[3,3,1]');
    const before = await shown(page);
    expect(before).toMatchObject(await pruned(bytes, 1, 1));
    expect(before.command).toBe(
      "exacta ticket 'net.onnx' --theorem 1 --seed 1 --sparse --out ticket.safetensors",
    );
    for (const [name, text] of [
      ["half.json", '{"layers":[{"weights":[[1,'],
      ["empty.onnx", ""],
      ["cut.safetensors", "\u0008\0\0\0\0\0\0\0{"],
    ] as const) {
      await field.setInputFiles({ name, mimeType: "text/plain", buffer: Buffer.from(text) });
      await page
        .getByRole("alert")
        .filter({ hasText: `${name}: ` })
        .waitFor();
      expect(await shown(page)).toEqual(before);
      expect(await page.locator(".noise .kept").count()).toBe(4);
    }
  });
});

const giveFile = (page: Page, name: string, bytes: Uint8Array) =>
  page
    .locator("input[type=file]")
    .setInputFiles({ name, mimeType: "application/octet-stream", buffer: Buffer.from(bytes) });

test(
  "A file that is read after a later file, or after the way back to the small network, is ignored",
  { tags: ["wide"] },
  async () => {
    await visit(pages.browser(), `${pages.address}?view=ticket`, async (page) => {
      await shown(page);
      await page.evaluate(() => {
        const held = { release: () => {} };
        /** The sizes of the files that were sent to the worker. */
        const sizes: number[] = [];
        Object.assign(globalThis, { held, sizes });
        const post = Object.getOwnPropertyDescriptor(Worker.prototype, "postMessage")!.value as (
          this: Worker,
          message: unknown,
        ) => void;
        Worker.prototype.postMessage = function (message: { readonly request?: object }) {
          for (const value of Object.values(message.request ?? {}))
            if (value instanceof Uint8Array) sizes.push(value.length);
          post.call(this, message);
        };
        File.prototype.arrayBuffer = async function (this: File) {
          if (this.name.startsWith("slow")) await new Promise<void>((resolve) => (held.release = resolve));
          return new Response(this).arrayBuffer();
        };
      });
      const release = async () => {
        await page.evaluate(() =>
          (globalThis as unknown as { held: { release: () => void } }).held.release(),
        );
        await page.waitForTimeout(300);
      };
      await giveFile(page, "slow.json", jsonOf(layers));
      await giveFile(page, "quick.json", jsonOf(layers));
      await page.getByText("quick.json", { exact: true }).waitFor();
      // The bytes of a file are sent to the worker once, whatever the slider does.
      await page.locator("input[name=units]").fill("40");
      await shows(page, '"units":[40,40]');
      expect(await page.evaluate(() => (globalThis as unknown as { sizes: number[] }).sizes)).toHaveLength(1);
      await release();
      expect(await page.getByText("slow.json", { exact: true }).count()).toBe(0);
      await giveFile(page, "slower.json", jsonOf(layers));
      await giveFile(page, "slowest.json", jsonOf(layers));
      await page.getByRole("button", { name: "Back to the small network" }).click();
      await release();
      await shows(page, '"widths":[2,3,1]');
      expect(await page.locator(".graph").count()).toBe(1);
    });
  },
);

test("A network for which theory knows no width is refused at the field, and the picture stays", async () => {
  const deep = Array.from({ length: 1500 }, () => ({ weights: [[1]] }));
  await open("", async (page) => {
    const before = await shown(page);
    await giveFile(
      page,
      "deep.json",
      Buffer.from(JSON.stringify({ bits: 1, activationBits: 3, layers: deep })),
    );
    await page.locator(".field:has(input[type=file]) .problem").waitFor();
    expect(await page.getByRole("alert").allInnerTexts()).toEqual([
      "deep.json: layers: expected at most 1000, got 1500",
    ]);
    expect(await shown(page)).toEqual(before);
  });
});

test("A file that is dropped beside the view does not replace the page", async () => {
  await open("", async (page) => {
    await shown(page);
    const kept = await page.evaluate(() => {
      const transfer = new DataTransfer();
      transfer.items.add(new File(["{}"], "net.json"));
      return ["dragover", "drop"].map((type) => {
        const event = new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true });
        document.body.dispatchEvent(event);
        return event.defaultPrevented;
      });
    });
    expect(kept).toEqual([true, true]);
    await page.getByRole("alert").filter({ hasText: "net.json: " }).waitFor();
    await page.locator(".bar").getByRole("link", { name: "Sums" }).click();
    await page.waitForSelector("main[data-view=sums]");
    const prevented = await page.evaluate(() => {
      const event = new DragEvent("dragover", { bubbles: true, cancelable: true });
      document.body.dispatchEvent(event);
      return event.defaultPrevented;
    });
    expect(prevented).toBe(false);
  });
});

test("Share offers no command until the network of the address is pruned", async () => {
  await open("", async (page) => {
    await shown(page);
    // Nothing is computed while the page is hidden.
    await hide(page, true);
    await page.fill("input[name=seed]", "5");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Share", exact: true }).click();
    const command = page.getByLabel("Command that computes the same", { exact: true });
    expect(await page.getByLabel("Address", { exact: true }).inputValue()).toContain("seed=5");
    expect(await command.count()).toBe(0);
    await page.getByRole("button", { name: "Close", exact: true }).click();
    await hide(page, false);
    await shows(page, '"seed":"5"');
    await page.getByRole("button", { name: "Share", exact: true }).click();
    expect(await command.inputValue()).toContain("--seed 5");
  });
});

test("The address of what is shown shows the same again, and back returns to what was shown before", async () => {
  await open("", async (page) => {
    const first = await shown(page);
    await page.selectOption("select[name=bits]", "3");
    await page.selectOption("select[name=theorem]", "2");
    await page.getByRole("button", { name: "Another random network" }).click();
    await shows(page, '"seed":"2"');
    const last = await shown(page);
    const address = page.url();
    await visit(pages.browser("none"), address, async (again) => {
      expect(await shown(again)).toEqual(last);
      expect(again.url()).toBe(address);
    });
    for (let i = 0; i < 3; i++) await page.goBack();
    await shows(page, '"seed":"1"');
    await shows(page, '"theorem":1,');
    expect(await shown(page)).toEqual(first);
  });
});

test("Fewer bits bring the weights into their range", async () => {
  await open("", async (page) => {
    await shown(page);
    await page.selectOption("select[name=bits]", "1");
    expect(new URL(page.url()).searchParams.get("weights")).toBe("2,-1,-2,2,1,2,-2,2,2");
  });
});

test("A wrong address names its field and keeps a picture", async () => {
  const wrong = [
    ["weights", "1,2,3"],
    ["weights", "5,0,0,0,0,0,0,0,0"],
    ["weights", "a"],
    ["bits", "1"],
    ["bits", "5"],
    ["theorem", "3"],
    ["units", "0"],
    ["units", "few"],
    ["seed", "-1"],
    ["weight", "10"],
  ] as const;
  const { masks } = await pruned(networkFile, 1, 1);
  await open("", async (page) => {
    await shown(page);
    for (const [name, text] of wrong) {
      await moveTo(page, `?view=ticket&${name}=${text}`);
      await page.getByRole("alert").waitFor();
      expect((await shown(page)).masks).toEqual(masks);
      const alerts = await page.getByRole("alert").allInnerTexts();
      expect(alerts).toEqual([expect.stringMatching(`^${name}: expected`)]);
      await moveTo(page, "?view=ticket");
      await page.getByRole("alert").waitFor({ state: "detached" });
    }
  });
});

test("In the light scheme and in the dark one axe finds no violation", { tags: ["wide"] }, async () => {
  await open("&units=9&weight=x", async (page) => {
    await shown(page);
    await page.locator("summary").click();
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await violations(page), colorScheme).toEqual([]);
    }
  });
});
