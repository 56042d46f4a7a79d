/** A volume's values where they are sampled, with the slices that are there yet. */

import type { PixelArray } from "@/core/pixelArray";

export interface SampledVolume {
  /** In C order: sample after sample, column after column, row after row, slice after slice. */
  readonly values: PixelArray;
  /** Slices, rows, columns; colour volumes may name their samples too. */
  readonly shape: readonly number[];
  /** 1 for greyscale, 3 for colour. */
  readonly samples: number;
  /** One entry for each slice: 1 if it is there. Absent if all are. */
  readonly loaded?: Uint8Array;
}

/** The values of a picture. */
export interface Sampled {
  readonly values: PixelArray;
  readonly rows: number;
  readonly columns: number;
  readonly samples: number;
  /** How many of the slices that the picture needs are not there. */
  readonly missing: number;
}

/** Values between the first ones of two neighbouring slices, rows and columns. */
export function stridesOf({ shape, samples }: SampledVolume): readonly [number, number, number] {
  return [shape[1] * shape[2] * samples, shape[2] * samples, samples];
}

/** Which slices of a volume a picture needed, and which of them are not there. */
export class SliceCheck {
  private readonly needed: Uint8Array;
  /** How many of the slices before each one are not there. */
  private readonly absentBefore: Int32Array;

  constructor(private readonly loaded: Uint8Array) {
    this.needed = new Uint8Array(loaded.length);
    this.absentBefore = new Int32Array(loaded.length + 1);
    for (let slice = 0; slice < loaded.length; slice += 1) this.absentBefore[slice + 1] = this.absentBefore[slice] + (loaded[slice] ? 0 : 1);
  }

  /** True if all slices of the volume are there. */
  get complete(): boolean {
    return this.absentBefore[this.loaded.length] === 0;
  }

  /** True if all slices from `first` to `last` are there. */
  has(first: number, last: number): boolean {
    return this.absentBefore[last + 1] === this.absentBefore[first];
  }

  /** Notes that a slice is needed. True if it is there. */
  need(slice: number): boolean {
    this.needed[slice] = 1;
    return this.loaded[slice] !== 0;
  }

  get missing(): number {
    let count = 0;
    for (let slice = 0; slice < this.needed.length; slice += 1) if (this.needed[slice] && !this.loaded[slice]) count += 1;
    return count;
  }
}
