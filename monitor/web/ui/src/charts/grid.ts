// Series on one grid of equal steps, so that a gap is seen as one and two series lie on each other.

import type { Series } from "../api.ts";

export type Column = (number | null)[];

/** More than the server ever answers (2,000): a grid beyond that is not worth drawing. */
const MOST_STEPS = 5_000;

/** One time per step from the first to the last that can hold anything, known or not. */
export interface Grid {
  since: number;
  step_s: number;
  at: number[];
}

export function gridOf(series: Pick<Series, "since" | "until" | "step_s" | "at">): Grid {
  const step_s = series.step_s;
  const since = Math.floor((series.at[0] ?? series.since) / step_s) * step_s;
  const first = Math.min(since, Math.floor(series.since / step_s) * step_s);
  const count = Math.min(MOST_STEPS, Math.max(1, Math.ceil((series.until - first) / step_s)));
  return { since: first, step_s, at: Array.from({ length: count }, (_, i) => first + i * step_s) };
}

/** Lay a list of a series on the grid, `shift_s` later than it was; null where nothing is known. */
export function placed(
  grid: Grid,
  at: readonly number[],
  values: readonly (number | null)[],
  shift_s = 0,
): Column {
  const column: Column = new Array<number | null>(grid.at.length).fill(null);
  at.forEach((when, i) => {
    const place = Math.floor((when + shift_s - grid.since) / grid.step_s);
    if (place >= 0 && place < column.length) column[place] = values[i] ?? null;
  });
  return column;
}

/** Add up columns from the first on: what each bar of a stack reaches to. */
export function stacked(columns: readonly Column[]): Column[] {
  let below: Column | null = null;
  return columns.map((column) => {
    below = column.map((value, i) => {
      const under: number | null = below?.[i] ?? null;
      return value === null && under === null ? null : (value ?? 0) + (under ?? 0);
    });
    return below;
  });
}

/** The places of values between two gaps. */
export function lonely(column: ArrayLike<number | null | undefined>): number[] {
  const known = (place: number): boolean => (column[place] ?? null) !== null;
  const places: number[] = [];
  for (let i = 0; i < column.length; i += 1) {
    if (known(i) && !known(i - 1) && !known(i + 1)) places.push(i);
  }
  return places;
}

export interface Layer {
  name: string;
  counts: readonly number[];
  total: number;
}

/** The parts of a stack, the largest first; those beyond `most` together as "other". */
export function layers(parts: Readonly<Record<string, readonly number[]>>, most: number): Layer[] {
  const all = Object.entries(parts)
    .map(([name, counts]) => ({ name, counts, total: sum(counts) }))
    .filter((layer) => layer.total > 0)
    .sort((a, b) => b.total - a.total || (a.name < b.name ? -1 : 1));
  if (all.length <= most) return all;
  const rest = all.slice(most - 1);
  const counts = (rest[0]?.counts ?? []).map((_, i) => sum(rest.map((l) => l.counts[i] ?? 0)));
  return [...all.slice(0, most - 1), { name: "other", counts, total: sum(counts) }];
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
