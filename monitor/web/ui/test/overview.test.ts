import assert from "node:assert/strict";
import { test } from "node:test";
import { merged, worstFirst } from "../src/order.ts";
import { chosen, firstOf, levelCounts, providersOf, sections } from "../src/pages/overview-rows.ts";
import { last, target } from "./shapes.ts";

const names = (targets: { name: string }[]) => targets.map((one) => one.name);

test("the worst comes first, by level and then by the daemon's rank", () => {
  const all = [target({ name: "ok", rank: 0 }), target({ name: "slow", level: "slow", rank: 9 }), target({ name: "down2", level: "down", rank: 2 }), target({ name: "down1", level: "down", rank: 1 })];
  assert.deepEqual(names(worstFirst(all)), ["down1", "down2", "slow", "ok"]);
});

test("targets of one rank keep the order of their names", () => {
  assert.deepEqual(names(worstFirst([target({ name: "b" }), target({ name: "a" })])), ["a", "b"]);
});

test("a tick replaces what it tells of, leaves the others and adds what is new", () => {
  const before = [target({ name: "a", rank: 0 }), target({ name: "b", rank: 1 })];
  const after = merged(before, [target({ name: "b", level: "down" }), target({ name: "c", rank: 5 })]);
  assert.deepEqual(names(after), ["b", "a", "c"]);
  assert.equal(after[1], before[0]);
});

test("every word of the search must be found, in whatever describes the target", () => {
  const all = [target({ name: "Chat-EU", labels: { team: "blue" }, last: last("timeout") }), target({ name: "chat-us" })];
  assert.deepEqual(names(chosen(all, { q: "chat EU" })), ["Chat-EU"]);
  assert.deepEqual(names(chosen(all, { q: "team=blue timeout" })), ["Chat-EU"]);
  assert.deepEqual(names(chosen(all, { q: "chat mars" })), []);
  assert.equal(chosen(all, {}).length, 2);
});

test("provider and level must fit exactly", () => {
  const all = [target({ name: "a", provider: "openai", level: "down" }), target({ name: "b", provider: "openai-eu" })];
  assert.deepEqual(names(chosen(all, { provider: "openai" })), ["a"]);
  assert.deepEqual(names(chosen(all, { level: "ok" })), ["b"]);
});

test("a provider stands where its worst target does", () => {
  const all = [target({ name: "a", provider: "y" }), target({ name: "b", provider: "x" }), target({ name: "c", provider: "y" })];
  assert.deepEqual(sections(all), [{ provider: "y", names: ["a", "c"] }, { provider: "x", names: ["b"] }]);
});

test("the first rows of all sections are drawn first, none twice and no section empty", () => {
  const all = [{ provider: "y", names: ["a", "c"] }, { provider: "x", names: ["b"] }];
  assert.deepEqual(firstOf(all, 1), [{ provider: "y", names: ["a"] }]);
  assert.deepEqual(firstOf(all, 3), all);
});

test("levels are counted", () => {
  assert.deepEqual([...levelCounts([target(), target({ level: "down" }), target()])], [["ok", 2], ["down", 1]]);
});

test("a provider that is asked for can be chosen, even where it is gone", () => {
  const all = [target({ provider: "q" }), target({ provider: "p" }), target({ provider: "q" })];
  assert.deepEqual(providersOf(all, ""), ["p", "q"]);
  assert.deepEqual(providersOf(all, "gone"), ["gone", "p", "q"]);
});
