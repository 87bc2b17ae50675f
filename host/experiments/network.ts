// Forward passes of networks and tickets on an engine, stage by stage.

import { RequestError } from "../../src/errors.ts";
import { withConstant, type Activation, type Network } from "../../src/network.ts";
import { keptLayers } from "../../src/ticket/kept.ts";
import { networkStages, ticketStages, type Pass, type Stage } from "../../src/ticket/passes.ts";
import { outputBlocks, writeBlock, type OutputBlock } from "../../src/ticket/blocks.ts";
import type { Ticket } from "../../src/ticket/ticket.ts";
import { pump } from "../pump.ts";
import { runnerOf, type Engine } from "../runner.ts";
import type { Progress } from "../schedule.ts";

/** Which pass `runNetwork` takes, and how it is stopped and watched. */
export interface ForwardOptions {
  /**
   * `collapsed` (the default): the dense layers that equal the pairs of layers of a ticket. `audit`: every kept hidden unit.
   * A network that is no ticket has only one pass.
   */
  readonly pass?: Pass;
  readonly signal?: AbortSignal;
  /** Called after every piece of work with the multiplications done. */
  readonly onProgress?: (progress: Progress) => void;
}

/**
 * Runs inputs through a network, or through the pruned network of a ticket.
 *
 * All engines and both passes give the same integers.
 * @param inputs Shape [samples, inputs], row by row, without the constant unit: integers of -2^m..2^m, where m is
 * `activationBits`.
 * @returns Shape [samples, outputs], row by row: exact integers.
 * @throws {RequestError} The length of `inputs` is no multiple of the number of inputs, an input is no integer in range (a
 * fraction, NaN, a hole of a list, a value of another type), or the sums of a layer could exceed 2^53.
 * @throws {CapacityError} The engine has too little memory.
 * @throws The reason of `options.signal`, if it aborts before the last layer is done.
 * @example
 * ```ts
 * import { openEngine } from "exacta";
 * import { readNetwork, runNetwork } from "exacta/ticket";
 *
 * const { network } = readNetwork({
 *   bits: 2,
 *   activationBits: 3,
 *   layers: [{ weights: [[4, -1], [0, 3]] }, { weights: [[-4, 2]] }],
 * });
 * const engine = await openEngine({ engine: "cpu" });
 * const inputs = Int32Array.of(8, -8, 3, 4);
 * console.log(await runNetwork(engine, network, inputs)); // Float64Array(2) [ -10, -1 ]
 * engine.close();
 * ```
 */
export async function runNetwork(
  engine: Engine,
  network: Network | Ticket,
  inputs: ArrayLike<number>,
  { pass = "collapsed", ...options }: ForwardOptions = {},
): Promise<Float64Array> {
  const isTicket = "masks" in network;
  const stages = isTicket ? ticketStages(keptLayers(network), pass) : networkStages(network);
  const activation = isTicket ? network.target : network;
  const { columns } = stages[0]!;
  checkInputs(inputs, columns - Number(activation.constant), 2 ** activation.activationBits);
  const values = Float64Array.from(withConstant(activation, columns, Int32Array.from(inputs)));
  return forwardStages(engine, activation, stages, values, options);
}

/** Runs inputs through stages. @param inputs Shape [samples, columns of the first stage], row by row. */
export async function forwardStages(
  engine: Engine,
  activation: Activation,
  stages: readonly Stage[],
  inputs: Float64Array,
  { signal, onProgress }: Omit<ForwardOptions, "pass"> = {},
): Promise<Float64Array> {
  const runner = runnerOf(engine);
  let values = inputs;
  let largest = 2 ** activation.activationBits;
  const samples = values.length / stages[0]!.columns;
  const total = stages.reduce((sum, { rows, columns, group }) => sum + rows * columns * group, 0) * samples;
  let done = 0;
  for (const [index, stage] of stages.entries()) {
    const outputs = new Float64Array(samples * stage.rows);
    let largestOutput = 0;
    const layer = {
      activation,
      stage,
      index,
      last: index === stages.length - 1,
      samples,
      inputs: values,
      largest,
    };
    const run = async (block: OutputBlock) => ({ block, words: (await runner.run(block.work)).words });
    for await (const { block, words } of pump(outputBlocks(layer), run, {
      depth: runner.queueDepth,
      signal,
    })) {
      writeBlock(outputs, stage, block, words);
      largestOutput = Math.max(largestOutput, block.largest);
      done += block.samples * block.rows * stage.columns * stage.group;
      onProgress?.({ done, total });
    }
    [values, largest] = [outputs, largestOutput];
  }
  return values;
}

function checkInputs(inputs: ArrayLike<unknown>, columns: number, most: number): void {
  if (!Array.isArray(inputs) && !(ArrayBuffer.isView(inputs) && !(inputs instanceof DataView)))
    throw new RequestError("inputs", "a list or a typed array of integers", inputs);
  if (inputs.length % columns !== 0)
    throw new RequestError("inputs", `${columns} numbers for each`, inputs.length);
  for (let i = 0; i < inputs.length; i++) {
    const value = inputs[i];
    if (!Number.isInteger(value) || Math.abs(value as number) > most)
      throw new RequestError(
        `number ${(i % columns) + 1} of input ${Math.floor(i / columns) + 1}`,
        `an integer in ${-most}..${most}`,
        value,
      );
  }
}
