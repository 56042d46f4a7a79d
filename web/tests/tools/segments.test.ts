import { describe, expect, it } from "vitest";

import type { LabelledSegment, SegmentStatistics } from "@/api/segmentations";
import type { Affine } from "@/core/geometry";
import { cutOfSlice } from "@/core/plane";
import { overImage } from "@/scene/layers";
import { codeWords, contourWords, exactSize, foundSegments, isInImage, mayCross, middleOf, placeQuestion, sizeWords, statisticsCsv } from "@/tools/segments/model";
import { shownSegment, withoutOutlines } from "@/views/maskLayers";

const code = (meaning: string) => ({ value: "1", scheme: "SCT", meaning });
const LIVER: LabelledSegment = {
  number: 1, label: "Liver", colour: "#dd3c3c", category: code("Organ"), type: code("Liver"), anatomic_region: null, type_modifier: null, region_modifier: null, algorithm: "TotalSegmentator", algorithm_type: "AUTOMATIC",
  layer: 0, value: 1, count: 799, mm3: 2077.4, box: [[3, 5, 6], [8, 20, 23]], contour_mm3: null,
};
const KIDNEY: LabelledSegment = { ...LIVER, number: 12, label: "kidney_left", category: code("Organ"), type: code("Kidney"), type_modifier: code("Left"), value: 2 };
/** Slices 2 mm apart along z, columns of 0.5 mm, mirrored along x. */
const AFFINE: Affine = [[0, 0, -0.5, 10], [0, 1, 0, -20], [2, 0, 0, 100], [0, 0, 0, 1]];

describe("a segment's words", () => {
  it("tell what its codes say beyond its label", () => {
    expect([codeWords(LIVER), codeWords(KIDNEY), codeWords({ ...LIVER, category: null, type: null })]).toEqual(["Organ", "Kidney, Left, Organ", ""]);
  });

  it("tell its size, or that mm³ are unknown", () => {
    expect(exactSize(LIVER)).toBe("2,077.400 mm³ · 799 voxels");
    expect(exactSize({ count: 1, mm3: null })).toBe("1 voxel; mm³ unknown");
    expect([sizeWords(LIVER), sizeWords({ count: 1200, mm3: null }), sizeWords({ count: 0, mm3: 0 })]).toEqual(["2.08 ml", "1,200 voxels", "empty"]);
  });

  it("tell what contours enclose, with the difference", () => {
    expect(contourWords(LIVER)).toBe("");
    expect(contourWords({ mm3: 110, contour_mm3: 100 })).toBe("100.000 mm³ by its contours: 10.0 % more by voxels");
    expect(contourWords({ mm3: 99, contour_mm3: 100 })).toBe("100.000 mm³ by its contours: 1.0 % less by voxels");
    expect(contourWords({ mm3: 100.01, contour_mm3: 100 })).toContain("0.01 % more by voxels");
    expect(contourWords({ mm3: 100, contour_mm3: 100 })).toContain("the same by voxels, to 0.01 %");
    expect(contourWords({ mm3: null, contour_mm3: 0 })).toBe("0.000 mm³ by its contours");
  });

  it("are searched for by label, code and number", () => {
    const all = [LIVER, KIDNEY];
    const numbers = (search: string): number[] => foundSegments(all, search).map(({ number }) => number);
    expect([numbers(""), numbers("kidney left"), numbers("ORGAN"), numbers("12"), numbers("kidney_l"), numbers("spleen")]).toEqual([[1, 12], [12], [1, 12], [12], [12], []]);
  });
});

describe("the place of a segment", () => {
  it("is the middle of its box, in or beside an image", () => {
    expect(middleOf([[3, 5, 6], [8, 20, 23]], AFFINE)).toEqual([3, -8, 110]);
    expect(isInImage([3, -8, 110], { affine: AFFINE, shape: [12, 30, 36] })).toBe(true);
    expect(isInImage([3, -8, 123.1], { affine: AFFINE, shape: [12, 30, 36] })).toBe(false);
    expect(isInImage([0, 0, 0], { affine: null, shape: [1, 1, 1] })).toBe(false);
  });

  it("is crossed by planes between its first and its last face only", () => {
    const box = [[3, 5, 6], [8, 20, 23]] as [[number, number, number], [number, number, number]];
    const crossed = Array.from({ length: 12 }, (_, slice) => mayCross(cutOfSlice(AFFINE, slice, { rows: 30, columns: 36 }), box, AFFINE));
    expect(crossed.map((is, slice) => (is ? slice : -1)).filter((slice) => slice >= 0)).toEqual([3, 4, 5, 6, 7]);
  });

  it("is asked for unless one frame of reference says it", () => {
    expect(placeQuestion({ placed: "frame" })).toBe("");
    expect(placeQuestion({ placed: "other" })).toContain("different frames of reference");
    expect(placeQuestion({ placed: "unknown" })).toContain("do not say");
  });

  it("is that of images in its frame of reference, or of those that somebody named", () => {
    const layer = { space: "1.2", assumedOver: [{ seriesId: 5, space: "" }] };
    expect(overImage(layer, { seriesId: 9, space: "1.2" })).toBe("frame");
    expect(overImage(layer, { seriesId: 5, space: "" })).toBe("assumed");
    // Two images of unknown places are not at the same ones.
    expect(overImage({ space: "", assumedOver: [] }, { seriesId: 5, space: "" })).toBeNull();
    expect(overImage(layer, { seriesId: 6, space: "" })).toBeNull();
    expect(overImage(layer, { seriesId: 5, space: "1.3" })).toBeNull();
  });
});

it("looks as its file says until somebody changes it", () => {
  const layer = { kind: "labels", segmentationId: 1, space: "", assumedOver: [], opacity: 0.5, outlined: true, visible: true, looks: { 12: { colour: "#000000", outlined: false, hidden: true } } } as const;
  expect(shownSegment(layer, LIVER)).toMatchObject({ colour: "#dd3c3c", outlined: true, visible: true });
  expect(shownSegment(layer, KIDNEY)).toMatchObject({ colour: "#000000", outlined: false, visible: false });
  expect(withoutOutlines({ ...layer.looks, 3: { outlined: true } })).toEqual({ 12: { colour: "#000000", hidden: true }, 3: {} });
});

it("writes figures with all digits, and no formula for spreadsheets", () => {
  const values = { count: 2, mean: 0.1, std: null, minimum: -1024, p5: 1, p25: 1, median: 1, p75: 1, p95: 1, maximum: 1 / 3 };
  const answer: SegmentStatistics = { unit: "HU", segments: [{ number: 1, count: 3, mm3: 2077.4000000000001, values, missing: 1 }, { number: 2, count: 0, mm3: null, values, missing: 0 }] };
  const lines = statisticsCsv(answer, new Map([[1, '=Liver, "left"'], [2, "Spleen"]])).split("\r\n");
  expect(lines[0]).toBe("number,segment,voxels,mm3,values,mean,std,minimum,p5,p25,median,p75,p95,maximum,missing,unit");
  expect(lines[1]).toBe('1,"\'=Liver, ""left""",3,2077.4,2,0.1,,-1024,1,1,1,1,1,0.3333333333333333,1,HU');
  expect(lines.slice(2)).toEqual(["2,Spleen,0,,2,0.1,,-1024,1,1,1,1,1,0.3333333333333333,0,HU", ""]);
});
