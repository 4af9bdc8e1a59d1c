// Costs by provider and model, summed over targets. Unknown stays unknown: it is never 0.

import type { CostRow } from "../api.ts";
import { usd } from "../format.ts";

export interface ModelCost {
  provider: string;
  model: string;
  targets: string[];
  usd: (number | null)[];
  total_usd: number | null;
  input_tokens: number;
  output_tokens: number;
  /** Some target used tokens at no known price: the sums are at least that. */
  at_least: boolean;
}

/** Return the sum of what is known; null: nothing is. */
export function sum(values: Iterable<number | null>): number | null {
  let total: number | null = null;
  for (const value of values) if (value !== null) total = (total ?? 0) + value;
  return total;
}

/** Sum targets up by provider and model, the dearest first. */
export function byModel(rows: readonly CostRow[]): ModelCost[] {
  const groups = new Map<string, CostRow[]>();
  for (const row of rows) {
    const key = JSON.stringify([row.provider, row.model]);
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  const found = [...groups.values()].map(together);
  const rank = (row: ModelCost) => row.total_usd ?? -1;
  return found.sort((a, b) => rank(b) - rank(a) || (a.model < b.model ? -1 : 1));
}

function together(rows: readonly CostRow[]): ModelCost {
  const [first] = rows as [CostRow];
  return {
    provider: first.provider,
    model: first.model,
    targets: rows.map((row) => row.target),
    usd: first.usd.map((_, day) => sum(rows.map((row) => row.usd[day] ?? null))),
    total_usd: sum(rows.map((row) => row.total_usd)),
    input_tokens: rows.reduce((total, row) => total + row.input_tokens, 0),
    output_tokens: rows.reduce((total, row) => total + row.output_tokens, 0),
    at_least: rows.some((row) => row.total_usd === null && row.input_tokens + row.output_tokens > 0),
  };
}

/** Return each day's sum over all rows. */
export function perDay(days: number, rows: readonly { usd: readonly (number | null)[] }[]): (number | null)[] {
  return Array.from({ length: days }, (_, day) => sum(rows.map((row) => row.usd[day] ?? null)));
}

/** Write what the table shows as comma-separated values (RFC 4180); unknown is empty. */
export function csv(days: readonly string[], rows: readonly CostRow[]): string {
  const lines = [
    ["day", "provider", "model", "target", "usd"],
    ...days.flatMap((day, index) =>
      rows.map((row) => [day, row.provider, row.model, row.target, usdField(row.usd[index] ?? null)]),
    ),
  ];
  return lines.map((line) => `${line.map(field).join(",")}\r\n`).join("");
}

/** Not in exponents: some spreadsheets read 1e-7 as text. */
function usdField(value: number | null): string {
  return value === null ? "" : value.toFixed(9).replace(/\.?0+$/, "");
}

/** Quote a field where it is needed. A spreadsheet takes what begins with = + - @ for a formula,
 * and a model's name is not ours: such a field begins with an apostrophe.
 * https://owasp.org/www-community/attacks/CSV_Injection */
function field(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Say in words what a row of daily bars shows. */
export function daysText(days: readonly string[], values: readonly (number | null)[]): string {
  const known = values.filter((value) => value !== null);
  const unknown = values.length - known.length;
  if (known.length === 0) return "no day's cost is known";
  const most = Math.max(...known);
  const said = `at most ${usd(most)}, on ${days[values.indexOf(most)]}`;
  return unknown ? `${said}; ${unknown} of ${values.length} days unknown` : said;
}
