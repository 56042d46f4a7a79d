/** The planes of the views as they lie in the body. */

import { ascent, type Cut, frameOf, pointOfCut } from "@/core/plane";
import { PLANE_COLOURS } from "@/core/planeColours";
import type { Point } from "@/core/stageTransform";
import { scaled, subtract, type Vector } from "@/core/vectors";
import type { KeptSide } from "@/tools/volume3d/bodySettings";
import type { CutAway, PlaneBoard } from "@/tools/volume3d/solidScene";
import type { View } from "@/views/view";

/** The border of a view's plane. */
export function linesOfView({ cut, plane }: Pick<View, "cut" | "plane">): PlaneBoard | null {
  if (!cut) return null;
  const colour = PLANE_COLOURS[plane];
  return { corner: pointOfCut(cut, -0.5, -0.5), right: scaled(cut.right, cut.columns), down: scaled(cut.down, cut.rows), colour, picture: null };
}

/** The part of the stage on which a view's plane lies: left, top, right, bottom; null if nothing of it is seen. */
function seenPart({ stage, stagePoint }: View, cut: Cut): readonly [number, number, number, number] | null {
  const corners = [
    [-0.5, -0.5],
    [-0.5, cut.columns - 0.5],
    [cut.rows - 0.5, -0.5],
    [cut.rows - 0.5, cut.columns - 0.5],
  ].flatMap(([row, column]) => stagePoint(pointOfCut(cut, row, column)) ?? []);
  if (corners.length < 4) return null;
  const along = (choose: (...numbers: number[]) => number, axis: "x" | "y"): number => choose(...corners.map((corner) => corner[axis]));
  const [left, right] = [Math.max(0, along(Math.min, "x")), Math.min(stage.width, along(Math.max, "x"))];
  const [top, bottom] = [Math.max(0, along(Math.min, "y")), Math.min(stage.height, along(Math.max, "y"))];
  return right - left >= 1 && bottom - top >= 1 ? [left, top, right, bottom] : null;
}

/** What a view shows, where it shows it; only its border if there is no picture. */
export function boardOfView(view: View): PlaneBoard | null {
  const { cut, canvas, stage } = view;
  const border = linesOfView(view);
  const part = cut && seenPart(view, cut);
  const context = canvas?.getContext("2d");
  if (!border || !part || !canvas || !context || !view.drawn || stage.width === 0) return border;
  const [left, top, right, bottom] = part;
  const pointAt = (point: Point): Vector => view.pointAt(point) ?? [0, 0, 0];
  const corner = pointAt({ x: left, y: top });
  const ratio = canvas.width / stage.width;
  const [x, y, width, height] = [left, top, right - left, bottom - top].map((length) => Math.round(length * ratio));
  if (width < 1 || height < 1) return border;
  const picture = context.getImageData(x, y, width, height);
  return { ...border, corner, right: subtract(pointAt({ x: right, y: top }), corner), down: subtract(pointAt({ x: left, y: bottom }), corner), picture };
}

/** The side of a view's plane that is cut away; null if all stays. */
export function cutOfView({ cut }: Pick<View, "cut">, kept: KeptSide): CutAway | null {
  if (!cut || kept === "all") return null;
  const normal = ascent(frameOf(cut.right, cut.down));
  return { origin: pointOfCut(cut, (cut.rows - 1) / 2, (cut.columns - 1) / 2), normal: kept === "ahead" ? normal : scaled(normal, -1) };
}
