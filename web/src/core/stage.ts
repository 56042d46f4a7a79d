/** Where a slice's pixels lie on the screen: fitted with its true proportions, then zoomed and moved. */

export interface Size {
  readonly width: number;
  readonly height: number;
}
export interface View {
  /** 1 fits the slice into the stage. */
  readonly zoom: number;
  /** CSS pixels from the stage's centre. */
  readonly x: number;
  readonly y: number;
}
export interface Placement {
  /** The corner of the picture's first row, and its size, in CSS pixels of the stage. */
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** How far its last row lies to the right of its first. */
  readonly lean: number;
}
/** A slice's pixels: how many, their height over their width, and the columns each row lies right of the one above. */
export interface Extent {
  readonly rows: number;
  readonly columns: number;
  readonly aspect: number;
  readonly lean: number;
}

export const FITTED: View = { zoom: 1, x: 0, y: 0 };
const LARGEST = 40;
const SMALLEST = 0.25;

export function place(slice: Extent, stage: Size, view: View): Placement {
  const leaning = slice.lean * (slice.rows - 1);
  const natural = { width: slice.columns + Math.abs(leaning), height: slice.rows * slice.aspect };
  const scale = Math.min(stage.width / natural.width, stage.height / natural.height) * view.zoom;
  const height = natural.height * scale;
  const left = (stage.width - natural.width * scale) / 2 + view.x + Math.max(0, -leaning) * scale;
  return { left, top: (stage.height - height) / 2 + view.y, width: slice.columns * scale, height, lean: leaning * scale };
}

/** The pixel under a point of the stage; null outside of the picture. */
export function pixelAt(
  point: { x: number; y: number },
  placement: Placement,
  slice: { rows: number; columns: number },
): { row: number; column: number } | null {
  const row = Math.floor(((point.y - placement.top) / placement.height) * slice.rows);
  const over = slice.rows > 1 ? (placement.lean * row) / (slice.rows - 1) : 0;
  const column = Math.floor(((point.x - placement.left - over) / placement.width) * slice.columns);
  const inside = row >= 0 && column >= 0 && row < slice.rows && column < slice.columns;
  return inside ? { row, column } : null;
}

/** The view zoomed by a factor, with what lies under `point` staying there. */
export function zoomAbout(view: View, factor: number, point: { x: number; y: number }, stage: Size): View {
  const zoom = Math.min(LARGEST, Math.max(SMALLEST, view.zoom * factor));
  const grown = zoom / view.zoom;
  const x = point.x - stage.width / 2;
  const y = point.y - stage.height / 2;
  return { zoom, x: x + (view.x - x) * grown, y: y + (view.y - y) * grown };
}

/** The longest round length (1, 2 or 5 times a power of ten, mm) whose bar is no longer than `most` CSS pixels. */
export function scaleBar(pixelsPerMm: number, most: number): { mm: number; pixels: number } | null {
  if (!(pixelsPerMm > 0) || !Number.isFinite(pixelsPerMm)) return null;
  const limit = most / pixelsPerMm;
  const power = 10 ** Math.floor(Math.log10(limit));
  const mm = [5, 2, 1].map((n) => n * power).find((length) => length <= limit * (1 + 1e-9)) ?? power;
  return { mm, pixels: mm * pixelsPerMm };
}
