// Rules of accessibility, as axe checks them.

import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";

/** What axe finds wrong with the page: the rule and the elements. In the dark scheme it checks contrast alone, since only colors differ. */
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
