/** Keeps the scene as the settings, the views and the copy say. */

import { computed, onScopeDispose, type ShallowRef, watch } from "vue";

import { cornersOf } from "@/core/uprightGrid";
import { onNextFrame } from "@/scene/subscribers";
import { boardOfView, cutOfView, linesOfView } from "@/tools/volume3d/boards";
import { useBodySettings } from "@/tools/volume3d/bodySettings";
import { bodyBox, cutsOfCrop } from "@/tools/volume3d/model";
import { transferOf } from "@/tools/volume3d/presets";
import type { SmallCopy } from "@/tools/volume3d/smallCopy";
import { MOST_CUTS, type SolidScene } from "@/tools/volume3d/solidScene";
import { useBodies } from "@/tools/volume3d/store";
import { useMaskLayers } from "@/views/maskLayers";
import type { View } from "@/views/view";
import { useViews } from "@/views/views";

/** The views draw their pictures within so many frames after something changed. */
const FRAMES = 2;

export function useShownParts(scene: Readonly<ShallowRef<SolidScene | null>>, copy: Readonly<ShallowRef<SmallCopy | null>>) {
  const bodies = useBodies();
  const settings = useBodySettings();
  const views = useViews();
  const masks = useMaskLayers();
  let ended = false;

  /** The corners of the volume: its own, not the copy's. */
  const corners = computed(() => {
    const volume = bodies.target?.volume;
    const [slices, rows, columns] = volume?.shape ?? [1, 1, 1];
    return volume?.affine ? cornersOf(volume.affine, [slices, rows, columns]) : [];
  });
  const box = computed(() => bodyBox(corners.value));
  const cuts = computed(() => {
    const own = bodies.shownIn && cutOfView(bodies.shownIn, settings.kept);
    return [...(own ? [own] : []), ...(corners.value.length > 0 ? cutsOfCrop(settings.crop, box.value) : [])];
  });

  /** The views whose planes lie in the body. */
  const planeViews = computed<readonly View[]>(() => {
    const shown = bodies.shownIn;
    return shown ? views.visible.filter((view) => view.cut && !view.refusal && ["self", "volume", "frame"].includes(view === shown ? "self" : views.linkOf(shown, view).kind)) : [];
  });
  /** Changes when a view may draw another picture. */
  const stamp = computed(() => [
    settings.boards,
    ...planeViews.value.flatMap((view) => [view.cut, view.drawn, view.transform, view.stage, view.choice, view.invert, view.smooth, view.fused, view.tint]),
    masks.layers,
    views.showOverlays,
  ]);

  function putBoards(): void {
    if (ended) return;
    const boards = settings.boards === "none" ? [] : planeViews.value.flatMap((view) => (settings.boards === "pictures" ? boardOfView(view) : linesOfView(view)) ?? []);
    scene.value?.setBoards(boards);
  }

  let waiting = false;
  function boardsSoon(): void {
    if (waiting) return;
    waiting = true;
    const wait = (frames: number): void => {
      if (frames > 0) onNextFrame(() => wait(frames - 1));
      else {
        waiting = false;
        putBoards();
      }
    };
    wait(settings.boards === "pictures" ? FRAMES : 0);
  }

  watch([scene, copy], () => scene.value?.setVolume(copy.value?.grid ?? null), { immediate: true });
  watch([scene, copy, () => settings.choice], () => scene.value?.setTransfer(transferOf(settings.choice)), { immediate: true });
  watch([scene, cuts], () => scene.value?.setCuts(cuts.value), { immediate: true });
  watch([scene, stamp], boardsSoon, { immediate: true });
  onScopeDispose(() => (ended = true));

  const dropped = computed(() => Math.max(0, cuts.value.length - MOST_CUTS));
  return { corners, dropped };
}
