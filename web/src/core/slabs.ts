/** Slabs: several planes projected into one picture. */

export type SlabMode = "max" | "min" | "mean";
