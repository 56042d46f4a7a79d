/** A recipe names its region by where it is stored: a segment that is being edited is saved before what counts in it. */

import { computed, ref, watch } from "vue";

import { useSegmentations } from "@/stores/masksOfImages";
import { useThreshold } from "@/tools/measure/store";
import { useDrafts } from "@/views/drafts";
import { useDraftSaving } from "@/views/draftSaving";

/** Why nothing was saved, in words. */
export class DraftNotSaved extends Error {}

export function useDraftFirst(signal: AbortSignal) {
  const [tool, drafts, saving, known] = [useThreshold(), useDrafts(), useDraftSaving(), useSegmentations()];
  /** What is under way; empty if nothing is. */
  const words = ref("");

  const isNeeded = computed(() => tool.segment !== null && "draftId" in tool.segment);
  const notice = computed(() => (isNeeded.value ? `The region is a segment of “${drafts.state?.label ?? ""}”, which is not saved: that is saved first, then what counts in it.` : ""));

  /** Saves the draft, and counts in the stored segment from then on. Throws what went wrong in words, or an abort. */
  async function save(): Promise<void> {
    words.value = "Saving the segmentation in which is counted";
    try {
      await store();
      words.value = "The segmentation is saved, and being prepared";
      await placed();
    } finally {
      words.value = "";
    }
  }

  async function store(): Promise<void> {
    const [{ draft, state }, of] = [drafts, tool.segment];
    if (!draft || !of || !("draftId" in of)) throw new DraftNotSaved("The segmentation that was being edited is closed.");
    // Not changed since it began, it is stored already.
    if (draft.base && state?.unsaved === false) tool.chooseSegment({ segmentationId: draft.base.id, number: of.number });
    else if (!(await saving.saveWhole())) throw new DraftNotSaved(whyNot());
  }

  function whyNot(): string {
    const why = saving.error || saving.conflict?.why || saving.why;
    if (why) return `Nothing was saved of what counts, as the segmentation in which it counts could not be saved. ${why}`;
    return "Nothing was saved of what counts: the segmentation was changed while it was saved. Save again.";
  }

  /** Waits until the voxels of the stored segment are known. */
  function placed(): Promise<void> {
    return new Promise((resolve, reject) => {
      const problemOf = (): string | undefined => {
        const of = tool.segment;
        return of && "segmentationId" in of ? known.errors.get(of.segmentationId) : "Another region was chosen meanwhile.";
      };
      const look = (): void => {
        const problem = problemOf();
        if (!problem && !tool.region) return;
        end();
        if (problem) reject(new DraftNotSaved(`The segmentation is saved, but not what counts in it. ${problem}`));
        else resolve();
      };
      const stop = watch(() => [tool.region, problemOf()], look, { flush: "sync" });
      const abort = (): void => {
        end();
        reject(new DOMException("", "AbortError"));
      };
      const end = (): void => {
        stop();
        signal.removeEventListener("abort", abort);
      };
      signal.addEventListener("abort", abort, { once: true });
      look();
    });
  }

  return { isNeeded, notice, words, save };
}
