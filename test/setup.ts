// Runs before every test file.

import { calmPolling } from "../host/node/platform/dawn.ts";

/** Files share a process, whose polling is to be calmed once. */
const shared = globalThis as { isCalm?: true };

// A poll that never pauses would take the core of the other worker.
if (!shared.isCalm) calmPolling();
shared.isCalm = true;
