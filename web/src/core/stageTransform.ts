/** Where a picture's pixels lie on the stage (the view's element): in true proportions, fitted, turned, zoomed and moved. */

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** How a picture is laid on the stage. */
export interface Layout {
  /** 1 fits the picture into the stage. */
  readonly zoom: number;
  /** Offset of the picture's centre from the stage's in CSS pixels. */
  readonly x: number;
  readonly y: number;
  /** Clockwise, in degrees; after the flip. */
  readonly rotation: 0 | 90 | 180 | 270;
  /** Mirrored left to right. */
  readonly flipped: boolean;
}

/** A picture's size in pixels and the shape of a pixel. */
export interface PictureShape {
  readonly rows: number;
  readonly columns: number;
  /** The height of a pixel over its width. */
  readonly aspect: number;
  /** How many columns each row is shifted to the right of the row above. */
  readonly lean: number;
}

/** x = a column + c row + e, y = b column + d row + f: from pixels (the first one's corner is 0, 0) to CSS pixels. */
export interface Transform {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  readonly e: number;
  readonly f: number;
}

export const FITTED: Layout = { zoom: 1, x: 0, y: 0, rotation: 0, flipped: false };
const LARGEST_ZOOM = 40;
const SMALLEST_ZOOM = 0.25;
const TURNS = { 0: [1, 0], 90: [0, 1], 180: [-1, 0], 270: [0, -1] } as const;

export function stageTransform(shape: PictureShape, stage: Size, layout: Layout): Transform {
  const [cos, sin] = TURNS[layout.rotation];
  const mirror = layout.flipped ? -1 : 1;
  const turn = (x: number, y: number) => [cos * mirror * x - sin * y, sin * mirror * x + cos * y] as const;
  // A row begins `lean` columns to the right of the row above; the flip mirrors that too.
  const [a, b] = turn(1, 0);
  const [c, d] = turn(shape.lean, shape.aspect);
  const { rows, columns } = shape;
  const natural = { width: Math.abs(a) * columns + Math.abs(c) * rows, height: Math.abs(b) * columns + Math.abs(d) * rows };
  const scale = Math.min(stage.width / natural.width, stage.height / natural.height) * layout.zoom;
  const middle = { x: (a * columns + c * rows) / 2, y: (b * columns + d * rows) / 2 };
  return {
    a: a * scale,
    b: b * scale,
    c: c * scale,
    d: d * scale,
    e: stage.width / 2 + layout.x - middle.x * scale,
    f: stage.height / 2 + layout.y - middle.y * scale,
  };
}

/** The point of the stage at a pixel position; the centre of pixel (row, column) is at row + 0.5, column + 0.5. */
export const toStage = ({ a, b, c, d, e, f }: Transform, row: number, column: number): Point => ({
  x: a * column + c * row + e,
  y: b * column + d * row + f,
});

/** The pixel position of a point of the stage, with fractions. */
export function fromStage({ a, b, c, d, e, f }: Transform, { x, y }: Point): { row: number; column: number } {
  const determinant = a * d - b * c;
  return { row: (a * (y - f) - b * (x - e)) / determinant, column: (d * (x - e) - c * (y - f)) / determinant };
}

/** The pixel under a point of the stage; null outside the picture. */
export function pixelAt(point: Point, transform: Transform, { rows, columns }: { rows: number; columns: number }): { row: number; column: number } | null {
  const at = fromStage(transform, point);
  const [row, column] = [Math.floor(at.row), Math.floor(at.column)];
  return row >= 0 && column >= 0 && row < rows && column < columns ? { row, column } : null;
}

/** The length of a step of one column, and of one row, in CSS pixels. */
export const stepLengths = ({ a, b, c, d }: Transform): { row: number; column: number } => ({ column: Math.hypot(a, b), row: Math.hypot(c, d) });

/** The layout zoomed by a factor about `point`, which stays where it is. */
export function zoomAbout(layout: Layout, factor: number, point: Point, stage: Size): Layout {
  const zoom = Math.min(LARGEST_ZOOM, Math.max(SMALLEST_ZOOM, layout.zoom * factor));
  const growth = zoom / layout.zoom;
  const [x, y] = [point.x - stage.width / 2, point.y - stage.height / 2];
  return { ...layout, zoom, x: x + (layout.x - x) * growth, y: y + (layout.y - y) * growth };
}

/** A quarter turn to the right of what is on the stage; the point in the middle of the stage stays there. */
export function turnedRight(layout: Layout): Layout {
  const rotation = ((layout.rotation + 90) % 360) as Layout["rotation"];
  return { ...layout, rotation, x: -layout.y, y: layout.x };
}

/** Mirrored left to right as seen on the stage. */
export function mirrored(layout: Layout): Layout {
  const rotation = ((360 - layout.rotation) % 360) as Layout["rotation"];
  return { ...layout, flipped: !layout.flipped, rotation, x: -layout.x };
}

/** The longest round length in mm (1, 2 or 5 times a power of ten) whose bar is at most `most` CSS pixels long. */
export function scaleBar(pixelsPerMm: number, most: number): { mm: number; pixels: number } | null {
  if (!(pixelsPerMm > 0) || !Number.isFinite(pixelsPerMm)) return null;
  const limit = most / pixelsPerMm;
  const power = 10 ** Math.floor(Math.log10(limit));
  const mm = [5, 2, 1].map((n) => n * power).find((length) => length <= limit * (1 + 1e-9)) ?? power;
  return { mm, pixels: mm * pixelsPerMm };
}
