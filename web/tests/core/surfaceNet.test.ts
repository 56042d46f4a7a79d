import { describe, expect, it } from "vitest";

import { blockAffine, blockPlan } from "@/core/blockMeans";
import { type Affine, toPatient, type Vector } from "@/core/geometry";
import { inverseAffine } from "@/core/plane";
import { voxelsInSegment } from "@/core/placedLabels";
import { CoverageCount } from "@/core/segmentCoverage";
import { meshVolume, surfaceNet, type SurfaceMesh } from "@/core/surfaceNet";
import { eachRunOfBits } from "@/core/voxelBits";

const SHAPE = [30, 40, 44] as const;
const RADIUS = 9;
const GRIDS: Readonly<Record<string, Affine>> = {
  straight: [[0, 0, 0.8, -10], [0, 0.9, 0, 5], [1.2, 0, 0, 100]],
  oblique: [[0.2016, -0.2016, 0.768, -10], [-0.6912, 0.6912, 0.224, 5], [0.96, 0.54, 0, 100]],
  mirrored: [[0, 0, -0.8, 20], [0, 0.9, 0, 5], [1.2, 0, 0, 100]],
  "tilted (sheared)": [[0.2, 0, 0.8, -10], [0.5, 0.9, 0, 5], [1.2, 0, 0, 100]],
};
const points = ({ points: all }: SurfaceMesh): Vector[] => Array.from({ length: all.length / 3 }, (_, i) => [all[3 * i], all[3 * i + 1], all[3 * i + 2]]);

/** The label map of a sphere in the patient, and the box of its voxels. */
function sphere(affine: Affine): { centre: Vector; labels: Uint8Array[]; low: Vector; high: Vector } {
  const centre = toPatient(affine, [14.3, 19.6, 21.2]);
  const [low, high] = [[99, 99, 99], [0, 0, 0]];
  const labels = Array.from({ length: SHAPE[0] }, (_, i) => {
    const slice = new Uint8Array(SHAPE[1] * SHAPE[2]);
    for (let j = 0; j < SHAPE[1]; j += 1) {
      for (let k = 0; k < SHAPE[2]; k += 1) {
        const [x, y, z] = toPatient(affine, [i, j, k]).map((mm, axis) => mm - centre[axis]);
        if (Math.hypot(x, y, z) > RADIUS) continue;
        slice[j * SHAPE[2] + k] = 3;
        [i, j, k].forEach((at, axis) => {
          low[axis] = Math.min(low[axis], at);
          high[axis] = Math.max(high[axis], at + 1);
        });
      }
    }
    return slice;
  });
  return { centre, labels, low: low as unknown as Vector, high: high as unknown as Vector };
}

function meshOf(affine: Affine, voxels: number): { mesh: SurfaceMesh; every: Vector; centre: Vector } {
  const { centre, labels, low, high } = sphere(affine);
  const plan = blockPlan(high.map((end, axis) => end - low[axis]), [1, 1, 1], { perAxis: 512, voxels });
  const count = new CoverageCount({ low, high }, plan, 3);
  labels.forEach((slice, i) => count.add(i, slice, SHAPE[2]));
  return { mesh: surfaceNet(count.coverage(), blockAffine(affine, plan.every, count.first)), every: plan.every, centre };
}

it.each([1, 60, 2500])("runs of voxels cover the blocks that their label maps cover, at most %i of them", (most) => {
  const { labels, low, high } = sphere(GRIDS.oblique);
  const plan = blockPlan(high.map((end, axis) => end - low[axis]), [1, 1, 1], { perAxis: 512, voxels: most });
  const [byLabels, byRuns] = [0, 1].map(() => new CoverageCount({ low, high }, plan, 3));
  const box = [0, 1, 2].map((axis) => [low[axis], high[axis]] as const);
  labels.forEach((slice, i) => byLabels.add(i, slice, SHAPE[2]));
  const values = Uint8Array.from(labels.flatMap((slice) => [...slice]));
  const voxels = voxelsInSegment({ values, shape: SHAPE, affine: GRIDS.oblique }, { value: 3, box }, { shape: SHAPE, affine: GRIDS.oblique });
  eachRunOfBits(voxels, (slice, row, first, beyond) => byRuns.addRun(slice, row, first, beyond));
  expect(byRuns.coverage()).toEqual(byLabels.coverage());
  expect(byRuns.coverage().values.some((part) => part > 0)).toBe(true);
});

describe.each(Object.entries(GRIDS))("a sphere on a grid that is %s", (_, affine) => {
  it.each([["all voxels", 1e6, 1], ["blocks", 2500, 2]] as const)("lies at its place within a voxel: %s", (_, voxels, most) => {
    const { mesh, every, centre } = meshOf(affine, voxels);
    expect(Math.max(...every)).toBeGreaterThanOrEqual(most);
    // The longest diagonal of a voxel (block) is more than what a voxel adds along an axis.
    const reach = [0, 1, 2].map((axis) => every.reduce((sum, step, j) => sum + step * Math.abs(affine[axis][j]), 0));
    for (const axis of [0, 1, 2]) {
      const along = points(mesh).map((point) => point[axis]);
      expect(Math.abs(Math.min(...along) - (centre[axis] - RADIUS))).toBeLessThan(reach[axis]);
      expect(Math.abs(Math.max(...along) - (centre[axis] + RADIUS))).toBeLessThan(reach[axis]);
      expect((Math.min(...along) + Math.max(...along)) / 2).toBeCloseTo(centre[axis], 0);
    }
  });

  it("holds the sphere's volume, its outside outside, and is closed", () => {
    const { mesh, centre } = meshOf(affine, 1e6);
    const whole = (4 / 3) * Math.PI * RADIUS ** 3;
    expect(meshVolume(mesh)).toBeGreaterThan(whole * 0.93);
    expect(meshVolume(mesh)).toBeLessThan(whole * 1.05);
    points(mesh).forEach((point, i) => {
      const out = point.map((mm, axis) => mm - centre[axis]);
      const along = out.reduce((sum, mm, axis) => sum + mm * mesh.normals[3 * i + axis], 0);
      expect(along).toBeGreaterThan(0);
    });
    const edges = new Map<string, number>();
    for (let t = 0; t < mesh.triangles.length; t += 3) {
      for (const [a, b] of [[0, 1], [1, 2], [2, 0]]) {
        const [from, to] = [mesh.triangles[t + a], mesh.triangles[t + b]];
        const key = `${Math.min(from, to)} ${Math.max(from, to)}`;
        edges.set(key, (edges.get(key) ?? 0) + (from < to ? 1 : -1));
      }
    }
    expect([...edges.values()].every((sum) => sum === 0)).toBe(true);
  });

  it("is smoothed within a voxel of the border", () => {
    const { mesh } = meshOf(affine, 1e6);
    const { labels } = sphere(affine);
    const inverse = inverseAffine(affine);
    const isIn = (index: readonly number[]): boolean => labels[index[0]]?.[index[1] * SHAPE[2] + index[2]] === 3;
    for (const point of points(mesh)) {
      const base = toPatient(inverse, point).map((at) => Math.floor(at - 1e-3));
      const around = [-1, 0, 1, 2].flatMap((i) => [-1, 0, 1, 2].flatMap((j) => [-1, 0, 1, 2].map((k) => isIn([base[0] + i, base[1] + j, base[2] + k]))));
      expect(new Set(around).size).toBe(2);
    }
  });
});

it("is a small body around one voxel, and none around nothing", () => {
  const one = surfaceNet({ values: Uint8Array.of(255), shape: [1, 1, 1] }, GRIDS.straight, 0);
  expect(meshVolume(one)).toBeGreaterThan(0);
  expect(points(one)).toHaveLength(8);
  expect(points(surfaceNet({ values: Uint8Array.of(0), shape: [1, 1, 1] }, GRIDS.straight))).toHaveLength(0);
});
