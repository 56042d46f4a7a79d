import { readdirSync, readFileSync } from "node:fs";
import { basename, extname } from "node:path";
import { fileURLToPath } from "node:url";

import { expect, it } from "vitest";

const SOURCES = fileURLToPath(new URL("../../src/", import.meta.url));
const files = readdirSync(SOURCES, { recursive: true, encoding: "utf8" })
  .map((path) => path.replaceAll("\\", "/"))
  .filter((path) => /\.(ts|vue)$/.test(path) && !path.endsWith(".d.ts"));

/** The keys that several files have, with those files. */
function shared(keysOf: (path: string) => Iterable<string>): Record<string, string[]> {
  const owners = new Map<string, string[]>();
  for (const path of files) for (const key of keysOf(path)) owners.set(key, [...(owners.get(key) ?? []), path]);
  return Object.fromEntries([...owners].filter(([, paths]) => paths.length > 1));
}

it("no two files export one name or declare one type", () => {
  const declared = /^(?:export (?:async )?(?:const|let|function)|(?:export )?(?:class|interface|type)) (\w+)/gm;
  const names = (path: string) => new Set(Array.from(readFileSync(SOURCES + path, "utf8").matchAll(declared), ([, name]) => name));
  const components = (path: string) => (path.endsWith(".vue") ? [basename(path, ".vue")] : []);
  expect(shared((path) => [...names(path), ...components(path)])).toEqual({});
});

it("no two files have one name, except for the parts that each tool has", () => {
  const stem = (path: string) => basename(path, extname(path)).toLowerCase();
  expect(shared((path) => (/^tools\/\w+\/(model|store|tool)\.ts$/.test(path) ? [] : [stem(path)]))).toEqual({});
});
