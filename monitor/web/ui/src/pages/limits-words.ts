// What a rate limit's figures mean, in words.

import type { LimitRow } from "../api.ts";

/** As the daemon: with less than a tenth left, probes are made less often. */
export const NEAR = 0.1;

/** Least headroom first; those of which nothing was said last. */
export function leastHeadroomFirst(rows: readonly LimitRow[]): LimitRow[] {
  const left = (row: LimitRow) => row.headroom ?? Number.POSITIVE_INFINITY;
  const name = (row: LimitRow) => [row.provider, row.model, row.bucket].join("\n");
  return [...rows].sort((a, b) => {
    const [x, y] = [left(a), left(b)];
    if (x !== y) return x < y ? -1 : 1;
    return name(a) < name(b) ? -1 : 1;
  });
}

/** Say whether what is seen fits what is said, and what follows. */
export function agreement({ agrees, limit, observed_per_min: seen }: LimitRow): string {
  if (agrees === "yes") return "Requests were refused where such a limit refuses them: from what it says, up to twice as much.";
  if (agrees === "no") {
    if (limit !== null && seen !== null && seen < limit)
      return "Refused earlier than the provider says: others use this key, or the limit is lower than it says.";
    if (limit !== null && seen !== null && seen > limit)
      return "Let through more than the provider says: the limit it enforces is higher.";
    return "What is seen does not fit what the provider says.";
  }
  if (seen === null) return "Nothing was refused in the last hour: the real limit was not reached.";
  return limit === null
    ? "The provider says no limit; this is where refusals began."
    : "Not to be compared: it is not by the minute, or was not said for a while.";
}
