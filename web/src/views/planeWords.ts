/** What a view's picture is, in words that stand on it. */

import { tiltDegrees } from "@/core/geometry";
import { formatNumber } from "@/core/formatting";
import { naturalStep } from "@/core/plane";
import { calibrationText } from "@/core/sliceRecords";
import { SLAB_NAMES, type SlabMode } from "@/core/slabs";
import type { View } from "@/views/view";

/** What a value of a slab is. */
export const SLAB_VALUES: Readonly<Record<SlabMode, string>> = { max: "max", min: "min", mean: "mean" };
/** Degrees. */
const STRAIGHT = 0.5;
/** Pixels that are so many times larger than natural ones are those of a draft. */
const DRAFT = 1.5;
const MOST_DRAFT = 2 ** 20;

/** "MIP 10 mm (4 slices)": the planes that are really projected. */
export function slabWords(view: View): string {
  const { slab, slabSpan: span, frame } = view;
  if (!slab) return "";
  if (!span) return `${SLAB_NAMES[slab.mode]}: one plane is thicker than ${formatNumber(slab.mm)} mm`;
  return `${SLAB_NAMES[slab.mode]} ${formatNumber(Math.round(span.mm * 100) / 100, 2)} mm (${span.planes} ${frame ? "planes" : "slices"})`;
}

/** How the picture was made if its pixels are not the volume's own voxels. */
export function makingWords(view: View): string {
  const { frame, straightened, smooth, volume } = view;
  if (!frame) return "";
  const how = smooth ? "interpolated" : "nearest voxels";
  if (!straightened) return how;
  const affine = volume?.affine;
  return affine && tiltDegrees(affine) > STRAIGHT ? `straightened along the patient's axes, ${how}` : `along the patient's axes, ${how}`;
}

/** True if the picture on the canvas has larger pixels than it will have, because something is dragged or scrolled. */
export function isDraft(view: View): boolean {
  const { drawn, drawnEvery, cut, frame } = view;
  if (drawn && drawnEvery > 1) return true;
  if (!frame || !cut || drawn?.kind !== "cut" || !view.volume?.affine) return false;
  const natural = naturalStep(view.volume.affine, frame);
  // Cuts that would be too large have larger pixels too, and are no drafts.
  return Math.hypot(...drawn.cut.right) > DRAFT * natural && drawn.cut.rows * drawn.cut.columns < MOST_DRAFT;
}

/** What a reader has to know of the stack's geometry: it is one click from its report. */
export function geometryWords(view: View): string {
  const { volume, series } = view;
  if (!volume) return "";
  if (!volume.affine || !volume.regular) return volume.shape[0] > 1 ? "irregular" : "";
  const tilt = tiltDegrees(volume.affine);
  if (tilt > STRAIGHT) return `tilted by ${formatNumber(Math.round(tilt * 10) / 10, 1)}°`;
  return series?.report?.problems.some(({ severity }) => severity !== "note") ? "geometry: see report" : "";
}

/** What the value under the pointer is measured in, where the picture has no millimetres everywhere; empty where it has. */
export function calibrationWords({ probe, volume, facts, regions }: View): string {
  if (!probe || !volume) return "";
  if (regions.length > 0) return calibrationText(regions, probe.row, probe.column);
  return facts?.spacing_mm[1] === null ? "not calibrated: no mm" : "";
}
