// `npm run test:cluster`, which starts a Slurm of its own and needs Debian's slurm-wlm and munge.

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { include: ["test/cluster/**/*.test.ts"], testTimeout: 600_000, hookTimeout: 180_000 },
});
