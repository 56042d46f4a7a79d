/** How long a millimetre is on a view, and where that is known: the scale bars, and the calibrated regions of ultrasound. */

import { computed, type Ref } from "vue";

import type { PlaneOut } from "@/api/generated/validators";
import type { Volume } from "@/api/series";
import type { Plane } from "@/core/geometry";
import type { Cut, Frame } from "@/core/plane";
import { regionBars, type ScaleBar } from "@/core/regionBars";
import { regionsOf } from "@/core/sliceRecords";
import { scaleBar, type Size, type Transform } from "@/core/stageTransform";

/** What decides the scale. */
export interface ScaledPicture {
  readonly volume: Readonly<Ref<Volume | null>>;
  readonly plane: Readonly<Ref<Plane>>;
  readonly index: Readonly<Ref<number>>;
  readonly facts: Readonly<Ref<PlaneOut | null>>;
  readonly frame: Readonly<Ref<Frame | null>>;
  readonly cut: Readonly<Ref<Cut | null>>;
  readonly stage: Readonly<Ref<Size>>;
  readonly transform: Readonly<Ref<Transform>>;
}

/** CSS pixels. */
const LONGEST_BAR = 160;

export function useScale({ volume, plane, index, facts, frame, cut, stage, transform }: ScaledPicture) {
  /** The calibrated regions of the shown slice, if it is an acquired one. */
  const regions = computed(() => (volume.value && plane.value === "acquired" && !frame.value ? regionsOf(volume.value, index.value) : []));
  /** Of the whole picture; null if it is unknown, or not the same everywhere. */
  const pixelsPerMm = computed(() => {
    const mm = frame.value && cut.value ? Math.hypot(...cut.value.right) : (facts.value?.spacing_mm[1] ?? null);
    const { a, b } = transform.value;
    return mm === null || stage.value.width === 0 || regions.value.length > 0 ? null : Math.hypot(a, b) / mm;
  });
  /** The scale bars of the picture; none without a scale. */
  const bars = computed<readonly ScaleBar[]>(() => {
    const most = Math.min(LONGEST_BAR, stage.value.width / 3.5);
    if (facts.value && regions.value.length > 0) return regionBars(regions.value, facts.value, transform.value, stage.value, most);
    const bar = pixelsPerMm.value === null ? null : scaleBar(pixelsPerMm.value, most);
    return bar ? [{ ...bar, at: null }] : [];
  });

  return { regions, pixelsPerMm, bars };
}
