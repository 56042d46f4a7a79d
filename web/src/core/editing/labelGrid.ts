/** Label maps on one grid, whose slices take memory only where something was drawn. */

import { EditRefused } from "@/core/editing/editRefused";
import type { Affine } from "@/core/geometry";
import type { IndexBox } from "@/core/regions";

export type LabelArray = Uint8Array | Uint16Array;

/** The largest value of labels of one byte, and of two. */
export const LARGEST_BYTE = 255;
export const LARGEST_LABEL = 65_535;
/** The bytes that all labels of a draft may take in the tab. */
export const MOST_LABEL_BYTES = 1.5 * 2 ** 30;

/** A slice, row and column from the first, and the ones after the last. */
type Ends = [number, number, number, number, number, number];

/** One label map: 0 is no segment. Slices without labels are not there. */
export class LabelLayer {
  private readonly slices: (LabelArray | undefined)[];
  /** How many voxels of each slice have a label. */
  private readonly filled: Int32Array;
  /** How many voxels each value has, and a box that holds them all. */
  private readonly counts: number[] = [];
  private readonly ends: (Ends | undefined)[] = [];
  private allocated = 0;

  constructor(
    readonly shape: readonly number[],
    private wide: boolean,
  ) {
    this.slices = new Array<LabelArray | undefined>(shape[0]);
    this.filled = new Int32Array(shape[0]);
  }

  get isWide(): boolean {
    return this.wide;
  }

  /** The bytes that its slices take. */
  get bytes(): number {
    return this.allocated * this.sliceBytes;
  }

  get sliceBytes(): number {
    return this.shape[1] * this.shape[2] * (this.wide ? 2 : 1);
  }

  /** The labels of a slice; undefined if there are none. Not to be changed. */
  slice(slice: number): LabelArray | undefined {
    return this.slices[slice];
  }

  /** The label of a voxel within the grid. */
  at(slice: number, row: number, column: number): number {
    return this.slices[slice]?.[row * this.shape[2] + column] ?? 0;
  }

  countOf(value: number): number {
    return this.counts[value] ?? 0;
  }

  /** A box that holds all voxels of a value, or a little more; null if there are none. */
  boxOf(value: number): IndexBox | null {
    const ends = this.countOf(value) > 0 ? this.ends[value] : undefined;
    return ends ? [[ends[0], ends[3]], [ends[1], ends[4]], [ends[2], ends[5]]] : null;
  }

  /** The smallest box that holds all voxels of a value. */
  tightBoxOf(value: number): IndexBox | null {
    const loose = this.boxOf(value);
    if (!loose) return null;
    const ends: Ends = [Infinity, Infinity, Infinity, 0, 0, 0];
    const [[s0, s1], [r0, r1], [c0, c1]] = loose;
    for (let slice = s0; slice < s1; slice += 1) {
      const labels = this.slices[slice];
      if (!labels) continue;
      for (let row = r0; row < r1; row += 1) {
        const start = row * this.shape[2];
        let first = c0;
        while (first < c1 && labels[start + first] !== value) first += 1;
        if (first === c1) continue;
        let last = c1 - 1;
        while (labels[start + last] !== value) last -= 1;
        widen(ends, slice, row, first, last + 1);
      }
    }
    this.ends[value] = ends;
    return this.boxOf(value);
  }

  /** Gives voxels that follow each other in a slice, and all have the value `before`, another one. */
  set(slice: number, start: number, length: number, before: number, after: number): void {
    if (after > LARGEST_BYTE && !this.wide) this.makeWide();
    const labels = (this.slices[slice] ??= this.emptySlice());
    labels.fill(after, start, start + length);
    this.filled[slice] += (after === 0 ? 0 : length) - (before === 0 ? 0 : length);
    if (before !== 0) this.counts[before] -= length;
    if (after !== 0) this.count(slice, start, length, after);
  }

  /** Slices that have lost their last label give their memory back. */
  release(slice: number): void {
    if (this.filled[slice] !== 0 || !this.slices[slice]) return;
    this.slices[slice] = undefined;
    this.allocated -= 1;
  }

  /** Takes all labels of a slice that has none yet. */
  put(slice: number, labels: LabelArray): void {
    const columns = this.shape[2];
    for (let at = 0; at < labels.length; ) {
      const value = labels[at];
      let beyond = at + 1;
      const end = (Math.floor(at / columns) + 1) * columns;
      while (beyond < end && labels[beyond] === value) beyond += 1;
      if (value !== 0) this.set(slice, at, beyond - at, 0, value);
      at = beyond;
    }
  }

  private count(slice: number, start: number, length: number, value: number): void {
    const had = this.counts[value] ?? 0;
    this.counts[value] = had + length;
    const columns = this.shape[2];
    const [row, last] = [Math.floor(start / columns), Math.floor((start + length - 1) / columns)];
    if (had === 0) this.ends[value] = undefined;
    const ends = (this.ends[value] ??= [Infinity, Infinity, Infinity, 0, 0, 0]);
    const column = start - row * columns;
    if (last === row) widen(ends, slice, row, column, column + length);
    else {
      widen(ends, slice, row, 0, columns);
      widen(ends, slice, last, 0, columns);
    }
  }

  private emptySlice(): LabelArray {
    const length = this.shape[1] * this.shape[2];
    this.allocated += 1;
    return this.wide ? new Uint16Array(length) : new Uint8Array(length);
  }

  private makeWide(): void {
    this.wide = true;
    this.slices.forEach((labels, slice) => {
      if (labels) this.slices[slice] = new Uint16Array(labels);
    });
  }
}

function widen(ends: Ends, slice: number, row: number, first: number, beyond: number): void {
  if (slice < ends[0]) ends[0] = slice;
  if (row < ends[1]) ends[1] = row;
  if (first < ends[2]) ends[2] = first;
  if (slice >= ends[3]) ends[3] = slice + 1;
  if (row >= ends[4]) ends[4] = row + 1;
  if (beyond > ends[5]) ends[5] = beyond;
}

/** The label maps of a draft; segments that overlap lie in different ones. */
export class LabelGrid {
  readonly layers: LabelLayer[] = [];

  constructor(
    readonly shape: readonly number[],
    readonly affine: Affine,
    private readonly wide = false,
    private readonly mostBytes = MOST_LABEL_BYTES,
  ) {}

  /** Cubic millimetres. */
  get voxelVolume(): number {
    const [[a, b, c], [d, e, f], [g, h, i]] = this.affine;
    return Math.abs(a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g));
  }

  get bytes(): number {
    return this.layers.reduce((sum, layer) => sum + layer.bytes, 0);
  }

  /** A label map, which is made if it is not there. */
  layer(number: number): LabelLayer {
    while (this.layers.length <= number) this.layers.push(new LabelLayer(this.shape, this.wide));
    return this.layers[number];
  }

  /** Throws if there is no room for a slice that is not there yet. */
  checkRoom(number: number, slice: number): void {
    const layer = this.layer(number);
    if (layer.slice(slice) || this.bytes + layer.sliceBytes <= this.mostBytes) return;
    throw new EditRefused("The labels of this draft would take more memory than a tab can give them. Draw in fewer slices, or save, and go on with fewer segments.");
  }

  contains([slice, row, column]: readonly number[]): boolean {
    const [slices, rows, columns] = this.shape;
    return slice >= 0 && row >= 0 && column >= 0 && slice < slices && row < rows && column < columns;
  }
}
