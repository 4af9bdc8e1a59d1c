// What happened to a target, as bands and ticks on its charts and as lines of a list beside them.

import type { Bounds } from "./range.ts";
import type { Mark } from "../api.ts";

export type MarkKind = Mark["kind"];

/** A letter and a word each: nothing is told by its colour alone. */
export const KINDS: Readonly<Record<MarkKind, { letter: string; word: string }>> = {
  trouble: { letter: "T", word: "trouble" },
  status_page: { letter: "S", word: "status-page incident" },
  alert: { letter: "A", word: "alert" },
  drift: { letter: "D", word: "changed answer" },
};
const ORDER: readonly MarkKind[] = ["trouble", "status_page", "alert", "drift"];

export interface Placed {
  mark: Mark;
  key: string;
  /** Part of what is shown that it covers, as times; equal: a moment. */
  since: number;
  until: number;
  /** Which of the strips above the plot its band lies in. */
  lane: number;
}

/** The marks that touch what is shown, the newest first. A trouble or alert without an end lasts. */
export function placedMarks(marks: readonly Mark[], shown: Bounds): Placed[] {
  return marks
    .map((mark) => {
      const until = mark.until ?? (isMoment(mark.kind) ? mark.at : shown.until);
      const key = [mark.kind, mark.at, mark.fault, mark.title].join("|");
      return { mark, key, since: mark.at, until, lane: ORDER.indexOf(mark.kind) };
    })
    .filter((it) => it.since <= shown.until && it.until >= shown.since)
    .map((it) => ({
      ...it,
      since: Math.max(it.since, shown.since),
      until: Math.min(it.until, shown.until),
    }))
    .sort((a, b) => b.mark.at - a.mark.at || a.lane - b.lane);
}

/** Only an answer that changed is over as soon as it happened. */
export function isMoment(kind: MarkKind): boolean {
  return kind === "drift";
}

/** How many of each kind, in words: "2 troubles, 1 alert"; "" for none. */
export function marksText(marks: readonly Placed[]): string {
  return ORDER.map((kind) => ({ kind, n: marks.filter((it) => it.mark.kind === kind).length }))
    .filter(({ n }) => n > 0)
    .map(({ kind, n }) => `${n} ${KINDS[kind].word}${n === 1 ? "" : "s"}`)
    .join(", ");
}
