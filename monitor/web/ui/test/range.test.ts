import assert from "node:assert/strict";
import { test } from "node:test";
import { boundsOf, dragged, isMoving, moved, rangeOf, rangeWords, zoomed } from "../src/charts/range.ts";

const NOW = 1_800_000_000;

test("an address without sense means the last 24 hours", () => {
  const senseless: Record<string, string>[] = [
    {},
    { range: "1y" },
    { range: "toString" },
    { since: "x", until: "5" },
    { since: "9000", until: "5" },
    { since: "-5", until: "9000" },
    { since: "5", until: "Infinity" },
    { since: "", until: "" },
  ];
  for (const words of senseless) assert.deepEqual(rangeOf(words), { name: "24h" });
});

test("a range is read as it was written", () => {
  for (const range of [{ name: "1h" } as const, { name: "90d" } as const, { since: 1000, until: 9000 }]) {
    assert.deepEqual(rangeOf(rangeWords(range)), range);
  }
});

test("the usual range is not in the address, and zooming does not forget which it was", () => {
  assert.deepEqual(rangeWords({ name: "24h" }), { since: "", until: "", range: "" });
  assert.ok(!("range" in rangeWords({ since: 1000, until: 9000 })));
});

test("a range with a name ends now, one without stands still", () => {
  const range = rangeOf({ range: "1h" });
  assert.ok(isMoving(range));
  assert.deepEqual(boundsOf(range, NOW), { since: NOW - 3600, until: NOW });
  assert.deepEqual(boundsOf({ since: 1000, until: 9000 }, NOW), { since: 1000, until: 9000 });
});

test("zooming in and out again keeps the middle, between ten minutes and 90 days", () => {
  const day = { since: NOW - 186_400, until: NOW - 100_000 };
  const closer = zoomed(day, 0.5, NOW);
  assert.deepEqual(closer, { since: NOW - 164_800, until: NOW - 121_600 });
  assert.deepEqual(zoomed(closer, 2, NOW), day);
  let bounds = day;
  for (let i = 0; i < 20; i += 1) bounds = zoomed(bounds, 0.5, NOW);
  assert.equal(bounds.until - bounds.since, 600);
  for (let i = 0; i < 40; i += 1) bounds = zoomed(bounds, 2, NOW);
  assert.equal(bounds.until - bounds.since, 7_776_000);
});

test("nobody sees the future, whatever they zoom or move", () => {
  const day = { since: NOW - 86_400, until: NOW };
  for (const bounds of [moved(day, 0.25, NOW), zoomed(day, 2, NOW), dragged(NOW - 60, NOW + 900, NOW)]) {
    assert.ok(bounds.until <= NOW);
    assert.ok(bounds.since < bounds.until);
  }
  assert.deepEqual(moved(day, -0.5, NOW), { since: NOW - 129_600, until: NOW - 43_200 });
});

test("a drag means the same in either direction, and a short one ten minutes around it", () => {
  assert.deepEqual(dragged(NOW - 900, NOW - 9000, NOW), dragged(NOW - 9000, NOW - 900, NOW));
  assert.deepEqual(dragged(NOW - 5010, NOW - 4990, NOW), { since: NOW - 5300, until: NOW - 4700 });
});
