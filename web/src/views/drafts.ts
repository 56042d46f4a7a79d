/** The segmentation that is being edited over the views: one at a time, begun anew, from a mask, or from what the browser kept. */

import { defineStore } from "pinia";
import { computed, ref, shallowRef, watch } from "vue";

import { errorText, isAbort } from "@/api/http";
import { getSegmentationWithEtag, type LabelledSegment, type LabelledSegmentation } from "@/api/segmentations";
import { paddingOfVolume, type Volume } from "@/api/series";
import type { DraftSegment } from "@/core/editing/draftSegment";
import type { Draft, DraftImage, DraftStart, DraftState, EditOptions, StoredDraft } from "@/scene/draft";
import { holdVolume, releaseVolume } from "@/scene/volumePool";
import type { VolumeSource } from "@/scene/volumeSource";
import { useSession } from "@/stores/session";
import { useMaskLayers } from "@/views/maskLayers";
import type { View } from "@/views/view";
import { useViews } from "@/views/views";

/** What keeps drafts is loaded when it is needed: looking at images does not wait for it. */
const opener = () => import("@/scene/openDraft");

const FIRST_OPACITY = 0.5;

/** How the draft is drawn. */
export interface DraftLook {
  /** 0 to 1. */
  readonly opacity: number;
  readonly outlined: boolean;
  readonly visible: boolean;
  /** The numbers of segments that are not drawn. */
  readonly hidden: ReadonlySet<number>;
}

const FIRST_LOOK: DraftLook = { opacity: FIRST_OPACITY, outlined: false, visible: true, hidden: new Set() };

/** A stored segment as one of a draft. */
export function draftSegmentOf(segment: LabelledSegment): DraftSegment {
  const { number, label, colour, layer, value, category, type, type_modifier: typeModifier, anatomic_region: anatomicRegion, region_modifier: regionModifier, algorithm, algorithm_type: made } = segment;
  const algorithmType = made === "AUTOMATIC" || made === "SEMIAUTOMATIC" ? made : "MANUAL";
  return { number, label, colour, layer, value, category, type, typeModifier, anatomicRegion, regionModifier, locked: false, algorithmType, algorithm };
}

export const useDrafts = defineStore("drafts", () => {
  const session = useSession();
  const [masks, views] = [useMaskLayers(), useViews()];
  const draft = shallowRef<Draft | null>(null);
  const state = shallowRef<DraftState | null>(null);
  const look = shallowRef<DraftLook>(FIRST_LOOK);
  /** What the browser kept of the active series, the newest first. */
  const stored = shallowRef<readonly StoredDraft[]>([]);
  /** What is being opened, in words; empty if nothing is. */
  const opening = ref("");
  const openingFraction = ref(0);
  const error = ref("");
  let held: VolumeSource | null = null;
  let unsubscribe: (() => void) | null = null;
  let running: AbortController | null = null;
  let listed = 0;
  let listedSeries: number | null = null;

  const user = computed(() => session.me?.username ?? "");
  const unsaved = computed(() => state.value?.unsaved ?? false);

  /** True if a view's image lies where the draft does. */
  function isOver({ series, volume, space, cut }: Pick<View, "series" | "volume" | "space" | "cut">): boolean {
    const at = draft.value;
    if (!at || !series || !volume?.affine || !cut) return false;
    return at.grid.space === "" || space === "" ? series.id === at.image.seriesId : space === at.grid.space;
  }

  /** Why no segmentation can be drawn over a view's image; empty if one can. */
  function whyNot({ series, volume }: Pick<View, "series" | "volume">): string {
    if (!series || !volume) return "There is no image.";
    if (volume.colour) return "Colour images cannot be segmented here.";
    return volume.affine ? "" : "There is no regular volume to draw on.";
  }

  /** Takes the image's values for as long as the draft is open. */
  function hold(seriesId: number, volume: Volume): DraftImage {
    letGo();
    held = holdVolume(seriesId, volume);
    return { seriesId, volume: volume.index, key: held.key, padding: paddingOfVolume(volume) };
  }

  function letGo(): void {
    if (held) releaseVolume(held);
    held = null;
  }

  async function open(words: string, make: (options: EditOptions) => Promise<Draft | null>): Promise<boolean> {
    running?.abort();
    const controller = new AbortController();
    running = controller;
    opening.value = words;
    openingFraction.value = 0;
    error.value = "";
    try {
      const made = await make({ signal: controller.signal, onProgress: (fraction) => (openingFraction.value = fraction) });
      if (controller.signal.aborted || !made) {
        made?.close();
        return false;
      }
      take(made);
      return true;
    } catch (failure) {
      if (!controller.signal.aborted) letGo();
      if (!isAbort(failure)) error.value = errorText(failure);
      return false;
    } finally {
      if (running === controller) {
        running = null;
        opening.value = "";
      }
    }
  }

  function take(made: Draft): void {
    draft.value = made;
    look.value = FIRST_LOOK;
    state.value = made.state;
    unsubscribe = made.subscribe(() => (state.value = made.state));
    stored.value = stored.value.filter(({ id }) => id !== made.id);
  }

  /** Begins a segmentation over a view's image; one that is open is closed, and kept by the browser. */
  async function start(view: View, label: string): Promise<boolean> {
    const { series, volume } = view;
    if (!series || !volume?.affine || whyNot(view)) return false;
    close();
    const { affine, shape } = volume;
    return open("A new segmentation", async (options) => {
      const begin: DraftStart = { user: user.value, image: hold(series.id, volume), grid: { shape: shape.slice(0, 3), affine, space: view.space }, base: null, segments: [], label };
      return (await opener()).startDraft(begin, options);
    });
  }

  /** Begins with the voxels of a mask; the mask itself is hidden, and stays as it is. */
  async function startFrom(view: View, id: number): Promise<boolean> {
    const { series, volume } = view;
    if (!series || !volume || whyNot(view)) return false;
    close();
    const begun = await open("The mask's voxels are being fetched", async (options) => {
      const { record, etag } = await getSegmentationWithEtag(id, options.signal);
      const { affine, shape, space, version, dtype, layers, label } = editable(record);
      const begin: DraftStart = {
        user: user.value,
        image: hold(series.id, volume),
        grid: { shape, affine, space },
        base: { id, version, dtype, layers, etag },
        segments: record.segments.map(draftSegmentOf),
        label,
      };
      return (await opener()).startDraft(begin, options);
    });
    if (begun) masks.change(id, { visible: false });
    return begun;
  }

  function editable({ affine, problem, state: built, ...record }: LabelledSegmentation) {
    if (problem) throw new Error(problem.message);
    if (built === "building") throw new Error("The mask is still being prepared. Try again in a moment.");
    if (!affine) throw new Error("The mask has no place in the patient, so it cannot be edited.");
    return { ...record, affine };
  }

  /** Goes on with what the browser kept. */
  async function resume(view: View, kept: StoredDraft): Promise<boolean> {
    const { series } = view;
    const volume = series?.id === kept.seriesId ? series.volumes.at(kept.volume) : undefined;
    if (!series || !volume) return false;
    close();
    const begun = await open("Your edits are being opened", async (options) => (await opener()).resumeDraft(kept, hold(series.id, volume), options));
    if (begun && kept.base) masks.change(kept.base.id, { visible: false });
    return begun;
  }

  /** Looks for what the browser kept of a series. */
  async function findStored(seriesId: number): Promise<void> {
    const own = (listed += 1);
    listedSeries = seriesId;
    try {
      const found = await (await opener()).storedDrafts(user.value, seriesId);
      if (own === listed) stored.value = found.filter(({ id, open: elsewhere }) => id !== draft.value?.id && !elsewhere);
    } catch {
      // A browser that keeps nothing has nothing to offer.
      if (own === listed) stored.value = [];
    }
  }

  async function discardStored(kept: StoredDraft): Promise<void> {
    stored.value = stored.value.filter(({ id }) => id !== kept.id);
    await (await opener()).discardStored(kept.id);
  }

  /** Discards what the browser keeps of a series that is not there, or may not be seen any more. */
  async function discardOf(seriesId: number): Promise<void> {
    // A browser that keeps nothing has nothing to discard.
    await opener().then(({ discardOfSeries }) => discardOfSeries(seriesId)).catch(() => undefined);
  }

  /** Ends the draft; the browser keeps what is unsaved. */
  function close(): void {
    running?.abort();
    const left = forget();
    if (!left) return;
    left.close();
    const { series, drawn } = views.active;
    if (series && drawn) void findStored(series.id);
  }

  /** Ends the draft, and what the browser keeps of it; the mask from which it began is shown again. */
  async function discard(): Promise<void> {
    const { base } = draft.value ?? {};
    const left = forget();
    if (base) masks.change(base.id, { visible: true });
    await left?.discard();
  }

  function forget(): Draft | null {
    const left = draft.value;
    unsubscribe?.();
    unsubscribe = null;
    draft.value = null;
    state.value = null;
    letGo();
    return left;
  }

  const cancelOpening = (): void => running?.abort();

  function changeLook(changes: Partial<DraftLook>): void {
    look.value = { ...look.value, ...changes };
  }

  function hide(number: number, hidden: boolean): void {
    const others = [...look.value.hidden].filter((each) => each !== number);
    changeLook({ hidden: new Set(hidden ? [...others, number] : others) });
  }

  /** The browser asks before the page is left while something is unsaved. */
  function warn(event: BeforeUnloadEvent): void {
    event.preventDefault();
  }
  watch(
    unsaved,
    (now) => {
      if (now) window.addEventListener("beforeunload", warn);
      else window.removeEventListener("beforeunload", warn);
    },
    { flush: "sync" },
  );

  // Looked for when there is a picture: nobody waits for it.
  watch(
    () => (views.active.drawn && user.value ? (views.active.series?.id ?? null) : null),
    (seriesId) => {
      if (seriesId !== null && seriesId !== listedSeries) void findStored(seriesId);
    },
  );

  return { draft, state, look, stored, opening, openingFraction, error, unsaved, isOver, whyNot, start, startFrom, resume, findStored, discardStored, discardOf, close, discard, cancelOpening, changeLook, hide };
});
