/** Projects values of several planes, one plane after the other, into one; NaN is no value. */

import type { SlabMode } from "@/core/slabs";

export class Projection {
  /** The extremes, or the sums. */
  private readonly held: Float64Array;
  /** How many values each sum has. */
  private readonly counts: Float64Array;

  constructor(
    private readonly mode: SlabMode,
    size: number,
  ) {
    this.held = new Float64Array(size);
    this.counts = new Float64Array(mode === "mean" ? size : 0);
  }

  begin(): void {
    this.held.fill(this.mode === "mean" ? 0 : NaN);
    this.counts.fill(0);
  }

  /** Adds `count` values of one plane, whose first one belongs to the place `at`. */
  add(values: Float64Array, count: number, at = 0): void {
    if (this.mode === "max") this.addLargest(values, count, at);
    else if (this.mode === "min") this.addSmallest(values, count, at);
    else this.addSum(values, count, at);
  }

  /** The result at one place; NaN without values. */
  result(at: number): number {
    return this.mode === "mean" ? this.held[at] / this.counts[at] : this.held[at];
  }

  private addLargest(values: Float64Array, count: number, at: number): void {
    const { held } = this;
    for (let i = 0; i < count; i += 1) if (values[i] > held[at + i] || Number.isNaN(held[at + i])) held[at + i] = values[i];
  }

  private addSmallest(values: Float64Array, count: number, at: number): void {
    const { held } = this;
    for (let i = 0; i < count; i += 1) if (values[i] < held[at + i] || Number.isNaN(held[at + i])) held[at + i] = values[i];
  }

  private addSum(values: Float64Array, count: number, at: number): void {
    const { held, counts } = this;
    for (let i = 0; i < count; i += 1) {
      if (Number.isNaN(values[i])) continue;
      held[at + i] += values[i];
      counts[at + i] += 1;
    }
  }
}
