/** How much of each block of voxels lies in a segment: what a surface is made from. */

import { type BlockPlan, firstCentre } from "@/core/blockMeans";
import type { PixelArray } from "@/core/pixelArray";
import type { Coverage } from "@/core/surfaceNet";
import type { Vector } from "@/core/vectors";

/** The voxels from `low` to before `high`: slices, rows, columns. */
export interface VoxelBox {
  readonly low: Vector;
  readonly high: Vector;
}

/** Counts a segment's voxels in the blocks of its box, slice after slice of its label map. */
export class CoverageCount {
  private readonly counts: Uint32Array;

  constructor(
    readonly box: VoxelBox,
    readonly plan: BlockPlan,
    /** The segment's value in the label map. */
    private readonly value: number,
  ) {
    this.counts = new Uint32Array(plan.shape[0] * plan.shape[1] * plan.shape[2]);
  }

  /** The index of the label map at which the first block's centre lies. */
  get first(): Vector {
    return firstCentre(this.plan.every, this.box.low);
  }

  /** Adds a slice of so many columns; slices beside the box have nothing of the segment. */
  add(slice: number, labels: PixelArray, columns: number): void {
    const { box, counts, value } = this;
    if (slice < box.low[0] || slice >= box.high[0]) return;
    const { every, shape } = this.plan;
    const layer = Math.floor((slice - box.low[0]) / every[0]) * shape[1];
    for (let row = box.low[1]; row < box.high[1]; row += 1) {
      const start = (layer + Math.floor((row - box.low[1]) / every[1])) * shape[2];
      const from = row * columns;
      for (let column = box.low[2]; column < box.high[2]; column += 1) {
        if (labels[from + column] === value) counts[start + Math.floor((column - box.low[2]) / every[2])] += 1;
      }
    }
  }

  /** Adds voxels that follow each other in a row of the box. */
  addRun(slice: number, row: number, first: number, beyond: number): void {
    const { box, counts } = this;
    const { every, shape } = this.plan;
    const start = (Math.floor((slice - box.low[0]) / every[0]) * shape[1] + Math.floor((row - box.low[1]) / every[1])) * shape[2];
    for (let column = first; column < beyond; column += 1) counts[start + Math.floor((column - box.low[2]) / every[2])] += 1;
  }

  /** The parts as bytes; 255 is a whole block. Blocks that the box cuts off have nothing outside of it. */
  coverage(): Coverage {
    const { counts } = this;
    const { every, shape } = this.plan;
    const whole = every[0] * every[1] * every[2];
    return { values: Uint8Array.from(counts, (count) => Math.round((count / whole) * 255)), shape };
  }
}
