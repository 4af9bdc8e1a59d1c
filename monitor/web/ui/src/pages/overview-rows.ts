// Which targets the overview shows, and in which sections. Pure.
import type { TargetNow } from "../api.ts";
import type { Query } from "../router.tsx";

export interface Section {
  provider: string;
  names: string[];
}

/** The targets that fit the words of the address: `provider`, `level` and `q`. */
export function chosen(targets: readonly TargetNow[], words: Query): TargetNow[] {
  const provider = words["provider"] ?? "";
  const level = words["level"] ?? "";
  const wanted = (words["q"] ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  return targets.filter(
    (target) =>
      (!provider || target.provider === provider) &&
      (!level || target.level === level) &&
      (!wanted.length || wanted.every((word) => haystack(target).includes(word))),
  );
}

function haystack(target: TargetNow): string {
  const labels = Object.entries(target.labels).map(([name, value]) => `${name}=${value}`);
  const verdict = target.last?.verdict ?? "";
  return [target.name, target.provider, target.model, target.operation, verdict, ...labels].join(" ").toLowerCase();
}

/** One section for each provider, in the order in which the first of its targets comes. */
export function sections(targets: readonly TargetNow[]): Section[] {
  const byProvider = new Map<string, string[]>();
  for (const { provider, name } of targets) {
    const names = byProvider.get(provider);
    if (names) names.push(name);
    else byProvider.set(provider, [name]);
  }
  return [...byProvider].map(([provider, names]) => ({ provider, names }));
}

/** The providers there are, and the one that is `wanted` even where no target is of it any more. */
export function providersOf(targets: readonly TargetNow[], wanted: string): string[] {
  const found = new Set(targets.map((target) => target.provider));
  return [...(wanted ? found.add(wanted) : found)].sort();
}

/** How many targets there are of each level. */
export function levelCounts(targets: readonly TargetNow[]): Map<TargetNow["level"], number> {
  const counts = new Map<TargetNow["level"], number>();
  for (const { level } of targets) counts.set(level, (counts.get(level) ?? 0) + 1);
  return counts;
}

/** The first `most` targets of all sections. */
export function firstOf(all: readonly Section[], most: number): Section[] {
  let left = most;
  const cut = all.map(({ provider, names }) => {
    const some = names.slice(0, Math.max(0, left));
    left -= names.length;
    return { provider, names: some };
  });
  return cut.filter((section) => section.names.length > 0);
}
