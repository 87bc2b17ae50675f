import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { assemblyscript } from "./scripts/assemblyscript.ts";
import { hasSoftware, software } from "./scripts/software.ts";
import { wesl } from "./scripts/wesl.ts";
import { keepTickets } from "./test/keep/plugin.ts";
import { LongestFirst } from "./test/order.ts";

const MIB = 2 ** 20;

export default defineConfig(async () => ({
  plugins: [assemblyscript(), wesl(), process.env["EXACTA_KEEP_TICKETS"] ? keepTickets() : undefined],
  test: {
    include: ["{src,host,test}/**/*.test.ts"],
    // Its tests start a Slurm, and have a configuration of their own.
    exclude: ["test/cluster/**"],
    setupFiles: ["test/setup.ts"],
    // Dawn does not survive in vitest's threads, and finds SwiftShader only in the environment its process started with.
    pool: "forks" as const,
    // Files share a process, since loading the sources anew takes longer than most tests. Two workers, where Vitest would take
    // one on two cores, fill the pauses of tests that compile shaders or start processes.
    isolate: false,
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    env: {
      ...(hasSoftware && (await software()).dawnEnv),
      // SwiftShader allocates and frees some MB for every shader that it compiles. By default glibc returns this memory to the
      // system each time, and faulting it in again takes a third of the time of compiling. Few arenas let threads share it.
      MALLOC_ARENA_MAX: "2",
      MALLOC_MMAP_THRESHOLD_: String(32 * MIB),
      MALLOC_TRIM_THRESHOLD_: String(256 * MIB),
      // What commands measure of a GPU is kept apart from what the user's own do.
      XDG_CACHE_HOME: fileURLToPath(new URL(".cache/user", import.meta.url)),
    },
    tags: [
      {
        name: "wide",
        description: "The widest sweeps: `npm test` leaves them out, and `npm run test:all` runs everything.",
        timeout: 180_000,
      },
    ],
    // Style sheets that are imported as text; Vitest leaves others empty.
    css: { include: [/\.css\?raw$/] },
    testTimeout: 60_000,
    // A browser on a busy machine takes longer than the second that Vitest waits.
    expect: { poll: { timeout: 10_000 } },
  },
}));
