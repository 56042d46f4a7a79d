/** Pictures of planes from a volume's values. */

import type { PixelArray } from "@/api/slices";
import { type Affine, planeAffine } from "@/core/geometry";
import { missingOf, neededSlices } from "@/scene/neededSlices";
import type { GridRequest, PlanePicture, PlaneRequest } from "@/scene/volumeSource";

export interface PictureValues {
  readonly values: PixelArray;
  /** Slices, rows, columns, and samples for colour. */
  readonly shape: readonly number[];
  readonly loaded: Uint8Array;
}

export function planePicture(volume: PictureValues, affine: Affine | null, request: PlaneRequest): PlanePicture {
  const missing = missingOf(neededSlices(request, { affine, shape: volume.shape }), volume.loaded);
  if (request.kind === "cut") throw new Error("Oblique planes are not cut in the tab yet.");
  return { ...gridPicture(volume, affine, request), missing };
}

function gridPicture({ values, shape }: PictureValues, affine: Affine | null, { plane, index }: GridRequest): Omit<PlanePicture, "missing"> {
  const samples = shape[3] ?? 1;
  const strides = [shape[1] * shape[2] * samples, shape[2] * samples, samples];
  const turned = plane === "acquired" || affine === null ? null : planeAffine(affine, shape, plane);
  const axes = [0, 1, 2].map((j) => {
    if (!turned || !affine) return { axis: j, sign: 1 };
    for (let axis = 0; axis < 3; axis += 1) {
      for (const sign of [1, -1]) if ([0, 1, 2].every((i) => turned[i][j] === sign * affine[i][axis])) return { axis, sign };
    }
    return { axis: j, sign: 1 };
  });
  const [along, down, right] = axes.map(({ axis, sign }) => ({
    count: shape[axis],
    start: sign < 0 ? (shape[axis] - 1) * strides[axis] : 0,
    step: sign * strides[axis],
  }));
  const [rows, columns] = [down.count, right.count];
  const origin = along.start + index * along.step + down.start + right.start;
  if (right.step === samples && down.step === columns * samples) {
    return { values: values.slice(origin, origin + rows * columns * samples), rows, columns, samples };
  }
  const make = values.constructor as new (length: number) => PixelArray;
  const picture = new make(rows * columns * samples);
  let to = 0;
  for (let row = 0; row < rows; row += 1) {
    let from = origin + row * down.step;
    for (let column = 0; column < columns; column += 1, from += right.step) {
      for (let sample = 0; sample < samples; sample += 1) picture[to++] = values[from + sample];
    }
  }
  return { values: picture, rows, columns, samples };
}
