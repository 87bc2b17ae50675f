// A process that uses the library ends by itself when its work is done, also where it never closes an engine.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, expect, test } from "vitest";
import type { EngineName } from "../host/runner.ts";
import { buildCommand } from "./cli/command.ts";

/** The built library: threads of the sources themselves would need the tests' own loader. */
const library = (name: string) => new URL(`../dist/node/${name}.js`, import.meta.url).href;

/** A program that measures something and closes nothing, with statements before its end. */
const program = (engine: EngineName, before = "") => `
  import { openEngine } from "${library("index")}";
  import { measurePhase } from "${library("experiments")}";
  const engine = await openEngine({ engine: "${engine}", threads: 2 });
  const [finding] = await measurePhase(engine, { bits: 3, items: 5, trials: 1000, seed: "1" });
  console.log(engine.engine, finding.covered.solved);
  ${before}
`;

/** Ends a process that does not end by itself. */
const TIMEOUT_MS = 20_000;

async function outputOf(text: string): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", text], {
    timeout: TIMEOUT_MS,
    cwd: fileURLToPath(new URL("..", import.meta.url)),
  });
  return stdout;
}

beforeAll(buildCommand, 120_000);

for (const engine of ["reference", "cpu", "auto", "gpu", "shadow"] as const)
  test(
    `A process with the engine ${engine} that is never closed ends when its work is done`,
    engine === "cpu" ? {} : { tags: ["wide"] },
    async () => {
      const name = engine === "auto" ? "(cpu|gpu)" : engine;
      expect(await outputOf(program(engine))).toMatch(new RegExp(`^${name} 47\n$`));
    },
  );

test("The limit of time finds a process that goes on", { tags: ["wide"] }, async () => {
  const lasting = promisify(execFile)(
    process.execPath,
    ["--input-type=module", "--eval", program("cpu", "setInterval(() => {}, 1000);")],
    { timeout: 1500 },
  );
  await expect(lasting).rejects.toMatchObject({ killed: true });
});
