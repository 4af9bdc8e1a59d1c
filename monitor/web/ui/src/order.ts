// How bad a target is beside others. Pure.
import type { TargetNow } from "./api.ts";

/** All levels, the worst first. */
export const LEVELS: readonly TargetNow["level"][] = ["down", "failing", "slow", "unknown", "ok"];

/** Order by level, then by the daemon's own rank, which a tick may not have told anew for all. */
export function worstFirst(targets: Iterable<TargetNow>): TargetNow[] {
  return [...targets].sort(
    (a, b) => LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level) || a.rank - b.rank || (a.name < b.name ? -1 : 1),
  );
}

/** All targets, with those of a tick in place of what they were. */
export function merged(before: readonly TargetNow[], changed: readonly TargetNow[]): TargetNow[] {
  const all = new Map(before.map((target) => [target.name, target]));
  for (const target of changed) all.set(target.name, target);
  return worstFirst(all.values());
}
