// The figures of `exacta paper`: what each of them tests, the command that draws it, and what is to be seen. docs/experiments.md
// is made of these texts.

/** A figure of a report: its title, and the part of the report that has it where several figures have that title. */
interface Pick {
  readonly title: string;
  /** A CSS selector of the part. */
  readonly within?: string;
}

export interface Exhibit {
  /** The name of its folder. */
  readonly name: string;
  readonly title: string;
  /** The statement that the figure tests, with its source. */
  readonly statement: string;
  /** What is seen, and where the asymptotics bite. */
  readonly seen: string;
  /** The command without `--out`, and its replacements for `--quick`. */
  readonly command: string;
  readonly quick: string;
  readonly figures: readonly Pick[];
}

/** The switched form of a report of `phase` that draws failures on a logarithmic axis. */
const FAILURES = ".form-1";

export const exhibits: readonly Exhibit[] = [
  {
    name: "coverage",
    title: "Enough random integers reach every target",
    statement:
      "Lemma 4 of Kumar & Natale (arXiv 2508.11020): if n is larger than log2 M by a constant factor, n random integers of -M..M, other than 0, have each target of -M..M as a subset sum with probability 1 - O(n^(-1/7)). The lemma is about one target at a time; to reach all of them is harder.",
    seen: "The share of instances that miss some target falls from 1 to below one per cent within about ten items, and the curves of all precisions have one shape. With the constants of its proof, Lemma 4 bounds failure by 2 n^(-1/7), which is at least 1 for n up to 128: targets are reached already for n at which the proof says nothing.",
    command: "phase --ensemble rssp --bits 4,6,8,10 --trials 1e7",
    quick: "phase --ensemble rssp --bits 4,6,8 --trials 5e5",
    figures: [
      { title: "Every target from −M to M", within: FAILURES },
      { title: "Target M, the largest", within: FAILURES },
    ],
  },
  {
    name: "zeros",
    title: "Items that may be 0",
    statement:
      "An item that is 0 serves no target. With zeros, n items are a binomial number of items without zeros, exactly.",
    seen: "The curves are those without zeros, with a share 1 / (2 M + 1) of the items lost. At M = 16 that is hardly to be seen; at M = 1 it decides how fast failure decays.",
    command: "phase --ensemble rssp0 --bits 0,1,2,4 --items 1..24 --trials 1e7",
    quick: "phase --ensemble rssp0 --bits 0,1,2,4 --items 1..24 --trials 5e5",
    figures: [{ title: "Every target from −M to M", within: FAILURES }],
  },
  {
    name: "products",
    title: "Products of two weights",
    statement:
      "Lemma 5: a weight is a subset sum of products u v of two random weights, as a hidden unit makes them. The proof leaves products out until the rest are uniform; here all products are kept.",
    seen: "Products have many small values and common divisors. They need a few items more than uniform ones, and failure decays more slowly, because it is far likelier that all items are even. For products k bits mean M = 4^k.",
    command: "phase --ensemble products --bits 1,2,3,4 --trials 1e7",
    quick: "phase --ensemble products --bits 1,2,3 --trials 5e5",
    figures: [{ title: "Every target from −M to M", within: FAILURES }],
  },
  {
    name: "tail",
    title: "How failure decays",
    statement:
      "As n grows at fixed M, the ratio of P(some target is missed) to 2 R_n(M) tends to 1, where R_n(M) is the probability that the positive items add up to less than M. This was found numerically and is not proven. The follow-up paper has the form 2 exp(-(n - C ln(M + 1))^2 / (kappa n)); its constants are fitted here.",
    seen: "The ratio approaches 1 slowly for large M: at M = 8 it is 1.002 at n = 40, at M = 64 it is still 1.13 to 1.14 at n = 64 (a million trials; fewer trials are off by some per cent). The factor by which one item more multiplies the probability changes slowly. Below 1e-9 no count of failures could see any of this.",
    command: "tail --ensemble rssp --half-range 8,64,1024 --items 1..64",
    quick: "tail --ensemble rssp --half-range 8,64 --items 1..64 --trials 2000",
    figures: [{ title: "How failure decays: rssp" }, { title: "rssp, k = 3 (M = 8)" }],
  },
  {
    name: "tail-products",
    title: "How failure decays for products",
    statement:
      "Common divisors bound the failure of products from below: with probability (3/4)^n all products of M = 16 are even, and then no odd target is reached.",
    seen: "For large n the divisors decide: the probability joins the line of common divisors, far above 2 R_n(M).",
    command: "tail --ensemble products --half-range 4,16 --items 1..64",
    quick: "tail --ensemble products --half-range 4,16 --items 1..40 --method conditional --trials 5000",
    figures: [{ title: "How failure decays: products" }],
  },
  {
    name: "partition",
    title: "Perfect partitions",
    statement:
      "Borgs, Chayes and Pittel (2001): at fixed lambda = log2 M - n + (log2 n) / 2, the probability that n random numbers of 1..M split into two groups whose totals differ by at most 1 tends to 1 - q (1 + q) / 2 with q = exp(-sqrt(3 / (2 pi)) 2^-lambda).",
    seen: "All n fall on one curve. Near lambda = 0 the measurements are about 0.1 / n below the limit; from n = 12 on half of this gap is because the mean number of solutions at finite n is not yet its limit. A single measurement may lie above by chance: its interval is drawn.",
    command: "phase --ensemble rnpp --lambda -4..4 --items 8,12,16,20,24,28,30 --trials 2e4",
    quick: "phase --ensemble rnpp --lambda -4..4 --items 8,12,16,20 --trials 5000",
    figures: [{ title: "Perfect partitions at fixed λ" }],
  },
  {
    name: "within",
    title: "Sums near their targets",
    statement:
      "The follow-up asks for the first n at which every target of -M..M has a subset sum at most D away. Only the ratio of M to 2 D + 1 should matter: an interval of 2 D + 1 sums then counts as one.",
    seen: "With D = 1 and M = 64, a third of all instances miss some target with 10 items, and with D = 0 it takes between 11 and 12: the distance saves little more than one item, where log2 (2 D + 1) is 1.6, however rare failure is to be. M = 21 with D = 0 is half an item better.",
    command: "phase --half-range 64 --within 1 --items 4..20 --trials 1e5",
    quick: "phase --half-range 64 --within 1 --items 4..16 --trials 1e4",
    figures: [{ title: "Every target from −M to M", within: FAILURES }],
  },
  {
    name: "size",
    title: "Subsets of a fixed size",
    statement:
      "Natale and others ask for subsets of exactly s of the n items. There are n choose s of them instead of 2^n, so that n grows with the root of order s of M instead of its logarithm.",
    seen: "With subsets of four, M = 16 takes two to three items more than with subsets of any size. From there on each further item takes away the same share of the failures, somewhat more than two fifths, as with subsets of any size.",
    command: "phase --half-range 16 --size 4 --items 4..24 --trials 1e5",
    quick: "phase --half-range 16 --size 4 --items 4..16 --trials 1e4",
    figures: [{ title: "Every target from −M to M", within: FAILURES }],
  },
  {
    name: "width",
    title: "How wide a random network must be",
    statement:
      "Theorem 1: a random network of twice the depth contains every network of lower precision, if each input has enough hidden units. Theorem 3: a network with fewer nonzero parameters than the logarithm of the number of choices of weights has no mask for some choice.",
    seen: "The hidden units grow in proportion to the bits of the layers, as Theorem 3 demands. The parameters are several times those that it counts: each weight has a subset sum of its own.",
    command: "width --bits 1..5 --width 1,4,8 --trials 500",
    quick: "width --bits 1,2,3 --width 1,4 --trials 100",
    figures: [{ title: "Hidden units against precision" }],
  },
  {
    name: "depth",
    title: "Depth and width",
    statement:
      "Theorem 1 for several layers: a network contains its target if it contains each weight of each layer, so that failures add up over depth times width squared.",
    seen: "With weights of -1, 0 and 1 the failure of every size is known exactly, so that measurements differ from theory by chance alone. Each further hidden unit takes away nearly the same factor, three quarters, whatever the size: more weights move the curve to the right. Dots follow the exact lines down to one failure among all networks that were drawn; a row of dots at one height is the same few failures, seen again with each unit more.",
    command: "width --bits 0 --target-bits 0 --width 1,4,8 --depth 1,2,4 --trials 3000",
    quick: "width --bits 0 --target-bits 0 --width 1,2,4 --depth 1,2 --trials 200",
    figures: [{ title: "Depth and width, k = 0" }],
  },
];
