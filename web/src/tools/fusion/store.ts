import { defineStore } from "pinia";
import { ref, shallowRef } from "vue";

import type { Series } from "@/api/series";
import { voiChoices } from "@/core/voiChoices";
import { asWindow, dragWindow, type Voi, type Window, withPermittedFunction } from "@/core/windowing";
import type { FusedLayer } from "@/scene/layers";
import { useOpenSeries } from "@/stores/openSeries";
import { fusible, newLayer, steppedOpacity } from "@/tools/fusion/model";
import { linkBetween } from "@/views/links";
import type { View } from "@/views/view";
import { useViews } from "@/views/views";

/** A fused image with the record of its series. */
export interface NamedLayer {
  readonly layer: FusedLayer;
  readonly series: Series;
}

/** The images that lie over the views' own. */
export const useFusion = defineStore("fusion", () => {
  const views = useViews();
  const open = useOpenSeries();
  /** Why the last wish was refused, or what has to be confirmed for it. */
  const refusal = ref("");
  const question = shallowRef<{ readonly why: string; readonly view: View; readonly series: Series; readonly volumeIndex: number } | null>(null);

  function layersOf(view: View): NamedLayer[] {
    return view.fused.flatMap((layer) => {
      const series = open.records.get(layer.seriesId);
      return series ? [{ layer, series }] : [];
    });
  }

  /** Puts a volume of a series over a view's own; asks if nothing says that they share their places. */
  async function add(view: View, seriesId: number, volumeIndex = 0): Promise<void> {
    refusal.value = "";
    question.value = null;
    const below = view.series;
    const series = await open.open(seriesId);
    if (!below || below !== view.series) return;
    const volume = series?.volumes.at(volumeIndex);
    if (!series || !volume) {
      refusal.value = open.errors.get(seriesId) ?? "It has no volume yet.";
      return;
    }
    const can = fusible({ patient: below.patient.id, hasPlace: view.cut !== null, space: view.space }, series, volume);
    if (can.kind === "refused") refusal.value = can.why;
    else if (can.kind === "frame") put(view, newLayer(series, volumeIndex, { space: view.space, offset: [0, 0, 0], placed: "frame" }));
    else {
      // Two that were linked by hand lie over each other as they were linked.
      const beside = views.views.find((other) => other.series?.id === seriesId && other.volumeIndex === volumeIndex);
      const link = beside && linkBetween(view, beside, views.offsets);
      if (link?.kind === "hand") put(view, newLayer(series, volumeIndex, { space: view.space, offset: link.offset, placed: "hand" }));
      else question.value = { why: can.why, view, series, volumeIndex };
    }
  }

  function confirm(): void {
    const asked = question.value;
    question.value = null;
    if (asked) put(asked.view, newLayer(asked.series, asked.volumeIndex, { space: asked.view.space, offset: [0, 0, 0], placed: "assumed" }));
  }

  function put(view: View, layer: FusedLayer): void {
    view.fused = [...view.fused.filter((other) => other.seriesId !== layer.seriesId || other.volumeIndex !== layer.volumeIndex), layer];
  }

  function change(view: View, at: number, changes: Partial<FusedLayer>): void {
    view.fused = view.fused.map((layer, i) => (i === at ? { ...layer, ...changes } : layer));
  }

  function remove(view: View, at: number): void {
    view.fused = view.fused.filter((_, i) => i !== at);
  }

  function toggle(view: View): void {
    const shown = view.fused.some(({ visible }) => visible);
    view.fused = view.fused.map((layer) => ({ ...layer, visible: !shown }));
  }

  function stepOpacity(view: View, by: number): void {
    const last = view.fused.length - 1;
    if (last >= 0) change(view, last, { opacity: steppedOpacity(view.fused[last].opacity, by) });
  }

  const choicesOf = ({ layer, series }: NamedLayer) => voiChoices(series.volumes[layer.volumeIndex]).filter(({ voi }) => voi !== null);

  const voiOf = ({ layer, series }: NamedLayer): Voi => layer.choice.voi ?? series.volumes[layer.volumeIndex].default_view;

  function showWindow(view: View, at: number, window: Window): void {
    const voi = withPermittedFunction({ ...window, name: "Custom" });
    change(view, at, { choice: { name: "Custom", voi } });
  }

  /** Begins a drag that changes the window of the topmost visible layer; null if there is none. */
  function windowDrag(view: View) {
    const at = view.fused.findLastIndex(({ visible }) => visible);
    const named = layersOf(view).find(({ layer }) => layer === view.fused.at(at));
    if (at < 0 || !named) return null;
    const [start, before] = [asWindow(voiOf(named)), named.layer.choice];
    const { min, max } = named.series.volumes[named.layer.volumeIndex];
    const range = min !== null && max !== null && max > min ? max - min : 1;
    return {
      move: (_: unknown, by: { readonly x: number; readonly y: number }) => showWindow(view, at, dragWindow(start, by.x, by.y, range)),
      cancel: () => change(view, at, { choice: before }),
    };
  }

  return { refusal, question, layersOf, add, confirm, change, remove, toggle, stepOpacity, choicesOf, voiOf, showWindow, windowDrag };
});
