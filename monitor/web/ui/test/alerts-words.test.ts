import assert from "node:assert/strict";
import { test } from "node:test";
import type { AlertRow } from "../src/api.ts";
import { matches } from "../src/forms/matchers.ts";
import { became, counted, linkable, literal, matchersFor, quiet } from "../src/pages/alerts-words.ts";

const alert = (change: Partial<AlertRow>): AlertRow => ({
  fingerprint: "9d2f6f0b1f7e4a55",
  name: "Down",
  severity: "critical",
  state: "firing",
  subject: "chat",
  targets: ["chat"],
  provider: "house",
  fault: "provider",
  value: "",
  condition: "",
  since: 1,
  fired_at: 2,
  clear_since: null,
  held_back: "",
  channels: [],
  acknowledged: "",
  notes: [],
  annotations: {},
  labels: {},
  ...change,
});

test("each channel says whether it was told, and why it is kept quiet", () => {
  const channels = [
    { channel: "slack", told: true, undelivered: "", muted: "" },
    { channel: "mail", told: false, undelivered: "", muted: "silence 3f of ada" },
    { channel: "hook", told: false, undelivered: "given up after 3 attempts: HTTP 404", muted: "" },
  ];
  assert.deepEqual(became(alert({ channels, acknowledged: "by ada" })), [
    "acknowledged by ada",
    "slack: told",
    "mail: not told yet, kept quiet: silence 3f of ada",
    "hook: not told, given up after 3 attempts: HTTP 404",
  ]);
});

test("an alert that nobody hears of says why", () => {
  assert.deepEqual(became(alert({ held_back: "a louder alert says it" })), ["held back: a louder alert says it"]);
  assert.match(became(alert({}))[0] ?? "", /no route/);
  assert.match(became(alert({ state: "pending", fired_at: null }))[0] ?? "", /before it fires/);
});

test("a silence of an alert names it and the narrowest thing it is about", () => {
  const labels = { target: "chat", provider: "house", location: "here" };
  assert.deepEqual(matchersFor(alert({ labels })), [
    { label: "alertname", pattern: "Down" },
    { label: "target", pattern: "chat" },
  ]);
  assert.deepEqual(matchersFor(alert({ labels: { location: "here" } }))[1], { label: "location", pattern: "here" });
  assert.equal(matchersFor(alert({})).length, 1);
});

test("a name with signs of patterns in it is meant as it stands", () => {
  for (const name of ["chat", "a*b", "what?", "[x]", "a|b", "!x", "a]b"]) {
    assert.equal(matches([{ label: "target", pattern: literal(name) }], { target: name }), true, name);
  }
  assert.equal(matches([{ label: "target", pattern: literal("a*b") }], { target: "axb" }), false);
});

test("only an address of the web is a link", () => {
  assert.equal(linkable("https://wiki.example/down"), "https://wiki.example/down");
  for (const text of ["javascript:alert(1)", " https://x", "data:text/html,x", "see https://x", ""]) assert.equal(linkable(text), "");
});

test("states are counted, those that nobody is in left out", () => {
  assert.equal(counted([{ state: "pending" }, { state: "firing" }, { state: "firing" }]), "2 firing, 1 pending");
  assert.equal(counted([]), "");
});

test("why people hear nothing is one word: all channels muted, not some", () => {
  const mute = { channel: "slack", told: true, muted: "silence" };
  const loud = { channel: "mail", told: true, muted: "" };
  assert.equal(quiet(alert({ channels: [mute] })), "kept quiet");
  assert.equal(quiet(alert({ channels: [mute, loud] })), "");
  assert.equal(quiet(alert({})), "");
  assert.equal(quiet(alert({ held_back: "louder" })), "held back");
  assert.equal(quiet(alert({ acknowledged: "by ada", held_back: "louder" })), "acknowledged");
});
