/** Some voxels of a grid, a bit for each voxel of the box around them. */

/** Indices from the first to before the last one, along slices, rows and columns. */
export type IndexBox = readonly (readonly [number, number])[];

export interface VoxelBits {
  readonly box: IndexBox;
  /** In C order of the box: 1 for those that are meant, the lowest bit of a byte first. */
  readonly bits: Uint8Array;
}

/** No voxel at all: a new object, as its bytes may be handed over to another thread. */
export const noVoxels = (): VoxelBits => ({ box: [[0, 0], [0, 0], [0, 0]], bits: new Uint8Array(0) });

/** Zeros for the voxels of a box. */
export const bitsOfBox = (box: IndexBox): Uint8Array => new Uint8Array(Math.ceil(box.reduce((product, [first, beyond]) => product * (beyond - first), 1) / 8));

/** True if a voxel is meant. */
export function isMeant({ box, bits }: VoxelBits, slice: number, row: number, column: number): boolean {
  const [[s, beyondSlice], [r, beyondRow], [c, beyondColumn]] = box;
  if (slice < s || row < r || column < c || slice >= beyondSlice || row >= beyondRow || column >= beyondColumn) return false;
  const at = ((slice - s) * (beyondRow - r) + (row - r)) * (beyondColumn - c) + (column - c);
  return ((bits[at >> 3] >> (at & 7)) & 1) === 1;
}

/** Calls back with each run of meant voxels of a row. */
export function eachRunOfBits({ box, bits }: VoxelBits, found: (slice: number, row: number, first: number, beyond: number) => void): void {
  const [[s, beyondSlice], [r, beyondRow], [c, beyondColumn]] = box;
  const columns = beyondColumn - c;
  const isSet = (at: number): boolean => ((bits[at >> 3] >> (at & 7)) & 1) === 1;
  let line = 0;
  for (let slice = s; slice < beyondSlice; slice += 1) {
    for (let row = r; row < beyondRow; row += 1, line += columns) {
      const end = line + columns;
      for (let at = line; at < end; ) {
        if (bits[at >> 3] === 0) {
          at = (at | 7) + 1;
          continue;
        }
        if (!isSet(at)) {
          at += 1;
          continue;
        }
        const first = at;
        while (at < end && isSet(at)) at += 1;
        found(slice, row, c + first - line, c + at - line);
      }
    }
  }
}
