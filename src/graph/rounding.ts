// Stochastic rounding of activations: a sum a in a unit 2^s times finer than the output becomes (a + r) >> s, with r uniform on
// 0..2^s - 1, so that its mean is a / 2^s exactly.
//
// A ticket has sums a << d and removes s + d bits of them. Then ((a << d) + r) >> (s + d) = (a + (r >> d)) >> s: it equals its
// target on every path if the target takes the top s bits of the same r. So r is made of the top bits of one fraction of 52 bits
// for each input, layer and output.

import { streamKey, threefry2x32 } from "../random.ts";
import { elementsOf, type ComputedStage, type Stage, type StagedNetwork } from "./stages.ts";

/** The first stream of a seed that rounds. Lower streams draw ensembles and networks. */
const ROUNDING_STREAM = 2 ** 19;
/** The bits of a fraction. */
const FRACTION_BITS = 52;

/** Whether a stage rounds sums by a power of two: a layer, logits or an addition. Averages keep their quantizer. */
function rounds(stage: Stage): stage is ComputedStage {
  return (
    (stage.kind === "linear" ||
      stage.kind === "bilinear" ||
      (stage.kind === "pool" && stage.from.length > 1)) &&
    stage.epilogue.shift > 0
  );
}

/** What becomes of the exact sums of a stage, in place; `first` is the index of their first input. */
export type Finish = (sums: Float64Array, first: number) => { readonly largest: number };

/**
 * The stages of a network with stochastic rounding: where they round, they pass exact sums on, which `finishOf` completes.
 * @param seed Draws the fractions.
 */
export function stochastic(
  staged: StagedNetwork,
  seed: bigint,
): StagedNetwork & { readonly finishOf: (stage: number) => Finish | undefined } {
  const finishes: (Finish | undefined)[] = [];
  let layers = 0;
  const stages = staged.stages.map((stage): Stage => {
    const isRounded = rounds(stage);
    finishes.push(isRounded ? finishOf(stage, seed, layers++) : undefined);
    if (!isRounded) return stage;
    return { ...stage, epilogue: { ...stage.epilogue, shift: 0, relu: false, clamp: false } };
  });
  return { ...staged, stages, finishOf: (stage) => finishes[stage] };
}

function finishOf(stage: ComputedStage, seed: bigint, layer: number): Finish {
  const { shift, relu, clamp, activationBits } = stage.epilogue;
  const elements = elementsOf(stage);
  const key = streamKey(seed, [ROUNDING_STREAM + layer, 0]);
  const [unit, drop] = [2 ** shift, 2 ** (FRACTION_BITS - shift)];
  const most = clamp ? 2 ** activationBits : Infinity;
  const least = relu ? 0 : -most;
  return (sums, first) => {
    let largest = 0;
    for (let i = 0; i < sums.length; i++) {
      const [x, y] = threefry2x32(key, [first + Math.floor(i / elements), i % elements]);
      const random = Math.floor((x * 2 ** 20 + (y >>> 12)) / drop);
      const quotient = Math.floor(sums[i]! / unit);
      const rounded = quotient + Number(sums[i]! - quotient * unit + random >= unit);
      const output = Math.min(Math.max(rounded, least), most);
      sums[i] = output;
      largest = Math.max(largest, Math.abs(output));
    }
    return { largest };
  };
}
