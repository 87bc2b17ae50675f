import { mkdirSync } from "node:fs";
import { namedWorks } from "./works.ts";
import { openRecorder, pipelinesOf, recorded } from "./compile.ts";
export async function main(args: readonly string[]): Promise<number> {
  mkdirSync("/tmp/gc", { recursive: true });
  const t0 = performance.now();
  const works = await namedWorks([6, 8, 10, 12]);
  const opened = await openRecorder([], { workgroupBytes: 65536 });
  const p = pipelinesOf(works, opened.profile);
  console.log(opened.adapter.info.description, opened.profile.subgroupMinSize, opened.profile.subgroupMaxSize, p.length, performance.now() - t0, args);
  for await (const r of recorded(opened, p, "/tmp/gc")) console.log(r.label, r.statistics.get("VGPRs"), r.listing.length);
  console.log(performance.now() - t0);
  return 0;
}
