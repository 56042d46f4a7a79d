// @vitest-environment jsdom
import { expect, it } from "vitest";

import { TOOLS } from "@/tools/registry";
import { VIEW_COMMANDS } from "@/views/commands";

/** Keys of the page itself: full screen, facts, side panel, help. */
const PAGE_KEYS = ["f", "h", "\\", "?"];

it.each([false, true])("gives each key to one command, of those that have it always and of those that have it sometimes", (sometimes) => {
  const commands = [...VIEW_COMMANDS, ...TOOLS.flatMap(({ keys: own }) => own ?? [])].filter(({ only }) => (only !== undefined) === sometimes);
  const all = [...commands.flatMap(({ keys }) => keys), ...(sometimes ? [] : PAGE_KEYS)];
  expect(all.filter((key, i) => all.indexOf(key) !== i)).toEqual([]);
});

it("names each tool once", () => {
  const names = TOOLS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});
