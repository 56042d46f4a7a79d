/** Slabs: several planes projected into one picture. */

export type SlabMode = "max" | "min" | "mean";

export const SLAB_NAMES: Readonly<Record<SlabMode, string>> = { max: "MIP", min: "MinIP", mean: "Mean" };
