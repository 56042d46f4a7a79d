/** Where a picture's pixels lie in the volume's array. */

import type { PixelWalk } from "@/core/countedPixels";
import { type Affine, gridTurn } from "@/core/geometry";
import { inverseAffine } from "@/core/plane";
import { indexCuts } from "@/core/sampling/sampleCut";
import { firstKept, thinnedCut } from "@/core/thinning";
import type { PlanePicture, PlaneRequest } from "@/scene/volumeSource";

/** Null for pictures of several planes, and without a place. */
export function pixelWalk(request: PlaneRequest, { rows, columns, every = 1 }: PlanePicture, affine: Affine | null, shape: readonly number[]): PixelWalk | null {
  if (request.slab) return null;
  if (request.kind === "cut") {
    if (!affine) return null;
    const cut = every > 1 ? thinnedCut(request.cut, every) : request.cut;
    const [{ start, down, right }] = indexCuts(inverseAffine(affine), cut, undefined);
    return { start, down, right, rows, columns };
  }
  const turn = gridTurn(affine, request.plane);
  if (!turn) return null;
  const [start, down, right] = [[0, 0, 0], [0, 0, 0], [0, 0, 0]];
  const sizes = turn.axes.map((axis) => shape[axis]);
  const firsts = [request.index, firstKept(sizes[1], every), firstKept(sizes[2], every)];
  turn.axes.forEach((axis, way) => (start[axis] = turn.backwards[way] ? sizes[way] - 1 - firsts[way] : firsts[way]));
  down[turn.axes[1]] = turn.backwards[1] ? -every : every;
  right[turn.axes[2]] = turn.backwards[2] ? -every : every;
  return { start, down, right, rows, columns };
}
