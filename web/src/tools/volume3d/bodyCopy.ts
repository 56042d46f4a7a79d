/** The copy of the volume that is shown, read again when another one is. */

import { onScopeDispose, ref, shallowRef, watch } from "vue";

import { errorText, isAbort } from "@/api/http";
import type { Affine } from "@/core/geometry";
import { holdVolume, releaseVolume } from "@/scene/volumePool";
import { readSmallCopy, type SmallCopy } from "@/tools/volume3d/smallCopy";
import type { BodyTarget } from "@/tools/volume3d/bodyTarget";

/** The name under which slices are asked for. */
const VIEW = "body";

/** `isWanted` is false while nothing of the volume is drawn: then it is not read. */
export function useBodyCopy(target: () => BodyTarget | null, isWanted: () => boolean, near: () => number) {
  const copy = shallowRef<SmallCopy | null>(null);
  /** The part that is read, 0 to 1; null if nothing is on its way. */
  const progress = ref<number | null>(null);
  const failure = ref("");
  let reading: AbortController | null = null;

  async function read(): Promise<void> {
    reading?.abort();
    const shown = target();
    copy.value = null;
    failure.value = "";
    progress.value = null;
    const affine: Affine | null = shown?.volume.affine ?? null;
    if (!shown || !affine || !isWanted()) return;
    const controller = new AbortController();
    reading = controller;
    progress.value = 0;
    const source = holdVolume(shown.series.id, shown.volume);
    try {
      source.demand({ view: VIEW, slice: near(), direction: 1, around: false, crossing: true });
      const read = await readSmallCopy({
        seriesId: shown.series.id,
        volume: shown.volume,
        affine,
        source,
        signal: controller.signal,
        onProgress: (part) => {
          if (reading === controller) progress.value = part;
        },
      });
      if (reading === controller) copy.value = read;
    } catch (error) {
      if (reading === controller && !isAbort(error)) failure.value = errorText(error);
    } finally {
      source.withdraw(VIEW);
      releaseVolume(source);
      if (reading === controller) progress.value = null;
    }
  }

  watch([target, isWanted], ([now, wanted], [before]) => {
    if (now !== before || (wanted && !copy.value && progress.value === null)) void read();
  });
  void read();
  onScopeDispose(() => {
    reading?.abort();
    reading = null;
    copy.value = null;
  });

  return { copy, progress, failure, retry: read };
}
