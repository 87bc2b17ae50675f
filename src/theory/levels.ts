// Binary weights in depth: how often random networks with weights of -1 and 1 contain weights of k_t bits as sums of powers of
// two (Sreenivasan, Rajput, Sohn & Papailiopoulos 2022, on integers).
//
// An input and a sign have levels 0..k_t. Level j has c copies of each of x, 2 x, ..., 2^j x. A copy of a lower power is carried
// from one copy of it in the level below, by an edge of weight 1. A copy of the power 2^j is the sum of two copies of 2^(j-1) x.
// An output then takes one copy for each binary digit of its weight, by an edge of the sign of the weight. All edges are drawn
// once and kept or pruned, and no two of these choices share an edge. So their probabilities multiply.

/** P(at least one, at least two of `copies` edges have weight 1), each with probability `share`. */
function edges(copies: number, share: number) {
  const none = (1 - share) ** copies;
  return { one: 1 - none, two: 1 - none - copies * share * (1 - share) ** (copies - 1) };
}

/** The law of an edge: whether it may be 0, besides -1 and 1. */
export interface EdgeLaw {
  readonly zero?: boolean;
}

const shareOf = ({ zero = false }: EdgeLaw) => (zero ? 1 / 3 : 1 / 2);

/**
 * P(the levels of one input and sign exist).
 * @param targetBits k_t, 0 or more: the highest power is 2^k_t.
 * @param copies c, 1 or more.
 */
export function levelsProbability(targetBits: number, copies: number, law: EdgeLaw = {}): number {
  const { one, two } = edges(copies, shareOf(law));
  let probability = 1;
  for (let j = 0; j < targetBits; j++) probability *= two ** copies * one ** (copies * (j + 1));
  return probability;
}

/** P(an output finds a copy for each binary digit of a weight). */
export function digitsProbability(weight: number, copies: number, law: EdgeLaw = {}): number {
  const { one } = edges(copies, shareOf(law));
  let digits = 0;
  for (let rest = Math.abs(weight); rest > 0; rest = Math.floor(rest / 2)) digits += rest % 2;
  return one ** digits;
}

/**
 * P(at least `copies` of the first units of an input have either sign, or weight 1 if the input is never negative).
 * @param units The units of the input.
 */
export function firstLevelProbability(
  units: number,
  copies: number,
  { zero = false }: EdgeLaw = {},
  signed = true,
): number {
  if (!signed) return firstUnitsProbability(units, copies, shareOf({ zero }));
  // Multinomial over the numbers of units of weight 1 and of weight -1.
  const share = zero ? 1 / 3 : 1 / 2;
  const logs = [0];
  for (let n = 1; n <= units; n++) logs.push(logs[n - 1]! + Math.log(n));
  let probability = 0;
  for (let plus = copies; plus <= units - copies; plus++)
    for (let minus = copies; minus <= units - plus; minus++) {
      const rest = units - plus - minus;
      if (!zero && rest > 0) continue;
      probability += Math.exp(
        logs[units]! - logs[plus]! - logs[minus]! - logs[rest]! + units * Math.log(share),
      );
    }
  return Math.min(probability, 1);
}

/** P(at least `copies` of `units` have weight 1, each with probability `share`). */
function firstUnitsProbability(units: number, copies: number, share: number): number {
  let [ways, fewer] = [(1 - share) ** units, 0];
  for (let plus = 0; plus < copies && plus <= units; plus++) {
    fewer += ways;
    ways *= ((units - plus) / (plus + 1)) * (share / (1 - share));
  }
  return Math.max(0, 1 - fewer);
}

/**
 * The fewest copies with which the levels of an input and a sign exist with a probability.
 * @param probability Below 1.
 */
export function fewestCopies(targetBits: number, probability: number, law: EdgeLaw = {}): number {
  let copies = 1;
  while (levelsProbability(targetBits, copies, law) < probability) copies++;
  return copies;
}
