// What a ticket costs on the CPU engine with two threads: to find it, and to verify it.

import { drawValue } from "../../../src/ensemble.ts";
import { readNetwork } from "../../../src/network.ts";
import { streamKey } from "../../../src/random.ts";
import { verify } from "../../../src/ticket/certificate.ts";
import { schemeFor } from "../../../src/ticket/width.ts";
import { cpuRunner } from "../../cpu/runner.ts";
import { prune } from "../../ticket.ts";
import { columns, grouped } from "../table.ts";
import { startThread } from "../threads.ts";
import { median, type Bench } from "./measure.ts";

const WIDTHS = [784, 500, 10] as const;
/** Bits of the network's weights, which are random, and of the random network's. */
const TARGET_BITS = 8;
const BITS = 4;

function target() {
  const range = 2 ** (TARGET_BITS + 1) + 1;
  const layers = WIDTHS.slice(1).map((rows, l) => {
    const key = streamKey(1n, [1000, l]);
    const inputs = WIDTHS[l]!;
    const weights = Array.from({ length: rows }, (_, row) =>
      Array.from({ length: inputs }, (_, i) => drawValue(range, key, row * inputs + i, 0) - 2 ** TARGET_BITS),
    );
    return { weights };
  });
  return readNetwork({ bits: TARGET_BITS, activationBits: 8, layers });
}

/** Measures `rounds` rounds. */
export async function benchTicket(rounds: number): Promise<Bench> {
  const { network, bits } = target();
  const weights = network.layers.reduce((sum, layer) => sum + layer.weights.length, 0);
  const runner = await cpuRunner(2, startThread);
  const times: { choose: number; prune: number; verify: number }[] = [];
  let units: readonly number[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      const started = performance.now();
      const { scheme } = schemeFor(network, bits, { bits: BITS });
      const chosen = performance.now();
      const { ticket, failures } = (await prune(runner, { network, bits, scheme, seed: 1 + round }))!;
      const pruned = performance.now();
      const certified = !verify(network, ticket);
      // A seed may fail, as rarely as it is predicted to.
      if (certified !== (failures.length === 0)) throw new Error("the certificate says otherwise");
      times.push({ choose: chosen - started, prune: pruned - chosen, verify: performance.now() - pruned });
      units = scheme.units;
    }
  } finally {
    runner.close();
  }
  const milliseconds = {
    choose: median(times.map(({ choose }) => choose)),
    prune: median(times.map(({ prune }) => prune)),
    verify: median(times.map(({ verify }) => verify)),
  };
  const peakBytes = process.resourceUsage().maxRSS * 1024;
  const table = columns([
    ["network", "weights", "units", "widths, ms", "ticket, ms", "verify, ms"],
    [
      WIDTHS.join("-"),
      grouped(weights),
      units.join(" "),
      ...[milliseconds.choose, milliseconds.prune, milliseconds.verify].map((time) => time.toFixed(0)),
    ],
  ]);
  return {
    results: [
      {
        kind: "bench",
        kernel: "prune",
        widths: WIDTHS,
        targetBits: bits,
        bits: BITS,
        units,
        milliseconds,
        peakBytes,
      },
    ],
    title: `ticket, ${TARGET_BITS} bits a weight from weights of ${BITS} bits, two threads; medians of ${rounds} rounds; peak memory of the process ${(peakBytes / 2 ** 20).toFixed(0)} MiB`,
    table,
  };
}
