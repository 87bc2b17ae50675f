// Documents that are made of the sources agree with them: docs/cli.md, docs/experiments.md and docs/graph.schema.json.

import { expect, test } from "vitest";
import * as z from "zod/mini";
import { loadCommands } from "../../host/node/commands/index.ts";
import { exhibits } from "../../host/node/paper/exhibits.ts";
import { paperText } from "../../host/node/paper/page.ts";
import { manual } from "../../scripts/manual.ts";
import { graphSchema } from "../../src/graph/read.ts";

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

/** The range in the message of a schema of integers. */
const RANGE = /^an integer in (-?\d+)\.\.(\d+)$/;

test("docs/graph.schema.json is the JSON Schema of the form that readGraph reads", async () => {
  const schema = z.toJSONSchema(graphSchema, {
    io: "input",
    override({ zodSchema, jsonSchema }) {
      const { type, error } = (zodSchema as unknown as z.ZodMiniType).def;
      if (type !== "number") return;
      jsonSchema.type = "integer";
      const message = error?.({} as never);
      const range = typeof message === "string" ? RANGE.exec(message) : null;
      if (range) Object.assign(jsonSchema, { minimum: Number(range[1]), maximum: Number(range[2]) });
    },
  });
  await expect(
    `${JSON.stringify(schema, null, 2)}\n`,
    "docs/graph.schema.json is stale; npm run docs:cli rewrites it",
  ).toMatchFileSnapshot("../../docs/graph.schema.json");
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
