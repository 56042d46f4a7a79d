/** Which images can be put over another, and how they look at first. */

import type { ColourMapName } from "@/core/colourMaps";
import type { Series, Volume } from "@/api/series";
import type { FusedLayer } from "@/scene/layers";
import { voiChoices } from "@/core/voiChoices";

/** What a layer needs of the image below. */
export interface Below {
  readonly patient: number;
  readonly hasPlace: boolean;
  /** Its Frame of Reference; empty if it is unknown. */
  readonly space: string;
}

export type Fusible = { readonly kind: "frame" } | { readonly kind: "asks" | "refused"; readonly why: string };

/** If a volume may lie over another: at once, only if somebody says so, or not at all. */
export function fusible(below: Below, series: Series, above: Volume): Fusible {
  if (!below.hasPlace) return { kind: "refused", why: "The positions of the image below are unknown." };
  if (!above.affine) return { kind: "refused", why: above.problem?.message ?? "The positions of its slices are unknown." };
  if (series.patient.id !== below.patient) return { kind: "refused", why: "It is of another patient." };
  const space = above.frame_of_reference_uid ?? "";
  if (below.space !== "" && space === below.space) return { kind: "frame" };
  const why = below.space && space ? "The two have different frames of reference" : "The files do not say that the two have one frame of reference";
  return { kind: "asks", why: `${why}: the same coordinates may be other places of the patient.` };
}

/** PET and other maps of activity in colours over what is dark; others in their greys. */
const COLOURED: Readonly<Record<string, ColourMapName>> = { PT: "hotIron", NM: "hotIron", MR: "even", US: "even" };

export function newLayer(series: Series, volumeIndex: number, placed: Pick<FusedLayer, "space" | "offset" | "placed">): FusedLayer {
  const volume = series.volumes[volumeIndex];
  const offered = voiChoices(volume).filter(({ voi }) => voi !== null);
  const isActivity = series.modality === "PT" || series.modality === "NM";
  return {
    kind: "fused",
    seriesId: series.id,
    volumeIndex,
    ...placed,
    choice: offered.at(0) ?? { name: "Default", voi: volume.default_view },
    colourMap: COLOURED[series.modality] ?? "hot",
    fading: isActivity,
    opacity: isActivity ? 0.8 : 0.5,
    visible: true,
  };
}

/** The opacity after a step, from 0 to 1 in tenths. */
export const steppedOpacity = (opacity: number, by: number): number => Math.min(1, Math.max(0, Math.round((opacity + by) * 10) / 10));
