// A stretch of the past as a row of small bars: where each goes, and what it says. Pure.
import type { Spark, Strip } from "./api.ts";
import { count, NOTHING, seconds } from "./format.ts";

/** How high a strip is, in its own units; a cell is CELL wide, of which GAP stays empty. */
export const HEIGHT = 20;
export const CELL = 5;
const GAP = 1;
// A step that went well is low: a failure stands out by its height, not by its colour alone.
const GOOD = 12;
const LEAST = 6;

export type Kind = "good" | "provider" | "other" | "none";

/** One SVG path for each kind of bar: four elements draw a strip of any length. */
export function stripPaths(strip: Strip): Record<Kind, string> {
  const paths: Record<Kind, string> = { good: "", provider: "", other: "", none: "" };
  strip.n.forEach((n, step) => {
    const x = step * CELL;
    if (!n) {
      paths.none += bar(x, CELL - GAP, HEIGHT - 2, HEIGHT);
      return;
    }
    const provider = topOf(strip.provider[step] ?? 0, n);
    const other = topOf(strip.other[step] ?? 0, n);
    paths.good += bar(x, CELL - GAP, Math.max(HEIGHT - GOOD, provider, other), HEIGHT);
    paths.provider += bar(x, CELL - GAP, 0, provider);
    // Narrow, and beside what is the provider's: nobody takes one for the other.
    if (other > provider) paths.other += bar(x + GAP, CELL - 3 * GAP, provider, other);
  });
  return paths;
}

function topOf(failed: number, n: number): number {
  return failed && Math.max(LEAST, Math.round((HEIGHT * failed) / n));
}

function bar(x: number, width: number, top: number, bottom: number): string {
  return bottom > top ? `M${x} ${top}h${width}V${bottom}h${-width}z` : "";
}

/** What one step was, in words; `when` names the step. */
export function cellText(strip: Strip, step: number, when: string): string {
  const n = strip.n[step] ?? 0;
  const missed = strip.missed[step] ?? 0;
  const parts = [
    n ? `${count(n)} results` : "nothing known",
    failures(strip.provider[step] ?? 0, strip.other[step] ?? 0),
    missed ? `${count(missed)} missed` : "",
  ];
  return `${when}: ${parts.filter(Boolean).join(", ")}`;
}

/** All of a strip in one sentence, for who cannot see it. */
export function stripText(strip: Strip, name: string): string {
  const n = sum(strip.n);
  if (!n) return `${name}: nothing known`;
  const empty = strip.n.filter((one) => !one).length;
  const parts = [
    `${count(n)} results`,
    failures(sum(strip.provider), sum(strip.other)) || "none failed",
    sum(strip.missed) ? `${count(sum(strip.missed))} missed` : "",
    empty ? `nothing known of ${empty} of ${strip.n.length} steps` : "",
  ];
  return `${name}: ${parts.filter(Boolean).join(", ")}`;
}

function failures(provider: number, other: number): string {
  const parts = [provider ? `${count(provider)} failed by the provider` : "", other ? `${count(other)} failed otherwise` : ""];
  return parts.filter(Boolean).join(", ");
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

/** One line of a sparkline; a step about which nothing is known leaves a gap. */
export function sparkPath(values: readonly (number | null)[], top: number, width: number, height: number): string {
  const step = width / Math.max(1, values.length - 1);
  let path = "";
  let pen = "M";
  values.forEach((value, i) => {
    if (value === null) {
      pen = "M";
      return;
    }
    path += `${pen}${round(i * step)} ${round(height - 1 - (value / (top || 1)) * (height - 2))}`;
    // A step alone between two gaps would be no line at all: it is drawn as a dot.
    if (pen === "M" && (values[i + 1] ?? null) === null) path += "h.1";
    pen = "L";
  });
  return path;
}

const round = (value: number): number => Math.round(value * 10) / 10;

/** The highest value of all lines of a sparkline; 0 when nothing is known. */
export function sparkTop(spark: Spark): number {
  return Math.max(0, ...[...spark.p50_s, ...spark.p95_s, ...spark.first_token_p50_s].map((value) => value ?? 0));
}

/** A sparkline in one sentence. */
export function sparkText(spark: Spark): string {
  return `Last 24 hours: p50 ${range(spark.p50_s)}, p95 ${range(spark.p95_s)}, first token ${range(spark.first_token_p50_s)}`;
}

function range(values: readonly (number | null)[]): string {
  const known = values.filter((value) => value !== null);
  return known.length ? `${seconds(Math.min(...known))} to ${seconds(Math.max(...known))}` : NOTHING;
}
