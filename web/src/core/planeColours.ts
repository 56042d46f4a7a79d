/** A colour for each plane: that of its lines in the other views. Readable on black and, with a dark rim, on white. */

import type { Plane } from "@/core/geometry";

export const PLANE_COLOURS: Readonly<Record<Plane, string>> = {
  axial: "#ff8a75",
  coronal: "#7fe08f",
  sagittal: "#ffd84d",
  acquired: "#8fc1ff",
};
