/** Which pictures of a label map are no longer true: the boxes that edits changed, with their revisions. */

import { type Affine, columnOf } from "@/core/geometry";
import { type Cut, inverseAffine, pointOfCut, toIndex } from "@/core/plane";
import type { IndexBox } from "@/core/regions";
import { cross, dot, type Vector } from "@/core/vectors";

/** So many boxes are kept apart; of older ones only the newest revision is known, and they count for every plane. */
const MOST_BOXES = 256;

interface ChangedBox {
  readonly box: IndexBox;
  readonly revision: number;
}

export class ChangedPlanes {
  private boxes: readonly ChangedBox[] = [];
  private floor = 0;

  constructor(private readonly affine: Affine) {}

  add(box: IndexBox, revision: number): void {
    // A box within a newer one says nothing any more.
    this.boxes = [...this.boxes.filter((old) => !contains(box, old.box)), { box, revision }];
    if (this.boxes.length <= MOST_BOXES) return;
    this.floor = Math.max(this.floor, this.boxes[0].revision);
    this.boxes = this.boxes.slice(1);
  }

  /** The revision of the last edit that changed a voxel which a cut may show. */
  revisionOf(cut: Cut): number {
    const test = cutTest(cut, this.affine);
    return this.boxes.reduce((last, { box, revision }) => (revision > last && test(box) ? revision : last), this.floor);
  }
}

const contains = (outer: IndexBox, inner: IndexBox): boolean => outer.every(([first, beyond], axis) => first <= inner[axis][0] && beyond >= inner[axis][1]);

/** Tells whether a cut may pass through a box's voxels. */
function cutTest(cut: Cut, affine: Affine): (box: IndexBox) => boolean {
  const inverse = inverseAffine(affine);
  const corners = [0, cut.rows - 1].flatMap((row) => [0, cut.columns - 1].map((column) => toIndex(inverse, pointOfCut(cut, row, column))));
  // The plane in index coordinates: dot(across, c) = place.
  const normal = cross(cut.right, cut.down);
  const across = [0, 1, 2].map((axis) => dot(columnOf(affine, axis), normal)) as unknown as Vector;
  const place = dot(across, corners[0]);
  return (box) => {
    const ends = box.map(([first, beyond]) => [first - 0.5, beyond - 0.5]);
    const isApart = ends.some(([low, high], axis) => corners.every((corner) => corner[axis] < low) || corners.every((corner) => corner[axis] > high));
    if (isApart) return false;
    const nearest = ends.reduce((sum, [low, high], axis) => sum + across[axis] * (across[axis] > 0 ? low : high), 0);
    const farthest = ends.reduce((sum, [low, high], axis) => sum + across[axis] * (across[axis] > 0 ? high : low), 0);
    return place >= nearest && place <= farthest;
  };
}
