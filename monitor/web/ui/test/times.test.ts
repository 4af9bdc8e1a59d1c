import assert from "node:assert/strict";
import { before, test } from "node:test";
import { fromField, toField, zone } from "../src/forms/times.ts";

before(() => {
  process.env["TZ"] = "Europe/Berlin";
});
const at = (utc: string) => Date.parse(utc) / 1000;

test("a field holds a moment as this machine's clocks show it", () => {
  assert.equal(toField(at("2026-11-21T15:30:00Z")), "2026-11-21T16:30");
  assert.equal(fromField("2026-11-21T16:30"), at("2026-11-21T15:30:00Z"));
  assert.equal(fromField("2026-07-21T16:30"), at("2026-07-21T14:30:00Z"));
});

test("a moment in an hour that clocks skip is after the jump", () => {
  assert.equal(fromField("2026-03-29T02:30"), at("2026-03-29T01:30:00Z"));
});

test("what holds no moment is null", () => {
  for (const text of ["", "tomorrow", "2026-13-01T00:00", "2026-11-21"]) assert.equal(fromField(text), null);
});

test("the zone is named with its offset at that moment", () => {
  assert.equal(zone(at("2026-11-21T15:30:00Z")), "Europe/Berlin, UTC+01:00");
  assert.equal(zone(at("2026-07-21T15:30:00Z")), "Europe/Berlin, UTC+02:00");
});
