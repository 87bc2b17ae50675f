// Rules of accessibility, as axe checks them.

import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";

/** What axe finds wrong with the page: the rule and the elements. */
export async function violations(page: Page): Promise<string[]> {
  if (!(await page.evaluate(() => "axe" in globalThis)))
    await page.addScriptTag({ path: fileURLToPath(import.meta.resolve("axe-core")) });
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: typeof import("axe-core") };
    const found = await axe.run();
    return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
  });
}
