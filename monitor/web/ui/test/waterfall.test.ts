import assert from "node:assert/strict";
import { test } from "node:test";
import { bars, barsText, scaleOf } from "../src/charts/waterfall.ts";
import { seconds } from "../src/format.ts";

const stage = (name: string, start_s: number, end_s: number, ended = true) => ({ name, start_s, end_s, ended });

test("all rows of a page share the scale of the longest", () => {
  assert.equal(scaleOf([{ stages: [stage("head", 0, 2)] }, { stages: [stage("body", 0, 8)] }]), 8);
  assert.equal(scaleOf([]), 1);
  assert.equal(scaleOf([{ stages: [stage("head", 0, 0)] }]), 1);
});

test("a bar lies where its stage did, and its look says what was done", () => {
  const [connect, head, answer] = bars([stage("connect", 0, 1), stage("head", 1, 2), stage("answer", 2, 4)], 8);
  assert.deepEqual([connect?.look, head?.look, answer?.look], ["road", "wait", "flow"]);
  assert.deepEqual([answer?.left, answer?.width], [0.25, 0.25]);
});

test("the stage a probe ended in looks otherwise, and a name nobody knows is shown as it is", () => {
  assert.equal(bars([stage("answer", 0, 1, false)], 1)[0]?.look, "cut");
  assert.equal(bars([stage("newer", 0, 1)], 1)[0]?.label, "newer");
});

test("nothing is too short to be seen, and nothing leaves the drawing", () => {
  const drawn = bars([stage("end", 8, 8), stage("tls", 0, 0), stage("body", 0, 99), stage("head", 99, 99)], 8);
  for (const bar of drawn) {
    assert.ok(bar.width > 0);
    assert.ok(bar.left >= 0 && bar.left + bar.width <= 1 + 1e-9);
  }
});

test("the same is said in words", () => {
  const drawn = bars([stage("tls", 0, 0.02), stage("first_token", 0.02, 8, false)], 8);
  assert.equal(barsText(drawn, seconds), "TLS handshake 20 ms, first token 7.98 s, ended here");
  assert.equal(barsText([], seconds), "nothing was sent");
});
