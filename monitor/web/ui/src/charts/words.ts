// A chart in words: a sentence that says what it shows, and its numbers as they are written.

import { NOTHING, count, perSecond, ratio, seconds, usd } from "../format.ts";
import type { Figure, Line, Unit } from "./figures.ts";
import { sum } from "./grid.ts";

const TEXTS: Readonly<Record<Unit, (value: number | null | undefined) => string>> = {
  seconds,
  per_second: perSecond,
  ratio,
  usd,
  count,
};

export function valueText(unit: Unit, value: number | null | undefined): string {
  return TEXTS[unit](value);
}

/** One value of a line, marked ≥ where it is a lower bound. */
export function lineText(figure: Figure, line: Line, place: number): string {
  const value = line.values[place];
  if (value === null || value === undefined) return NOTHING;
  return (line.atLeast?.[place] ? "≥ " : "") + valueText(figure.unit, value);
}

export function isEmpty(figure: Figure): boolean {
  return figure.lines.every((line) => line.values.every((value) => !value && value !== 0));
}

/** What the chart shows, for those who do not see it, and for those who want the gist. */
export function figureText(figure: Figure): string {
  const own = figure.lines.filter((line) => line.dash === 0);
  if (own.length === 0 || isEmpty({ ...figure, lines: own })) return figure.nothing;
  return `${figure.shape === "bars" ? totals(figure, own) : spans(figure, own)}.`;
}

function totals(figure: Figure, lines: readonly Line[]): string {
  return lines
    .map((line) => {
      const total = sum(line.values.map((value) => value ?? 0));
      return `${line.label} ${valueText(figure.unit, total)}`;
    })
    .join(", ");
}

function spans(figure: Figure, lines: readonly Line[]): string {
  return lines
    .map((line) => {
      const known = line.values.filter((value) => value !== null);
      if (known.length === 0) return `${line.label} not known`;
      const text = (value: number | undefined): string => valueText(figure.unit, value);
      const [least, most] = [text(Math.min(...known)), text(Math.max(...known))];
      const span = least === most ? least : `${least} to ${most}, last ${text(known.at(-1))}`;
      return `${line.label} ${span}`;
    })
    .join("; ");
}

/** What the signs of lower bounds mean, and how many steps have one; "" for none. */
export function boundsText(figure: Figure): string {
  const flags = figure.lines.find((line) => line.atLeast)?.atLeast ?? [];
  const n = flags.filter(Boolean).length;
  return n === 0 ? "" : `at least: timeouts cut ${n} ${n === 1 ? "step" : "steps"} short`;
}
