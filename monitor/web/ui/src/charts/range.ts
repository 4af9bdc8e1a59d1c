// Which stretch of time the charts show, and how it is written into the page's address.

export interface Bounds {
  since: number;
  until: number;
}

/** What is asked for: so much up to now, or a stretch that stands still. */
export type Range = { name: RangeName } | Bounds;

export const RANGES = {
  "1h": 3_600,
  "6h": 21_600,
  "24h": 86_400,
  "7d": 604_800,
  "30d": 2_592_000,
  "90d": 7_776_000,
} as const;
export type RangeName = keyof typeof RANGES;

export const WEEK_S = 604_800;
const USUAL: RangeName = "24h";
/** Ten steps of the finest roll-up: below that a chart is a handful of dots. */
const LEAST_S = 600;
const MOST_S = RANGES["90d"];

export function isMoving(range: Range): range is { name: RangeName } {
  return "name" in range;
}

/** Read a range from an address; what makes no sense is the last 24 hours. */
export function rangeOf(words: Readonly<Record<string, string>>): Range {
  const since = Number(words["since"] || NaN);
  const until = Number(words["until"] || NaN);
  if (since >= 0 && until > since && Number.isFinite(until)) return fitted({ since, until });
  const name = words["range"] ?? USUAL;
  return { name: Object.hasOwn(RANGES, name) ? (name as RangeName) : USUAL };
}

/** The words of an address that mean this range; "" takes one away. Zooming keeps the name, so that
 * a reset leads back to it. */
export function rangeWords(range: Range): Record<string, string> {
  return isMoving(range)
    ? { since: "", until: "", range: range.name === USUAL ? "" : range.name }
    : { since: String(range.since), until: String(range.until) };
}

export function boundsOf(range: Range, now: number): Bounds {
  return isMoving(range) ? { since: now - RANGES[range.name], until: now } : range;
}

/** Zoom around the middle: `factor` below 1 shows less, more closely. */
export function zoomed(bounds: Bounds, factor: number, now: number): Bounds {
  const middle = (bounds.since + bounds.until) / 2;
  const half = (clampWidth(bounds.until - bounds.since) * factor) / 2;
  return within({ since: middle - half, until: middle + half }, now);
}

/** Go back (negative) or forth by a part of what is shown. */
export function moved(bounds: Bounds, part: number, now: number): Bounds {
  const by = (bounds.until - bounds.since) * part;
  return within({ since: bounds.since + by, until: bounds.until + by }, now);
}

/** The stretch somebody dragged over, in either direction. */
export function dragged(from: number, to: number, now: number): Bounds {
  return within({ since: Math.min(from, to), until: Math.max(from, to) }, now);
}

/** As wide as is allowed, and nothing of the future. */
function within(bounds: Bounds, now: number): Bounds {
  const fit = fitted(bounds);
  const over = Math.max(0, Math.ceil(fit.until - now));
  return { since: fit.since - over, until: fit.until - over };
}

/** Whole seconds, around the same middle, of a width that can be drawn. */
function fitted(bounds: Bounds): Bounds {
  const width = clampWidth(bounds.until - bounds.since);
  const since = Math.max(0, Math.round((bounds.since + bounds.until - width) / 2));
  return { since, until: since + Math.round(width) };
}

function clampWidth(width: number): number {
  return Math.min(MOST_S, Math.max(LEAST_S, width));
}
