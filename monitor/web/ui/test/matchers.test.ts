import assert from "node:assert/strict";
import { test } from "node:test";
import {
  glob,
  matched,
  matcherProblem,
  matcherText,
  matches,
  meansEverything,
  parseMatcher,
  suggestions,
} from "../src/forms/matchers.ts";

const of = (...texts: string[]) => texts.map(parseMatcher);

test("a glob is read as Python's fnmatchcase reads it", () => {
  // Each answer is what fnmatch.fnmatchcase(text, pattern) says.
  const said: [string, string, boolean][] = [
    ["gpt-*", "gpt-4o", true],
    ["gpt-*", "GPT-4o", false],
    ["*", "", true],
    ["", "", true],
    ["", "a", false],
    ["?", "ab", false],
    ["a?c", "abc", true],
    ["*a*b", "xaxb", true],
    ["*a*b", "xaxbx", false],
    ["[a-c]x", "bx", true],
    ["[!a-c]x", "bx", false],
    ["[!a-c]x", "dx", true],
    ["[]]", "]", true],
    ["[!]]", "]", false],
    ["[!]]", "a", true],
    ["[abc", "[abc", true],
    ["[a-]", "-", true],
    ["[c-a]", "b", false],
    ["a.c", "abc", false],
    ["a+", "aa", false],
    ["*", "two\nlines", true],
    ["?", "😀", true],
  ];
  for (const [pattern, text, is] of said) assert.equal(glob(pattern, text), is, `${pattern} of ${text}`);
});

test("a pattern of many stars is answered at once", () => {
  assert.equal(glob("*a".repeat(80) + "b", "a".repeat(2_000)), false);
});

test("all labels must suit, one positive pattern suffices, and an exclusion excludes", () => {
  const labels = { provider: "openai", model: "gpt-4o" };
  assert.equal(matches(of("provider=openai", "model=gpt-*"), labels), true);
  assert.equal(matches(of("provider=openai", "model=claude-*"), labels), false);
  assert.equal(matches(of("model=claude-*|gpt-*"), labels), true);
  assert.equal(matches(of("model=!gpt-4o"), labels), false);
  assert.equal(matches(of("model=gpt-*|!gpt-4o"), labels), false);
  assert.equal(matches(of("model=!claude-*"), labels), true);
});

test("matchers as the API writes them find the alerts they mean", () => {
  const alerts = [{ labels: { target: "a" } }, { labels: { target: "b" } }];
  assert.deepEqual(matched(["target=b"], alerts), [alerts[1]]);
});

test("a label that an alert does not have is empty text", () => {
  assert.equal(matches(of("team=!"), {}), false);
  assert.equal(matches(of("team=!"), { team: "batch" }), true);
  assert.equal(matches(of("team=*"), {}), true);
});

test("a matcher is written as it is read, and what follows the first = is its pattern", () => {
  assert.deepEqual(parseMatcher("model=a=b"), { label: "model", pattern: "a=b" });
  assert.equal(matcherText({ label: " model ", pattern: "a=b" }), "model=a=b");
  assert.deepEqual(parseMatcher("model"), { label: "model", pattern: "" });
});

test("what the daemon would refuse of a matcher is said before it is sent", () => {
  assert.equal(matcherProblem(of("provider=openai"), 0), "");
  assert.match(matcherProblem(of("=x"), 0), /Name a label/);
  assert.match(matcherProblem(of("1st=x"), 0), /letters/);
  assert.match(matcherProblem(of("model="), 0), /Say what/);
  assert.match(matcherProblem(of(`model=${"x".repeat(201)}`), 0), /200/);
  assert.equal(matcherProblem(of("model=a", "model=b"), 0), "");
  assert.match(matcherProblem(of("model=a", "model=b"), 1), /named twice/);
});

test("stars alone mean everything, an exclusion or any other pattern does not", () => {
  assert.equal(meansEverything(of("model=*", "provider=x|**")), true);
  assert.equal(meansEverything(of("model=*", "provider=x")), false);
  assert.equal(meansEverything(of("model=*|!gpt-4o")), false);
});

test("suggestions are the labels there are with what they hold, once each and sorted", () => {
  const found = suggestions([{ b: "2", a: "1" }, { b: "1", c: "" }, { b: "2" }]);
  assert.deepEqual([...found], [
    ["a", ["1"]],
    ["b", ["1", "2"]],
  ]);
});
