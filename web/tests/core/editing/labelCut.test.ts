import { expect, it } from "vitest";

import { ChangedPlanes } from "@/core/editing/changedPlanes";
import { labelCut } from "@/core/editing/labelCut";
import { LabelLayer } from "@/core/editing/labelGrid";
import { packLabels, unpackLabels } from "@/core/editing/packedLabels";
import { type Affine, toPatient } from "@/core/geometry";
import { type Cut, inverseAffine } from "@/core/plane";
import { sampleCut } from "@/core/sampling/sampleCut";
import { cross, scaled } from "@/core/vectors";

import { chanceOf, randomAffine, randomNormal, randomPoint } from "./draftExamples";

const SHAPE = [5, 8, 9] as const;

function randomCut(affine: Affine, chance: () => number): Cut {
  const right = randomNormal(chance);
  const down = cross(right, randomNormal(chance));
  return { origin: randomPoint(affine, chance, SHAPE), right: scaled(right, 0.4), down: scaled(down, 0.5), rows: 12, columns: 17 };
}

it("a picture of a draft is that of a whole label map, to the bit", () => {
  const chance = chanceOf(1);
  for (let i = 0; i < 60; i += 1) {
    const affine = randomAffine(chance);
    const layer = new LabelLayer(SHAPE, i % 2 === 0);
    const values = new Uint16Array(5 * 72);
    for (let slice = 0; slice < 5; slice += 1) {
      if (chance() < 0.4) continue;
      const labels = Uint16Array.from({ length: 72 }, () => Math.floor(chance() * 4) * (i % 2 === 0 ? 300 : 1));
      values.set(labels, slice * 72);
      layer.put(slice, labels);
    }
    const cut = randomCut(affine, chance);
    const whole = sampleCut({ values, shape: SHAPE, samples: 1 }, inverseAffine(affine), cut, { method: "nearest" });
    expect(labelCut(layer, affine, cut)).toEqual(whole.values);
  }
});

it("a slice's labels come back from their runs, and are refused for another slice", () => {
  const chance = chanceOf(2);
  for (let i = 0; i < 50; i += 1) {
    const labels = Uint16Array.from({ length: 400 }, () => (chance() < 0.7 ? 0 : Math.floor(chance() * 65_536)));
    expect(unpackLabels(packLabels(labels), 400)).toEqual(labels);
    expect(() => unpackLabels(packLabels(labels), 399)).toThrow("does not fit");
    expect(() => unpackLabels(packLabels(labels), 401)).toThrow("does not fit");
  }
  expect(packLabels(new Uint8Array(512 * 512)).length).toBeLessThan(8);
});

it("a plane is drawn again after an edit that it may show, and not after others", () => {
  const chance = chanceOf(3);
  let same = 0;
  for (let i = 0; i < 300; i += 1) {
    const affine = randomAffine(chance);
    const cut = randomCut(affine, chance);
    const planes = new ChangedPlanes(affine);
    const layer = new LabelLayer(SHAPE, false);
    const first = [0, 1, 2].map((axis) => Math.floor(chance() * SHAPE[axis]));
    layer.set(first[0], first[1] * 9 + first[2], 1, 0, 1);
    planes.add(first.map((at) => [at, at + 1] as const), 7);
    const isShown = labelCut(layer, affine, cut).includes(1);
    if (isShown) expect(planes.revisionOf(cut)).toBe(7);
    else if (planes.revisionOf(cut) === 0) same += 1;
  }
  expect(same).toBeGreaterThan(150);
});

it("many edits of one place are known by the last, and very old ones count for every plane", () => {
  const affine = [[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]];
  const axial = (slice: number): Cut => ({ origin: toPatient(affine, [slice, 0, 0]), right: [1, 0, 0], down: [0, 1, 0], rows: 400, columns: 400 });
  const planes = new ChangedPlanes(affine);
  for (let revision = 1; revision <= 1000; revision += 1) planes.add([[3, 4], [0, 20], [0, 20]], revision);
  expect([planes.revisionOf(axial(3)), planes.revisionOf(axial(4))]).toEqual([1000, 0]);
  for (let at = 0; at < 300; at += 1) planes.add([[10, 11], [at, at + 1], [0, 1]], 1001 + at);
  expect(planes.revisionOf(axial(10))).toBe(1300);
  expect(planes.revisionOf(axial(4))).toBeGreaterThan(0);
  expect(planes.revisionOf(axial(4))).toBeLessThan(1100);
});
