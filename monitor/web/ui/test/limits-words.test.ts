import assert from "node:assert/strict";
import { test } from "node:test";
import type { LimitRow } from "../src/api.ts";
import { agreement, leastHeadroomFirst } from "../src/pages/limits-words.ts";

const row = (change: Partial<LimitRow>): LimitRow => ({
  provider: "openai",
  model: "mini",
  bucket: "requests",
  limit: 60,
  remaining: 30,
  headroom: 0.5,
  reset_s: 1,
  at: 0,
  observed_per_min: null,
  agrees: "unknown",
  ...change,
});

test("what is seen is put beside what is said, and what follows is said", () => {
  assert.match(agreement(row({ agrees: "yes", observed_per_min: 58 })), /where such a limit/);
  assert.match(agreement(row({ agrees: "no", observed_per_min: 20 })), /others use this key/);
  assert.match(agreement(row({ agrees: "no", observed_per_min: 200 })), /more than/);
  assert.match(agreement(row({ agrees: "no", limit: null })), /does not fit/);
  assert.match(agreement(row({})), /Nothing was refused/);
  assert.match(agreement(row({ limit: null, observed_per_min: 20 })), /says no limit/);
  assert.match(agreement(row({ observed_per_min: 20 })), /Not to be compared/);
});

test("the least headroom comes first, what is unknown last, equals by name", () => {
  const sorted = leastHeadroomFirst([
    row({ model: "c", headroom: null }),
    row({ model: "b" }),
    row({ model: "a" }),
    row({ model: "d", headroom: 0.01 }),
  ]);
  assert.deepEqual(sorted.map(({ model }) => model), ["d", "a", "b", "c"]);
});
