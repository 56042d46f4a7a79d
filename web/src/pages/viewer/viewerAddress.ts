/** Keeps the viewer's state in the address, and puts an address's state into the views. */

import { onScopeDispose, watch } from "vue";
import { useRouter } from "vue-router";

import type { Series } from "@/api/series";
import { listSeries } from "@/api/studies";
import { composed, type Rotation, UNTURNED } from "@/core/rotation";
import { FITTED } from "@/core/stageTransform";
import { type LayerInAddress, queryOfViews, type ViewInAddress, type ViewsInAddress, type WindowInAddress } from "@/core/viewAddress";
import type { VoiChoice } from "@/core/voiChoices";
import { voiChoices } from "@/core/voiChoices";
import { isTable, sameVoi } from "@/core/windowing";
import type { FusedLayer } from "@/scene/layers";
import { useOpenSeries } from "@/stores/openSeries";
import type { View } from "@/views/view";
import { type LayoutName, LAYOUTS, useViews } from "@/views/views";

const REST_MS = 250;

/** The series of a UID; null if there is none that one may see. */
export async function seriesOfUid(uid: string, signal?: AbortSignal): Promise<number | null> {
  const { items } = await listSeries({ series_instance_uid: uid, limit: 1 }, signal);
  return items.at(0)?.id ?? null;
}

function windowOfChoice({ name, voi }: VoiChoice): WindowInAddress | null {
  // Windows are written as they are: a name may stand for something else once the volume was built again.
  if (voi !== null && !isTable(voi)) return { kind: "values", center: voi.center, width: voi.width, function: voi.function };
  return name === "" ? null : { kind: "named", name };
}

function choiceOf(window: WindowInAddress, offered: readonly VoiChoice[]): VoiChoice | null {
  if (window.kind === "named") return offered.find(({ name }) => name === window.name) ?? null;
  const { center, width, function: kind } = window;
  const voi = { name: "Custom", center, width, function: kind };
  return offered.find((choice) => choice.voi !== null && sameVoi(choice.voi, voi)) ?? { name: "Custom", voi };
}

/** What an address says of a view. */
export function addressOfView(view: View, uidOf: (seriesId: number) => string): ViewInAddress {
  const { layout, stage, choices, choice } = view;
  const side = Math.max(1, Math.min(stage.width, stage.height));
  const isUsual = choices.length > 0 && choice.name === choices[0].name;
  const layers = view.fused.map((layer): LayerInAddress => {
    const record = useOpenSeries().records.get(layer.seriesId);
    return {
      series: uidOf(layer.seriesId),
      volume: record?.volumes[layer.volumeIndex]?.label ?? "",
      window: windowOfChoice(layer.choice),
      colourMap: layer.colourMap,
      opacity: layer.opacity,
    };
  });
  return {
    series: view.series?.series_instance_uid ?? "",
    volume: view.volume?.label ?? "",
    plane: view.plane,
    at: view.place,
    slice: view.volume !== null && view.place === null ? view.index + 1 : null,
    window: view.volume === null || view.volume.colour || isUsual ? null : windowOfChoice(choice),
    inverted: view.invert,
    pixels: !view.smooth,
    straightened: view.straightened,
    slab: view.slab,
    zoom: layout.zoom,
    pan: [layout.x / side, layout.y / side],
    rotation: layout.rotation,
    flipped: layout.flipped,
    layers,
  };
}

/** Puts what an address says into a view that shows the series. */
export function applyToView(view: View, series: Series, wanted: ViewInAddress): void {
  const at = series.volumes.findIndex(({ label }) => label === wanted.volume);
  view.show(series, Math.max(0, at));
  view.choosePlane(wanted.plane);
  view.straightened = wanted.straightened;
  view.slab = wanted.slab;
  view.invert = wanted.inverted;
  view.smooth = !wanted.pixels;
  const side = Math.max(1, Math.min(view.stage.width, view.stage.height));
  view.layout = { ...FITTED, zoom: wanted.zoom, x: wanted.pan[0] * side, y: wanted.pan[1] * side, rotation: wanted.rotation, flipped: wanted.flipped };
  if (wanted.window) view.choice = choiceOf(wanted.window, view.choices) ?? view.choice;
  if (wanted.at && view.volume?.affine) view.follow(wanted.at);
  else if (wanted.slice !== null) view.goTo(wanted.slice - 1);
}

/** The layers of an address whose series are open, over a view's volume. One of another Frame of Reference says so; another patient's is left out. */
function fusedOf(view: View, layers: readonly LayerInAddress[], opened: ReadonlyMap<string, Series>): FusedLayer[] {
  return layers.flatMap((layer): FusedLayer[] => {
    const series = opened.get(layer.series);
    const volumeIndex = series?.volumes.findIndex(({ label }) => label === layer.volume) ?? -1;
    if (!series || volumeIndex < 0 || series.patient.id !== view.series?.patient.id) return [];
    const { space } = view;
    const placed = space !== "" && series.volumes[volumeIndex].frame_of_reference_uid === space ? "frame" : "assumed";
    const fading = series.modality === "PT" || series.modality === "NM";
    const offered = voiChoices(series.volumes[volumeIndex]);
    const choice = (layer.window && choiceOf(layer.window, offered)) ?? offered[0];
    return [{ kind: "fused", seriesId: series.id, volumeIndex, space, offset: [0, 0, 0], placed, choice, colourMap: layer.colourMap, fading, opacity: layer.opacity, visible: true }];
  });
}

/** Opens what an address says. Returns the UIDs that were not found. */
export async function openAddress(wanted: ViewsInAddress, signal?: AbortSignal): Promise<string[]> {
  const [views, open] = [useViews(), useOpenSeries()];
  const uids = [...new Set(wanted.views.flatMap(({ series, layers }) => [series, ...layers.map((layer) => layer.series)]).filter(Boolean))];
  const opened = new Map<string, Series>();
  const missing: string[] = [];
  const load = async (uid: string): Promise<void> => {
    const id = await seriesOfUid(uid, signal);
    const series = id === null ? null : await open.open(id, signal);
    if (series) opened.set(uid, series);
    else missing.push(uid);
  };
  await Promise.all(uids.map(load));
  if (signal?.aborted) return [];
  const layout = (Object.hasOwn(LAYOUTS, wanted.layout) ? wanted.layout : "1") as LayoutName;
  const [l, p] = wanted.turn ?? [];
  // Three numbers that are no rotation are made one, as far as that can be; a broken link turns nothing.
  const turn: Rotation | null = l && p && Math.hypot(...l) > 0.5 && Math.hypot(...p) > 0.5 ? composed(UNTURNED, [l, p, UNTURNED[2]]) : null;
  if (layout !== "1") views.arrange(layout, { empty: true });
  views.turn = turn;
  wanted.views.slice(0, views.views.length).forEach((each, i) => {
    const series = opened.get(each.series);
    if (!series) return;
    applyToView(views.views[i], series, each);
    views.views[i].fused = fusedOf(views.views[i], each.layers, opened);
  });
  views.activate(views.views[Math.min(wanted.active, views.views.length) - 1].id);
  views.expanded = wanted.expanded && views.views.length > 1;
  return missing;
}

/** Writes the state into the address when it rests, as long as the page is open. */
export function useWrittenAddress(isReady: () => boolean): { written: () => string } {
  const [views, open, router] = [useViews(), useOpenSeries(), useRouter()];
  let timer: number | undefined;
  let last = "";
  const uidOf = (id: number): string => open.records.get(id)?.series_instance_uid ?? "";

  const state = (): ViewsInAddress => ({
    layout: views.layout,
    active: views.views.indexOf(views.active) + 1,
    expanded: views.expanded,
    turn: views.turn && [views.turn[0], views.turn[1]],
    views: views.views.map((view) => addressOfView(view, uidOf)),
  });

  function write(): void {
    if (!isReady() || !views.views.some(({ series }) => series)) return;
    const to = router.resolve({ path: "/viewer", query: queryOfViews(state()), hash: router.currentRoute.value.hash });
    if (to.fullPath === router.currentRoute.value.fullPath) return;
    last = to.fullPath;
    void router.replace(to);
  }

  watch(
    () => JSON.stringify([isReady(), state()]),
    () => {
      window.clearTimeout(timer);
      timer = window.setTimeout(write, REST_MS);
    },
  );
  onScopeDispose(() => window.clearTimeout(timer));
  return { written: () => last };
}
