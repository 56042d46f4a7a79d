import { expect, it } from "vitest";

import { titleOf } from "@/stores/transfers";

it.each([
  [["scan.zip"], "scan.zip"],
  [["a.dcm", "b.dcm", "c.dcm"], "a.dcm and 2 more files"],
  [["head/1.dcm", "head/deep/2.dcm"], "head (2 files)"],
  [["head/1.dcm", "neck/2.dcm"], "head/1.dcm and 1 more file"],
  [[], "Upload"],
])("names an upload of %j", (names, title) => {
  expect(titleOf(names)).toBe(title);
});
