/** Where a slice's pixels lie on the stage (the viewport's element): fitted in true proportions, then zoomed and moved. */

export interface Size {
  readonly width: number;
  readonly height: number;
}
export interface ZoomPan {
  /** 1 fits the slice into the stage. */
  readonly zoom: number;
  /** Offset from the stage's centre in CSS pixels. */
  readonly x: number;
  readonly y: number;
}
export interface Placement {
  /** The top left corner of the first row, and the size, in CSS pixels of the stage. */
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** How far the last row is shifted to the right of the first, in CSS pixels; not 0 for a sheared slice. */
  readonly lean: number;
}
/** A slice's size in pixels and the shape of a pixel. */
export interface SliceShape {
  readonly rows: number;
  readonly columns: number;
  /** The height of a pixel over its width. */
  readonly aspect: number;
  /** How many columns each row is shifted to the right of the row above. */
  readonly lean: number;
}

export const FITTED: ZoomPan = { zoom: 1, x: 0, y: 0 };
const LARGEST_ZOOM = 40;
const SMALLEST_ZOOM = 0.25;

export function placeSlice(slice: SliceShape, stage: Size, view: ZoomPan): Placement {
  const totalLean = slice.lean * (slice.rows - 1);
  const natural = { width: slice.columns + Math.abs(totalLean), height: slice.rows * slice.aspect };
  const scale = Math.min(stage.width / natural.width, stage.height / natural.height) * view.zoom;
  const height = natural.height * scale;
  const left = (stage.width - natural.width * scale) / 2 + view.x + Math.max(0, -totalLean) * scale;
  return { left, top: (stage.height - height) / 2 + view.y, width: slice.columns * scale, height, lean: totalLean * scale };
}

/** The pixel under a point of the stage; null outside the slice. */
export function pixelAt(
  point: { x: number; y: number },
  placement: Placement,
  slice: { rows: number; columns: number },
): { row: number; column: number } | null {
  const row = Math.floor(((point.y - placement.top) / placement.height) * slice.rows);
  const shift = slice.rows > 1 ? (placement.lean * row) / (slice.rows - 1) : 0;
  const column = Math.floor(((point.x - placement.left - shift) / placement.width) * slice.columns);
  const inside = row >= 0 && column >= 0 && row < slice.rows && column < slice.columns;
  return inside ? { row, column } : null;
}

/** The view zoomed by a factor about `point`, which stays where it is. */
export function zoomAbout(view: ZoomPan, factor: number, point: { x: number; y: number }, stage: Size): ZoomPan {
  const zoom = Math.min(LARGEST_ZOOM, Math.max(SMALLEST_ZOOM, view.zoom * factor));
  const growth = zoom / view.zoom;
  const x = point.x - stage.width / 2;
  const y = point.y - stage.height / 2;
  return { zoom, x: x + (view.x - x) * growth, y: y + (view.y - y) * growth };
}

/** The longest round length in mm (1, 2 or 5 times a power of ten) whose bar is at most `most` CSS pixels long. */
export function scaleBar(pixelsPerMm: number, most: number): { mm: number; pixels: number } | null {
  if (!(pixelsPerMm > 0) || !Number.isFinite(pixelsPerMm)) return null;
  const limit = most / pixelsPerMm;
  const power = 10 ** Math.floor(Math.log10(limit));
  const mm = [5, 2, 1].map((n) => n * power).find((length) => length <= limit * (1 + 1e-9)) ?? power;
  return { mm, pixels: mm * pixelsPerMm };
}
