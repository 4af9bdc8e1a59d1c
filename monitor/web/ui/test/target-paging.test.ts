import assert from "node:assert/strict";
import { test } from "node:test";
import type { ProbeRow } from "../src/api.ts";
import { joined } from "../src/pages/target-joined.ts";

const rows = (...ids: string[]) => ids.map((id) => ({ id }) as ProbeRow);
const ids = (known: { rows: readonly ProbeRow[] } | null) => known?.rows.map((row) => row.id);

test("newer probes come before those that are known, without doubles, and the end stays", () => {
  const known = joined(rows("e", "d", "c"), { rows: rows("d", "c", "b", "a"), cursor: "z" });
  assert.deepEqual(ids(known), ["e", "d", "c", "b", "a"]);
  assert.equal(known?.cursor, "z");
});

test("when nothing is newer nothing changes", () => {
  const known = { rows: rows("b", "a"), cursor: null };
  assert.equal(joined(rows("b", "a"), known), known);
  assert.equal(joined([], known), known);
});

test("when some may lie between that nobody saw, the list begins anew", () => {
  assert.equal(joined(rows("z", "y"), { rows: rows("b", "a"), cursor: "q" }), null);
});
