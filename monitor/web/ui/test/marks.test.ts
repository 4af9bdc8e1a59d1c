import assert from "node:assert/strict";
import { test } from "node:test";
import type { Mark } from "../src/api.ts";
import { marksText, placedMarks } from "../src/charts/marks.ts";

const SHOWN = { since: 1000, until: 2000 };

const mark = (change: Partial<Mark>): Mark => ({
  at: 1200,
  until: 1300,
  kind: "trouble",
  fault: "provider",
  title: "3 failures in a row",
  detail: "",
  ...change,
});

const spans = (marks: Mark[]) => placedMarks(marks, SHOWN).map((it) => [it.since, it.until]);

test("a mark is drawn as far as it lies in the time shown, and not at all outside of it", () => {
  assert.deepEqual(spans([mark({ at: 500, until: 1100 })]), [[1000, 1100]]);
  assert.deepEqual(spans([mark({ at: 1900, until: 9000 })]), [[1900, 2000]]);
  assert.deepEqual(spans([mark({ at: 500, until: 900 }), mark({ at: 2100, until: 2200 })]), []);
});

test("what goes on lasts to the end; an answer that changed is a moment", () => {
  assert.deepEqual(spans([mark({ until: null })]), [[1200, 2000]]);
  assert.deepEqual(spans([mark({ until: null, kind: "drift" })]), [[1200, 1200]]);
  assert.deepEqual(spans([mark({ at: 500, until: null, kind: "drift" })]), []);
  assert.deepEqual(spans([mark({ at: 500, until: null, kind: "alert" })]), [[1000, 2000]]);
});

test("the newest stands first, and each has a key and the lane of its kind", () => {
  const marks = [mark({}), mark({ kind: "alert" }), mark({ at: 1500, until: 1600 }), mark({ title: "x" })];
  const placed = placedMarks(marks, SHOWN);
  assert.deepEqual(placed.map((it) => it.mark.at), [1500, 1200, 1200, 1200]);
  assert.equal(new Set(placed.map((it) => it.key)).size, 4);
  assert.deepEqual(placed.map((it) => it.lane), [0, 0, 0, 2]);
});

test("marks are counted by kind in words", () => {
  const placed = placedMarks([mark({}), mark({ at: 1250 }), mark({ kind: "drift" })], SHOWN);
  assert.equal(marksText(placed), "2 troubles, 1 changed answer");
  assert.equal(marksText([]), "");
});
