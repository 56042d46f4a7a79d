/** The value under the pointer: the voxel's own, as the library has it, never an interpolated one. */

import { onScopeDispose, type ShallowRef } from "vue";

import { isAbort } from "@/api/http";
import { inverseAffine, pointOfCut, toIndex } from "@/core/plane";
import { fromStage, type Point } from "@/core/stageTransform";
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
    const position = fromStage(view.transformOf(on.shape), last);
    const [row, column] = [Math.floor(position.row), Math.floor(position.column)];
    const { picture, request, cut } = on;
    if (row < 0 || column < 0 || row >= picture.rows || column >= picture.columns) {
      view.probe = null;
      return;
    }
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
    const index = toIndex(inverseAffine(affine), found.point).map((part) => Math.floor(part + 0.5)) as unknown as Vector;
    const controller = new AbortController();
    running = controller;
    on.source.voxel(index, controller.signal).then(
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
