// A sweep: one configuration of the phase experiment, from its plan to its findings and their theory. Tables, files,
// reports and checks take sweeps, so none of them has to find out which findings belong together.

import type { PhaseFinding, TheoryFinding } from "../finding.ts";
import { plan, type PhaseConfig, type PlannedPhase } from "./phase.ts";

/** What tables and figures need of a sweep. */
export interface MeasuredSweep {
  readonly config: PhaseConfig;
  /** One for each number of items, in ascending order; empty where no batch of trials was finished. */
  readonly findings: readonly PhaseFinding[];
  /** One for each number of items, in the order of the findings; empty where no theory was computed. */
  readonly theory: readonly TheoryFinding[];
}

export interface Sweep extends PlannedPhase, MeasuredSweep {}

/** The sweep of a configuration before anything is measured. */
export function planSweep(config: PhaseConfig): Sweep {
  return { config, plan: plan(config), findings: [], theory: [] };
}

/** The most targets of a sweep that figures and tables show. */
export const MAX_SHOWN_TARGETS = 4;

/**
 * The targets that represent a sweep where there is no room for all: 0, 1, M and -M before the others, which keep their
 * order. All of them, as they were asked for, where there are at most `limit`.
 */
export function representativeTargets(
  { targets, halfRange }: Pick<PhaseConfig, "targets" | "halfRange">,
  limit = MAX_SHOWN_TARGETS,
): readonly number[] {
  if (targets.length <= limit) return targets;
  const first = new Set([0, 1, halfRange, -halfRange].filter((target) => targets.includes(target)));
  return [...first, ...targets.filter((target) => !first.has(target))].slice(0, limit);
}

/** The sweep with nothing but its representative targets. */
export function representativeSweep(sweep: MeasuredSweep): MeasuredSweep {
  const targets = representativeTargets(sweep.config);
  if (targets.length === sweep.config.targets.length) return sweep;
  const shown = new Set(targets);
  return {
    ...sweep,
    config: { ...sweep.config, targets },
    findings: sweep.findings.map((finding) => ({
      ...finding,
      targets: finding.targets.filter(({ target }) => shown.has(target)),
    })),
  };
}
