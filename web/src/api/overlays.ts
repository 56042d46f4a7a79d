/** The overlays of acquired slices. */

import { bytesFromBase64, parseAnswer } from "@/api/answers";
import { sliceOverlaysOut } from "@/api/generated/validators";
import { send } from "@/api/http";
import { withQuery } from "@/api/query";
import { checkVersion } from "@/api/volumeBytes";
import type { SliceOverlay } from "@/core/overlayPlanes";

export interface SliceOverlays {
  readonly overlays: readonly SliceOverlay[];
  /** Why some cannot be shown, in words. */
  readonly problems: readonly string[];
}

export async function getSliceOverlays(seriesId: number, volume: { readonly index: number; readonly version: string }, slice: number, signal: AbortSignal): Promise<SliceOverlays> {
  const address = withQuery(`/api/series/${seriesId}/slices/${slice}/overlays`, { volume: volume.index, v: volume.version });
  const response = await send(address, { signal });
  checkVersion(response.headers, volume.version);
  const { overlays, problems } = parseAnswer(sliceOverlaysOut, await response.json());
  return { overlays: overlays.map((each, i) => ({ ...each, bits: bytesFromBase64(each.bits, `overlays[${i}].bits`) })), problems };
}
