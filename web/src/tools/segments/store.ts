import { defineStore } from "pinia";
import { ref, shallowReactive, shallowRef } from "vue";

import { errorText, isAbort } from "@/api/http";
import type { Series, Volume } from "@/api/series";
import { type LabelledSegment, type LabelledSegmentation, segmentStatistics, type SegmentStatistics, type SegmentationSummary } from "@/api/segmentations";
import { holdLabels } from "@/scene/labelSource";
import { type ImagePlace, overImage } from "@/scene/layers";
import { releaseVolume } from "@/scene/volumePool";
import { useSegmentations } from "@/stores/masksOfImages";
import { useOpenSeries } from "@/stores/openSeries";
import { isInImage, mayCross, middleOf, placeQuestion } from "@/tools/segments/model";
import { labelMapOf, labelsRequest } from "@/views/labelPictures";
import { imagePlace, shownSegment, useMaskLayers } from "@/views/maskLayers";
import type { View } from "@/views/view";
import { useViews } from "@/views/views";

export interface ChosenSegment {
  readonly segmentationId: number;
  readonly number: number;
}

/** Figures of an image in the segments of a mask. */
export interface AskedStatistics {
  readonly pending: boolean;
  readonly error: string;
  readonly answer: SegmentStatistics | null;
}

/** An image at the places of a view. */
export interface ImageBeneath {
  readonly series: Series;
  readonly volume: Volume;
  /** True if its places are those of the view's image only by somebody's word. */
  readonly assumed: boolean;
}

/** A view, or an image beneath it. */
type StatisticsImage = Pick<View, "series" | "volume"> | Pick<ImageBeneath, "series" | "volume">;

/** What the list of segments does. */
export const useSegments = defineStore("segments", () => {
  const [masks, known, views, open] = [useMaskLayers(), useSegmentations(), useViews(), useOpenSeries()];
  /** The segment that keys are about. */
  const chosen = ref<ChosenSegment | null>(null);
  /** What could not be done, in words. */
  const notice = ref("");
  /** A mask of which nothing says that it lies over the image. */
  const question = shallowRef<{ readonly mask: SegmentationSummary; readonly image: ImagePlace; readonly why: string } | null>(null);
  const statistics = shallowReactive(new Map<string, AskedStatistics>());
  let searching: AbortController | null = null;

  /** The chosen segment with its mask, if that is shown over a view's image. */
  function chosenIn(view: View): { readonly segment: LabelledSegment; readonly record: LabelledSegmentation } | null {
    const { segmentationId, number } = chosen.value ?? {};
    const mask = masks.masksOf(view).find(({ record }) => record.id === segmentationId);
    const segment = mask?.record.segments.find((one) => one.number === number);
    return mask && segment ? { segment, record: mask.record } : null;
  }

  /** Shows a mask over a view's image; asks first if nothing says that it lies there. */
  function show(view: View, mask: SegmentationSummary): void {
    const image = imagePlace(view);
    if (!image) return;
    notice.value = "";
    const layer = masks.layerOf(mask.id);
    const isPlaced = mask.placed === "frame" || (layer !== null && overImage(layer, image) !== null);
    if (isPlaced) masks.show(mask.id, mask.space);
    else question.value = { mask, image, why: placeQuestion(mask) };
  }

  function confirm(): void {
    const asked = question.value;
    question.value = null;
    if (asked) masks.show(asked.mask.id, asked.mask.space, asked.image);
  }

  /** Moves the active view, and those linked with it, to the middle of a segment. */
  function jumpTo(view: View, record: LabelledSegmentation, segment: LabelledSegment): void {
    chosen.value = { segmentationId: record.id, number: segment.number };
    notice.value = "";
    const { volume } = view;
    if (!record.affine || !segment.box || !volume) {
      notice.value = `“${segment.label}” has no voxels.`;
      return;
    }
    const middle = middleOf(segment.box, record.affine);
    if (isInImage(middle, volume)) view.moveTo(middle);
    else notice.value = `The middle of “${segment.label}” lies outside of this image.`;
  }

  /** Goes to the next plane of a view in which a segment is drawn. */
  async function stepTo(view: View, { segment, record }: { readonly segment: LabelledSegment; readonly record: LabelledSegmentation }, by: -1 | 1): Promise<void> {
    searching?.abort();
    const controller = new AbortController();
    searching = controller;
    notice.value = "";
    const [map, { box }] = [labelMapOf(record, segment.layer), segment];
    if (!map || !box) {
      notice.value = `“${segment.label}” has no voxels.`;
      return;
    }
    const source = holdLabels(map);
    try {
      const [volume, plane] = [view.volume, view.plane];
      for (let index = view.index + by; index >= 0 && index < view.count; index += by) {
        const cut = view.cutAt(index);
        const asked = cut && mayCross(cut, box, map.affine) ? labelsRequest({ cut }) : null;
        if (!asked) continue;
        const { values } = await source.picture(asked.request, controller.signal);
        if (controller.signal.aborted || view.volume !== volume || view.plane !== plane) return;
        if (values.includes(segment.value)) {
          view.goTo(index);
          return;
        }
      }
      notice.value = `No ${by > 0 ? "further" : "earlier"} slice with “${segment.label}”.`;
    } catch (failure) {
      if (!isAbort(failure)) notice.value = errorText(failure);
    } finally {
      releaseVolume(source);
    }
  }

  /** What keys do with the chosen segment of the active view. */
  function withChosen(task: (view: View, found: NonNullable<ReturnType<typeof chosenIn>>) => void): void {
    const view = views.active;
    const found = chosenIn(view) ?? firstIn(view);
    if (found) task(view, found);
  }

  /** The first segment that is drawn over a view, if none is chosen. */
  function firstIn(view: View): ReturnType<typeof chosenIn> {
    for (const { layer, record } of masks.masksOf(view)) {
      const segment = record.segments.find((one) => one.box !== null && shownSegment(layer, one).visible);
      if (!segment) continue;
      chosen.value = { segmentationId: record.id, number: segment.number };
      return { segment, record };
    }
    return null;
  }

  /** The images at the places of a view, whose values can be told: its own, and those that lie over it unmoved. */
  function imagesBeneath(view: View): readonly ImageBeneath[] {
    const { series, volume } = view;
    if (!series || !volume) return [];
    const others = view.fused.flatMap(({ seriesId, volumeIndex, placed, offset }) => {
      const other = open.records.get(seriesId);
      const of = other?.volumes.at(volumeIndex);
      return other && of && !of.colour && offset.every((mm) => mm === 0) ? [{ series: other, volume: of, assumed: placed !== "frame" }] : [];
    });
    return [{ series, volume, assumed: false }, ...others];
  }

  const statisticsKey = (id: number, { series, volume }: Pick<ImageBeneath, "series" | "volume">): string => `${id} ${known.records.get(id)?.version ?? ""} ${series.id}/${volume.index}/${volume.version}`;

  const statisticsOf = (id: number, { series, volume }: StatisticsImage): AskedStatistics | null => (series && volume ? (statistics.get(statisticsKey(id, { series, volume })) ?? null) : null);

  /** Has the server compute the figures of an image beneath in the segments of a mask. */
  async function askStatistics(id: number, view: View, { series, volume, assumed }: ImageBeneath): Promise<void> {
    const key = statisticsKey(id, { series, volume });
    if (statistics.get(key)?.pending) return;
    statistics.set(key, { pending: true, error: "", answer: null });
    const sameFrameOfReference = assumed || masks.masksOf(view).some(({ record, placed }) => record.id === id && placed === "assumed");
    try {
      const answer = await segmentStatistics(id, { series: series.id, volume: volume.index, sameFrameOfReference });
      statistics.set(key, { pending: false, error: "", answer });
    } catch (failure) {
      statistics.set(key, { pending: false, error: errorText(failure), answer: null });
    }
  }

  return { chosen, notice, question, chosenIn, show, confirm, jumpTo, stepTo, withChosen, imagesBeneath, statisticsOf, askStatistics };
});
