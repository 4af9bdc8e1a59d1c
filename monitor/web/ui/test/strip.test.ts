import assert from "node:assert/strict";
import { test } from "node:test";
import { cellText, sparkPath, sparkText, sparkTop, stripPaths, stripText } from "../src/strip.ts";
import { spark, strip } from "./shapes.ts";

test("a good step is low, a failing one is as high as the cell", () => {
  const paths = stripPaths(strip([10, 10], { provider: [0, 10] }));
  assert.equal(paths.good, "M0 8h4V20h-4z");
  assert.equal(paths.provider, "M5 0h4V20h-4z");
});

test("a single failure among thousands is still seen", () => {
  assert.equal(stripPaths(strip([10_000], { provider: [1] })).provider, "M0 0h4V6h-4z");
});

test("what others caused is narrow, and never hides what the provider did", () => {
  const paths = stripPaths(strip([10, 10], { provider: [0, 5], other: [10, 3] }));
  assert.equal(paths.other, "M1 0h2V20h-2z");
  assert.equal(paths.provider, "M5 0h4V10h-4z");
});

test("a step without results is a thin line, not a good one", () => {
  const paths = stripPaths(strip([0]));
  assert.equal(paths.none, "M0 18h4V20h-4z");
  assert.equal(paths.good, "");
});

test("a cell says what it was", () => {
  const one = strip([1440, 0], { provider: [2, 0], other: [1, 0], missed: [5, 0] });
  assert.equal(cellText(one, 0, "Mon"), "Mon: 1,440 results, 2 failed by the provider, 1 failed otherwise, 5 missed");
  assert.equal(cellText(one, 1, "Tue"), "Tue: nothing known");
});

test("a strip is one sentence", () => {
  assert.equal(stripText(strip([10, 0]), "24 h"), "24 h: 10 results, none failed, nothing known of 1 of 2 steps");
  assert.equal(stripText(strip([0, 0]), "24 h"), "24 h: nothing known");
});

test("a line has gaps where nothing is known, and a dot for a step alone", () => {
  assert.equal(sparkPath([1, 1, null, 1, null, null], 1, 50, 10), "M0 1L10 1M30 1h.1");
  assert.equal(sparkPath([null], 0, 50, 10), "");
});

test("the scale is that of the highest line", () => {
  assert.equal(sparkTop({ ...spark([1, null]), p95_s: [3, null] }), 3);
  assert.equal(sparkTop(spark([null])), 0);
});

test("a sparkline is one sentence", () => {
  assert.equal(sparkText(spark([0.4, null, 1.2])), "Last 24 hours: p50 400 ms to 1.20 s, p95 –, first token –");
});
