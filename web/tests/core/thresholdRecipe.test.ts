import { expect, it } from "vitest";

import { recipeOfText } from "@/core/thresholdRecipe";

const NOTHING = { threshold: null, lower: null, upper: null, percentile: null, classes: null, classNumber: null, within: null, component: null, series: "" };

it.each([
  ["threshold fixed threshold=0.5 (voxelry 1.0)", { method: "fixed", threshold: 0.5 }],
  ["threshold units lower=-200 upper=300.25 within=sphere:0,-1.5,20:12.25 component=1,2,-3 series=1.2.3 volume=b%3D0", {
    method: "units", lower: -200, upper: 300.25, within: { kind: "sphere", centre: [0, -1.5, 20], radius: 12.25 }, component: [1, 2, -3], series: "1.2.3",
  }],
  ["threshold otsu within=box:5,0,0:-5,10,1e2", { method: "otsu", within: { kind: "box", low: [-5, 0, 0], high: [5, 10, 100] } }],
  ["threshold percentile percentile=90 within=segment:1.2.840.99#7", { method: "percentile", percentile: 90, within: { kind: "segment", sopInstanceUid: "1.2.840.99", number: 7 } }],
  ["threshold multi_otsu classes=4 class_number=2", { method: "multi_otsu", classes: 4, classNumber: 2 }],
  ["threshold hysteresis lower=-1.5 upper=20", { method: "hysteresis", lower: -1.5, upper: 20 }],
])("reads %s", (text, recipe) => {
  expect(recipeOfText(text)).toEqual({ ...NOTHING, ...recipe });
});

it.each(["", "made by hand", "threshold magic", "threshold hysteresis lower=1", "threshold multi_otsu classes=x", "threshold units lower=a", "threshold units lower=1 lower=2", "threshold units lower=", "threshold units colour=red",
  "threshold units within=sphere:1,2:3", "threshold units within=box:0,0,0:1,1,1:1,0,0,0,1,0,0,0,1", "threshold units within=segment:1.2#0", "threshold units component=1,2"])("is none: %s", (text) => {
  expect(recipeOfText(text)).toBeNull();
});
