import { expect, it } from "vitest";

import { afterTerm, type ChosenTerm, type OfferedTerm, termLabel, termOfSearch } from "@/core/segmentTerms";

const code = (value: string, meaning: string) => ({ value, scheme: "SCT", meaning });
const LUNG: OfferedTerm = { category: code("123037004", "Anatomical Structure"), type: code("39607008", "Lung"), modifiers: [code("7771000", "Left"), code("24028007", "Right"), code("51440002", "Right and left")], anatomic_region: null, colour: "#c5a591" };
const CHOSEN: ChosenTerm = { category: LUNG.category, type: LUNG.type, type_modifier: null, anatomic_region: null, region_modifier: null, colour: "#c5a591" };

it.each([
  ["lung", null],
  ["left lung", "Left"],
  ["lung RIGHT", "Right"],
  ["lung right and left", "Right and left"],
  ["leftover", null],
])("takes the side from the search %j: %s", (search, side) => {
  expect(termOfSearch(LUNG, search).type_modifier?.meaning ?? null).toBe(side);
});

it("names a segment of a term", () => {
  expect(termLabel(CHOSEN)).toBe("Lung");
  expect(termLabel({ ...CHOSEN, type_modifier: LUNG.modifiers[0] })).toBe("Left lung");
  expect(termLabel({ type: code("1", "CSF space"), type_modifier: LUNG.modifiers[0] })).toBe("Left CSF space");
});

const FIRST = { label: "Segment 1", colour: "#dd3c3c" };
const LEFT: ChosenTerm = { ...CHOSEN, type_modifier: LUNG.modifiers[0] };

it("names and colours a segment that nobody has named or coloured", () => {
  expect(afterTerm(FIRST, FIRST, null, CHOSEN)).toEqual({ label: "Lung", colour: "#c5a591" });
  expect(afterTerm({ label: " ", colour: "#dd3c3c" }, FIRST, null, CHOSEN)).toEqual({ label: "Lung", colour: "#c5a591" });
  // What another term gave is no name of somebody's own.
  expect(afterTerm({ label: "Lung", colour: "#c5a591" }, FIRST, CHOSEN, LEFT)).toEqual({ label: "Left lung", colour: "#c5a591" });
});

it("keeps a name and a colour that somebody gave", () => {
  expect(afterTerm({ label: "Mine", colour: "#000001" }, FIRST, CHOSEN, LEFT)).toEqual({ label: "Mine", colour: "#000001" });
  expect(afterTerm(FIRST, FIRST, null, { ...CHOSEN, colour: null })).toEqual({ label: "Lung", colour: "#dd3c3c" });
});
