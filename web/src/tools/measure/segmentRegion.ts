/** The segment of a mask in which voxels are counted, on the grid of the active view's volume. */

import { computed, ref, shallowRef, watch } from "vue";

import { errorText, isAbort } from "@/api/http";
import type { LabelledSegment, LabelledSegmentation } from "@/api/segmentations";
import type { Volume } from "@/api/series";
import type { SegmentVoxels } from "@/core/regions";
import { noVoxels, type VoxelBits } from "@/core/voxelBits";
import { holdLabels } from "@/scene/labelSource";
import { overImage } from "@/scene/layers";
import { releaseVolume } from "@/scene/volumePool";
import { useSegmentations } from "@/stores/masksOfImages";
import { labelMapOf } from "@/views/labelPictures";
import { imagePlace, useMaskLayers } from "@/views/maskLayers";
import { useViews } from "@/views/views";

/** A segment of a stored mask. */
export interface SegmentOfMask {
  readonly segmentationId: number;
  readonly number: number;
}

interface SegmentOverVolume {
  readonly record: LabelledSegmentation;
  readonly segment: LabelledSegment;
  readonly volume: Volume;
  readonly placed: "frame" | "assumed";
}

interface PlacedSegment {
  readonly of: SegmentOverVolume;
  readonly region: SegmentVoxels;
  /** False if the tab cannot hold the label map: then only the server knows its voxels. */
  readonly isKnown: boolean;
}

const isSame = (a: SegmentOverVolume, b: SegmentOverVolume): boolean => a.record === b.record && a.segment === b.segment && a.volume === b.volume;

const nameOf = (mask: LabelledSegmentation): string => mask.label || (mask.kind === "SEG" ? "Segmentation" : "Structure set");

export function useSegmentRegion() {
  const [views, masks, known] = [useViews(), useMaskLayers(), useSegmentations()];
  const chosen = shallowRef<SegmentOfMask | null>(null);
  const placed = shallowRef<PlacedSegment | null>(null);
  const error = ref("");
  let placing: AbortController | null = null;

  /** The segments in which there can be counted, by mask. */
  const offered = computed(() =>
    masks.masksOf(views.active).flatMap(({ record }) => {
      const segments = record.affine ? record.segments.filter(({ box }) => box !== null) : [];
      return segments.length ? [{ id: record.id, name: nameOf(record), segments: segments.map(({ number, label }) => ({ number, name: label || `Segment ${number}` })) }] : [];
    }),
  );

  /** The chosen segment with what it lies over; null if it does not lie there. */
  const wanted = computed<SegmentOverVolume | null>(() => {
    const [of, view] = [chosen.value, views.active];
    const record = of && (known.records.get(of.segmentationId) ?? null);
    const segment = record?.segments.find(({ number }) => number === of?.number);
    const image = imagePlace(view);
    if (!record || !segment?.box || !view.volume?.affine || !image) return null;
    const lies = overImage({ space: record.space, assumedOver: masks.layerOf(record.id)?.assumedOver ?? [] }, image);
    return lies && { record, segment, volume: view.volume, placed: lies };
  });

  /** The voxels of the chosen segment; null while they are looked for. */
  const region = computed(() => (placed.value && wanted.value && isSame(placed.value.of, wanted.value) ? placed.value.region : null));
  const isKnown = computed(() => placed.value?.isKnown ?? false);
  const isAssumed = computed(() => wanted.value?.placed === "assumed");
  const words = computed(() => {
    const { record, segment } = wanted.value ?? {};
    return record && segment ? `in “${segment.label || `Segment ${segment.number}`}” of “${nameOf(record)}”` : "";
  });
  const hint = computed(() => {
    if (error.value) return error.value;
    if (chosen.value && !wanted.value) return known.records.has(chosen.value.segmentationId) ? "The chosen segment does not lie over this image." : "The mask of the segment is being loaded.";
    return chosen.value && !region.value ? "Finding the voxels of the segment." : "";
  });

  async function place(of: SegmentOverVolume | null): Promise<void> {
    placing?.abort();
    placed.value = null;
    error.value = "";
    if (!of) return;
    const own = new AbortController();
    placing = own;
    try {
      const voxels = await voxelsOf(of, own.signal);
      if (own.signal.aborted) return;
      const { record, segment } = of;
      placed.value = { of, isKnown: voxels !== null, region: { kind: "segment", segmentationId: record.id, number: segment.number, ...(voxels ?? noVoxels()) } };
    } catch (failure) {
      if (!own.signal.aborted && !isAbort(failure)) error.value = errorText(failure);
    }
  }

  watch(wanted, (now, before) => {
    if (!now || !before || !isSame(now, before)) void place(now);
  });

  return { chosen, offered, region, isKnown, isAssumed, words, hint };
}

/** The voxels of a volume in a segment; null if the tab cannot hold its label map. */
async function voxelsOf({ record, segment, volume }: SegmentOverVolume, signal: AbortSignal): Promise<VoxelBits | null> {
  const [map, { box }] = [labelMapOf(record, segment.layer), segment];
  if (!map || !box || !volume.affine) return null;
  const source = holdLabels(map);
  const demander = `region ${record.id}#${segment.number}`;
  try {
    if (!source.counter) return null;
    source.demand({ view: demander, slice: box[0][0], direction: 0, around: false, crossing: true });
    const [[s, r, c], [beyondSlice, beyondRow, beyondColumn]] = box;
    const label = { value: segment.value, box: [[s, beyondSlice], [r, beyondRow], [c, beyondColumn]] as const };
    return await source.counter.segment({ label, image: { shape: [...volume.shape], affine: volume.affine.map((row) => [...row]) } }, signal);
  } catch (failure) {
    // The browser had no memory for it.
    if (!source.counter && !isAbort(failure)) return null;
    throw failure;
  } finally {
    source.withdraw(demander);
    releaseVolume(source);
  }
}
