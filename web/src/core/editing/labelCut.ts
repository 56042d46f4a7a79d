/** Pictures of label maps whose slices are only there where something was drawn: those of `core/sampling`, by the nearest voxel. */

import type { LabelLayer } from "@/core/editing/labelGrid";
import type { Affine } from "@/core/geometry";
import { type Cut, inverseAffine } from "@/core/plane";
import { indexCuts } from "@/core/sampling/sampleCut";
import { insideColumns } from "@/core/sampling/sampleRow";

/** The labels of a rectangle's points, in the same places as `sampleCut` finds them; NaN outside of the grid. */
export function labelCut(layer: LabelLayer, affine: Affine, cut: Cut): Float32Array<ArrayBuffer> {
  const { rows, columns } = cut;
  const { shape } = layer;
  const [{ start, down, right }] = indexCuts(inverseAffine(affine), cut, undefined);
  const values = new Float32Array(rows * columns).fill(NaN);
  const base = new Float64Array(3);
  const [d0, d1, d2] = right;
  for (let row = 0; row < rows; row += 1) {
    for (let axis = 0; axis < 3; axis += 1) base[axis] = start[axis] + row * down[axis];
    const [first, end] = insideColumns(base, right, shape, columns);
    const [b0, b1, b2] = base;
    let slice = -1;
    let labels = layer.slice(0);
    for (let column = first; column < end; column += 1) {
      // These numbers are not negative. The largest number below n - 0.5 may become n.
      const s = Math.min((b0 + column * d0 + 0.5) | 0, shape[0] - 1);
      const r = Math.min((b1 + column * d1 + 0.5) | 0, shape[1] - 1);
      const c = Math.min((b2 + column * d2 + 0.5) | 0, shape[2] - 1);
      if (s !== slice) labels = layer.slice((slice = s));
      values[row * columns + column] = labels?.[r * shape[2] + c] ?? 0;
    }
  }
  return values;
}
