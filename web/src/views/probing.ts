/** The value under the pointer: the voxel's own, as the library has it, never an interpolated one. */

import { onScopeDispose, type ShallowRef } from "vue";

import { isAbort } from "@/api/http";
import { pointOfCut, voxelAt } from "@/core/plane";
import { fromStage, pixelAt, type Point } from "@/core/stageTransform";
import type { Vector } from "@/core/geometry";
import type { ShownPicture } from "@/views/shownPicture";
import type { View } from "@/views/view";

/** Follows the pointer over a view. The picture on the canvas counts, not the one that is on its way. */
export function useProbe(view: View, shown: Readonly<ShallowRef<ShownPicture | null>>) {
  let last: Point | null = null;
  let running: AbortController | null = null;

  function leave(): void {
    last = null;
    running?.abort();
    view.probe = null;
  }

  function at(point: Point): void {
    last = point;
    refresh();
  }

  function refresh(): void {
    running?.abort();
    const on = shown.value;
    if (!last || !on) {
      view.probe = null;
      return;
    }
    const { picture, request, cut, shape } = on;
    const transform = view.transformOf(on.shape);
    const pixel = pixelAt(last, transform, shape);
    if (!pixel) {
      view.probe = null;
      return;
    }
    const { row, column } = pixel;
    const position = fromStage(transform, last);
    // In a plane of the grid each pixel is a voxel: its place is the voxel's centre.
    const point = cut && (request.kind === "grid" ? pointOfCut(cut, row, column) : pointOfCut(cut, position.row - 0.5, position.column - 0.5));
    const known = request === view.request && picture.missing === 0;
    if (request.kind === "grid" || request.slab) {
      const start = (row * picture.columns + column) * picture.samples;
      const values = Array.from(picture.values.subarray(start, start + picture.samples));
      view.probe = { row, column, point, values: known && !values.some(Number.isNaN) ? values : null };
      return;
    }
    askVoxel(on, { row, column, point });
  }

  function askVoxel(on: ShownPicture, found: { row: number; column: number; point: Vector | null }): void {
    const { affine } = view.volume ?? {};
    const before = view.probe?.point?.join() === found.point?.join() ? (view.probe?.values ?? null) : null;
    view.probe = { ...found, values: before };
    if (!affine || !found.point) return;
    const controller = new AbortController();
    running = controller;
    on.source.voxel(voxelAt(affine, found.point), controller.signal).then(
      (values) => {
        if (!controller.signal.aborted) view.probe = { ...found, values };
      },
      (error: unknown) => {
        if (!isAbort(error)) view.probe = { ...found, values: null };
      },
    );
  }

  onScopeDispose(leave);
  return { at, leave, refresh };
}
