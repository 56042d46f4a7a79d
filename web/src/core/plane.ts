/** Planes through the patient: a point and an orthonormal frame. Coordinates are LPS millimetres. */

import type { Vector } from "@/core/geometry";

/** Unit vectors of a plane's picture; `normal` = `right` x `down`. */
export interface Frame {
  readonly right: Vector;
  readonly down: Vector;
  readonly normal: Vector;
}

/** A rectangle of points: `origin` is the centre of pixel (0, 0); `right` and `down` are millimetres per pixel. */
export interface Cut {
  readonly origin: Vector;
  readonly right: Vector;
  readonly down: Vector;
  readonly rows: number;
  readonly columns: number;
}
