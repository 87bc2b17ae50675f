// Odds: how often random numbers reach their targets, counted live; first the visitor bets.

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { PhaseConfig } from "../../src/experiments/phase.ts";
import { representativeSweep } from "../../src/experiments/sweep.ts";
import type { Figure, FigurePoint } from "../../src/figures/figure.ts";
import { ITEMS, phaseEvents, phaseFigures, type Subject } from "../../src/figures/phase.ts";
import { asksForTrials, commandOf, configsOf, fields, type Inputs, type Scale } from "../odds/inputs.ts";
import { Bet } from "../odds/bet.tsx";
import { Experiment } from "../odds/experiment.tsx";
import { drawLike, fitsSums, type Draw } from "../odds/like.ts";
import { useRun, type Run } from "../odds/run.ts";
import { markPicture } from "../mark.ts";
import { counted, numberText, percentText } from "../number.ts";
import { exported, openWith, page } from "../page.ts";
import { Chart, Legend, type Action } from "../parts/chart.tsx";
import { ComputedBy, refusesEngine } from "../parts/engine.tsx";
import { RadioInput } from "../parts/form.tsx";
import { Next } from "../parts/link.tsx";
import { NumbersTable } from "../parts/numbers.tsx";
import { Problem } from "../parts/problem.tsx";
import { Shown } from "../parts/shown.tsx";
import type { Session, View } from "../session.ts";
import { Term } from "../words.tsx";
import "./odds.css";

export const view: View<Inputs> = { fields, check: configsOf, Component: Odds };

function Odds({ session }: { readonly session: Session<Inputs> }) {
  const inputs = session.inputs.value;
  const { engine, embed } = page.inputs.value;
  const { ensemble, bits, items, targets, trials, seed, scale, bet } = inputs;
  const key = JSON.stringify([ensemble, bits, items, targets, trials, seed, engine]);
  const configs = useMemo(() => configsOf(inputs), [key]);
  // Settings that are changed before the bet leave the question; trials that were begun go on with other settings.
  const isBegun = useRef(asksForTrials(inputs));
  isBegun.current ||= bet !== undefined;
  const { run, pause, resume } = useRun(isBegun.current ? { key, engine, configs } : undefined);
  const draws = useMemo(() => new Map<string, Draw | undefined>(), [configs]);
  const charts = useMemo(() => chartsOf(configs, run, draws), [configs, run.findings, run.theory]);
  const [draft, setDraft] = useState<number>();
  const asked = middleOf(configs);
  const { from, to } = asked.items;
  const guess = bet ?? draft ?? Math.round((from + to) / 2);
  // The form shows the problems of its fields.
  const problems = Object.entries(session.problems.value)
    .filter(([name]) => embed || name === "bet" || name === "scale")
    .map(([, text]) => text);
  useExports(configs, inputs, run, charts);

  const mark =
    run.state === "idle" || bet !== undefined
      ? { x: guess, text: bet === undefined ? "your bet?" : "your bet" }
      : undefined;
  const [main, ...others] = charts as [LiveChart, ...LiveChart[]];
  const strong = configs.indexOf(asked);
  const isBet = mark !== undefined;
  const chart = ({ figure, subject, configs, actionsOf }: LiveChart) => (
    <Chart
      key={figure.title}
      figure={figure}
      scale={scale}
      label={axisText(subject, scale)}
      x={{ from, to }}
      strong={strong}
      start={guess}
      mark={subject === main.subject && mark && mark.x >= from && mark.x <= to ? mark : undefined}
      describe={(s, point) => pointText(configs[s]!, point, scale)}
      actionsOf={actionsOf}
    />
  );
  return (
    <section class="odds" data-state={run.state}>
      <div class="story">
        <h1>How many random numbers are enough?</h1>
        <p>
          With too few, almost no draw makes every <Term name="target" />. With a few more, almost every draw
          does. It takes about one number more each time the <Term name="half range">range</Term> of the
          numbers doubles: Lemma 4 of{" "}
          <a href="https://arxiv.org/abs/2508.11020">Quantization vs Pruning (Kumar and Natale, 2025)</a>.
        </p>
      </div>
      <div class="results">
        <Bet
          config={asked}
          findings={run.findings[configs.indexOf(asked)] ?? []}
          bet={bet}
          guess={guess}
          isOpen={run.state === "idle"}
          onGuess={setDraft}
          onBet={() => session.set({ bet: guess })}
        >
          {run.findings.length > 0 && (
            <Legend
              figures={[main.figure, ...others.map(({ figure }) => figure)]}
              scale={scale}
              strong={{ series: strong, text: isBet ? " (your bet)" : "" }}
            />
          )}
          {chart(main)}
        </Bet>
        {run.state !== "idle" && (
          <div class="row running" data-first>
            {run.state === "running" && (
              <button type="button" class="main" onClick={pause}>
                Pause
              </button>
            )}
            {run.state === "paused" && (
              <button type="button" class="main" onClick={resume}>
                Continue
              </button>
            )}
            <span class="count">{countText(run)}</span>
            <RadioInput
              session={session}
              name="scale"
              legend={<span class="unseen">What the charts show</span>}
              choices={scaleTexts}
            />
          </div>
        )}
        {problems.map((text) => (
          <Problem key={text} text={text} />
        ))}
        {run.error && (embed || !refusesEngine(run.error)) && <Problem text={run.error.message} />}
        <div class="others">{others.map(chart)}</div>
        <Numbers run={run} />
      </div>
      {!embed && <Experiment view={view} session={session} error={run.error} />}
      {!embed && (
        <Next name="precision">The same change comes at every precision, a little later each time.</Next>
      )}
      <Shown value={{ state: run.state, trials: run.report?.trials ?? [], findings: run.findings.flat() }} />
    </section>
  );
}

/** The sweep that the bet is about. */
const middleOf = (configs: readonly PhaseConfig[]) => configs[Math.floor(configs.length / 2)]!;

interface LiveChart {
  readonly figure: Figure;
  readonly subject: Subject;
  /** The configuration of each series. */
  readonly configs: readonly PhaseConfig[];
  readonly actionsOf: (series: number, point: FigurePoint) => readonly Action[];
}

/** Draws like points, which are looked for once. */
type Draws = Map<string, Draw | undefined>;

/** The chart of all targets together, and then one for each target. Before the first report it is empty. */
function chartsOf(configs: readonly PhaseConfig[], { findings, theory }: Run, draws: Draws): LiveChart[] {
  const sweeps = configs.map((config, i) =>
    representativeSweep({ config, findings: findings[i] ?? [], theory: theory[i] ?? [] }),
  );
  const events = phaseEvents(sweeps);
  if (events.length === 0) return [emptyChart(configs)];
  const figures = phaseFigures(events);
  const charts = events.map(({ subject, sweeps }, e) => {
    const configs = sweeps.map(({ config }) => config);
    return { figure: figures[e]!, subject, configs, actionsOf: drawsLike(configs, subject, draws) };
  });
  return [charts.at(-1)!, ...charts.slice(0, -1)];
}

/** Links to draws in Sums: one that makes its target, and one that does not. */
function drawsLike(configs: readonly PhaseConfig[], subject: Subject, draws: Draws): LiveChart["actionsOf"] {
  if (!configs.every(fitsSums)) return () => [];
  return (s, { x }) =>
    ([true, false] as const).flatMap((works) => {
      const key = [subject, configs[s]!.halfRange, x, works].join(" ");
      if (!draws.has(key)) draws.set(key, drawLike(configs[s]!, x, subject, works));
      const draw = draws.get(key);
      if (!draw) return [];
      const text = works ? "See a draw that works" : "See one that fails";
      return [{ text, act: () => void openWith("sums", { ...draw, chosen: [], from: "odds" }) }];
    });
}

function emptyChart(configs: readonly PhaseConfig[]): LiveChart {
  const isSigned = configs[0]!.ensemble === "rnpp";
  return {
    figure: {
      title: isSigned ? "Perfect partition" : "Every target from −M to M",
      caption: "",
      x: ITEMS,
      y: { label: "", domain: [0, 1] },
      legend: "",
      series: [],
    },
    subject: isSigned ? "perfect" : "covered",
    configs: [],
    actionsOf: () => [],
  };
}

/** What a draw does when it counts, after `make`, and what it does not after `do not`. */
function axisText(subject: Subject, scale: Scale): string {
  const draws = scale === "shares" ? "Share of draws that" : "Share of draws that do not";
  if (subject === "perfect") return `${draws} split evenly`;
  return `${draws} make ${subject === "covered" ? "every target" : String(subject).replace("-", "−")}`;
}

/** `12 numbers up to 64: 73.5 % of draws`, with the interval. */
function pointText({ halfRange }: PhaseConfig, { x, y, low, high }: FigurePoint, scale: Scale): string {
  const [share, from, to] = scale === "shares" ? [y, low, high] : [1 - y, 1 - high, 1 - low];
  const draws = scale === "shares" ? "of draws" : "of draws fail";
  const interval = low < high ? ` (95\u00a0% interval ${percentText(from, 4)} to ${percentText(to, 4)})` : "";
  return `${counted(x, "number")} up to ${numberText(halfRange)}: ${percentText(share, 4)} ${draws}${interval}.`;
}

const scaleTexts: Record<Scale, string> = { shares: "successes", failures: "failures (log scale)" };

function Numbers({ run }: { readonly run: Run }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>The numbers</summary>
      {isOpen && run.report && <ComputedBy {...run.report} />}
      {isOpen && <NumbersTable findings={run.findings.flat()} />}
    </details>
  );
}

const compact = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

function countText({ report, state }: Run): string {
  if (!report) return state === "failed" ? "" : "The first draws are being made.";
  const { trials, milliseconds } = report;
  const total = trials.reduce((sum, each) => sum + each, 0);
  const isEven = trials.every((each) => each === trials[0]);
  const count = isEven ? `${counted(trials[0]!, "draw")} of each curve` : counted(total, "draw");
  return `${count}, ${compact.format((1000 * total) / milliseconds)}/s`;
}

/** Offers what is shown to Share, and marks the first picture. */
function useExports(
  configs: readonly PhaseConfig[],
  inputs: Inputs,
  run: Run,
  charts: readonly LiveChart[],
): void {
  const { report, findings } = run;
  useEffect(() => {
    exported.value = report && {
      command: commandOf(configs, inputs, report.trials[0]!),
      records: () => findings.flat(),
      async picture() {
        const { figuresSvg } = await import("../parts/figures.ts");
        return figuresSvg(charts.map(({ figure }) => figure));
      },
    };
  }, [report, charts]);
  const isDrawn = report !== undefined;
  useLayoutEffect(() => {
    if (isDrawn) markPicture();
  }, [isDrawn]);
}
