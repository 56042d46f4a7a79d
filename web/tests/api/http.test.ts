// @vitest-environment jsdom
import * as v from "valibot";
import { afterEach, describe, expect, it, vi } from "vitest";

import { csrfToken, problemFrom, requestJson, send, ServerProblem } from "@/api/http";
import { withQuery } from "@/api/query";

afterEach(() => vi.unstubAllGlobals());

const answer = (body: string, status = 200) => vi.fn(() => Promise.resolve(new Response(body, { status })));

describe("send", () => {
  it("gives the problem in the server's words", async () => {
    vi.stubGlobal("fetch", answer('{"title":"Not found","status":404,"detail":"no series 9","code":"not_found"}', 404));
    await expect(send("/api/series/9")).rejects.toMatchObject({ status: 404, code: "not_found", message: "no series 9" });
  });

  it("sends the CSRF token with what changes something, and only then", async () => {
    document.cookie = "csrftoken=secret";
    const fetched = vi.fn<(address: string, options: RequestInit) => Promise<Response>>();
    fetched.mockImplementation(() => Promise.resolve(new Response('"x"')));
    vi.stubGlobal("fetch", fetched);
    await requestJson("/api/a", v.string());
    await send("/api/a", { method: "DELETE" });
    const tokens = fetched.mock.calls.map(([, { headers }]) => new Headers(headers).get("X-CSRFToken"));
    expect(tokens).toEqual([null, "secret"]);
  });

  it("says so when the server cannot be reached, and lets an abort be one", async () => {
    vi.stubGlobal("fetch", vi.fn(() => Promise.reject(new TypeError("Failed to fetch"))));
    await expect(send("/api/me")).rejects.toThrow(/cannot be reached/);
    vi.stubGlobal("fetch", vi.fn(() => Promise.reject(new DOMException("", "AbortError"))));
    await expect(send("/api/me")).rejects.toMatchObject({ name: "AbortError" });
  });
});

it("makes a problem of any failed answer", () => {
  expect(problemFrom(500, "<html>")).toBeInstanceOf(ServerProblem);
  expect(problemFrom(413, "").message).toMatch(/more than the server accepts/);
  const skipped = { "a.txt": { code: "not_dicom", message: "a.txt is no DICOM file" } };
  expect(problemFrom(422, JSON.stringify({ title: "Unprocessable", status: 422, detail: "nothing", code: "x", skipped })).skipped).toEqual(skipped);
});

it("finds the token among cookies", () => {
  expect(csrfToken("a=1; csrftoken=a%3Db; c=2")).toBe("a=b");
  expect(csrfToken("")).toBe("");
});

it("leaves parameters out that have no value", () => {
  expect(withQuery("/x", { a: 0, b: "", c: undefined, d: null, e: "é" })).toBe("/x?a=0&e=%C3%A9");
});
