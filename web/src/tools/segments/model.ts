/** What a list of segments says, where segments are, and their figures as a table. */

import type { LabelledSegment, SegmentationSummary, FiguresOfSegment, SegmentStatistics } from "@/api/segmentations";
import { formatCount, formatMillilitres, formatVolume } from "@/core/formatting";
import { type Affine, toPatient } from "@/core/geometry";
import { type Cut, inverseAffine, pixelOfCut, toIndex } from "@/core/plane";
import type { Vector } from "@/core/vectors";

/** A search is offered for lists of more segments. */
export const MANY = 12;
/** What a millimetre may be wrong by rounding. */
const ROUNDING_MM = 1e-6;

type SegmentBox = NonNullable<LabelledSegment["box"]>;

/** "Kidney, Left, Organ": what codes say beyond the label; empty if that is nothing. */
export function codeWords({ label, type, type_modifier: side, anatomic_region: region, region_modifier: part, category }: LabelledSegment): string {
  const parts = [type?.meaning, side?.meaning, region?.meaning, part?.meaning, category?.meaning].filter((words): words is string => Boolean(words));
  const fresh = parts.filter((words, i) => words.toLowerCase() !== label.toLowerCase() && parts.indexOf(words) === i);
  return fresh.join(", ");
}

/** The segments that a search finds: all its words are in the label, the codes' meanings or the number. */
export function foundSegments(segments: readonly LabelledSegment[], search: string): readonly LabelledSegment[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return segments;
  return segments.filter((segment) => {
    const text = `${segment.number} ${segment.label} ${codeWords(segment)}`.toLowerCase().replaceAll("_", " ");
    return words.every((word) => text.includes(word.replaceAll("_", " ")));
  });
}

/** "12.40 ml" for a line of a list, where exact figures have no room. */
export function sizeWords({ count, mm3 }: Pick<LabelledSegment, "count" | "mm3">): string {
  if (count === 0) return "empty";
  return mm3 === null ? `${formatCount(count)} voxels` : formatMillilitres(mm3);
}

/** "12,400.000 mm³ · 3,100 voxels". */
export function exactSize({ count, mm3 }: Pick<LabelledSegment, "count" | "mm3">): string {
  const voxels = `${formatCount(count)} ${count === 1 ? "voxel" : "voxels"}`;
  return mm3 === null ? `${voxels}; mm³ unknown` : `${formatVolume(mm3)} · ${voxels}`;
}

/** What a structure's contours enclose beside what its voxels do; empty for masks without contours. */
export function contourWords({ mm3, contour_mm3: contour }: Pick<LabelledSegment, "mm3" | "contour_mm3">): string {
  if (contour === null) return "";
  if (mm3 === null || contour === 0) return `${formatVolume(contour)} by its contours`;
  const percent = ((mm3 - contour) / contour) * 100;
  const size = Math.abs(percent).toFixed(Math.abs(percent) >= 1 ? 1 : 2);
  if (size === "0.00") return `${formatVolume(contour)} by its contours: the same by voxels, to 0.01 %`;
  return `${formatVolume(contour)} by its contours: ${size} % ${percent > 0 ? "more" : "less"} by voxels`;
}

/** Why a mask may not lie over an image, and what has to be known for it; empty if both have one frame of reference. */
export function placeQuestion({ placed }: Pick<SegmentationSummary, "placed">): string {
  if (placed === "other") return "The mask and this image have different frames of reference: the same coordinates may be other places of the patient.";
  if (placed === "unknown") return "The files do not say that the mask and this image have one frame of reference: the same coordinates may be other places of the patient.";
  return "";
}

/** The middle of a box of voxels, LPS millimetres. */
export function middleOf([low, high]: SegmentBox, affine: Affine): Vector {
  return toPatient(affine, [(low[0] + high[0] - 1) / 2, (low[1] + high[1] - 1) / 2, (low[2] + high[2] - 1) / 2]);
}

/** True if a point lies in an image with that grid. */
export function isInImage(point: Vector, { affine, shape }: { readonly affine: Affine | null; readonly shape: readonly number[] }): boolean {
  return affine !== null && toIndex(inverseAffine(affine), point).every((at, axis) => at >= -0.5 && at < shape[axis] - 0.5);
}

/** True if a plane may cross a box of voxels: its corners do not all lie on one side. */
export function mayCross(cut: Cut, [low, high]: SegmentBox, affine: Affine): boolean {
  const sides = [0, 1, 2, 3, 4, 5, 6, 7].map((corner) => {
    const index = [0, 1, 2].map((axis) => (corner & (1 << axis) ? high[axis] : low[axis]) - 0.5);
    return pixelOfCut(cut, toPatient(affine, index as unknown as Vector)).distance;
  });
  return Math.min(...sides) <= ROUNDING_MM && Math.max(...sides) >= -ROUNDING_MM;
}

const COLUMNS = ["number", "segment", "voxels", "mm3", "values", "mean", "std", "minimum", "p5", "p25", "median", "p75", "p95", "maximum", "missing", "unit"] as const;

/** Text of a cell; what a spreadsheet would take for a formula is text. */
function cell(value: string | number | null): string {
  if (typeof value === "number") return String(value);
  const text = value ?? "";
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** The figures with all their digits, as CSV (RFC 4180). */
export function statisticsCsv({ unit, segments }: SegmentStatistics, labels: ReadonlyMap<number, string>): string {
  const line = ({ number, count, mm3, values, missing }: FiguresOfSegment): (string | number | null)[] => {
    const { count: used, mean, std, minimum, p5, p25, median, p75, p95, maximum } = values;
    return [number, labels.get(number) ?? "", count, mm3, used, mean, std, minimum, p5, p25, median, p75, p95, maximum, missing, unit];
  };
  return [COLUMNS, ...segments.map(line)].map((cells) => `${cells.map(cell).join(",")}\r\n`).join("");
}
