// Takes the picture of the landing view as a visitor sees it.

import { fileURLToPath } from "node:url";
import { launchBrowser } from "../../test/browser.ts";
import { servePage } from "../../test/page.ts";

const file = fileURLToPath(new URL("../../docs/page.png", import.meta.url));

/** Opens the landing view, waits for its first computed picture, and writes docs/page.png. */
export async function main(): Promise<void> {
  const served = await servePage();
  const browser = await launchBrowser("none");
  try {
    const page = await browser.newPage({ viewport: { width: 1024, height: 768 }, colorScheme: "light" });
    await page.goto(served.address);
    await page.waitForFunction(() => performance.getEntriesByName("picture").length > 0);
    await page.screenshot({ path: file });
    console.log(file);
  } finally {
    await browser.close();
    await served.close();
  }
}
