/** The scale bars of ultrasound pictures: each in its region, none where nothing is calibrated in millimetres. */

import { regionAt, type UltrasoundRegion } from "@/core/sliceRecords";
import { fromStage, type Point, scaleBar, type Size, toStage, type Transform } from "@/core/stageTransform";

/** A scale bar on the stage. */
export interface ScaleBar {
  readonly mm: number;
  readonly pixels: number;
  /** The middle of its lower edge; null for the usual place, where it holds for the whole picture. */
  readonly at: Point | null;
}

interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** CSS pixels between a bar and the lower edge of its region. */
const INSET = 8;
/** The shortest bar that can be read, and the height that it needs with its words. */
const SHORTEST = 24;
const HEIGHT = 34;
/** The part of its region's width that a bar may take. */
const PART = 0.6;

const overlap = (a: Box, b: Box): Box => ({ left: Math.max(a.left, b.left), top: Math.max(a.top, b.top), right: Math.min(a.right, b.right), bottom: Math.min(a.bottom, b.bottom) });
const isEmpty = ({ left, top, right, bottom }: Box): boolean => right <= left || bottom <= top;
const holds = (outer: Box, inner: Box): boolean => outer.left <= inner.left && outer.top <= inner.top && outer.right >= inner.right && outer.bottom >= inner.bottom;

/** The rectangle of the stage that some pixels cover; the last ones are counted in. */
function boxOf(transform: Transform, rows: readonly [number, number], columns: readonly [number, number]): Box {
  const [a, b] = [toStage(transform, rows[0], columns[0]), toStage(transform, rows[1] + 1, columns[1] + 1)];
  return { left: Math.min(a.x, b.x), top: Math.min(a.y, b.y), right: Math.max(a.x, b.x), bottom: Math.max(a.y, b.y) };
}

/** The bars of a picture whose `regions` are calibrated; `most` is the longest bar in CSS pixels. */
export function regionBars(regions: readonly UltrasoundRegion[], picture: { readonly rows: number; readonly columns: number }, transform: Transform, stage: Size, most: number): ScaleBar[] {
  if (stage.width === 0 || stage.height === 0) return [];
  const seen = overlap(boxOf(transform, [0, picture.rows - 1], [0, picture.columns - 1]), { left: 0, top: 0, right: stage.width, bottom: stage.height });
  const step = fromStage({ ...transform, e: 0, f: 0 }, { x: 1, y: 0 });
  return regions.flatMap((region, i): ScaleBar[] => {
    if (!region.pixel_spacing_mm) return [];
    const [rowMm, columnMm] = region.pixel_spacing_mm;
    const pixelsPerMm = 1 / Math.hypot(step.row * rowMm, step.column * columnMm);
    const box = boxIn(transform, region, seen);
    if (isEmpty(box)) return [];
    // Of regions that overlap the first is right.
    const isWhole = holds(box, seen) && regions.slice(0, i).every((first) => isEmpty(boxIn(transform, first, seen)));
    const bar = scaleBar(pixelsPerMm, isWhole ? most : Math.min(most, PART * (box.right - box.left)));
    if (!bar) return [];
    if (isWhole) return [{ ...bar, at: null }];
    const at = { x: (box.left + box.right) / 2, y: box.bottom - INSET };
    const isIn = [-1, 0, 1].every((side) => {
      const { row, column } = fromStage(transform, { x: at.x + (side * bar.pixels) / 2, y: at.y });
      return regionAt(regions, row - 0.5, column - 0.5) === region;
    });
    return isIn && bar.pixels >= SHORTEST && box.bottom - box.top >= HEIGHT ? [{ ...bar, at }] : [];
  });
}

const boxIn = (transform: Transform, region: UltrasoundRegion, seen: Box): Box =>
  overlap(boxOf(transform, [region.first_row, region.last_row], [region.first_column, region.last_column]), seen);
