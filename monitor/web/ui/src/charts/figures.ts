// What each chart shows of a series: its lines in order, their looks, and what lies behind them.

import { type Column, type Grid, layers, placed } from "./grid.ts";
import type { Series } from "../api.ts";

export type Unit = "seconds" | "per_second" | "ratio" | "usd" | "count";
export type Split = "verdict" | "fault";

export interface Line {
  key: string;
  label: string;
  /** The number of its colour, and for bars of its pattern too (`--line-1` …); 0 is ink. */
  colour: number;
  /** Lines of a comparison are dashed, each in its own way; 0 is the target's own. */
  dash: number;
  values: Column;
  /** Where a timeout cut samples short: the value is at least this. */
  atLeast?: readonly boolean[];
}

export interface Figure {
  id: string;
  title: string;
  unit: Unit;
  /** Bars are stacks of counts or sums per step; lines are figures of it. */
  shape: "lines" | "bars";
  /** What the axis always reaches to; null: what the data need. */
  top: number | null;
  lines: Line[];
  /** Said when there is nothing to draw. */
  nothing: string;
}

/** Another series that the same charts show. */
export interface Comparison {
  label: string;
  series: Series;
  /** How much later it is drawn than it was. */
  shift_s: number;
}

type Known = "p50_s" | "p95_s" | "p99_s" | "first_token_p50_s" | "first_token_p95_s";
type Listed = Known | "tokens_per_s_p50" | "headroom";

interface Wanted {
  key: Listed;
  label: string;
  colour: number;
  bound?: boolean;
  compared?: boolean;
}

const LATENCY: readonly Wanted[] = [
  { key: "p50_s", label: "p50", colour: 1, compared: true },
  { key: "p95_s", label: "p95", colour: 2, bound: true, compared: true },
  { key: "p99_s", label: "p99", colour: 3, bound: true },
];
const FIRST_TOKEN: readonly Wanted[] = [
  { key: "first_token_p50_s", label: "p50", colour: 1, compared: true },
  { key: "first_token_p95_s", label: "p95", colour: 2, compared: true },
];
const PACE: readonly Wanted[] = [
  { key: "tokens_per_s_p50", label: "p50", colour: 1, compared: true },
];
const HEADROOM: readonly Wanted[] = [
  { key: "headroom", label: "least left", colour: 1, compared: true },
];
/** More parts than patterns that can be told apart are shown together. */
const MOST_LAYERS = 6;
/** A fault looks the same on every target and at every time. */
const FAULTS = ["provider", "network", "account", "request", "monitor"];

export function figures(
  series: Series,
  grid: Grid,
  others: readonly Comparison[],
  split: Split,
): Figure[] {
  const lines = (wanted: readonly Wanted[]): Line[] => known(series, grid, others, wanted);
  return [
    figure("latency", "Latency", "seconds", lines(LATENCY)),
    figure("first_token", "First token", "seconds", lines(FIRST_TOKEN)),
    figure("pace", "Tokens per second", "per_second", lines(PACE)),
    {
      ...figure("errors", "Errors", "count", errors(series, grid, others, split), "bars"),
      nothing: "No failures in this time.",
    },
    figure("samples", "Results and missed slots", "count", samples(series, grid, others), "bars"),
    { ...figure("headroom", "Rate limit left", "ratio", lines(HEADROOM)), top: 1 },
    figure("cost", "Cost", "usd", cost(series, grid, others), "bars"),
  ];
}

function figure(
  id: string,
  title: string,
  unit: Unit,
  lines: Line[],
  shape: Figure["shape"] = "lines",
): Figure {
  return { id, title, unit, shape, top: null, lines, nothing: "Nothing is known of this time." };
}

function known(
  series: Series,
  grid: Grid,
  others: readonly Comparison[],
  wanted: readonly Wanted[],
): Line[] {
  const own = wanted.map(({ key, label, colour, bound }): Line => {
    const line = { key, label, colour, dash: 0, values: placed(grid, series.at, series[key]) };
    return bound ? { ...line, atLeast: bounds(grid, series) } : line;
  });
  const compared = others.flatMap((other, i) =>
    wanted
      .filter((it) => it.compared)
      .map((it) => overlay(grid, other, i + 1, it.colour, it.label, other.series[it.key])),
  );
  return [...own, ...compared];
}

function bounds(grid: Grid, series: Series): boolean[] {
  const flags = series.lower_bound.map((flag) => (flag ? 1 : 0));
  return placed(grid, series.at, flags).map((flag) => flag === 1);
}

function overlay(
  grid: Grid,
  other: Comparison,
  dash: number,
  colour: number,
  label: string,
  values: readonly (number | null)[],
): Line {
  const column = placed(grid, other.series.at, values, other.shift_s);
  const key = `${label}|${other.label}`;
  return { key, label: `${label}, ${other.label}`, colour, dash, values: column };
}

function errors(
  series: Series,
  grid: Grid,
  others: readonly Comparison[],
  split: Split,
): Line[] {
  const parts = split === "fault" ? series.faults : series.verdicts;
  const own = layers(parts, MOST_LAYERS).map((layer, i): Line => {
    const colour = split === "fault" ? FAULTS.indexOf(layer.name) + 1 || MOST_LAYERS : i + 1;
    return {
      key: layer.name,
      label: layer.name,
      colour,
      dash: 0,
      values: placed(grid, series.at, layer.counts),
    };
  });
  return [...own, ...others.map((it, i) => failures(grid, it, i + 1))];
}

function failures(grid: Grid, other: Comparison, dash: number): Line {
  const parts = Object.values(other.series.verdicts);
  const totals = other.series.at.map((_, i) =>
    parts.reduce((total, counts) => total + (counts[i] ?? 0), 0),
  );
  return overlay(grid, other, dash, 0, "all", totals);
}

function samples(series: Series, grid: Grid, others: readonly Comparison[]): Line[] {
  const own = (key: "n" | "missed", label: string, colour: number): Line => ({
    key,
    label,
    colour,
    dash: 0,
    values: placed(grid, series.at, series[key]),
  });
  return [
    own("n", "results", 1),
    own("missed", "missed", 2),
    ...others.map((it, i) => overlay(grid, it, i + 1, 0, "results", it.series.n)),
  ];
}

function cost(series: Series, grid: Grid, others: readonly Comparison[]): Line[] {
  const values = placed(grid, series.at, series.cost_usd);
  return [
    { key: "cost_usd", label: "cost", colour: 1, dash: 0, values },
    ...others.map((it, i) => overlay(grid, it, i + 1, 0, "cost", it.series.cost_usd)),
  ];
}
