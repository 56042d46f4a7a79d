/** A segment that is being edited, in which voxels are counted as it is now: nothing of it is stored. */

import { computed, onScopeDispose, ref, shallowRef, watch } from "vue";

import { errorText, isAbort } from "@/api/http";
import type { Volume } from "@/api/series";
import { Latest } from "@/core/latest";
import type { SegmentVoxels } from "@/core/regions";
import type { Draft } from "@/scene/draft";
import { useDrafts } from "@/views/drafts";
import { useViews } from "@/views/views";

/** A segment of a draft. */
export interface SegmentOfDraft {
  readonly draftId: string;
  readonly number: number;
}

interface DraftOverVolume {
  readonly draft: Draft;
  readonly number: number;
  readonly volume: Volume;
}

interface FoundVoxels {
  readonly of: DraftOverVolume;
  readonly revision: number;
  readonly region: SegmentVoxels;
}

/** Between two looks at the voxels so many times as long as the last one took: strokes are drawn by the same worker. */
const REST = 2;

const isSame = (a: DraftOverVolume, b: DraftOverVolume): boolean => a.draft === b.draft && a.number === b.number && a.volume === b.volume;

export function useDraftRegion() {
  const [views, drafts] = [useViews(), useDrafts()];
  const chosen = shallowRef<SegmentOfDraft | null>(null);
  const found = shallowRef<FoundVoxels | null>(null);
  const error = ref("");

  /** The segments that are edited over the active view's image; null if none are. */
  const offered = computed(() => {
    const { draft, state } = drafts;
    if (!draft || !state?.segments.length || !drafts.isOver(views.active)) return null;
    return { id: draft.id, name: state.label, segments: state.segments.map(({ number, label }) => ({ number, name: label || `Segment ${number}` })) };
  });
  const segment = computed(() => (drafts.draft && drafts.draft.id === chosen.value?.draftId ? drafts.state?.segments.find(({ number }) => number === chosen.value?.number) : undefined));

  const wanted = computed<DraftOverVolume | null>(() => {
    const { draft } = drafts;
    const { volume, source } = views.active;
    if (!draft || !chosen.value || !segment.value || !volume?.affine || !source?.counter || !drafts.isOver(views.active)) return null;
    return { draft, number: chosen.value.number, volume };
  });
  /** The voxels as they were when they were looked at last; null while they are looked for first. */
  const region = computed(() => (found.value && wanted.value && isSame(found.value.of, wanted.value) ? found.value.region : null));
  /** True while the draft has changed since. */
  const isBehind = computed(() => region.value !== null && found.value?.revision !== drafts.state?.revision);
  const words = computed(() => (segment.value ? `in “${segment.value.label || `Segment ${segment.value.number}`}” of “${drafts.state?.label ?? ""}”, which is not saved` : ""));
  const hint = computed(() => {
    if (error.value || !chosen.value) return error.value;
    if (drafts.draft?.id !== chosen.value.draftId) return "The segmentation that was being edited is closed, and its region with it: nothing is counted. Choose another one, or none.";
    if (!segment.value) return "The segment in which was counted is not there any more: nothing is counted. Choose another one, or none.";
    if (!drafts.isOver(views.active)) return "The segment that is being edited does not lie over this image.";
    if (views.active.volume && !views.active.source?.counter) return "This volume is too large for the page: the server counts in it, and knows nothing that is not saved. Save the segmentation to count in it.";
    return region.value ? "" : "Finding the voxels of the segment.";
  });

  const looks = new Latest<DraftOverVolume>(async (of, signal) => {
    const begun = performance.now();
    try {
      const { shape, affine } = of.volume;
      if (!affine) return;
      const { revision, voxels } = await of.draft.voxelsOf(of.number, { shape: shape.slice(0, 3), affine }, { signal });
      if (signal.aborted) return;
      found.value = { of, revision, region: { kind: "segment", segmentationId: null, number: of.number, ...voxels } };
      error.value = "";
    } catch (failure) {
      if (!isAbort(failure) && !signal.aborted) error.value = errorText(failure);
    }
    await rest((performance.now() - begun) * REST, signal);
  });

  watch(
    () => [wanted.value, drafts.state?.revision] as const,
    ([now, revision], [before, last]) => {
      const isOther = !now || !before || !isSame(now, before);
      if (isOther) looks.end();
      if (!now) found.value = null;
      else if (isOther || revision !== last) looks.ask(now);
    },
  );
  watch(chosen, () => (error.value = ""));
  onScopeDispose(() => looks.end());

  return { chosen, offered, region, isBehind, words, hint };
}

const rest = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    const end = (): void => {
      clearTimeout(timer);
      resolve();
    };
    signal.addEventListener("abort", end, { once: true });
  });
