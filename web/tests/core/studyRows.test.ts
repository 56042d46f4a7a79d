import { describe, expect, it } from "vitest";

import { isAtLeast, projectsWith, whyRoleLacks } from "@/core/roles";
import { rowCommandFor } from "@/core/rowKeys";
import { COLUMNS, columnsFor, columnsFrom, NEWEST_FIRST, sortedBy, widthOf } from "@/core/studyColumns";
import { tableRows } from "@/core/tableRows";

const study = (id: number, patient: number) => ({ id, patient: { id: patient } });
const STATE = { open: new Set<number>(), seriesOf: new Map<number, { id: number }[]>(), errors: new Map<number, string>(), grouped: false, closedPatients: new Set<number>() };
const STUDIES = [study(1, 8), study(2, 9), study(3, 8)];
const keys = (state: object): string[] => tableRows(STUDIES, { ...STATE, ...state }).map(({ key }) => key);

describe("rows", () => {
  it("are studies, with the series of open ones", () => {
    expect(keys({})).toEqual(["study-1", "study-2", "study-3"]);
    expect(keys({ open: new Set([2, 3]), seriesOf: new Map([[2, [{ id: 5 }, { id: 4 }]]]) })).toEqual([
      "study-1", "study-2", "series-5", "series-4", "study-3", "unknown-3",
    ]);
  });

  it("stand below their patients if grouped, and are hidden with them", () => {
    expect(keys({ grouped: true })).toEqual(["patient-8", "study-1", "study-3", "patient-9", "study-2"]);
    expect(keys({ grouped: true, closedPatients: new Set([8]) })).toEqual(["patient-8", "patient-9", "study-2"]);
    const levels = tableRows(STUDIES, { ...STATE, grouped: true, open: new Set([2]), seriesOf: new Map([[2, [{ id: 5 }]]]) });
    expect(levels.map((row) => (row.kind === "patient" ? 1 : row.level))).toEqual([1, 2, 2, 1, 2, 3]);
  });
});

describe("columns", () => {
  it("sort by their usual direction first, then by the other", () => {
    expect(sortedBy(NEWEST_FIRST, "patient")).toEqual({ order: "patient", descending: false });
    expect(sortedBy(NEWEST_FIRST, "size")).toEqual({ order: "size", descending: true });
    expect(sortedBy({ order: "size", descending: true }, "size")).toEqual({ order: "size", descending: false });
  });

  it("are those that fit, or those that were chosen", () => {
    const names = (room: number) => columnsFor(room, COLUMNS).map(({ name }) => name);
    expect(names(3000)).toHaveLength(COLUMNS.length);
    expect(names(widthOf(COLUMNS) - 1)).not.toContain("size");
    expect(names(700)).toEqual(["thumbnail", "patient", "date", "modalities", "description"]);
    expect(columnsFrom(["date", "nonsense", 3])).toEqual(["patient", "date"]);
    expect(columnsFrom("date")).toBeNull();
  });
});

describe("keys", () => {
  const press = (key: string, more = {}) => rowCommandFor({ key, shiftKey: false, ctrlKey: false, metaKey: false, altKey: false, ...more });

  it.each([
    ["j", { do: "move", by: 1 }],
    ["ArrowUp", { do: "move", by: -1 }],
    ["PageDown", { do: "move", by: 10 }],
    ["Enter", { do: "open" }],
    ["X", { do: "select" }],
    ["/", { do: "search" }],
    ["q", null],
  ])("%s", (key, command) => {
    expect(press(key)).toEqual(command);
  });

  it("with Shift extend, with Ctrl belong to the browser but for all", () => {
    expect(press(" ", { shiftKey: true })).toEqual({ do: "extend" });
    expect(press("a", { ctrlKey: true })).toEqual({ do: "selectAll" });
    expect(press("p", { ctrlKey: true })).toBeNull();
    expect(press("j", { altKey: true })).toBeNull();
  });
});

describe("roles", () => {
  const PROJECTS = [{ id: 1, name: "Zoo", role: "owner" }, { id: 2, name: "Lung", role: "analyst" }] as const;

  it("each may do what those before may", () => {
    expect(isAtLeast("owner", "uploader")).toBe(true);
    expect(isAtLeast("viewer", "analyst")).toBe(false);
    expect(projectsWith(PROJECTS, "analyst").map(({ name }) => name)).toEqual(["Lung", "Zoo"]);
  });

  it("that lack are named with their projects", () => {
    expect(whyRoleLacks(PROJECTS, [1, 1], "owner")).toBe("");
    expect(whyRoleLacks(PROJECTS, [1, 2], "owner")).toBe("This needs the role “owner” in Lung.");
    expect(whyRoleLacks(PROJECTS, [5], "viewer")).toContain("another project");
  });
});
