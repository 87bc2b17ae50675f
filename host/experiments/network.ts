// Forward passes of networks, graphs and tickets on an engine, stage by stage.

import { RequestError } from "../../src/errors.ts";
import {
  outputBlocks,
  productsOf,
  transposed,
  writeBlock,
  type Numbers,
  type OutputBlock,
  type Value,
} from "../../src/graph/blocks.ts";
import { isGraph, sizeOf, type Graph } from "../../src/graph/model.ts";
import {
  elementsOf,
  graphStages,
  networkStages,
  type Stage,
  type StagedNetwork,
} from "../../src/graph/stages.ts";
import { stochastic, type Finish } from "../../src/graph/rounding.ts";
import { parse } from "../../src/check.ts";
import { seedSchema } from "../../src/random.ts";
import { withConstant, type Network } from "../../src/network.ts";
import { keptLayers } from "../../src/ticket/kept.ts";
import { graphTicketStages, ticketStages, type Pass } from "../../src/ticket/passes.ts";
import { isGraphTicket, type GraphTicket, type Ticket } from "../../src/ticket/ticket.ts";
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
  /**
   * The seed of stochastic rounding, which takes the place of the quantizers of layers and additions: a ticket and its target
   * then still give the same integers for the same seed. Default: quantizers.
   */
  readonly stochasticSeed?: bigint | number | string;
  readonly signal?: AbortSignal;
  /** Called after every piece of work with the multiplications done. */
  readonly onProgress?: (progress: Progress) => void;
}

/**
 * Runs inputs through a network, a graph, or the pruned network of a ticket.
 *
 * All engines and both passes give the same integers.
 * @param inputs Shape [samples, inputs], row by row, without the constant unit: integers of -2^m..2^m, where m is
 * `activationBits`. An image is [channels, height, width], row by row; a graph whose input is `nonnegative` takes 0..2^m.
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
  network: Network | Graph | Ticket | GraphTicket,
  inputs: ArrayLike<number>,
  { pass = "collapsed", stochasticSeed, ...options }: ForwardOptions = {},
): Promise<Float64Array> {
  const seed = stochasticSeed === undefined ? undefined : parse(seedSchema, stochasticSeed, "stochasticSeed");
  const rounded = (staged: StagedNetwork) => (seed === undefined ? staged : stochastic(staged, seed));
  if ("masks" in network && network.scheme.theorem === 2 && seed !== undefined)
    throw new RequestError(
      "stochasticSeed",
      "none for a ticket of Theorem 2",
      stochasticSeed,
      "its copies of a neuron would be rounded apart",
    );
  if ("masks" in network)
    return isGraphTicket(network)
      ? runGraph(engine, network.target, rounded(graphTicketStages(network, pass)), inputs, options)
      : runChain(
          engine,
          network.target,
          rounded(ticketStages(keptLayers(network), network.target, pass)),
          inputs,
          options,
        );
  return isGraph(network)
    ? runGraph(engine, network, rounded(graphStages(network)), inputs, options)
    : runChain(engine, network, rounded(networkStages(network)), inputs, options);
}

function runGraph(
  engine: Engine,
  { input: { shape, activationBits, nonnegative } }: Pick<Graph, "input">,
  staged: StagedNetwork,
  inputs: ArrayLike<number>,
  options: Omit<ForwardOptions, "pass">,
): Promise<Float64Array> {
  checkInputs(inputs, sizeOf(shape), 2 ** activationBits, nonnegative);
  return forwardStages(engine, staged, Int32Array.from(inputs), options);
}

function runChain(
  engine: Engine,
  activation: Pick<Network, "activationBits" | "constant">,
  staged: StagedNetwork,
  inputs: ArrayLike<number>,
  options: Omit<ForwardOptions, "pass">,
): Promise<Float64Array> {
  const columns = staged.elements;
  checkInputs(inputs, columns - Number(activation.constant), 2 ** activation.activationBits);
  const values = withConstant(activation, columns, Int32Array.from(inputs));
  return forwardStages(engine, staged, values, options);
}

/** The most numbers of a value of a batch, which bounds memory. */
const MAX_BATCH_NUMBERS = 2 ** 24;

/** Runs inputs through stages. @param inputs Shape [samples, elements of an input], row by row. */
export async function forwardStages(
  engine: Engine,
  {
    elements,
    largest,
    stages,
    finishOf,
  }: StagedNetwork & { readonly finishOf?: (stage: number) => Finish | undefined },
  inputs: Int32Array,
  { signal, onProgress }: Omit<ForwardOptions, "pass"> = {},
): Promise<Float64Array> {
  const samples = inputs.length / elements;
  const sizes = [elements, ...stages.map(elementsOf)];
  const rows = sizes.at(-1)!;
  const size = Math.max(1, Math.floor(MAX_BATCH_NUMBERS / Math.max(...sizes)));
  const total = stages.reduce((sum, stage) => sum + productsOf(stage), 0) * samples;
  let done = 0;
  const outputs = new Float64Array(samples * rows);
  for (let first = 0; first < samples; first += size) {
    const numbers = inputs.subarray(first * elements, (first + size) * elements);
    const values: (Value | undefined)[] = [{ numbers, elements, largest }];
    for (const [index, stage] of stages.entries()) {
      const reads = stage.from.map((value) => values[value]!);
      const value = await stageOutputs(engine, stage, reads, signal, (products) => {
        done += products;
        onProgress?.({ done, total });
      });
      const finish = finishOf?.(index);
      if (finish) {
        const sums = Float64Array.from(value.numbers);
        values.push({ ...value, numbers: sums, ...finish(sums, first) });
      } else values.push(value);
      // What no later stage reads makes room.
      for (const value of stage.from)
        if (!stages.slice(index + 1).some(({ from }) => from.includes(value))) values[value] = undefined;
    }
    outputs.set(values.at(-1)!.numbers, first * rows);
  }
  return outputs;
}

async function stageOutputs(
  engine: Engine,
  stage: Stage,
  reads: readonly Value[],
  signal: AbortSignal | undefined,
  onProducts: (products: number) => void,
): Promise<Value> {
  const [read] = reads as readonly [Value];
  const elements = elementsOf(stage);
  if (stage.kind === "transpose") return { ...read, numbers: transposed(stage.rows, stage.columns, read) };
  const runner = runnerOf(engine);
  let numbers: Numbers = new Int32Array((read.numbers.length / read.elements) * elements);
  let largest = 0;
  const run = async (block: OutputBlock) => ({ block, words: (await runner.run(block.work)).words });
  const blocks = outputBlocks(stage, reads);
  for await (const { block, words } of pump(blocks, run, { depth: runner.queueDepth, signal })) {
    if (block.largest >= 2 ** 31 && numbers instanceof Int32Array) numbers = new Float64Array(numbers);
    writeBlock(numbers, stage, block, words);
    largest = Math.max(largest, block.largest);
    onProducts(block.products);
  }
  return { numbers, elements, largest };
}

function checkInputs(inputs: ArrayLike<unknown>, columns: number, most: number, nonnegative = false): void {
  const least = nonnegative ? 0 : -most;
  if (!Array.isArray(inputs) && !(ArrayBuffer.isView(inputs) && !(inputs instanceof DataView)))
    throw new RequestError("inputs", "a list or a typed array of integers", inputs);
  if (inputs.length % columns !== 0)
    throw new RequestError("inputs", `${columns} numbers for each`, inputs.length);
  for (let i = 0; i < inputs.length; i++) {
    const value = inputs[i];
    if (!Number.isInteger(value) || (value as number) < least || (value as number) > most)
      throw new RequestError(
        `number ${(i % columns) + 1} of input ${Math.floor(i / columns) + 1}`,
        `an integer in ${least}..${most}`,
        value,
      );
  }
}
