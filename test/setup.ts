// Runs before every test file.

import { afterAll } from "vitest";
import { calmPolling } from "../host/node/platform/dawn.ts";

/** Files share a process, whose polling is to be calmed once. */
const shared = globalThis as { isCalm?: true };

// A poll that never pauses would take the core of the other worker.
if (!shared.isCalm) calmPolling();
shared.isCalm = true;

if (process.env["EXACTA_KEEP_TICKETS"])
  afterAll(async () => {
    const { allKept } = await import("./keep/kept.ts");
    await allKept();
  });
