// What became of an alert, in words, and what a silence of it alone would name.

import type { AlertRow } from "../api.ts";
import type { Matcher } from "../forms/matchers.ts";

export const TABS = [
  ["", "Now"],
  ["silences", "Silences"],
  ["maintenance", "Maintenance"],
  ["history", "History"],
  ["writes", "Writes"],
] as const;

export const STATE_SAYS: Record<AlertRow["state"], string> = {
  pending: "pending: it fires when its condition has held for long enough",
  firing: "firing",
  clearing: "clearing: its condition is no longer true, and it is over when that has held",
};

/** Say in a word why people hear nothing of it now; empty: they do, or nothing is to be told yet. */
export function quiet(alert: AlertRow): string {
  if (alert.acknowledged) return "acknowledged";
  if (alert.held_back) return "held back";
  const { channels } = alert;
  return channels.length > 0 && channels.every(({ muted }) => muted) ? "kept quiet" : "";
}

/** Say who knows of an alert and who is kept from it, a line each. */
export function became(alert: AlertRow): string[] {
  const lines = alert.channels.map(({ channel, told, undelivered, muted }) => {
    const missing = undelivered ? `not told, ${undelivered}` : "not told yet";
    return `${channel}: ${told ? "told" : missing}${muted && `, kept quiet: ${muted}`}`;
  });
  if (alert.acknowledged) lines.unshift(`acknowledged ${alert.acknowledged}`);
  if (alert.held_back) lines.unshift(`held back: ${alert.held_back}`);
  if (lines.length) return lines;
  return [alert.fired_at === null ? "nobody is told before it fires" : "nobody is told: no route leads to a channel"];
}

/** Return matchers for this alert alone, or nearly: its name, and what it is about. */
export function matchersFor({ name, labels }: Pick<AlertRow, "name" | "labels">): Matcher[] {
  const about = ["target", "provider", "location"].find((label) => labels[label]);
  const subject = about ? [{ label: about, pattern: literal(labels[about] as string) }] : [];
  return [{ label: "alertname", pattern: literal(name) }, ...subject];
}

/** Write a text as a pattern of it alone, as far as patterns can: | and a leading ! as any character. */
export function literal(text: string): string {
  return text.replace(/[*?[]/g, "[$&]").replace(/\||^!/g, "?");
}

/** Return an address that may be a link; empty: it is none, whatever it says it is. */
export function linkable(text: string): string {
  return /^https?:\/\/[^\s]+$/i.test(text) ? text : "";
}

/** Say how many alerts are in which state: `2 firing, 1 pending`. */
export function counted(alerts: readonly Pick<AlertRow, "state">[]): string {
  const states = ["firing", "clearing", "pending"] as const;
  return states
    .map((state) => [alerts.filter((alert) => alert.state === state).length, state] as const)
    .filter(([n]) => n > 0)
    .map(([n, state]) => `${n} ${state}`)
    .join(", ");
}
