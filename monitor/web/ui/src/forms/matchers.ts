// Which alerts a silence means: labels with patterns, read as the daemon reads them
// (alerting/match.py), so that a form can say what it would keep quiet before it is sent.

export interface Matcher {
  label: string;
  /** Patterns with `|` between them; `!` excludes; `*`, `?` and `[a-z]` as in file names. */
  pattern: string;
}

export type Labels = Readonly<Record<string, string>>;

/** What the daemon lets one pattern hold. */
export const PATTERN_CHARS = 200;
const NAME = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;

export function matcherText(matcher: Matcher): string {
  return `${matcher.label.trim()}=${matcher.pattern}`;
}

export function parseMatcher(text: string): Matcher {
  const equals = text.indexOf("=");
  if (equals < 0) return { label: text, pattern: "" };
  return { label: text.slice(0, equals), pattern: text.slice(equals + 1) };
}

/** Say whether an alert with these labels is meant; a label it does not have is empty text. */
export function matches(matchers: readonly Matcher[], labels: Labels): boolean {
  return matchers.every(({ label, pattern }) => suits(pattern, labels[label.trim()] ?? ""));
}

/** Return those of the alerts that matchers, as the API writes them, mean. */
export function matched<Alert extends { labels: Labels }>(texts: readonly string[], alerts: readonly Alert[]): Alert[] {
  const matchers = texts.map(parseMatcher);
  return alerts.filter(({ labels }) => matches(matchers, labels));
}

function suits(pattern: string, value: string): boolean {
  const patterns = pattern.split("|");
  const wanted = patterns.filter((each) => !each.startsWith("!"));
  const unwanted = patterns.filter((each) => each.startsWith("!"));
  if (unwanted.some((each) => glob(each.slice(1), value))) return false;
  return wanted.length === 0 || wanted.some((each) => glob(each, value));
}

/** Say whether all of a text is as a pattern of file names says (letter case counts). */
export function glob(pattern: string, text: string): boolean {
  const steps = stepsOf(pattern);
  const chars = [...text];
  let step = 0;
  let at = 0;
  // Only the newest star is ever tried again: time grows with the product of both lengths at
  // most, where a regular expression of many stars would take for ever.
  let star = -1;
  let starAt = 0;
  while (at < chars.length) {
    const now = steps[step];
    if (now === "*") {
      star = step++;
      starAt = at;
    } else if (now?.(chars[at] as string)) {
      step++;
      at++;
    } else if (star >= 0) {
      step = star + 1;
      at = ++starAt;
    } else return false;
  }
  return steps.slice(step).every((each) => each === "*");
}

type Step = "*" | ((char: string) => boolean);

function stepsOf(pattern: string): Step[] {
  const chars = [...pattern];
  const steps: Step[] = [];
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] as string;
    const not = chars[at + 1] === "!";
    // The first character in brackets is one of the set, even when it is a bracket.
    const close = char === "[" ? chars.indexOf("]", at + (not ? 3 : 2)) : -1;
    if (char === "*") steps.push("*");
    else if (char === "?") steps.push(() => true);
    else if (close >= 0) {
      const within = setOf(chars.slice(at + (not ? 2 : 1), close));
      steps.push((each) => within(each) !== not);
      at = close;
    } else steps.push((each) => each === char);
  }
  return steps;
}

function setOf(chars: readonly string[]): (char: string) => boolean {
  const ranges: [string, string][] = [];
  for (let at = 0; at < chars.length; at++) {
    const first = chars[at] as string;
    const last = chars[at + 1] === "-" ? chars[at + 2] : undefined;
    ranges.push([first, last ?? first]);
    if (last !== undefined) at += 2;
  }
  return (char) => ranges.some(([first, last]) => first <= char && char <= last);
}

/** Say what is wrong with one of several matchers; empty: nothing that is seen from here. */
export function matcherProblem(matchers: readonly Matcher[], index: number): string {
  const { label, pattern } = matchers[index] as Matcher;
  const name = label.trim();
  if (!name) return "Name a label, such as provider.";
  if (!NAME.test(name)) return "A label is letters, digits and _, such as provider.";
  if (matchers.findIndex((each) => each.label.trim() === name) < index)
    return `${name} is named twice: several patterns go with | between them.`;
  if (!pattern) return "Say what it must be, such as openai or gpt-*.";
  if (pattern.length > PATTERN_CHARS) return `At most ${PATTERN_CHARS} characters.`;
  return "";
}

/** Say whether these would keep everything quiet, which the daemon refuses. */
export function meansEverything(matchers: readonly Matcher[]): boolean {
  return matchers.every(({ pattern }) => {
    const patterns = pattern.split("|");
    return !patterns.some((each) => each.startsWith("!")) && patterns.some((each) => /^\*+$/.test(each));
  });
}

/** Return the labels there are, and for each what it can be; both sorted. */
export function suggestions(all: Iterable<Labels>): Map<string, string[]> {
  const found = new Map<string, Set<string>>();
  for (const labels of all)
    for (const [name, value] of Object.entries(labels))
      if (value) found.set(name, (found.get(name) ?? new Set()).add(value));
  const names = [...found.keys()].sort();
  return new Map(names.map((name) => [name, [...(found.get(name) as Set<string>)].sort()]));
}
