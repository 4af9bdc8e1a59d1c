// Numbers and times as people read them: the same words as the daemon's own (monitor/view.py).
import type { Quantile } from "./api.ts";

export const NOTHING = "–";

/** A duration with a unit that suits its size. */
export function seconds(value: number | null | undefined): string {
  if (value === null || value === undefined) return NOTHING;
  if (value < 0.9995) return `${(value * 1000).toFixed(0)} ms`;
  return value < 100 ? `${value.toFixed(2)} s` : `${value.toFixed(0)} s`;
}

/** A quantile, marked ≥ where a timeout makes it a lower bound. */
export function quantile(value: Quantile | null | undefined): string {
  return value ? (value.lower_bound ? "≥ " : "") + seconds(value.value) : NOTHING;
}

/** A ratio in percent. A failure never rounds away to 0 %. */
export function ratio(value: number | null | undefined): string {
  if (value === null || value === undefined) return NOTHING;
  const percent = value * 100;
  if (percent > 0 && percent < 0.1) return "< 0.1 %";
  if (percent > 99.9 && percent < 100) return "> 99.9 %";
  return percent % 1 ? `${percent.toFixed(1)} %` : `${percent.toFixed(0)} %`;
}

/** Money: cents where it is more than a dollar, millionths where it is a probe's. What is spent
 * never rounds away to $0. */
export function usd(value: number | null | undefined): string {
  if (value === null || value === undefined) return NOTHING;
  const size = Math.abs(value);
  if (size > 0 && Number(size.toFixed(6)) === 0) return value > 0 ? "< $0.000001" : "> -$0.000001";
  return `$${value.toFixed(size === 0 || size >= 1 ? 2 : size >= 0.01 ? 4 : 6)}`;
}

const WHOLE = new Intl.NumberFormat("en-GB");

/** A whole number with its thousands apart. */
export function count(value: number | null | undefined): string {
  return value === null || value === undefined ? NOTHING : WHOLE.format(value);
}

/** How many tokens per second. */
export function perSecond(value: number | null | undefined): string {
  return value === null || value === undefined ? NOTHING : `${value.toFixed(value < 10 ? 1 : 0)}/s`;
}

/** How long something takes or took, in the unit that matters. */
export function age(ageS: number): string {
  const s = Math.max(0, Math.round(ageS));
  if (s < 120) return `${s} s`;
  if (s < 7200) return `${Math.floor(s / 60)} min`;
  if (s < 172_800) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86_400)} d`;
}

const LOCAL = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });
const LOCAL_SHORT = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const LOCAL_CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const LOCAL_DAY = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short" });
const UTC_DAY = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" });

/** A moment (seconds since the epoch) in the reader's own time. */
export const local = (at: number): string => LOCAL.format(at * 1000);
export const localShort = (at: number): string => LOCAL_SHORT.format(at * 1000);
export const localClock = (at: number): string => LOCAL_CLOCK.format(at * 1000);
export const localDay = (at: number): string => LOCAL_DAY.format(at * 1000);
export const utcDay = (at: number): string => UTC_DAY.format(at * 1000);

/** A moment in UTC, as logs have it. */
export function utc(at: number): string {
  return `${new Date(at * 1000).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
