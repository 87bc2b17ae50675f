// Loops of machine code, and what an iteration issues.

/** Named counts of what instructions issue. */
export type Counts = Readonly<Record<string, number>>;

export interface Instruction {
  readonly opcode: string;
  /** What the instruction issues, by the pipes of its processor. */
  readonly issues: Counts;
  /** What the instruction does to workgroup memory and bits, in words: the same names on every processor. */
  readonly does: Partial<Record<Feature, number>>;
  /** The instruction that a branch goes to. */
  readonly target?: number;
}

/**
 * Words of workgroup memory that are loaded and stored; population counts; atomic operations on any memory; exclusive ors; moves
 * between the lanes of a subgroup.
 */
export type Feature = "loads" | "stores" | "ones" | "atomics" | "xors" | "shuffles";

/** The instructions first..last, to the first of which a branch goes back. */
export interface Loop {
  readonly first: number;
  readonly last: number;
  readonly inner: readonly Loop[];
  /** What an iteration issues and does, without the iterations of inner loops. */
  readonly issues: Counts;
  readonly does: Counts;
}

export function add(a: Counts, b: Counts, times = 1): Counts {
  const sum: Record<string, number> = { ...a };
  for (const [name, count] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + times * count;
  return sum;
}

/** The loops of some code that are in no other loop, in order; a loop ends at the last branch to its head. */
export function loopsOf(code: readonly Instruction[]): Loop[] {
  const ends = new Map<number, number>();
  code.forEach(({ target }, at) => {
    // A branch to itself is the trap behind the end of a program.
    if (target !== undefined && target < at) ends.set(target, Math.max(ends.get(target) ?? 0, at));
  });
  const ranges = [...ends]
    .map(([first, last]) => ({ first, last }))
    .toSorted((a, b) => a.first - b.first || b.last - a.last);
  /** The loops among ranges from `at` on that lie in `last`, and the range after them. */
  function within(at: number, last: number): readonly [Loop[], number] {
    const found: Loop[] = [];
    while (at < ranges.length && ranges[at]!.first <= last) {
      const range = ranges[at]!;
      const [inner, next] = within(at + 1, range.last);
      let [issues, does]: Counts[] = [{}, {}];
      for (let i = range.first; i <= range.last; i++) {
        if (inner.some((loop) => loop.first <= i && i <= loop.last)) continue;
        issues = add(issues!, code[i]!.issues);
        does = add(does!, code[i]!.does);
      }
      found.push({ ...range, inner, issues: issues!, does: does! });
      at = next;
    }
    return [found, at];
  }
  return within(0, code.length)[0];
}

/** A loop and all loops inside it. */
export function* allLoops(loops: readonly Loop[]): Generator<Loop> {
  for (const loop of loops) {
    yield loop;
    yield* allLoops(loop.inner);
  }
}

/** The loops that have none inside them. */
export const innermost = (loops: readonly Loop[]): Loop[] =>
  [...allLoops(loops)].filter(({ inner }) => inner.length === 0);
