// Forward passes of networks and tickets on an engine, stage by stage.

import { RequestError } from "../../src/errors.ts";
import { withConstant, type Activation, type Network } from "../../src/network.ts";
import { keptLayers } from "../../src/ticket/kept.ts";
import { networkStages, ticketStages, type Pass, type Stage } from "../../src/ticket/passes.ts";
import { outputBlocks, writeBlock, type OutputBlock } from "../../src/ticket/blocks.ts";
import type { Ticket } from "../../src/ticket/ticket.ts";
import { inFlight } from "../flight.ts";
import { runnerOf, type Engine } from "../runner.ts";

export interface ForwardOptions {
  /**
   * `collapsed` (the default): the dense layers that equal the layers of a pruned network. `audit`: all its hidden units.
   * A network that is no ticket has but one pass.
   */
  readonly pass?: Pass;
  readonly signal?: AbortSignal;
  /** Called now and then with the share of all that is done, 0..1. */
  readonly onProgress?: (share: number) => void;
}

/**
 * What a network, or the pruned network of a ticket, makes of inputs: for each of them as many integers as it has outputs,
 * the same on every engine and by either pass.
 * @param inputs One after the other, the constant unit left out; integers of -2^m..2^m.
 * @throws RangeError for inputs out of range, and for a layer whose sums could exceed 2^53, before they are computed; the
 * reason of the signal where that is aborted.
 */
export async function runNetwork(
  engine: Engine,
  network: Network | Ticket,
  inputs: Int32Array,
  { pass = "collapsed", ...options }: ForwardOptions = {},
): Promise<Float64Array> {
  const isTicket = "masks" in network;
  const stages = isTicket ? ticketStages(keptLayers(network), pass) : networkStages(network);
  const activation = isTicket ? network.target : network;
  const { columns } = stages[0]!;
  checkInputs(inputs, columns - Number(activation.constant), 2 ** activation.activationBits);
  const values = Float64Array.from(withConstant(activation, columns, inputs));
  return forwardStages(engine, activation, stages, values, options);
}

/** The same for stages, and inputs as the first of them has them. */
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
    let most = 0;
    const layer = {
      activation,
      stage,
      index,
      last: index === stages.length - 1,
      samples,
      inputs: values,
      largest,
    };
    const run = async (piece: OutputBlock) => {
      writeBlock(outputs, stage, piece, await runner.run(piece.work));
      most = Math.max(most, piece.largest);
      done += piece.samples * piece.rows * stage.columns * stage.group;
      onProgress?.(done / total);
    };
    await inFlight(runner.queueDepth, outputBlocks(layer), run, signal);
    signal?.throwIfAborted();
    [values, largest] = [outputs, most];
  }
  return values;
}

function checkInputs(inputs: Int32Array, columns: number, most: number): void {
  if (inputs.length % columns !== 0)
    throw new RequestError("inputs", `${columns} numbers for each`, inputs.length);
  const wrong = inputs.findIndex((value) => Math.abs(value) > most);
  if (wrong >= 0)
    throw new RequestError(
      `number ${(wrong % columns) + 1} of input ${Math.floor(wrong / columns) + 1}`,
      `an integer in ${-most}..${most}`,
      inputs[wrong],
    );
}
