/** How a fused image is painted. */

import { colourTable, isColourMap } from "@/core/colourMaps";
import type { FusedLayer } from "@/scene/layers";
import { useOpenSeries } from "@/stores/openSeries";
import type { PaintedAbove } from "@/views/pictureCanvas";

type Settings = PaintedAbove["settings"];

/** The settings of a layer stay the same object, so that it is painted once. */
const made = new WeakMap<FusedLayer, Settings>();

/** Null as long as its series is not known. */
export function layerSettings(layer: FusedLayer): Settings | null {
  const known = made.get(layer);
  if (known) return known;
  const volume = useOpenSeries().records.get(layer.seriesId)?.volumes.at(layer.volumeIndex);
  if (!volume) return null;
  // A layer crosses the slices as a rule: padding of single slices, and their own windows, are not known there.
  const padding = volume.padding_ranges?.length === 1 ? volume.padding_ranges[0] : null;
  const table = colourTable(isColourMap(layer.colourMap) ? layer.colourMap : "hot");
  const settings = { table, voi: layer.choice.voi ?? volume.default_view, fading: layer.fading, padding };
  made.set(layer, settings);
  return settings;
}
