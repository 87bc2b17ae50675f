// The terms of the page and their meanings. A term opens its meaning on a tap or when it has the focus.

import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";

const meanings = {
  "random network":
    "A network whose weights were drawn by chance from a seed. Nothing was learned: the same seed draws the same weights on every computer.",
  weight: "A whole number by which a network multiplies a signal on its way from one unit to another.",
  pruning: "Cutting connections out of a network. The weights that are left keep their values.",
  ticket:
    "A seed, and a list of the weights that are kept. Whoever has both can draw the pruned network again.",
  "hidden unit":
    "A small detector between inputs and outputs; the network that reads digits has 32. It adds up its inputs, each times a weight, and passes the sum on if it is above 0.",
  "subset sum": "The sum of some of the given numbers. Each is taken once or left out; taking none gives 0.",
  target: "The sum that is asked for.",
  trial: "One draw of random numbers. The seed and the number of the trial determine it completely.",
  n: "The number of random numbers in a draw.",
  "half range": "M: numbers are drawn from −M..M, and so are the targets.",
  precision: "k: weights have k bits after the point, so that M = 2^k. For products of two weights M = 4^k.",
  "95 % interval":
    "The interval contains the true probability in at least 95 of 100 experiments (Clopper and Pearson). It narrows as trials are added.",
  "all covered": "Every target of −M..M is the sum of some of the numbers.",
  "half-way point": "The number of random numbers at which half of the draws reach every target.",
  "perfect partition":
    "Signs bring the total to −1, 0 or 1, so that the numbers split into two groups as equal as can be.",
  rssp: "Numbers are drawn evenly from −M..M without 0, and each is taken or left out.",
  rssp0: "Numbers are drawn evenly from −M..M with 0, and each is taken or left out.",
  rnpp: "Numbers are drawn evenly from 1..M, and each is added or subtracted.",
  products: "Each number is a product u · v of two random weights, u of 1..2^k and v of −2^k..2^k without 0.",
  products0: "Each number is a product u · v of two random weights, where v may also be 0.",
} as const;

type TermName = keyof typeof meanings;

interface TermProps {
  readonly name: TermName;
  /** The word in the sentence; by default the term itself. */
  readonly children?: ComponentChildren;
}

export function Term({ name, children = name }: TermProps) {
  const [isOpen, setOpen] = useState(false);
  const note = useRef<HTMLSpanElement>(null);
  const id = useId();
  // Moves the meaning to the left where it would leave the page.
  useLayoutEffect(() => {
    if (!isOpen || !note.current) return;
    const over = note.current.getBoundingClientRect().right - (document.documentElement.clientWidth - 8);
    if (over > 0) note.current.style.left = `${-over}px`;
  }, [isOpen]);
  return (
    <span class="term">
      <button
        type="button"
        aria-expanded={isOpen}
        aria-describedby={isOpen ? id : undefined}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        // A tap gives the focus in every browser but Safari.
        onClick={(event) => event.currentTarget.focus()}
        onKeyDown={(event) => event.key === "Escape" && setOpen(false)}
      >
        {children}
      </button>
      {isOpen && (
        <span role="note" id={id} ref={note}>
          {meanings[name]}
        </span>
      )}
    </span>
  );
}
