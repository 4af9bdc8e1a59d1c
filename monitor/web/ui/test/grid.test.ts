import assert from "node:assert/strict";
import { test } from "node:test";
import { gridOf, layers, lonely, placed, stacked, sum } from "../src/charts/grid.ts";

const grid = gridOf({ since: 130, until: 400, step_s: 60, at: [120, 300] });

test("a grid has every step of the time asked for, known or not", () => {
  assert.deepEqual(grid, { since: 120, step_s: 60, at: [120, 180, 240, 300, 360] });
  assert.deepEqual(gridOf({ since: 0, until: 60, step_s: 60, at: [] }).at, [0]);
});

test("a grid of too many steps ends where nobody would draw it", () => {
  assert.equal(gridOf({ since: 0, until: 1e9, step_s: 1, at: [] }).at.length, 5000);
});

test("a step without anything is a gap, and unknown stays unknown", () => {
  assert.deepEqual(placed(grid, [120, 300], [1, null]), [1, null, null, null, null]);
  assert.deepEqual(placed(grid, [120, 300], [0, 2]), [0, null, null, 2, null]);
});

test("a series of last week lies on this week's steps; what lies outside is left out", () => {
  const week = 604_800;
  const at = [60, 180, 240, 900].map((moment) => moment - week);
  assert.deepEqual(placed(grid, at, [9, 1, 2, 9], week), [null, 1, 2, null, null]);
});

test("a stack reaches to the sum of what is below, and is a gap only where all of it is", () => {
  assert.deepEqual(stacked([[1, null, 0], [2, 3, null], [null, null, null]]), [
    [1, null, 0],
    [3, 3, 0],
    [3, 3, 0],
  ]);
  assert.deepEqual(stacked([[null], [null]]), [[null], [null]]);
  assert.deepEqual(stacked([]), []);
});

test("parts are the largest first, without those that never happened", () => {
  const parts = layers({ a: [1, 0], b: [5, 5], c: [0, 0], d: [0, 1] }, 6);
  assert.deepEqual(parts.map((part) => part.name), ["b", "a", "d"]);
  assert.deepEqual(parts.map((part) => part.total), [10, 1, 1]);
});

test("parts beyond what can be told apart are added up as other, and nothing is lost", () => {
  const counts = { a: [9, 9], b: [4, 1], c: [1, 2], d: [1, 0] };
  const parts = layers(counts, 3);
  assert.deepEqual(parts.map((part) => part.name), ["a", "b", "other"]);
  assert.deepEqual(parts[2]?.counts, [2, 2]);
  assert.equal(sum(parts.map((part) => part.total)), 27);
  assert.equal(layers(counts, 4).at(-1)?.name, "d");
});

test("a value between two gaps has a place of its own, for no line leads to it", () => {
  assert.deepEqual(lonely([1, null, 2, undefined, 3, 4, null, 0]), [0, 2, 7]);
  assert.deepEqual(lonely([]), []);
  assert.deepEqual(lonely([5]), [0]);
});
