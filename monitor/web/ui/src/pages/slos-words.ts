// What an objective's figures mean, in words.

import type { Burn, SloRow } from "../api.ts";
import { age, ratio } from "../format.ts";

export type SloFigures = Pick<SloRow, "period_s" | "left_ratio" | "burns">;

/** Whether the rule of a window has what it fires for; null: not known. */
export function burning({ rate, sure_rate, threshold }: Burn): boolean | null {
  if (threshold === null || rate === null) return null;
  if (rate <= threshold) return false;
  // Above on too few answers to be sure: the rule says neither.
  return sure_rate !== null && sure_rate > threshold ? true : null;
}

/** Least of the budget left first; those of which nothing was counted last. */
export function leastLeftFirst(rows: readonly SloRow[]): SloRow[] {
  const left = (row: SloRow) => row.left_ratio ?? Number.POSITIVE_INFINITY;
  const name = (row: SloRow) => `${row.name}\n${row.target}`;
  return [...rows].sort((a, b) => {
    const [x, y] = [left(a), left(b)];
    if (x !== y) return x < y ? -1 : 1;
    return name(a) < name(b) ? -1 : 1;
  });
}

export interface Outlook {
  kind: "unknown" | "overspent" | "ending" | "lasting";
  /** Seconds until nothing is left; of `ending` alone. */
  ends_in_s?: number;
  /** The window whose pace is meant; of `ending` and `lasting`. */
  window?: string;
}

/** Say how long a budget lasts at the pace of the shortest window that is sure to burn too fast,
 * else of the longest of which something is known: short ones tell of one failure among few. */
export function outlook(slo: SloFigures): Outlook {
  const left = slo.left_ratio;
  if (left === null) return { kind: "unknown" };
  if (left <= 0) return { kind: "overspent" };
  const known = slo.burns.filter((burn) => burn.rate !== null);
  const burn = known.find((each) => burning(each) === true) ?? known.at(-1);
  if (!burn || burn.rate === null) return { kind: "unknown" };
  if (burn.rate <= 1) return { kind: "lasting", window: burn.window };
  return { kind: "ending", ends_in_s: (left * slo.period_s) / burn.rate, window: burn.window };
}

export function outlookText({ kind, ends_in_s, window }: Outlook): string {
  switch (kind) {
    case "overspent":
      return "More was bad than the period allows. It comes back as bad answers grow older than the period.";
    case "ending":
      return `At the pace of the last ${window} the budget ends in ${age(ends_in_s ?? 0)}.`;
    case "lasting":
      return `At the pace of the last ${window} the budget lasts.`;
    case "unknown":
      return "Too little was counted to tell.";
  }
}

export const EXAMPLE = `slos:
  - name: chat-availability
    match: {operation: chat}      # default: all targets
    objective: 99.5%              # 50% to 99.999%
    over: 30d                     # 3d to 90d, always the newest
`;

/** Write a burn rate: how many times as fast as allowed. */
export function times(rate: number | null): string {
  return rate === null ? "–" : `${Number(rate.toFixed(rate < 100 ? 1 : 0))}×`;
}

/** Say how far beyond the budget it is: in percent, or in budgets when that is what it is. */
export function overspentText(left_ratio: number): string {
  const budgets = 1 - left_ratio;
  return budgets < 2 ? `overspent by ${ratio(-left_ratio)}` : `${Number(budgets.toFixed(1))} times the budget spent`;
}
