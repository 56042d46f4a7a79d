/** The pictures of what lies over a view's image, other images and masks, taken at the same places. */

import { onScopeDispose, shallowRef, type ShallowRef, watch } from "vue";

import { isAbort } from "@/api/http";
import { releaseVolume } from "@/scene/volumePool";
import type { CutRequest, PlanePicture, VolumeSource } from "@/scene/volumeSource";
import type { ShownPicture } from "@/views/shownPicture";
import type { View } from "@/views/view";

/** Something over a view's image, whose values are sampled for each picture below it. */
export interface Above {
  /** Tells its values from those of others. */
  readonly key: string;
  readonly visible: boolean;
  /** Changes when the same picture below needs another picture of it. */
  readonly stamp: string;
  /** Takes its source; it is given back when it no longer lies over the view's image. */
  readonly hold: () => VolumeSource;
  /** The slice that is fetched first. */
  readonly firstSlice: number;
  /** What is asked of it for a picture below it; null if that has no place. */
  readonly request: (on: ShownPicture) => AboveRequest | null;
}

export interface AboveRequest {
  readonly request: CutRequest;
  /** How many samples lie in one pixel of the picture below. */
  readonly perRow: number;
  readonly perColumn: number;
}

export interface AbovePicture {
  readonly picture: PlanePicture;
  readonly perRow: number;
  readonly perColumn: number;
}

interface Held {
  readonly source: VolumeSource;
  readonly stop: () => void;
}

interface AskedPicture extends AbovePicture {
  readonly asked: string;
  readonly stamp: string;
}

/** The picture below waits so long for those above, so that they change together. */
const TOGETHER_MS = 200;

/** Follows the picture of a view and what lies over it: `whole` is the picture with which all of `pictures`, by key, belong together. */
export function useAbovePictures(view: View, shown: Readonly<ShallowRef<ShownPicture | null>>, aboves: () => readonly Above[]) {
  const whole = shallowRef<ShownPicture | null>(null);
  /** Without those that are hidden, or not there yet. */
  const pictures = shallowRef<ReadonlyMap<string, AbovePicture>>(new Map());
  /** True if a picture could not be had. */
  const failure = shallowRef(false);
  const held = new Map<string, Held>();
  const asked = new Map<string, AskedPicture>();
  let running: AbortController | null = null;
  /** The picture below for which those above are being asked. */
  let under: ShownPicture | null = null;
  /** True if they have to be asked again when that has ended. */
  let again = false;
  let timer: number | undefined;

  const demandName = (key: string): string => `${view.id} above ${key}`;

  /** Takes the sources of what lies above, and gives back those of others. */
  function hold(): void {
    const wanted = new Set(aboves().map(({ key }) => key));
    for (const [key, one] of held) if (!wanted.has(key)) release(key, one);
    for (const { key, hold: take, firstSlice } of aboves()) {
      if (held.has(key)) continue;
      const source = take();
      const stop = source.subscribe(() => {
        const kept = asked.get(key);
        if (kept && kept.picture.missing > 0) ask();
      });
      held.set(key, { source, stop });
      source.demand({ view: demandName(key), slice: firstSlice, direction: 0, around: false, crossing: true });
    }
  }

  function release(key: string, { source, stop }: Held): void {
    stop();
    source.withdraw(demandName(key));
    releaseVolume(source);
    held.delete(key);
    asked.delete(key);
  }

  function show(on: ShownPicture | null): void {
    window.clearTimeout(timer);
    whole.value = on;
    pictures.value = on ? atHand(on) : new Map();
  }

  /** The pictures for one below that are at hand. */
  function atHand(on: ShownPicture): ReadonlyMap<string, AbovePicture> {
    const there = new Map<string, AbovePicture>();
    for (const above of aboves()) {
      const kept = asked.get(above.key);
      if (above.visible && kept && kept.asked === requestOf(on, above)?.asked) there.set(above.key, kept);
    }
    return there;
  }

  function requestOf(on: ShownPicture, above: Above) {
    const source = held.get(above.key)?.source;
    const wanted = source ? above.request(on) : null;
    return source && wanted && { ...wanted, source, asked: JSON.stringify([source.key, wanted.request]) };
  }

  function ask(): void {
    const on = shown.value;
    running?.abort();
    running = null;
    again = false;
    if (!on || aboves().length === 0) {
      failure.value = false;
      show(on);
      return;
    }
    const controller = new AbortController();
    running = controller;
    under = on;
    const wishes = aboves().map(async (above) => {
      const wanted = above.visible ? requestOf(on, above) : null;
      const kept = asked.get(above.key);
      const { stamp } = above;
      if (!wanted || (kept?.asked === wanted.asked && kept.stamp === stamp && kept.picture.missing === 0)) return;
      const { source, request, perRow, perColumn } = wanted;
      const picture = source.recent(request) ?? (await source.picture(request, controller.signal));
      asked.set(above.key, { picture, perRow, perColumn, asked: wanted.asked, stamp });
    });
    window.clearTimeout(timer);
    // What is slow above does not hold up the picture below; it is never drawn over another plane.
    timer = window.setTimeout(() => show(on), TOGETHER_MS);
    void Promise.allSettled(wishes).then((ends) => {
      if (controller.signal.aborted) return;
      running = null;
      failure.value = ends.some((end) => end.status === "rejected" && !isAbort(end.reason));
      show(on);
      if (again) ask();
    });
  }

  /** Asks for what changed above the same picture when the last answer has come, so that a change which goes on is seen. */
  function askChanged(): void {
    if (running && under === shown.value) again = true;
    else ask();
  }

  const sourceOf = (key: string): VolumeSource | null => held.get(key)?.source ?? null;

  watch(
    () => aboves().map(({ key }) => key).join(" | "),
    () => {
      hold();
      ask();
    },
    { immediate: true },
  );
  watch([shown, () => aboves().map(({ key, visible }) => `${key} ${visible}`).join(" | ")], ask, { flush: "sync" });
  watch(() => aboves().map(({ key, stamp }) => `${key} ${stamp}`).join(" | "), askChanged, { flush: "sync" });
  onScopeDispose(() => {
    running?.abort();
    window.clearTimeout(timer);
    for (const [key, one] of [...held]) release(key, one);
  });
  return { whole, pictures, failure, sourceOf };
}
