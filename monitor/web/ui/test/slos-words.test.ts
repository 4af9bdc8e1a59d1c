import assert from "node:assert/strict";
import { test } from "node:test";
import type { SloRow } from "../src/api.ts";
import { burning, leastLeftFirst, outlook, outlookText, overspentText, times } from "../src/pages/slos-words.ts";

const DAY_S = 86_400;
const burn = (window: string, rate: number | null, sure_rate = rate, threshold: number | null = 6) => ({
  window,
  rate,
  sure_rate,
  threshold,
  severity: "critical",
});
const slo = (left_ratio: number | null, ...burns: SloRow["burns"]) => ({ period_s: 30 * DAY_S, left_ratio, burns });

test("a window burns too fast when it is sure to, and is unknown when it is above but not sure", () => {
  assert.equal(burning(burn("1h", 7, 6.5)), true);
  assert.equal(burning(burn("1h", 7, 5)), null);
  assert.equal(burning(burn("1h", 6)), false);
  assert.equal(burning(burn("1h", null)), null);
  assert.equal(burning(burn("1h", 7, 7, null)), null);
});

test("a budget ends when what is left is burnt at the pace", () => {
  assert.deepEqual(outlook(slo(0.5, burn("1h", 30, 20, 14.4), burn("3d", 1.5))), {
    kind: "ending",
    ends_in_s: (0.5 * 30 * DAY_S) / 30,
    window: "1h",
  });
});

test("a short window that is not sure counts for nothing: the longest known one tells the pace", () => {
  const found = outlook(slo(0.5, burn("1h", 30, 2, 14.4), burn("6h", 3), burn("3d", null)));
  assert.equal(found.window, "6h");
  assert.equal(found.ends_in_s, (0.5 * 30 * DAY_S) / 3);
});

test("a pace of one or less lasts; nothing left is overspent; nothing counted is unknown", () => {
  assert.deepEqual(outlook(slo(0.5, burn("3d", 1))), { kind: "lasting", window: "3d" });
  assert.equal(outlook(slo(0, burn("3d", 0))).kind, "overspent");
  assert.equal(outlook(slo(-2, burn("3d", 9))).kind, "overspent");
  assert.equal(outlook(slo(null, burn("3d", 9))).kind, "unknown");
  assert.equal(outlook(slo(0.5, burn("3d", null))).kind, "unknown");
  assert.equal(outlook(slo(0.5)).kind, "unknown");
});

test("the least left comes first, what is unknown last, equals by name", () => {
  const row = (name: string, left_ratio: number | null) => ({ name, target: "", left_ratio }) as SloRow;
  const sorted = leastLeftFirst([row("d", null), row("c", 0.5), row("b", 0.5), row("a", -1)]);
  assert.deepEqual(sorted.map(({ name }) => name), ["a", "b", "c", "d"]);
});

test("a burn rate is written as a threshold is", () => {
  assert.deepEqual([null, 0, 14.4, 1.84, 123.4].map(times), ["–", "0×", "14.4×", "1.8×", "123×"]);
});

test("what is overspent is said in percent, and in budgets from two on", () => {
  assert.equal(overspentText(-0.35), "overspent by 35 %");
  assert.equal(overspentText(-65.67), "66.7 times the budget spent");
});

test("each outlook is a sentence", () => {
  assert.match(outlookText({ kind: "ending", ends_in_s: 3 * DAY_S, window: "6h" }), /last 6h the budget ends in 3 d/);
  assert.match(outlookText({ kind: "lasting", window: "3d" }), /last 3d the budget lasts/);
  assert.match(outlookText({ kind: "overspent" }), /^More was bad/);
  assert.match(outlookText({ kind: "unknown" }), /^Too little/);
});
