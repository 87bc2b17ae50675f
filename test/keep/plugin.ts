// A Vite plugin that puts `kept.ts` around the functions by which tests come to tickets. Vitest has it where the environment
// names a folder for tickets in EXACTA_KEEP_TICKETS.

import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";

const pathOf = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const KEEPER = pathOf("kept.ts");
const ORIGINAL = "?original";

/** The modules, and their functions that `kept.ts` has functions of the same names for. */
const wrapped = new Map([
  [pathOf("../../host/experiments/ticket.ts"), "pruneToTicket"],
  [pathOf("../../src/ticket/certificate.ts"), "verifyTicket"],
  [pathOf("../../src/graph/read.ts"), "readGraph"],
]);

export function keepTickets(): Plugin {
  return {
    name: "keep-tickets",
    enforce: "pre",
    load(id) {
      const name = wrapped.get(id);
      if (name === undefined) return null;
      // An export by name hides the one of the same name behind the star.
      return `
export * from ${JSON.stringify(id + ORIGINAL)};
import { ${name} as original } from ${JSON.stringify(id + ORIGINAL)};
import { ${name} as keeping } from ${JSON.stringify(KEEPER)};
export function ${name}(...args) { return keeping(original, ...args); }
`;
    },
  };
}
