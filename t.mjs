import { runnerImport } from "vite";
import { execFileSync } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
const { module } = await runnerImport("./scripts/gpu-compile/cuda.ts", { logLevel: "error" });
let n=0; const only = new RegExp(process.argv[2] ?? ".");
for (const f of readdirSync("/tmp/gc").filter(f=>f.endsWith(".spv") && only.test(f))) {
  const text = execFileSync("spirv-dis",["--raw-id","--no-header","/tmp/gc/"+f],{encoding:"utf8",maxBuffer:1e9});
  try { writeFileSync("/tmp/gc/"+f.replace(".spv",".cu"), module.cudaOf(text)); n++; } catch(e) { console.log(f, e.message); }
}
console.log(n);
