import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";

import { asWindow } from "@/core/windowing";
import type { BodyTarget } from "@/tools/volume3d/bodyTarget";
import { type Crop, UNCROPPED } from "@/tools/volume3d/model";
import { firstPreset, type PresetName, type TransferChoice } from "@/tools/volume3d/presets";
import { useBodies } from "@/tools/volume3d/store";

/** How the planes of the views are drawn in the body. */
export type BoardKind = "none" | "lines" | "pictures";
/** Which side of the active view's plane stays: all, the one to which planes are numbered, or the other. */
export type KeptSide = "all" | "ahead" | "behind";

/** How bodies are shown; kept while the viewer is open. */
export const useBodySettings = defineStore("bodySettings", () => {
  const bodies = useBodies();
  const preset = ref<PresetName>("window");
  const shift = ref(0);
  const opacity = ref(1);
  const crop = shallowRef<Crop>(UNCROPPED);
  const boards = ref<BoardKind>("lines");
  const kept = ref<KeptSide>("all");
  /** The series' modality and the volume's unit for which the preset was chosen. */
  let kind = "";

  /** The ends of the window of the view that shows the volume. */
  const window = computed<readonly [number, number]>(() => {
    const voi = bodies.shownIn?.voi ?? bodies.target?.volume.default_view;
    if (!voi) return [0, 1];
    const { center, width } = asWindow(voi);
    return [center - width / 2, center + width / 2];
  });
  const choice = computed<TransferChoice>(() => ({ preset: preset.value, shift: shift.value, opacity: opacity.value, window: window.value }));

  /** Begins with another volume: the box is whole again, and the preset is one for its values. */
  function begin({ series, volume }: BodyTarget): void {
    crop.value = UNCROPPED;
    kept.value = "all";
    const before = kind;
    kind = `${series.modality} ${volume.unit}`;
    if (kind !== before) choosePreset(firstPreset(series.modality, volume.unit));
  }

  function choosePreset(wanted: PresetName): void {
    preset.value = wanted;
    shift.value = 0;
    opacity.value = 1;
  }

  return { preset, shift, opacity, crop, boards, kept, window, choice, begin, choosePreset };
});
