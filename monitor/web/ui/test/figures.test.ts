import assert from "node:assert/strict";
import { test } from "node:test";
import type { Series } from "../src/api.ts";
import { type Comparison, type Split, figures } from "../src/charts/figures.ts";
import { gridOf } from "../src/charts/grid.ts";
import { boundsText, figureText, isEmpty, lineText } from "../src/charts/words.ts";

const series = (change: Partial<Series> = {}): Series => ({
  target: "chat",
  since: 0,
  until: 180,
  step_s: 60,
  at: [0, 120],
  n: [10, 8],
  missed: [0, 2],
  p50_s: [0.5, 1.5],
  p95_s: [0.9, 8],
  p99_s: [1, null],
  lower_bound: [false, true],
  first_token_p50_s: [null, null],
  first_token_p95_s: [null, null],
  tokens_per_s_p50: [60, 40],
  verdicts: { timeout: [0, 3], server_error: [1, 1] },
  faults: { network: [0, 1], provider: [1, 3] },
  cost_usd: [0.001, null],
  headroom: [0.9, 0.2],
  ...change,
});

function drawn(change: Partial<Series> = {}, others: Comparison[] = [], split: Split = "verdict") {
  const past = series(change);
  const all = figures(past, gridOf(past), others, split);
  return (id: string) => {
    const found = all.find((figure) => figure.id === id);
    assert.ok(found);
    return found;
  };
}

test("every chart says in words what it shows", () => {
  const chart = drawn();
  assert.equal(
    figureText(chart("latency")),
    "p50 500 ms to 1.50 s, last 1.50 s; p95 900 ms to 8.00 s, last 8.00 s; p99 1.00 s.",
  );
  assert.equal(figureText(chart("first_token")), "Nothing is known of this time.");
  assert.equal(figureText(chart("pace")), "p50 40/s to 60/s, last 40/s.");
  assert.equal(figureText(chart("errors")), "timeout 3, server_error 2.");
  assert.equal(figureText(chart("samples")), "results 18, missed 2.");
  assert.equal(figureText(chart("headroom")), "least left 20 % to 90 %, last 20 %.");
  assert.equal(figureText(chart("cost")), "cost $0.001000.");
  assert.equal(figureText(drawn({ verdicts: {} })("errors")), "No failures in this time.");
});

test("one line of which nothing is known says so beside those that are", () => {
  assert.match(figureText(drawn({ p99_s: [null, null] })("latency")), /; p99 not known\.$/);
});

test("a value cut short by timeouts is said to be at least that", () => {
  const latency = drawn()("latency");
  const [p50, p95] = latency.lines;
  assert.ok(p50 && p95);
  assert.equal(lineText(latency, p50, 2), "1.50 s");
  assert.equal(lineText(latency, p95, 2), "≥ 8.00 s");
  assert.equal(lineText(latency, p95, 0), "900 ms");
  assert.equal(lineText(latency, p95, 1), "–");
  assert.equal(boundsText(latency), "at least: timeouts cut 1 step short");
  assert.equal(boundsText(drawn({ lower_bound: [true, true] })("latency")), "at least: timeouts cut 2 steps short");
  assert.equal(boundsText(drawn()("pace")), "");
});

test("nothing known is empty, and a zero is not nothing", () => {
  assert.ok(isEmpty(drawn()("first_token")));
  assert.ok(!isEmpty(drawn({ headroom: [0, null] })("headroom")));
});

test("failures are counted by what happened, or by whose fault, which always looks the same", () => {
  const byFault = (faults: Record<string, number[]>) =>
    drawn({ faults }, [], "fault")("errors").lines.map(({ label, colour }) => [label, colour]);
  assert.deepEqual(byFault({ network: [0, 1], provider: [1, 3] }), [["provider", 1], ["network", 2]]);
  assert.deepEqual(byFault({ network: [0, 9], newer: [1, 3] }), [["network", 2], ["newer", 6]]);
});

test("a comparison is drawn dashed in the same colours, each in its own way, and not in the summary", () => {
  const week = { label: "last week", series: series({ at: [-604_800], p50_s: [0.25] }), shift_s: 604_800 };
  const other = { label: "b", series: series({ target: "b", at: [60], n: [7] }), shift_s: 0 };
  const chart = drawn({}, [week, other]);
  const lines = chart("latency").lines.map(({ label, colour, dash }) => [label, colour, dash]);
  assert.deepEqual(lines.slice(3), [
    ["p50, last week", 1, 1],
    ["p95, last week", 2, 1],
    ["p50, b", 1, 2],
    ["p95, b", 2, 2],
  ]);
  assert.deepEqual(chart("latency").lines[3]?.values, [0.25, null, null]);
  assert.deepEqual(chart("samples").lines.at(-1)?.values, [null, 7, null]);
  assert.deepEqual(chart("errors").lines.at(-1)?.values, [null, 1, null]);
  assert.equal(figureText(chart("latency")), figureText(drawn()("latency")));
});
