/** Grids, drafts and commands by chance, for the tests of editing. */

import type { EditCommand } from "@/core/editing/editCommand";
import type { EditedImage } from "@/core/editing/imageRange";
import { LabelDraft } from "@/core/editing/labelDraft";
import { LabelGrid } from "@/core/editing/labelGrid";
import { type Affine, columnOf, toPatient } from "@/core/geometry";
import { unitVector, type Vector } from "@/core/vectors";

/** Numbers from 0 to 1, the same each time (mulberry32). */
export function chanceOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Anisotropic, turned, mirrored and sheared. */
export function randomAffine(chance: () => number): Affine {
  for (;;) {
    const rows = [0, 1, 2].map(() => [...[0.6, 1, 1.7].map((mm) => (chance() * 2 - 1) * mm * 2), chance() * 100 - 50]);
    const [[a, b, c], [d, e, f], [g, h, i]] = rows;
    const volume = Math.abs(a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g));
    // Not flatter than scanners make them.
    if (volume > 0.4) return [...rows, [0, 0, 0, 1]];
  }
}

export const SHAPE = [7, 11, 13] as const;

export const facts = (label: string) => ({
  label,
  colour: "#ff0000",
  locked: false,
  algorithmType: "MANUAL" as const,
  algorithm: "",
  category: null,
  type: null,
  typeModifier: null,
  anatomicRegion: null,
  regionModifier: null,
});

/** An image on the draft's grid with values from 0 to 99. */
export function imageOf(affine: Affine, shape: readonly number[], chance: () => number): EditedImage {
  const size = shape[1] * shape[2];
  const values = Int16Array.from({ length: shape[0] * size }, () => Math.floor(chance() * 100));
  return { affine, shape, padding: null, slice: (slice) => values.subarray(slice * size, (slice + 1) * size) };
}

/** Four segments: three of the first layer, and one that may overlap them. */
export function draftOf(affine: Affine, chance: () => number, shape: readonly number[] = SHAPE): LabelDraft {
  const image = imageOf(affine, shape, chance);
  const draft = new LabelDraft(new LabelGrid(shape, affine), [], () => image);
  for (const label of ["A", "B", "C"]) draft.addSegment(facts(label));
  draft.addSegment(facts("Over"), true);
  return draft;
}

export function randomPoint(affine: Affine, chance: () => number, shape: readonly number[] = SHAPE): Vector {
  return toPatient(affine, [chance() * shape[0] - 0.5, chance() * shape[1] - 0.5, chance() * shape[2] - 0.5]);
}

export const randomNormal = (chance: () => number): Vector => unitVector([chance() - 0.5, chance() - 0.5, chance() - 0.5]);

/** The normal of the planes across one of the grid's axes. */
export function normalAcross(affine: Affine, axis: 0 | 1 | 2): Vector {
  const [[a, b, c], [d, e, f]] = [0, 1, 2].filter((other) => other !== axis).map((other) => columnOf(affine, other));
  return unitVector([b * f - c * e, c * d - a * f, a * e - b * d]);
}

/** A command of any kind. */
export function randomCommand(draft: LabelDraft, chance: () => number): EditCommand {
  const { affine } = draft.grid;
  const below = (most: number): number => Math.floor(chance() * most);
  const pick = <T>(...options: readonly T[]): T => options[below(options.length)];
  const segment = 1 + below(4);
  const overOthers = chance() < 0.5;
  const range = pick(null, { low: 20, high: 80 });
  const point = randomPoint(affine, chance);
  const normal = chance() < 0.6 ? normalAcross(affine, pick(0, 1, 2)) : randomNormal(chance);
  const points = Array.from({ length: 3 + below(4) }, () => randomPoint(affine, chance));
  const plane = { point, normal };
  const common = { segment, overOthers };
  return pick<() => EditCommand>(
    () => ({ ...common, kind: "brush", shape: pick({ kind: "ball" }, { kind: "disc", normal }), radius: 0.3 + chance() * 3, erase: chance() < 0.3, range, points: points.slice(0, 1 + below(3)) }),
    () => ({ ...common, kind: "polygon", plane, points, how: pick("fill", "fill", "cut", "keep"), through: chance() < 0.5, range }),
    () => ({ ...common, kind: "fill", point, plane: pick(null, plane), range }),
    () => ({ ...common, kind: "grow", range: { low: 30, high: 90 }, reach: pick(null, 2) }),
    () => ({ kind: "growBetween", segments: pick([1, 2], [1, 3, 4]), margin: 2, range }),
    () => ({ ...common, kind: "interpolate", normal }),
    () => ({ ...common, kind: "smooth", how: pick("median", "gaussian"), mm: 0.5 + chance() * 2 }),
    () => ({ ...common, kind: "margin", mm: pick(-1.5, 1, 2.5) }),
    () => ({ segment, kind: "islands", keep: pick({ kind: "largest" }, { kind: "atLeast", mm3: 5 }, { kind: "at", point }) }),
    () => ({ ...common, kind: "holes", normal: pick(null, normal) }),
    () => ({ ...common, kind: "combine", other: 1 + below(4), how: pick("union", "subtract", "intersect") }),
    () => ({ ...common, kind: "copySlice", from: plane, to: points[0] }),
    () => ({ segment, kind: "clear", plane: pick(plane, plane, null) }),
  )();
}

/** All labels of all layers, with null for slices that are not there. */
export const bytesOfDraft = ({ grid }: LabelDraft): readonly (readonly (readonly number[] | null)[])[] =>
  grid.layers.map((layer) => Array.from({ length: grid.shape[0] }, (_, slice) => Array.from(layer.slice(slice) ?? [])).map((labels) => (labels.length > 0 ? labels : null)));
