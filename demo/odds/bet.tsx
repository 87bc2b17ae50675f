// The bet: how many numbers make every target in half of the draws, and how near the visitor came.

import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import type { PhaseConfig } from "../../src/experiments/phase.ts";
import type { PhaseFinding } from "../../src/finding.ts";
import { numberText, percentText } from "../number.ts";
import { CHART_MARGIN } from "../parts/chart.tsx";

interface BetProps {
  readonly config: PhaseConfig;
  /** Of the configuration; empty before the first report. */
  readonly findings: readonly PhaseFinding[];
  readonly bet: number | undefined;
  /** The number on which the visitor would bet. */
  readonly guess: number;
  /** Whether the visitor may bet. */
  readonly isOpen: boolean;
  readonly onGuess: (guess: number) => void;
  readonly onBet: () => void;
  /** The chart, above whose axis the slider moves. */
  readonly children: ComponentChildren;
}

export function Bet({ config, findings, bet, guess, isOpen, onGuess, onBet, children }: BetProps) {
  const id = useId();
  const { from, to } = config.items;
  return (
    <>
      {isOpen && (
        <p>
          <label for={id}>{question(config)} Drag your bet.</label>
        </p>
      )}
      {bet !== undefined && (
        <p class="verdict" role="status">
          {verdict(bet, config, findings)}
        </p>
      )}
      {children}
      {isOpen && (
        <div class="bet" data-first>
          <input
            id={id}
            type="range"
            min={from}
            max={to}
            value={guess}
            // The slider's ends are the ends of the axis of the chart.
            style={{ margin: `0 ${CHART_MARGIN.right}px 0 ${CHART_MARGIN.left}px` }}
            aria-valuetext={`${guess} numbers`}
            onInput={(event) => onGuess(event.currentTarget.valueAsNumber)}
          />
          <button type="button" class="main" onClick={onBet}>
            Bet on {guess}, and count
          </button>
        </div>
      )}
    </>
  );
}

function question({ ensemble, halfRange }: PhaseConfig): string {
  const most = numberText(halfRange);
  if (ensemble === "rnpp")
    return `Draw some random numbers from 1 to ${most}. How many do you need, so that half the time they split into two groups with the same total, or totals that differ by 1?`;
  return `Draw some random numbers between −${most} and ${most}. How many do you need, so that half the time they can make every number from −${most} to ${most}?`;
}

/** The fewest numbers that are enough in half of the trials, beside the bet. */
function verdict(bet: number, { ensemble }: PhaseConfig, findings: readonly PhaseFinding[]): string {
  const shares = findings.map(({ items, covered, perfect }) => ({
    items,
    share: (covered ?? perfect)!.probability,
  }));
  const last = shares.at(-1);
  if (!last) return `You bet ${bet}.`;
  const works = ensemble === "rnpp" ? "of draws split evenly" : "of draws make every target";
  const at = shares.findIndex(({ share }) => share >= 0.5);
  if (at === -1)
    return `You bet ${bet}. You need more than ${last.items}: with ${last.items}, ${percentText(last.share)} ${works}.`;
  const { items, share } = shares[at]!;
  const before = shares[at - 1];
  const need = before
    ? `with ${before.items}, ${percentText(before.share)} ${works}; with ${items}, ${percentText(share)}`
    : `with ${items}, ${percentText(share)} ${works}`;
  const miss =
    bet === items
      ? "You bet right."
      : `Your bet of ${bet} was ${Math.abs(bet - items)}\u00a0too\u00a0${bet < items ? "few" : "many"}.`;
  return `You need ${items}: ${need}. ${miss}`;
}
