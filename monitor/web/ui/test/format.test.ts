// Numbers read the same here as in the daemon's own words.
import assert from "node:assert/strict";
import { test } from "node:test";
import { age, count, NOTHING, perSecond, quantile, ratio, seconds, usd, utc } from "../src/format.ts";

test("what is not known is a dash, never 0", () => {
  for (const text of [seconds(null), quantile(null), ratio(null), usd(null), count(null), perSecond(undefined)]) {
    assert.equal(text, NOTHING);
  }
});

test("a duration has the unit that suits its size", () => {
  assert.deepEqual([0, 0.4204, 0.9994, 0.9995, 1.5, 99.994, 100].map(seconds), ["0 ms", "420 ms", "999 ms", "1.00 s", "1.50 s", "99.99 s", "100 s"]);
});

test("a quantile that a timeout cut short is at least that", () => {
  assert.equal(quantile({ value: 30, lower_bound: true }), "≥ 30.00 s");
  assert.equal(quantile({ value: 30, lower_bound: false }), "30.00 s");
});

test("a failure never rounds away to 0 %, nor a success to 100 %", () => {
  assert.deepEqual([0, 0.0004, 0.05, 0.333, 0.9995, 1].map(ratio), ["0 %", "< 0.1 %", "5 %", "33.3 %", "> 99.9 %", "100 %"]);
});

test("money has as many digits as it needs", () => {
  assert.deepEqual([0, 0.000012, 0.0345, 12.3, -2].map(usd), ["$0.00", "$0.000012", "$0.0345", "$12.30", "$-2.00"]);
});

test("an age is said in the unit that matters", () => {
  assert.deepEqual([-1, 119, 120, 7199, 7200, 172_799, 172_800].map(age), ["0 s", "119 s", "2 min", "119 min", "2 h 0 min", "47 h 59 min", "2 d"]);
});

test("a moment in UTC reads as in a log", () => {
  assert.equal(utc(0), "1970-01-01 00:00:00 UTC");
});

test("thousands stand apart and rates are short", () => {
  assert.equal(count(1234567), "1,234,567");
  assert.deepEqual([3.14, 42.4].map(perSecond), ["3.1/s", "42/s"]);
});

test("what is spent never rounds away to nothing", () => {
  assert.equal(usd(0), "$0.00");
  assert.equal(usd(0.0000006), "$0.000001");
  assert.equal(usd(0.00000012), "< $0.000001");
  assert.equal(usd(-0.00000012), "> -$0.000001");
});
