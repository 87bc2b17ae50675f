// docs/cli.md and the declarations of the commands agree.

import { expect, test } from "vitest";
import { loadCommands } from "../../host/node/commands/index.ts";
import { exhibits } from "../../host/node/paper/exhibits.ts";
import { paperText } from "../../host/node/paper/page.ts";
import { manual } from "../../scripts/manual.ts";

const commands = await loadCommands();

test("docs/cli.md is the manual that the declarations of the commands make", async () => {
  await expect(manual(commands), "docs/cli.md is stale; npm run docs:cli rewrites it").toMatchFileSnapshot(
    "../../docs/cli.md",
  );
});

test("docs/experiments.md is the text of the figures of exacta paper", async () => {
  await expect(
    paperText(exhibits),
    "docs/experiments.md is stale; npm run docs:cli rewrites it",
  ).toMatchFileSnapshot("../../docs/experiments.md");
});

test("Every command has a manual, an example and options with a meaning", () => {
  for (const { name, summary, manual, examples, options } of commands) {
    expect(summary, name).toMatch(/^[A-Z].*\.$/);
    expect(manual.trim(), name).toMatch(/^[A-Z][^]*[.)]$/);
    expect(examples.join("\n"), name).toContain(`exacta ${name}`);
    for (const [option, { summary }] of Object.entries(options))
      expect(summary, `${name} ${option}`).not.toBe("");
  }
});
