import { it } from "vitest";
import { theory } from "../experiments/theory.ts";
it("x", () => {
  let all = 0;
  for (const ensemble of ["rssp","rnpp"] as const)
  for (const bits of [4,5,6,7,8,9,10]) {
    if (ensemble==="rnpp" && bits<6) continue;
    const t0 = performance.now();
    const said = theory({ ensemble, bits, items: { from: 1, to: bits + 14 } } as never, "0");
    const ms = performance.now() - t0; all += ms;
    console.log(ensemble, bits, Math.round(ms), said[0]!.targets.map(t=>t.target).join());
    if (bits===6||bits===10) for (const f of said) { const t=f.targets.at(-1)!; console.log(f.items, f.lambda!.toFixed(2), t.lower.value.toFixed(4), t.lower.name, t.upper.value.toFixed(4), t.upper.name, t.predictions.map(p=>p.name+" "+p.value.toFixed(4)).join(" "), JSON.stringify(f.covered), f.perfect && f.perfect.lower.toFixed(3)+" "+f.perfect.upper.toFixed(3)+" "+f.perfect.predictions.map(p=>p.name+" "+p.value.toFixed(4)).join(" ")); }
  }
  console.log("total", all);
});
