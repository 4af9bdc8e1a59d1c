import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { ApiError, del, get, paramText, post } from "../src/api.ts";

const real = globalThis.fetch;
afterEach(() => void (globalThis.fetch = real));

/** Answer every request with this, and keep what was asked. */
function answering(status: number, body: string): { url: string; init: RequestInit }[] {
  const asked: { url: string; init: RequestInit }[] = [];
  globalThis.fetch = async (url, init) => {
    asked.push({ url: String(url), init: init ?? {} });
    return new Response(status === 204 ? null : body, { status });
  };
  return asked;
}

test("what is not given is not asked for", () => {
  assert.equal(paramText({ a: 1, b: null, c: undefined, d: "", e: "x&y", f: false }), "?a=1&e=x%26y&f=false");
  assert.equal(paramText({}), "");
});

test("a read asks under /api/v1 and brings what was answered", async () => {
  const asked = answering(200, '{"a": 1}');
  assert.deepEqual(await get("/targets", { limit: 5 }), { a: 1 });
  assert.equal(asked[0]?.url, "/api/v1/targets?limit=5");
});

test("a write carries the header that foreign pages cannot send", async () => {
  const asked = answering(201, "{}");
  await post("/silences", { a: 1 });
  answering(204, "");
  await del("/silences/x");
  assert.deepEqual(asked[0]?.init.headers, { "Content-Type": "application/json", "X-Sonde-Write": "1" });
  assert.equal(asked[0]?.init.body, '{"a":1}');
});

test("a problem is an error in the daemon's words", async () => {
  answering(422, '{"title": "not valid", "status": 422, "detail": "ends_at: in the past"}');
  await assert.rejects(get("/x"), (error) => error instanceof ApiError && error.status === 422 && error.detail === "ends_at: in the past" && error.title === "not valid");
});

test("an answer that is no problem document is still an error with its status", async () => {
  answering(502, "<html>");
  await assert.rejects(get("/x"), (error) => error instanceof ApiError && error.status === 502 && error.detail.includes("502"));
});

test("nobody there is status 0", async () => {
  globalThis.fetch = async () => Promise.reject(new TypeError("failed"));
  await assert.rejects(get("/x"), (error) => error instanceof ApiError && error.status === 0);
});

test("a page that is left ends its question as such, not as a fault", async () => {
  globalThis.fetch = async () => Promise.reject(new DOMException("left", "AbortError"));
  await assert.rejects(get("/x"), (error) => error instanceof DOMException && error.name === "AbortError");
});

for (const body of ["", '[{"a":']) {
  test(`an answer that breaks off after ${body.length} characters is an error like any other`, async () => {
    answering(200, body);
    await assert.rejects(get("/x"), (error) => error instanceof ApiError && error.status === 0 && error.detail.includes("broke off"));
  });
}

test("a page that is left while its answer comes is not told of a fault", async () => {
  const left = { ok: true, status: 200, json: () => Promise.reject(new DOMException("left", "AbortError")) };
  globalThis.fetch = async () => left as unknown as Response;
  await assert.rejects(get("/x"), (error) => error instanceof DOMException && error.name === "AbortError");
});
