import assert from "node:assert/strict";
import { test } from "node:test";
import { apart } from "../src/pages/replicas-words.ts";

test("a clock that is as good as right is called so", () => {
  assert.equal(apart(0.04), "right");
  assert.equal(apart(-0.04), "right");
});

test("a clock that is off says how far, and which way", () => {
  assert.equal(apart(1.26), "1.3 s ahead");
  assert.equal(apart(-0.5), "0.5 s behind");
  assert.equal(apart(-3600.4), "3600 s behind");
});
