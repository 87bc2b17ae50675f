// Runs the tests, with what is given behind `npm run test:all --` for Vitest, and then the check in Python on every ticket that
// they made. The tickets of several runs are checked together where EXACTA_KEEP_TICKETS names their folder, as in .ci/run.

import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** All tests keep 12,000 different tickets. Far fewer would mean that tickets are not kept any more. */
const LEAST = 8_000;

const root = fileURLToPath(new URL("..", import.meta.url));
const args = process.argv.slice(2);
const given = process.env["EXACTA_KEEP_TICKETS"];
const folder = resolve(root, given ?? "dist/tickets");
if (!given) rmSync(folder, { recursive: true, force: true });

/**
 * Runs a program to its end. Answers its exit status.
 *
 * @param {string} program
 * @param {readonly string[]} words
 * @param {string} cwd
 * @returns {number}
 */
function run(program, words, cwd) {
  const env = { ...process.env, EXACTA_KEEP_TICKETS: folder };
  return spawnSync(program, words, { cwd, env, stdio: "inherit" }).status ?? 1;
}

const vitest = resolve(root, "node_modules/vitest/vitest.mjs");
const status = run(process.execPath, [vitest, "run", ...args], root);
if (status !== 0) process.exit(status);

const hasNumpy = spawnSync("python3", ["-c", "import numpy"]).status === 0;
if (!hasNumpy && process.env["EXACTA_PYTHON"] !== "1") {
  console.log("LEFT OUT: the check of all tickets in Python, since there is no python3 with NumPy.");
  process.exit(0);
}
// Tests that Vitest was told to choose may make few tickets.
const least = args.length === 0 || given ? LEAST : 0;
process.exit(
  run(
    "python3",
    ["-m", "exacta_ticket", "verify-all", folder, "--least", String(least)],
    resolve(root, "python"),
  ),
);
