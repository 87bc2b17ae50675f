// Rules of accessibility, as axe checks them.

import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";

/**
 * Answers what axe finds wrong with the page, as rule and elements. In the dark scheme only colors differ, so that only
 * contrast is checked.
 */
export async function violations(page: Page, scheme: "light" | "dark" = "light"): Promise<string[]> {
  await page.addScriptTag({ path: fileURLToPath(import.meta.resolve("axe-core")) });
  return page.evaluate(async (scheme) => {
    const { axe } = globalThis as unknown as { axe: typeof import("axe-core") };
    const found = await axe.run({
      resultTypes: ["violations"],
      ...(scheme === "dark" && { runOnly: ["color-contrast"] }),
    });
    return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
  }, scheme);
}
