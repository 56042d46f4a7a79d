import { expect, it } from "vitest";

import { helpGroups } from "@/core/keyHelp";

it("puts lines under the names of their groups, in the order in which these first come", () => {
  const lines = [["A", "one"], ["B", "two"], ["A", "three"]].map(([group, shown]) => ({ group, shown, title: shown }));
  expect(helpGroups(lines).map(({ name, lines: own }) => [name, ...own.map(({ shown }) => shown)])).toEqual([["A", "one", "three"], ["B", "two"]]);
});
