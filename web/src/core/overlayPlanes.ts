/** Overlay planes of slices (60xx): graphics and regions over acquired pixels; they change no value. */

import { type Affine, gridTurn, type Plane, sliceOfPlane } from "@/core/geometry";
import type { Transform } from "@/core/stageTransform";

export interface SliceOverlay {
  /** 0x6000 to 0x601E. */
  readonly group: number;
  /** G (graphics) or R (region of interest), or empty. */
  readonly kind: "G" | "R" | "";
  /** The header's own words, which may be a person's. */
  readonly label: string;
  readonly description: string;
  /** Row and column of the slice, from 0, on which the first bit lies; it may be negative. */
  readonly origin: readonly [number, number];
  readonly rows: number;
  readonly columns: number;
  /** Row after row, the first pixel in the lowest bit of the first byte. */
  readonly bits: Uint8Array;
}

/** Red, green and blue of the overlays, by group; the standard leaves colours open. */
const COLOURS: readonly (readonly [number, number, number])[] = [
  [255, 210, 63],
  [84, 224, 232],
  [255, 128, 214],
  [150, 240, 110],
  [255, 150, 90],
  [176, 170, 255],
];
/** Regions of interest are filled: what lies under them has to be seen. */
const REGION_OPACITY = 0.45;
const FIRST_GROUP = 0x6000;

export const overlayColour = ({ group }: Pick<SliceOverlay, "group">): readonly [number, number, number] => COLOURS[((group - FIRST_GROUP) / 2) % COLOURS.length];

export const overlayOpacity = ({ kind }: Pick<SliceOverlay, "kind">): number => (kind === "R" ? REGION_OPACITY : 1);

/** "overlay 6000 (graphics)": without the header's words. */
export function overlayName({ group, kind }: Pick<SliceOverlay, "group" | "kind">): string {
  const what = { G: " (graphics)", R: " (region)", "": "" }[kind];
  return `overlay ${group.toString(16).toUpperCase()}${what}`;
}

/** Paints an overlay's bits in its colour, at its own size; what lies beside them is transparent. */
export function paintOverlay(overlay: SliceOverlay, pixels: Uint32Array): void {
  const [red, green, blue] = overlayColour(overlay);
  const word = (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;
  const { bits } = overlay;
  for (let i = 0; i < pixels.length; i += 1) pixels[i] = (bits[i >> 3] >> (i & 7)) & 1 ? word : 0;
}

/** The acquired slice that a plane's picture shows pixel for pixel, and where the slice's own pixels lie in the picture. */
export interface SliceInPlane {
  readonly slice: number;
  readonly transform: Transform;
}

/**
 * Where an acquired slice lies in the picture of a plane; null if the plane crosses the slices.
 *
 * `columns` and `rows` of the slice may be turned into each other and run backwards in the plane; corners go to corners.
 */
export function sliceInPlane(affine: Affine | null, shape: readonly number[], plane: Plane, index: number): SliceInPlane | null {
  const [turn, slice] = [gridTurn(affine, plane), sliceOfPlane(affine, shape, plane, index)];
  if (!turn || slice === null) return null;
  // The slice's row (1) or column (2) from the picture's edge; backwards from its other end.
  const along = (picture: 1 | 2) => {
    const axis = turn.axes[picture];
    const sign = turn.backwards[picture] ? -1 : 1;
    return { row: axis === 1 ? sign : 0, column: axis === 2 ? sign : 0, offset: sign < 0 ? shape[axis] : 0 };
  };
  const [down, right] = [along(1), along(2)];
  return { slice, transform: { a: right.column, c: right.row, e: right.offset, b: down.column, d: down.row, f: down.offset } };
}
