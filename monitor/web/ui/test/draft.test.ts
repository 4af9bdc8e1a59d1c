import assert from "node:assert/strict";
import { test } from "node:test";
import { type Draft, fieldOf, problems, request } from "../src/forms/draft.ts";
import { toField } from "../src/forms/times.ts";

const NOW = 1_790_000_040; // a full minute, as fields hold it
const DRAFT: Draft = {
  matchers: [{ label: "provider", pattern: "openai" }],
  author: "ada",
  comment: "they told us",
  starts: null,
  length_s: 3600,
  ends: "",
};

test("a draft that is right has no problems, and begins now unless it says when", () => {
  assert.deepEqual(problems(DRAFT, NOW), {});
  assert.deepEqual(request({ ...DRAFT, comment: " they told us " }, NOW), {
    matchers: ["provider=openai"],
    author: "ada",
    comment: "they told us",
    starts_at: null,
    ends_at: NOW + 3600,
  });
});

test("a length counts from the start that is said", () => {
  const sent = request({ ...DRAFT, starts: toField(NOW + 7200) }, NOW);
  assert.equal(sent.starts_at, NOW + 7200);
  assert.equal(sent.ends_at, NOW + 10_800);
});

test("an exact end counts when no length does", () => {
  const draft = { ...DRAFT, length_s: null, ends: toField(NOW + 600) };
  assert.deepEqual(problems(draft, NOW), {});
  assert.equal(request(draft, NOW).ends_at, NOW + 600);
});

test("a start or an end that is not filled in is asked for", () => {
  assert.deepEqual(Object.keys(problems({ ...DRAFT, starts: "" }, NOW)), ["starts"]);
  assert.deepEqual(Object.keys(problems({ ...DRAFT, length_s: null }, NOW)), ["ends"]);
});

test("times the daemon would refuse are said at their field", () => {
  const ending = (ends: number, starts: string | null = null) =>
    problems({ ...DRAFT, starts, length_s: null, ends: toField(ends) }, NOW);
  assert.match(ending(NOW - 60)["ends"] ?? "", /past/);
  assert.match(ending(NOW + 60, toField(NOW + 600))["ends"] ?? "", /before it starts/);
  assert.match(ending(NOW + 91 * 86_400)["ends"] ?? "", /90 days/);
  assert.match(problems({ ...DRAFT, starts: "soon" }, NOW)["starts"] ?? "", /when it starts/);
});

test("each matcher's problem stands at its label or at its pattern", () => {
  const matchers = [
    { label: "", pattern: "x" },
    { label: "model", pattern: "" },
    { label: "model", pattern: "x" },
    { label: "target", pattern: "x".repeat(201) },
  ];
  assert.deepEqual(Object.keys(problems({ ...DRAFT, matchers }, NOW)), ["label-0", "pattern-1", "label-2", "pattern-3"]);
});

test("a silence of nothing or of everything, by nobody, for no reason is refused", () => {
  assert.deepEqual(Object.keys(problems({ ...DRAFT, matchers: [], author: " ", comment: "" }, NOW)), [
    "matchers",
    "author",
    "comment",
  ]);
  const everything = problems({ ...DRAFT, matchers: [{ label: "target", pattern: "*" }] }, NOW);
  assert.match(everything["matchers"] ?? "", /everything/);
});

test("each refusal of the daemon's is shown at the field it speaks of", () => {
  const said: [string, string][] = [
    ["no alert has a label modle (did you mean model?); there is model, target", "matchers"],
    ["a silence of everything: name a label, such as provider=openai", "matchers"],
    ["'x': expected LABEL=PATTERN, such as provider=openai", "matchers"],
    ["its end is in the past", "ends"],
    ["it ends before it begins", "ends"],
    ["longer than 90 days: change the rule instead", "ends"],
    ["a comment is needed: say why, for whoever finds it at night", "comment"],
    ["an author is needed: say --author NAME", "author"],
    ["1000 silences are kept already: expire some", ""],
  ];
  for (const [detail, field] of said) assert.equal(fieldOf(detail), field, detail);
});
