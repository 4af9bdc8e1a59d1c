// A silence while it is being written: what is wrong with it, and what is sent.

import type { NewSilence } from "../api.ts";
import { type Matcher, matcherProblem, matcherText, meansEverything } from "./matchers.ts";
import { fromField } from "./times.ts";

export interface Draft {
  matchers: Matcher[];
  author: string;
  comment: string;
  /** As in the field; null: now. */
  starts: string | null;
  /** Seconds from the start; null: `ends` says when. */
  length_s: number | null;
  ends: string;
}

/** Problems by field: `author`, `comment`, `starts`, `ends`, `matchers`, `label-0`, `pattern-0`;
 * "" is for what belongs to none. */
export type Problems = Readonly<Record<string, string>>;

/** A quarter, as the daemon has it: what is to be quiet for longer is a rule to be changed. */
const LONGEST_S = 90 * 86_400;
export const AUTHOR_CHARS = 100;
export const COMMENT_CHARS = 500;

export interface Times {
  /** Seconds since the epoch; null: it cannot be read. */
  starts_at: number | null;
  ends_at: number | null;
}

export function times(draft: Draft, now: number): Times {
  const starts_at = draft.starts === null ? now : fromField(draft.starts);
  if (draft.length_s === null) return { starts_at, ends_at: fromField(draft.ends) };
  return { starts_at, ends_at: starts_at === null ? null : starts_at + draft.length_s };
}

/** Say what is wrong, field by field in their order on the page; {}: nothing seen from here. */
export function problems(draft: Draft, now: number): Problems {
  const found: Record<string, string> = {};
  draft.matchers.forEach((matcher, index) => {
    const problem = matcherProblem(draft.matchers, index);
    const named = matcher.label.trim() !== "" && problem.startsWith("Say what");
    if (problem) found[`${named || problem.startsWith("At most") ? "pattern" : "label"}-${index}`] = problem;
  });
  if (draft.matchers.length === 0) found.matchers = "Name at least one label, such as provider.";
  else if (Object.keys(found).length === 0 && meansEverything(draft.matchers))
    found.matchers = "That would keep everything quiet: name a label that some alerts do not have so.";
  return { ...found, ...timeProblems(draft, now), ...authorProblems(draft) };
}

export function authorProblems({ author, comment }: Pick<Draft, "author" | "comment">): Problems {
  return {
    ...(!author.trim() && { author: "Say who you are." }),
    ...(!comment.trim() && { comment: "Say why, for whoever finds it at night." }),
  };
}

function timeProblems(draft: Draft, now: number): Problems {
  const { starts_at, ends_at } = times(draft, now);
  if (starts_at === null) return { starts: "Say when it starts." };
  if (ends_at === null) return { ends: "Say when it ends." };
  if (ends_at <= now) return { ends: "That is in the past." };
  if (ends_at <= starts_at) return { ends: "It ends before it starts." };
  if (ends_at - starts_at > LONGEST_S) return { ends: "Longer than 90 days: change the rule instead." };
  return {};
}

/** Return what is sent; only of a draft without problems. */
export function request(draft: Draft, now: number): NewSilence {
  const { starts_at, ends_at } = times(draft, now);
  return {
    matchers: draft.matchers.map(matcherText),
    author: draft.author.trim(),
    comment: draft.comment.trim(),
    starts_at: draft.starts === null ? null : starts_at,
    ends_at: ends_at as number,
  };
}

/** Words of the daemon's refusals, and the field each speaks of; the first that is found counts. */
const SPEAKS_OF: readonly (readonly [RegExp, string])[] = [
  [/\bcomment\b/, "comment"],
  [/\bauthor\b/, "author"],
  [/\bstarts_at\b/, "starts"],
  [/\b(ends_at|its end|ends before|longer than)\b/, "ends"],
  [/\b(for_s)\b/, "ends"],
  [/\b(label|LABEL=PATTERN|matchers?|pattern|patterns|silence of everything)\b/, "matchers"],
];

/** Return the field that a refusal of the daemon's speaks of; "": none of them. */
export function fieldOf(detail: string): string {
  return SPEAKS_OF.find(([words]) => words.test(detail))?.[1] ?? "";
}
