import { defineStore } from "pinia";
import { ref } from "vue";

import type { SlabMode } from "@/scene/volumeSource";
import { nextThickness, thickness, USUAL_MM } from "@/tools/slab/model";
import type { View } from "@/views/view";
import { useViews } from "@/views/views";

/** Slabs of the views: several planes projected into one picture. */
export const useSlab = defineStore("slab", () => {
  const views = useViews();
  /** All linked views get the slab of the active one. */
  const forAll = ref(true);
  const lastMm = ref(USUAL_MM);

  const targets = (): readonly View[] =>
    forAll.value ? views.visible.filter((view) => view === views.active || ["volume", "frame"].includes(views.linkOf(views.active, view).kind)) : [views.active];

  function choose(mode: SlabMode | null): void {
    for (const view of targets()) view.slab = mode && { mode, mm: view.slab?.mm ?? lastMm.value };
  }

  function setThickness(wanted: number): void {
    const mm = thickness(wanted);
    if (mm === null) return;
    lastMm.value = mm;
    for (const view of targets()) if (view.slab) view.slab = { ...view.slab, mm };
  }

  /** Thicker or thinner by planes. */
  function grow(planes: number): void {
    const { slab, planeStep } = views.active;
    if (slab) setThickness(nextThickness(slab.mm, planes, planeStep));
  }

  return { forAll, lastMm, choose, setThickness, grow };
});
