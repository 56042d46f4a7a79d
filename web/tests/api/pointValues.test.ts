import { expect, it, vi } from "vitest";

import { getPointValues } from "@/api/pointValues";
import { REBUILT } from "@/api/volumeBytes";

const asked: string[] = [];

function answering(body: object): void {
  vi.stubGlobal("fetch", (address: string) => {
    asked.push(address);
    return Promise.resolve(new Response(JSON.stringify(body), { headers: { "Content-Type": "application/json" } }));
  });
}

const get = () => getPointValues(5, "two", [1.5, -2, 1e-7], new AbortController().signal);

it("asks once for all volumes, with all digits of the point", async () => {
  answering({ version: "two", values: [1, null, -3.5] });
  expect(await get()).toEqual([1, null, -3.5]);
  expect(asked.map((address) => new URL(address, "http://a").searchParams.get("at"))).toEqual(["1.5,-2,1e-7"]);
});

it("values of volumes that were made again are none of these", async () => {
  answering({ version: "three", values: [1] });
  await expect(get()).rejects.toMatchObject({ code: REBUILT });
});

it("an answer of another form is told", async () => {
  answering({ version: "two", values: ["1"] });
  await expect(get()).rejects.toThrow("values");
});
