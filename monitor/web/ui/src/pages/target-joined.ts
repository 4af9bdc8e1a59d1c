// A list of which newer pages come while older ones stand.
import type { ProbeRow } from "../api.ts";

/** Rows of several pages, and where they go on. */
export interface Known {
  rows: ProbeRow[];
  cursor: string | null;
}

/** Newer rows before those that are known; null when some may lie between that nobody saw. */
export function joined(newest: readonly ProbeRow[], known: Known): Known | null {
  const seen = new Set(known.rows.map((row) => row.id));
  const added = newest.filter((row) => !seen.has(row.id));
  if (newest.length > 0 && added.length === newest.length) return null;
  return added.length > 0 ? { ...known, rows: [...added, ...known.rows] } : known;
}
