// The probability that subset sums miss a target, exactly, for any number of items: a dynamic program over states.
//
// A trial is drawn in two steps: magnitudes, and then fair signs. The negative items sum to -p, so a target t is reached if and
// only if t + p is a subset sum of the magnitudes. A state is the set S of these subset sums, as a bitset on 0..T where T is
// their total; under it lie the probabilities of the state together with each p. A magnitude a turns S into S | (S << a), and
// p into p or p + a. Nothing subtracts, so that small probabilities keep their digits.
//
// Without more, S grows with every item. But its middle becomes periodic, and then its length does not matter. Let S agree on
// L..T-L with the set of all integers whose residue modulo g is in Q, let every element of S have its residue in Q, and let
// T - 2 L be at least (g + 1) M. A magnitude a either adds residues to Q, at most g - 1 times in all, and then the periodic part
// begins a later; or Q + a = Q, and then it begins no later. So whatever follows, the part from L + (g - 1) M on is periodic,
// with the same residues for any T that leaves it long enough. With l = L + g M, the windows p-M..p+M of all p in l..T-l depend
// on p modulo g alone, now and later. So the places l..T-l are cut to fewer than 2 g, and their probabilities are added up by p
// modulo g. The number of states is then finite: 923 for M = 8, 19,595 for M = 12 (measured).

/** A transition to another state. The places from..to of the longer set are periodic, and `removed` of them are cut. */
interface Transition {
  readonly next: State;
  readonly from: number;
  readonly to: number;
  readonly period: number;
  readonly removed: number;
}

interface State {
  /** S, an entry of 0 or 1 for each of 0..T. It is a palindrome. */
  readonly sums: Uint8Array;
  /** By magnitude; filled in when the state is first left. */
  transitions: readonly (Transition | undefined)[] | undefined;
  /** The probabilities of this state with each p, after the items so far and with one item more. */
  now: Float64Array;
  later: Float64Array | undefined;
  /** The p for which some target of -M..M is missed, and for each target asked for those for which it is. */
  readonly uncovered: Int32Array;
  readonly missing: readonly Int32Array[];
}

/** The probabilities of failure for n = 0, 1, ... items. */
export interface ExactFailures {
  /** P(some target of -M..M is missed). */
  readonly covered: Float64Array;
  /** P(a target is missed), for each target in the order asked. */
  readonly targets: readonly Float64Array[];
}

/**
 * The exact probabilities of failure for 0..`items` items whose signs are fair: those of `failuresByItems` as columns. It yields
 * after each number of items.
 */
export function* exactFailures(
  magnitudes: ArrayLike<number>,
  items: number,
  targets: readonly number[],
): Generator<void, ExactFailures, undefined> {
  const covered = new Float64Array(items + 1);
  const missed = targets.map(() => new Float64Array(items + 1));
  const rows = failuresByItems(magnitudes, targets);
  for (let n = 0; n <= items; n++) {
    const [all, ...each] = rows.next().value;
    covered[n] = all!;
    for (const [t, failure] of each.entries()) missed[t]![n] = failure;
    yield;
  }
  return { covered, targets: missed };
}

/** The result of a computation in steps. */
export function resultOf<T>(steps: Generator<void, T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/**
 * The exact probabilities of failure for 0, 1, ... items whose signs are fair: that of some target of -M..M, and then that of
 * each target asked for.
 * @param magnitudes The probability of each magnitude 0..M; that of 0 is 0.
 * @param targets Each in -M..M.
 */
export function* failuresByItems(
  magnitudes: ArrayLike<number>,
  targets: readonly number[],
): Generator<number[], never, undefined> {
  const most = magnitudes.length - 1;
  const states = new Map<string, State>();
  const stateOf = (sums: Uint8Array): State => {
    const key = keyOf(sums);
    let state = states.get(key);
    if (!state) {
      const missing = targets.map((target) => missingPlaces(sums, target, target));
      const uncovered = missingPlaces(sums, -most, most);
      const now = new Float64Array(sums.length);
      states.set(key, (state = { sums, transitions: undefined, now, later: undefined, uncovered, missing }));
    }
    return state;
  };
  const transitionsOf = (state: State) =>
    (state.transitions ??= Array.from({ length: most + 1 }, (_, a) => {
      if (magnitudes[a] === 0) return undefined;
      const longer = withMagnitude(state.sums, a);
      const cut = cutOf(longer, most);
      return { ...cut, next: stateOf(cutSums(longer, cut)) };
    }));

  const start = stateOf(Uint8Array.of(1));
  start.now[0] = 1;
  let reached = new Set([start]);
  for (;;) {
    const failures = Array.from({ length: 1 + targets.length }, () => 0);
    for (const { now, uncovered, missing } of reached) {
      failures[0]! += sumAt(now, uncovered);
      for (let t = 0; t < missing.length; t++) failures[1 + t]! += sumAt(now, missing[t]!);
    }
    yield failures;
    const following = new Set<State>();
    for (const state of reached) {
      for (const [a, transition] of transitionsOf(state).entries()) {
        if (!transition) continue;
        following.add(transition.next);
        enterPositive(state.now, magnitudes[a]! / 2, transition);
      }
      state.now.fill(0);
    }
    for (const state of following) {
      [state.now, state.later] = [state.later!, state.now];
      addMirrored(state.now);
    }
    reached = following;
  }
}

function sumAt(values: Float64Array, places: Int32Array): number {
  let sum = 0;
  for (let i = 0; i < places.length; i++) sum += values[places[i]!]!;
  return sum;
}

/** Adds the probabilities of a state, times `share`, to the next one, for a positive item: p stays. */
function enterPositive(now: Float64Array, share: number, transition: Transition): void {
  const { next, from, to, period, removed } = transition;
  const later = (next.later ??= new Float64Array(next.sums.length));
  const low = removed === 0 ? now.length : Math.min(from, now.length);
  const high = removed === 0 ? now.length : Math.min(to + 1, now.length);
  let p = 0;
  for (; p < low; p++) later[p]! += share * now[p]!;
  for (let residue = 0; p < high; p++) {
    later[from + residue]! += share * now[p]!;
    if (++residue === period) residue = 0;
  }
  for (; p < now.length; p++) later[p - removed]! += share * now[p]!;
}

/** Adds what negative items give. Signs are fair, so that it is what positive items give with p and T - p exchanged. */
function addMirrored(values: Float64Array): void {
  for (let p = 0, mirror = values.length - 1; p <= mirror; p++, mirror--)
    values[p] = values[mirror] = values[p]! + values[mirror]!;
}

/** S | (S << a). */
function withMagnitude(sums: Uint8Array, a: number): Uint8Array {
  const longer = new Uint8Array(sums.length + a);
  longer.set(sums);
  for (let s = 0; s < sums.length; s++) longer[s + a]! |= sums[s]!;
  return longer;
}

/** The cut that leaves the fewest places of a set; `removed` is 0 where there is none. */
function cutOf(sums: Uint8Array, most: number): Omit<Transition, "next"> {
  const total = sums.length - 1;
  let best = { from: 0, to: total, period: 1, removed: 0 };
  for (let period = 1; period <= most; period++) {
    // The set is a palindrome, so that its lower half decides where it is periodic.
    let begin = (total - period) >> 1;
    while (begin >= 0 && sums[begin] === sums[begin + period]) begin--;
    begin++;
    const from = begin + period * most;
    const places = total - 2 * from + 1;
    const removed = places < 2 * period ? 0 : (Math.floor(places / period) - 1) * period;
    if (removed > best.removed && hasResiduesOf(sums, begin, period))
      best = { from, to: total - from, period, removed };
  }
  return best;
}

/** Whether every element of a set below `begin` is, modulo the period, an element of its periodic part, which begins there. */
function hasResiduesOf(sums: Uint8Array, begin: number, period: number): boolean {
  for (let s = 0; s < begin; s++)
    if (sums[s] === 1 && sums[begin + ((((s - begin) % period) + period) % period)] === 0) return false;
  return true;
}

function cutSums(sums: Uint8Array, { from, removed }: Omit<Transition, "next">): Uint8Array {
  if (removed === 0) return sums;
  const shorter = new Uint8Array(sums.length - removed);
  shorter.set(sums.subarray(0, from));
  shorter.set(sums.subarray(from + removed), from);
  return shorter;
}

/** The p for which some target of low..high is missed: p + target is no element of the set. */
function missingPlaces(sums: Uint8Array, low: number, high: number): Int32Array {
  const places: number[] = [];
  for (let p = 0; p < sums.length; p++) {
    let target = low;
    while (target <= high && sums[p + target] === 1) target++;
    if (target <= high) places.push(p);
  }
  return Int32Array.from(places);
}

/** A text that tells sets apart: 15 places a character, and the length. */
function keyOf(sums: Uint8Array): string {
  const codes = [sums.length];
  for (let s = 0; s < sums.length; s += 15) {
    let code = 0;
    for (let i = s; i < Math.min(s + 15, sums.length); i++) code = 2 * code + sums[i]!;
    codes.push(code);
  }
  return String.fromCharCode(...codes);
}
