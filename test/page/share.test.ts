// Share: the address, the files, the command and the citation of what is shown.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse as parseCsv } from "csv-parse/sync";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { csvOf } from "../../demo/parts/csv.ts";
import { bibtex } from "../../demo/citation.ts";
import type { PhaseFinding } from "../../src/finding.ts";
import { callCommand } from "../cli/command.ts";
import { integers, openPages, revisit, settled, shownBy } from "../page.ts";

let folder: string;

const pages = openPages("none");

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "exacta-share-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

interface Shown {
  readonly trials: readonly number[];
  readonly findings: readonly PhaseFinding[];
}

/** Waits until Odds has counted, or pauses it where it would not end. Opens Share, and hands over the findings that are shown. */
async function share(query: string, look: (page: Page, findings: readonly PhaseFinding[]) => Promise<void>) {
  await revisit(pages.browser(), pages.address + query, async (page) => {
    await page.waitForFunction(() => document.getElementById("shown")?.textContent!.includes('"kind"'));
    if (query.includes("trials=")) await page.waitForSelector(".odds[data-state=done]");
    else await page.getByRole("button", { name: "Pause" }).click();
    // Batches in flight are counted after a pause.
    const { findings } = await settled<Shown>(page);
    await page.getByRole("button", { name: "Share" }).click();
    await look(page, findings);
  });
}

const EXPERIMENT = "?view=odds&bits=3,5&items=4..9&targets=1,M,-7";
const QUERY = `${EXPERIMENT}&seed=20260101`;

for (const [query, tags] of [
  [QUERY, []],
  ["?view=odds&ensemble=rnpp&bits=4&items=5&targets=", ["wide" as const]],
  ["?view=odds&ensemble=products&bits=1,2&items=2..6&targets=-M&seed=3", ["wide" as const]],
  ["?view=odds&bits=1,2&items=1..4&targets=M,0&trials=all", []],
] as const)
  test(`The command of ${query} prints the counts that are shown`, { tags: [...tags] }, async () => {
    await share(query, async (page, findings) => {
      const command = await page.getByLabel("Command that computes the same", { exact: true }).inputValue();
      const { stdout } = await callCommand(
        `${command.replace("exacta ", "")} --json --engine cpu --quiet`,
        folder,
      );
      const printed = stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as PhaseFinding);
      expect(findings[0]!.trials).toBeGreaterThan(0);
      expect(integers(printed)).toEqual(integers(findings));
    });
  });

/** Saves a file of Share by its button. */
async function savedBy(page: Page, view: string, name: "JSON" | "CSV" | "SVG" | "PNG"): Promise<Buffer> {
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name, exact: true }).click(),
  ]);
  expect(download.suggestedFilename()).toBe(`exacta-${view}.${name.toLowerCase()}`);
  return readFile(await download.path());
}

/** The width of a PNG and how many colors it has. */
function seenIn(page: Page, png: Buffer): Promise<{ width: number; colors: number }> {
  return page.evaluate(async (png) => {
    const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
    const context = new OffscreenCanvas(image.width, image.height).getContext("2d")!;
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, image.width, image.height);
    return { width: image.width, colors: new Set(new Uint32Array(data.buffer)).size };
  }, png.toString("base64"));
}

test.each([
  ["digits", ""],
  ["sums", "?view=sums"],
  ["precision", "?view=precision&trials=300&items=1..9&halfRanges=2..8"],
  ["ticket", "?view=ticket"],
  ["speed", "?view=speed&milliseconds=10"],
])("Every file of Share parses in the view %s", { tags: ["wide"] }, async (view, query) => {
  await revisit(pages.browser(), pages.address + query, async (page) => {
    await page.waitForFunction(() => performance.getEntriesByName("picture").length > 0);
    // Views that count or measure come to their end.
    if (view === "precision") await page.waitForSelector("[data-status=done]");
    if (view === "speed") await page.waitForSelector(".speed[data-state=done]");
    await page.getByRole("button", { name: "Share" }).click();
    const records = JSON.parse((await savedBy(page, view, "JSON")).toString()) as object[];
    expect(records.length).toBeGreaterThan(0);
    const rows: unknown[] = parseCsv(await savedBy(page, view, "CSV"), { columns: true });
    expect(rows).toHaveLength(records.length);
    const svg = (await savedBy(page, view, "SVG")).toString();
    const errors = await page.evaluate(
      (svg) => new DOMParser().parseFromString(svg, "image/svg+xml").querySelectorAll("parsererror").length,
      svg,
    );
    expect(errors).toBe(0);
    expect((await seenIn(page, await savedBy(page, view, "PNG"))).colors).toBeGreaterThan(2);
  });
});

test("Every file of Share parses, and has the numbers and the charts that are shown", async () => {
  await share(QUERY, async (page, findings) => {
    const saved = (name: "JSON" | "CSV" | "SVG" | "PNG") => savedBy(page, "odds", name);
    expect(JSON.parse((await saved("JSON")).toString())).toEqual(findings);

    const rows: Record<string, string>[] = parseCsv(await saved("CSV"), { columns: true });
    expect(rows.map((row) => [row["halfRange"], row["items"], row["targets.1.solved"]])).toEqual(
      findings.map(({ halfRange, items, targets }) => [halfRange, items, targets[1]!.solved].map(String)),
    );

    const svg = (await saved("SVG")).toString();
    const drawn = await page.evaluate((svg) => {
      const parsed = new DOMParser().parseFromString(svg, "image/svg+xml");
      return {
        errors: parsed.querySelectorAll("parsererror").length,
        charts: parsed.querySelectorAll("svg > svg").length,
        dots: parsed.querySelectorAll("circle > title").length,
      };
    }, svg);
    // A figure for each target, M that of each half range, and one for all together.
    expect(drawn).toMatchObject({ errors: 0, charts: 4 });
    expect(drawn.dots).toBe(4 * findings.length);

    const seen = await seenIn(page, await saved("PNG"));
    expect(seen.width).toBe(2 * 672);
    expect(seen.colors).toBeGreaterThan(20);
  });
});

test("The embedded address shows the charts without the bar and the form", async () => {
  await share(`${EXPERIMENT}&trials=2000`, async (page, findings) => {
    const address = await page
      .getByLabel(/without controls/)
      .first()
      .inputValue();
    await page.goto(address);
    await page.waitForSelector(".odds[data-state=done]");
    const again = await shownBy<Shown>(page);
    expect(integers(again.findings)).toEqual(integers(findings));
    expect(await page.locator(".chart").count()).toBe(4);
    expect(await page.locator("form, .bar").count()).toBe(0);
  });
});

test("Share copies the address, and the escape key closes it", async () => {
  await share(`${EXPERIMENT}&trials=2000`, async (page) => {
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.getByRole("button", { name: "Copy: Address", exact: true }).click();
    await page.getByText("Copied").waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(page.url());
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
  });
});

test("CSV has a column for each field of any record, by its path, and quotes what needs it", () => {
  const records = [
    { name: 'a "b", c', list: [{ x: 1 }, { x: -2.5 }], none: undefined },
    { name: "line\nbreak", found: false, big: 2 ** 53 },
  ];
  const text = csvOf(records);
  expect(text.split("\r\n")[0]).toBe("name,list.0.x,list.1.x,found,big");
  expect(parseCsv(text, { columns: true })).toEqual([
    { name: 'a "b", c', "list.0.x": "1", "list.1.x": "-2.5", found: "", big: "" },
    { name: "line\nbreak", "list.0.x": "", "list.1.x": "", found: "false", big: "9007199254740992" },
  ]);
});

/** The fields of the entries of a BibTeX text whose entries end with a brace on a line of its own. */
function entriesOf(text: string): Record<string, string>[] {
  return [...text.matchAll(/^@(\w+)\{(\w+),\n([^]*?)\n\}$/gm)].map(([, type, key, body]) => ({
    type: type!,
    key: key!,
    ...Object.fromEntries(
      body!.split(",\n").map((line) => /^ {2}(\w+) = \{(.*)\}$/.exec(line)!.slice(1) as [string, string]),
    ),
  }));
}

test("BibTeX names the paper and exacta as CITATION.cff does", async () => {
  const cff = await readFile(new URL("../../CITATION.cff", import.meta.url), "utf8");
  const named = (name: string) =>
    [...cff.matchAll(new RegExp(`^ *(?:- )?${name}: "?(.*?)"?$`, "gm"))].map(([, text]) => text!);
  const [title, paperTitle] = named("title");
  const [paper, software] = entriesOf(bibtex);
  expect(paper).toMatchObject({
    type: "article",
    title: paperTitle,
    author: named("family-names")
      .map((family, i) => `${family}, ${named("given-names")[i]}`)
      .join(" and "),
    year: named("year")[0],
    url: named("url").at(-1),
  });
  expect(software).toMatchObject({
    type: "software",
    title: `${title}: the laboratory for exact lottery tickets`,
    author: `{${named("name")[0]}}`,
    version: named("version")[0],
  });
});
