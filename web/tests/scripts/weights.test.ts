import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { expect, it } from "vitest";

const SOURCES = fileURLToPath(new URL("../../src/", import.meta.url));
/** `styles/theme.css` says why. */
const WEIGHTS = ["400", "550", "600"];

it("fonts have three weights", () => {
  const styled = readdirSync(SOURCES, { recursive: true, encoding: "utf8" }).filter((path) => /\.(css|vue)$/.test(path));
  const used = (path: string) => Array.from(readFileSync(SOURCES + path, "utf8").matchAll(/(?:font-weight: |font: (?=\d+ ))(\w+)/g), ([, weight]) => weight);
  const found = Object.fromEntries(styled.map((path) => [path, used(path)]));
  expect(Object.values(found).flat().length).toBeGreaterThan(20);
  expect(Object.entries(found).filter(([, weights]) => weights.some((weight) => !WEIGHTS.includes(weight)))).toEqual([]);
});
