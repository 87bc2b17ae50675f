// The page, built and served for tests in browsers, and requests whose answers are known.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, preview } from "vite";
import { measurePhase } from "../host/experiments/phase.ts";
import { referenceRunner } from "../host/reference.ts";
import type { PhaseFinding } from "../src/finding.ts";

const project = {
  root: fileURLToPath(new URL("../demo", import.meta.url)),
  configFile: fileURLToPath(new URL("../demo/vite.config.mts", import.meta.url)),
  logLevel: "error",
} as const;

export interface ServedPage {
  /** Ends with a slash. */
  readonly address: string;
  readonly close: () => Promise<void>;
}

/** Builds the page into a folder of its own and serves it. */
export async function servePage(): Promise<ServedPage> {
  const folder = await mkdtemp(join(tmpdir(), "exacta-page-"));
  await build({ ...project, build: { outDir: folder, emptyOutDir: true } });
  const server = await preview({
    ...project,
    build: { outDir: folder },
    preview: { host: "127.0.0.1", port: 0 },
  });
  return {
    address: server.resolvedUrls!.local[0]!,
    async close() {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The integers of findings, in a fixed order. */
export function integers(findings: readonly PhaseFinding[]) {
  return findings.map(({ ensemble, halfRange, items, trials, seed, targets, covered, perfect }) => ({
    ensemble,
    halfRange,
    items,
    trials,
    seed,
    targets: targets.map(({ target, solved }) => ({ target, solved })),
    all: (covered ?? perfect)!.solved,
  }));
}

/** Requests to the page, and the answers of the reference engine. */
export const requests = {
  rssp: {
    query: "?ensemble=rssp&bits=3,5&items=4..9&targets=1,M,-7&trials=3000&seed=20260101",
    ask: async () => {
      const runs = [3, 5].map((bits) =>
        measurePhase(referenceRunner(), {
          ensemble: "rssp",
          bits,
          items: { from: 4, to: 9 },
          targets: [1, 2 ** bits, -7],
          trials: 3000,
          seed: 20260101,
        }),
      );
      return (await Promise.all(runs)).flat();
    },
  },
  rnpp: {
    query: "?ensemble=rnpp&bits=6&items=5..8&targets=&trials=2000&seed=7",
    ask: () =>
      measurePhase(referenceRunner(), {
        ensemble: "rnpp",
        bits: 6,
        items: { from: 5, to: 8 },
        trials: 2000,
        seed: 7,
      }),
  },
};
