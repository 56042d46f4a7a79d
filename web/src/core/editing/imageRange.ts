/** Binds edits to a range of the image's values: each voxel of the draft is met by the image's voxel nearest to its centre. */

import type { RowTest } from "@/core/editing/labelEdit";
import { EditRefused } from "@/core/editing/editRefused";
import { nearestIndex } from "@/core/editing/gridSheet";
import type { Affine } from "@/core/geometry";
import type { PixelArray } from "@/core/pixelArray";
import { type Grid, inverseAffine } from "@/core/plane";
import { countsWithin, type Limits } from "@/core/valueLimits";
import { type PaddingOfSlices, paddingOfSlice } from "@/core/voxelCounts";

/** The values of the image, as far as the tab has them. */
export interface EditedImage {
  readonly affine: Affine;
  /** Slices, rows, columns. */
  readonly shape: readonly number[];
  readonly padding: PaddingOfSlices;
  /** The values of a slice in C order, to be read before the next one is asked for; null if they are not there. */
  slice(slice: number): PixelArray | null;
}

/** The image's value at each voxel of a row of the draft; NaN outside of the image, and where it is padding. */
export class ImageRows {
  private readonly isSameGrid: boolean;
  /** Index of the image for index (0, 0, 0) of the draft, and what each step adds. */
  private readonly turn: Affine;
  private slice = -1;
  private values: PixelArray | null = null;
  private padding: readonly [number, number] | null = null;
  private row = new Float64Array(0);

  constructor(
    grid: Grid,
    private readonly image: EditedImage | null,
  ) {
    this.isSameGrid = image !== null && sameNumbers(grid.shape.slice(0, 3), image.shape.slice(0, 3)) && sameNumbers(grid.affine.slice(0, 3).flat(), image.affine.slice(0, 3).flat());
    this.turn = image ? product(inverseAffine(image.affine), grid.affine) : [];
    this.row = new Float64Array(grid.shape[2]);
  }

  /** The values of columns from `first` to before `beyond`, each at its column; there until the next row is asked for. */
  read(slice: number, row: number, first: number, beyond: number): Float64Array {
    if (this.image === null) throw new EditRefused("This edit is bound to values of the image, which this tab does not hold: the image is too large for it. Edit without a range of values.");
    if (this.isSameGrid) this.copy(slice, row, first, beyond);
    else this.gather(slice, row, first, beyond);
    return this.row;
  }

  /** True for columns of a row whose values lie in a range. */
  test(slice: number, row: number, first: number, beyond: number, range: Limits): RowTest {
    const values = this.read(slice, row, first, beyond);
    return (column) => countsWithin(values[column], range);
  }

  private copy(slice: number, row: number, first: number, beyond: number): void {
    const values = this.open(slice);
    const start = row * (this.image?.shape[2] ?? 0);
    for (let column = first; column < beyond; column += 1) this.row[column] = this.counted(values[start + column]);
  }

  private gather(slice: number, row: number, first: number, beyond: number): void {
    const { turn } = this;
    const [slices, rows, columns] = this.image?.shape ?? [0, 0, 0];
    const [s0, r0, c0] = turn.map(([perSlice, perRow, , offset]) => perSlice * slice + perRow * row + offset);
    for (let column = first; column < beyond; column += 1) {
      const s = nearestIndex(s0 + turn[0][2] * column);
      const r = nearestIndex(r0 + turn[1][2] * column);
      const c = nearestIndex(c0 + turn[2][2] * column);
      const isThere = s >= 0 && r >= 0 && c >= 0 && s < slices && r < rows && c < columns;
      this.row[column] = isThere ? this.counted(this.open(s)[r * columns + c]) : NaN;
    }
  }

  private counted(value: number): number {
    return this.padding !== null && value >= this.padding[0] && value <= this.padding[1] ? NaN : value;
  }

  private open(slice: number): PixelArray {
    if (slice === this.slice && this.values) return this.values;
    const { image } = this;
    const values = image?.slice(slice) ?? null;
    if (!image || !values) throw new EditRefused(`This edit is bound to values of the image, and its slice ${slice + 1} has not been loaded yet. Do it again when the image is loaded.`);
    this.slice = slice;
    this.values = values;
    this.padding = paddingOfSlice({ values, shape: image.shape, padding: image.padding }, slice);
    return values;
  }
}

const sameNumbers = (one: readonly number[], other: readonly number[]): boolean => one.length === other.length && one.every((number, at) => number === other[at]);

/** The product of two 3 x 4 matrices that continue with (0, 0, 0, 1). */
function product(one: Affine, other: Affine): Affine {
  return [0, 1, 2].map((i) => [0, 1, 2, 3].map((j) => one[i][0] * other[0][j] + one[i][1] * other[1][j] + one[i][2] * other[2][j] + (j === 3 ? one[i][3] : 0)));
}
