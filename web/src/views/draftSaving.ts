/** Saving a draft: packed, sent, made into a segmentation by a job, and shown over the image. */

import { defineStore } from "pinia";
import { computed, reactive, ref, shallowRef, watch } from "vue";

import type { JobDetail } from "@/api/generated/validators";
import { errorText, isAbort } from "@/api/http";
import { followJob } from "@/api/jobEvents";
import { cancelJob } from "@/api/jobs";
import { BaseChanged, saveVoxels, type VoxelsToSave } from "@/api/savedVoxels";
import { isActive } from "@/core/jobState";
import { useSegmentations } from "@/stores/masksOfImages";
import { useNotices } from "@/stores/notices";
import type { Draft } from "@/scene/draft";
import { useDrafts } from "@/views/drafts";
import { useMaskLayers } from "@/views/maskLayers";
import { useViews } from "@/views/views";

/** What somebody chooses when a draft is saved. */
interface SaveChoice {
  label: string;
  series: "new" | "base";
  /** Confirmed: the places are the same, though no frame of reference says so. */
  samePlaces: boolean;
}

/** A draft on its way. */
interface SentDraft {
  readonly draft: Draft;
  readonly revision: number;
  readonly label: string;
}

/** A draft that was saved whole, and closed. */
interface SavedDraft {
  readonly draftId: string;
  /** What was made of it. */
  readonly segmentationId: number;
  /** The numbers that its segments have there, by those that they had in the draft: there they count from 1. */
  readonly numbers: ReadonlyMap<number, number>;
}

/** A saving that another one came before. */
interface Conflict {
  readonly why: string;
  readonly etag: string;
  readonly newer: number | null;
}

const PACKING_SHARE = 0.3;

export const useDraftSaving = defineStore("draftSaving", () => {
  const [drafts, masks, known, notices, views] = [useDrafts(), useMaskLayers(), useSegmentations(), useNotices(), useViews()];
  const choice = reactive<SaveChoice>({ label: "", series: "new", samePlaces: false });
  const stage = ref<"" | "sending" | "making">("");
  const fraction = ref(0);
  const words = ref("");
  const error = ref("");
  /** The code of the error: what may be confirmed. */
  const code = ref("");
  const conflict = shallowRef<Conflict | null>(null);
  const job = shallowRef<JobDetail | null>(null);
  const saved = shallowRef<SavedDraft | null>(null);
  let sending: AbortController | null = null;
  /** Told when a saving is over: true if all of the draft is stored. */
  let onEnd: (isWhole: boolean) => void = () => undefined;
  let stopFollowing: () => void = () => undefined;

  const isSaving = computed(() => stage.value !== "");
  /** Why there is nothing to save; empty if there is. */
  const why = computed(() => {
    const { state } = drafts;
    if (!state?.segments.some(({ count }) => count > 0)) return "Nothing is drawn yet.";
    if (choice.label.trim() === "") return "Give it a name.";
    return state.unsaved ? "" : "Nothing has changed.";
  });
  watch(
    () => drafts.draft?.id,
    () => {
      Object.assign(choice, { label: drafts.state?.label ?? "", series: "new", samePlaces: false });
      forget();
    },
    { immediate: true },
  );

  /** Saves the draft as it is now; `etag` takes the place of that with which the draft began, to save beside a newer one. */
  async function save(etag: string | null = null): Promise<void> {
    const draft = drafts.draft;
    if (!draft || isSaving.value || why.value) return;
    const label = choice.label.trim();
    error.value = code.value = "";
    conflict.value = null;
    stage.value = "sending";
    words.value = "Packing the voxels";
    fraction.value = 0;
    sending = new AbortController();
    const { signal } = sending;
    try {
      const packed = await draft.packed({ signal, onProgress: (part) => (fraction.value = part * PACKING_SHARE) });
      const { base, dtype, segments, layers, revision } = packed;
      const { seriesId, volume } = draft.image;
      words.value = "Sending the voxels";
      const voxels: VoxelsToSave = {
        series: seriesId,
        volume,
        label,
        grid: base ? "base" : "image",
        base: base?.id ?? null,
        seriesChoice: base ? choice.series : "new",
        dtype,
        segments,
        layers,
        sameFrameOfReference: choice.samePlaces,
      };
      const { id } = await saveVoxels(voxels, etag ?? base?.etag ?? "", (part) => (fraction.value = PACKING_SHARE + part * (1 - PACKING_SHARE)), signal);
      follow(id, { draft, revision, label });
    } catch (failure) {
      stage.value = "";
      if (failure instanceof BaseChanged) conflict.value = { why: failure.message, etag: failure.etag, newer: failure.newer };
      else if (!isAbort(failure)) {
        error.value = errorText(failure);
        code.value = codeOf(failure);
      }
    } finally {
      sending = null;
    }
  }

  /** Saves, and waits until the segmentation is made: true if it has all that was drawn. */
  async function saveWhole(): Promise<boolean> {
    const whole = new Promise<boolean>((resolve) => (onEnd = resolve));
    await save();
    if (!isSaving.value) onEnd(false);
    return whole;
  }

  /** Both are kept: the newer one, and this. */
  async function saveBeside(): Promise<void> {
    const asked = conflict.value;
    if (asked) await save(asked.etag);
  }

  function follow(id: number, sent: SentDraft): void {
    stage.value = "making";
    words.value = "The segmentation is being made";
    fraction.value = 0;
    stopFollowing();
    stopFollowing = followJob(id, {
      onJob: (received) => {
        job.value = received;
        fraction.value = received.progress;
        if (!isActive(received.state)) void ended(received, sent).finally(() => onEnd(saved.value?.draftId === sent.draft.id));
      },
      // The server cannot be reached: the job goes on, and is asked for again.
      onTrouble: () => undefined,
    });
  }

  async function ended({ state, problem, result }: JobDetail, { draft, revision, label }: SentDraft): Promise<void> {
    stopFollowing();
    stage.value = "";
    job.value = null;
    if (state !== "succeeded") {
      error.value = problem?.message ?? "It was not saved: the job was cancelled.";
      code.value = problem?.code ?? "";
      return;
    }
    await draft.saved(revision, draft.base);
    const isOpen = drafts.draft === draft;
    const made = result?.segmentations ?? [];
    await show(draft, made);
    if (isOpen && draft.state.unsaved) notices.tell(`“${label}” is saved as it was sent. What you have drawn since is not.`);
    else notices.tell(`“${label}” is saved in the study.`);
    if (!isOpen || draft.state.unsaved) return;
    const numbers = new Map(draft.state.segments.map(({ number }) => number).sort((a, b) => a - b).map((number, at) => [number, at + 1]));
    if (made.length === 1) saved.value = { draftId: draft.id, segmentationId: made[0], numbers };
    drafts.close();
  }

  /** The new masks take the place of the one from which they were drawn. */
  async function show({ image, base, grid }: Draft, made: readonly number[]): Promise<void> {
    const list = await known.list(image.seriesId, image.volume);
    const placed = (list?.rows ?? []).filter(({ id, problem }) => made.includes(id) && problem === null);
    if (placed.length && base) masks.remove(base.id);
    // While it is still being prepared, its list does not say where it lies: that is where it was drawn.
    const over = views.views.find(({ series }) => series?.id === image.seriesId);
    const assumed = grid.space === "" && over ? { seriesId: image.seriesId, space: over.space } : null;
    for (const { id } of placed) masks.show(id, grid.space, assumed);
  }

  /** Stops sending, or the job; the draft stays. */
  async function cancel(): Promise<void> {
    sending?.abort();
    if (job.value) await cancelJob(job.value.id).catch((failure: unknown) => (error.value = errorText(failure)));
  }

  function forget(): void {
    error.value = code.value = "";
    conflict.value = null;
  }

  return { choice, why, stage, fraction, words, error, code, conflict, isSaving, saved, save, saveWhole, saveBeside, cancel, forget };
});

const codeOf = (failure: unknown): string => (typeof failure === "object" && failure !== null && "code" in failure ? String(failure.code) : "");
