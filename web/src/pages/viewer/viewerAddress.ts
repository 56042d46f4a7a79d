/** Keeps the viewer's state in the address, and puts an address's state into the views. */

import { onScopeDispose, watch } from "vue";
import { useRouter } from "vue-router";

import type { Series } from "@/api/series";
import { listSeries } from "@/api/studies";
import { isColourMap } from "@/core/colourMaps";
import { plural } from "@/core/formatting";
import type { MaskInAddress } from "@/core/maskAddress";
import { composed, type Rotation, UNTURNED } from "@/core/rotation";
import { FITTED } from "@/core/stageTransform";
import { FOLLOWED, type Followed, type LayerInAddress, queryOfViews, type ReadAddress, type ViewInAddress, type ViewsInAddress, type WindowInAddress } from "@/core/viewAddress";
import type { VoiChoice } from "@/core/voiChoices";
import { voiChoices } from "@/core/voiChoices";
import { isTable, sameVoi } from "@/core/windowing";
import type { FusedLayer, LabelsLayer } from "@/scene/layers";
import { useOpenSeries } from "@/stores/openSeries";
import { useSegmentations } from "@/stores/masksOfImages";
import { newLayer } from "@/tools/fusion/model";
import { handLinks, linkedBy } from "@/views/links";
import { useMaskLayers } from "@/views/maskLayers";
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
      fading: layer.fading,
      visible: layer.visible,
      offset: layer.placed === "hand" ? layer.offset : null,
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

/** Puts what an address says into a view that shows the series. Returns what it does not find, in words. */
export function applyToView(view: View, series: Series, wanted: ViewInAddress): string[] {
  const lost: string[] = [];
  const at = series.volumes.findIndex(({ label }) => label === wanted.volume);
  if (at < 0 && series.volumes.length > 0) lost.push("the volume is not in its series any more, the first one is shown");
  view.show(series, Math.max(0, at));
  view.choosePlane(wanted.plane);
  view.straightened = wanted.straightened;
  view.slab = wanted.slab;
  view.invert = wanted.inverted;
  view.smooth = !wanted.pixels;
  const side = Math.max(1, Math.min(view.stage.width, view.stage.height));
  view.layout = { ...FITTED, zoom: wanted.zoom, x: wanted.pan[0] * side, y: wanted.pan[1] * side, rotation: wanted.rotation, flipped: wanted.flipped };
  const choice = wanted.window && choiceOf(wanted.window, view.choices);
  if (wanted.window && !choice) lost.push("the window is not offered any more");
  view.choice = choice ?? view.choice;
  if (wanted.at && view.volume?.affine) view.follow(wanted.at);
  else if (wanted.slice !== null) view.goTo(wanted.slice - 1);
  return lost;
}

/** The layer of an address over a view's volume, or why there is none. One of another Frame of Reference says so itself. */
function fusedOf(view: View, layer: LayerInAddress, series: Series): FusedLayer | string {
  const volumeIndex = series.volumes.findIndex(({ label }) => label === layer.volume);
  if (volumeIndex < 0) return "the volume of a fused image is not in its series any more";
  if (series.patient.id !== view.series?.patient.id) return "a fused image is another patient's";
  if (!isColourMap(layer.colourMap)) return "a fused image has unknown colours";
  const { space } = view;
  const isFrame = space !== "" && series.volumes[volumeIndex].frame_of_reference_uid === space;
  const placed = layer.offset ? "hand" : isFrame ? "frame" : "assumed";
  const offered = voiChoices(series.volumes[volumeIndex]);
  const choice = layer.window ? choiceOf(layer.window, offered) : offered[0];
  if (!choice) return "the window of a fused image is not offered any more";
  return {
    ...newLayer(series, volumeIndex, { space, offset: layer.offset ?? [0, 0, 0], placed }),
    choice,
    colourMap: layer.colourMap,
    opacity: layer.opacity,
    visible: layer.visible,
    ...(layer.fading === null ? {} : { fading: layer.fading }),
  };
}

/** What an address says of a mask; null as long as its UID is not known. */
export function addressOfMask({ segmentationId, opacity, outlined, visible, assumedOver, looks }: LabelsLayer, uidOf: (seriesId: number) => string): MaskInAddress | null {
  const uid = useSegmentations().uidOf(segmentationId);
  if (!uid) return null;
  const parts = Object.entries(looks).map(([number, look]) => ({ number: Number(number), ...look }));
  const numbersOf = (which: typeof parts): number[] => which.map(({ number }) => number);
  return {
    uid,
    opacity,
    outlined,
    visible,
    assumedOver: [...new Set(assumedOver.map(({ seriesId }) => uidOf(seriesId)).filter(Boolean))],
    hidden: numbersOf(parts.filter(({ hidden }) => hidden)),
    lines: numbersOf(parts.filter((part) => part.outlined === true && !outlined)),
    fills: numbersOf(parts.filter((part) => part.outlined === false && outlined)),
    colours: Object.fromEntries(parts.flatMap(({ number, colour }) => (colour ? [[number, colour]] : []))),
  };
}

/** The layer of a mask of an address. */
export function layerOfMask(id: number, space: string, wanted: MaskInAddress, assumedOver: LabelsLayer["assumedOver"]): LabelsLayer {
  const looks: Record<number, LabelsLayer["looks"][number]> = {};
  const add = (numbers: readonly number[], look: LabelsLayer["looks"][number]): void => {
    for (const number of numbers) looks[number] = { ...looks[number], ...look };
  };
  add(wanted.hidden, { hidden: true });
  add(wanted.lines, { outlined: true });
  add(wanted.fills, { outlined: false });
  for (const [number, colour] of Object.entries(wanted.colours)) add([Number(number)], { colour });
  const { opacity, outlined, visible } = wanted;
  return { kind: "labels", segmentationId: id, space, assumedOver, opacity, outlined, visible, looks };
}

/** Shows the masks of an address that lie over the images of the views. Returns how many do not. */
async function openMasks(wanted: readonly MaskInAddress[], signal?: AbortSignal): Promise<number> {
  if (wanted.length === 0) return 0;
  const [views, known] = [useViews().views.filter(({ volume }) => volume !== null), useSegmentations()];
  const images = new Map(views.map((view) => [`${view.series?.id}/${view.volume?.index}`, view]));
  const lists = await Promise.all([...images.values()].map(async ({ series, volume }) => (series && volume ? known.list(series.id, volume.index, signal) : null)));
  if (signal?.aborted) return 0;
  const rows = new Map(lists.flatMap((list) => list?.rows ?? []).map((row) => [row.sop_instance_uid, row]));
  const layers = wanted.flatMap((mask) => {
    const row = rows.get(mask.uid);
    if (!row) return [];
    const assumed = views.filter(({ series }) => series && mask.assumedOver.includes(series.series_instance_uid));
    return [layerOfMask(row.id, row.space, mask, assumed.flatMap(({ series, space }) => (series ? [{ seriesId: series.id, space }] : [])))];
  });
  useMaskLayers().put(layers);
  return wanted.length - layers.length;
}

/** What views follow each other by. */
export const followedBy = (views: ReturnType<typeof useViews>): Followed[] => FOLLOWED.filter((what) => ({ place: views.linkPlace, zoom: views.linkZoom, window: views.linkWindow })[what]);

export interface OpenOptions {
  readonly signal?: AbortSignal;
  /** Called when the images are in the views, before their masks are. */
  readonly filled?: () => void;
}

/** Opens what can be opened of an address. Returns sentences that say what cannot. */
export async function openAddress(wanted: ReadAddress, { signal, filled }: OpenOptions = {}): Promise<string[]> {
  const [views, open] = [useViews(), useOpenSeries()];
  const uids = [...new Set(wanted.views.flatMap(({ series, layers }) => [series, ...layers.map((layer) => layer.series)]).filter(Boolean))];
  const opened = new Map<string, Series>();
  let missing = 0;
  const lost: string[] = [];
  const load = async (uid: string): Promise<void> => {
    const id = await seriesOfUid(uid, signal);
    const series = id === null ? null : await open.open(id, { signal });
    if (series) opened.set(uid, series);
    else missing += 1;
  };
  await Promise.all(uids.map(load));
  if (signal?.aborted) return [];
  const layout = (Object.hasOwn(LAYOUTS, wanted.layout) ? wanted.layout : "1") as LayoutName;
  const [l, p] = wanted.turn ?? [];
  // Three numbers that are no rotation are made one, as far as that can be; a broken link turns nothing.
  const turn: Rotation | null = l && p && Math.hypot(...l) > 0.5 && Math.hypot(...p) > 0.5 ? composed(UNTURNED, [l, p, UNTURNED[2]]) : null;
  if (layout !== "1") views.arrange(layout, { empty: true });
  views.turn = turn;
  views.linkPlace = wanted.follow.includes("place");
  wanted.views.slice(0, views.views.length).forEach((each, i) => {
    const series = opened.get(each.series);
    if (!series) return;
    const view = views.views[i];
    const told = applyToView(view, series, each);
    const layers = each.layers.flatMap((layer) => {
      const above = opened.get(layer.series);
      return above ? [fusedOf(view, layer, above)] : [];
    });
    view.fused = layers.filter((layer) => typeof layer !== "string");
    told.push(...layers.filter((layer) => typeof layer === "string"));
    lost.push(...told.map((words) => `View ${i + 1}: ${words}.`));
  });
  // Each view has its own zoom and window by now.
  views.linkZoom = wanted.follow.includes("zoom");
  views.linkWindow = wanted.follow.includes("window");
  const placed = wanted.links.map(({ from, to, offset }) => ({ from: views.views.at(from - 1), to: views.views.at(to - 1), offset }));
  for (const { from, to, offset } of placed) if (from?.series && to?.series) views.offsets = linkedBy(views.offsets, from, to, offset);
  filled?.();
  const masks = await openMasks(wanted.masks, signal);
  if (signal?.aborted) return [];
  if (masks > 0) lost.push(`Not over these images, or not open to you: ${plural(masks, "mask")} of the address.`);
  views.activate(views.views[Math.min(wanted.active, views.views.length) - 1].id);
  views.expanded = wanted.expanded && views.views.length > 1;
  if (missing > 0) lost.unshift(`Not here, or not open to you: ${plural(missing, "series", "series")} of the address.`);
  if (wanted.layout !== layout) lost.push("The arrangement of the views is unknown.");
  if (wanted.views.length > views.views.length) lost.push(`There is room for ${views.views.length} of its ${wanted.views.length} views.`);
  if (wanted.unread.length > 0) lost.push(`Not readable in the address: ${wanted.unread.join(", ")}.`);
  return lost;
}

/** Writes the state into the address when it rests, as long as the page is open. */
export function useWrittenAddress(isReady: () => boolean): { written: () => string } {
  const [views, open, masks, router] = [useViews(), useOpenSeries(), useMaskLayers(), useRouter()];
  let timer: number | undefined;
  let last = "";
  const uidOf = (id: number): string => open.records.get(id)?.series_instance_uid ?? "";

  const state = (): ViewsInAddress => ({
    layout: views.layout,
    active: views.views.indexOf(views.active) + 1,
    expanded: views.expanded,
    turn: views.turn && [views.turn[0], views.turn[1]],
    follow: followedBy(views),
    links: handLinks(views.views, views.offsets).map(({ from, to, offset }) => ({ from: from + 1, to: to + 1, offset })),
    masks: masks.layers.map((layer) => addressOfMask(layer, uidOf)).filter((mask) => mask !== null),
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
