/** The draft over a view's image: its label maps, and how they are painted. */

import { computed, type ShallowRef, watch } from "vue";

import { type LabelPalette, labelPalette } from "@/core/labelPaint";
import type { Draft, DraftState } from "@/scene/draft";
import type { Above, AbovePicture } from "@/views/abovePictures";
import { type DraftLook, useDrafts } from "@/views/drafts";
import { labelsRequest } from "@/views/labelPictures";
import type { PaintedLabels } from "@/views/pictureCanvas";
import type { SegmentUnder, View } from "@/views/view";

const keyOfDraft = ({ id }: Draft, layer: number): string => `draft ${id}/${layer}`;

/** The label maps of the draft that lies over a view; a picture is asked for again when its voxels changed. */
export function useDraftMaps(view: View) {
  const drafts = useDrafts();
  return computed<readonly Above[]>(() => {
    const { draft, state, look } = drafts;
    const { cut } = view;
    if (!draft || !state || !cut || !drafts.isOver(view)) return [];
    const asked = labelsRequest({ cut });
    return Array.from({ length: state.layers }, (_, layer) => ({
      key: keyOfDraft(draft, layer),
      visible: look.visible,
      // `revisionOf` changes with the state's revision, or stays where nothing changed in this plane.
      stamp: asked ? String(draft.revisionOf(layer, asked.request)) : "",
      hold: () => draft.source(layer),
      firstSlice: 0,
      request: labelsRequest,
    }));
  });
}

/** The palettes of a draft's layers, which stay the same objects for as long as their segments look the same. */
class DraftPalettes {
  private made = new Map<string, LabelPalette>();

  of({ segments }: DraftState, { hidden, outlined }: DraftLook, layer: number): LabelPalette {
    const parts = segments.filter((segment) => segment.layer === layer).map(({ number, value, colour }) => ({ value, colour, outlined, visible: !hidden.has(number) }));
    const key = JSON.stringify(parts);
    const palette = this.made.get(key) ?? labelPalette(parts);
    if (!this.made.has(key)) this.made = new Map([...[...this.made].slice(-MOST_PALETTES), [key, palette]]);
    return palette;
  }
}

const MOST_PALETTES = 64;

/** What is painted of the draft over a picture. */
export function usePaintedDraft(view: View, pictures: Readonly<ShallowRef<ReadonlyMap<string, AbovePicture>>>) {
  const drafts = useDrafts();
  const palettes = new DraftPalettes();
  return computed<readonly PaintedLabels[]>(() => {
    const { draft, state, look } = drafts;
    if (!draft || !state || !look.visible || !drafts.isOver(view)) return [];
    return Array.from({ length: state.layers }).flatMap((_, layer) => {
      const above = pictures.value.get(keyOfDraft(draft, layer));
      return above ? [{ picture: above.picture, palette: palettes.of(state, look, layer), opacity: look.opacity }] : [];
    });
  });
}

/** Tells the segments of the draft that are drawn under the pointer. */
export function useDraftUnder(view: View, pictures: Readonly<ShallowRef<ReadonlyMap<string, AbovePicture>>>): void {
  const drafts = useDrafts();
  watch(
    (): readonly SegmentUnder[] => {
      const { draft, state, look } = drafts;
      const at = view.probe;
      if (!at || !draft || !state || !look.visible) return [];
      return state.segments.flatMap(({ number, label, colour, layer, value }) => {
        const picture = look.hidden.has(number) ? undefined : pictures.value.get(keyOfDraft(draft, layer))?.picture;
        return picture?.values[at.row * picture.columns + at.column] === value ? [{ segmentationId: 0, number, label, colour }] : [];
      });
    },
    (under) => (view.draftUnder = under),
  );
}
