import assert from "node:assert/strict";
import { test } from "node:test";
import type { CostRow } from "../src/api.ts";
import { byModel, csv, daysText, perDay, sum } from "../src/pages/costs-sums.ts";

const row = (target: string, model: string, usd: (number | null)[], tokens = 10): CostRow => ({
  provider: "openai",
  target,
  model,
  usd,
  total_usd: sum(usd),
  input_tokens: tokens,
  output_tokens: 0,
});

test("a sum of nothing known is unknown, never 0", () => {
  assert.equal(sum([null, null]), null);
  assert.equal(sum([]), null);
  assert.equal(sum([null, 0]), 0);
  assert.equal(sum([1, null, 2]), 3);
});

test("targets of one provider and model are one row, the dearest first, unknown last", () => {
  const rows = byModel([
    row("a", "mini", [1, null]),
    row("b", "big", [5, 5]),
    row("c", "mini", [2, null]),
    row("d", "house", [null, null]),
  ]);
  assert.deepEqual(rows.map(({ model, total_usd, usd }) => [model, total_usd, usd]), [
    ["big", 10, [5, 5]],
    ["mini", 3, [3, null]],
    ["house", null, [null, null]],
  ]);
  assert.deepEqual(rows[1]?.targets, ["a", "c"]);
  assert.equal(rows[1]?.input_tokens, 20);
});

test("a sum is at least what it says when a target used tokens at no known price", () => {
  const [found] = byModel([row("a", "mini", [1]), row("b", "mini", [null])]);
  assert.equal(found?.at_least, true);
  const [quiet] = byModel([row("a", "mini", [1]), row("b", "mini", [null], 0)]);
  assert.equal(quiet?.at_least, false);
});

test("a day's sum is over all rows", () => {
  assert.deepEqual(perDay(3, [row("a", "m", [1, null, null]), row("b", "m", [1, 2, null])]), [2, 2, null]);
});

test("the file has a line for each day and target, without exponents, unknown empty", () => {
  const text = csv(["2026-11-20", "2026-11-21"], [row("chat", "mini", [1e-7, null])]);
  assert.equal(
    text,
    "day,provider,model,target,usd\r\n2026-11-20,openai,mini,chat,0.0000001\r\n2026-11-21,openai,mini,chat,\r\n",
  );
  assert.match(csv(["d"], [row("chat", "mini", [10])]), /chat,10\r\n/);
});

test("what a spreadsheet would take for a formula is text, and separators are quoted", () => {
  const text = csv(["d"], [row('a,"b"', "=cmd()", [1])]);
  assert.match(text, /d,openai,'=cmd\(\),"a,""b""",1\r\n$/);
});

test("daily bars are said in words: the dearest day, and how many are unknown", () => {
  assert.equal(daysText(["a", "b"], [1, 2]), "at most $2.00, on b");
  assert.equal(daysText(["a", "b"], [null, 2]), "at most $2.00, on b; 1 of 2 days unknown");
  assert.equal(daysText(["a"], [null]), "no day's cost is known");
});
