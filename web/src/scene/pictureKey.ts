/** The name of a plane's picture in a cache. */

import type { PlaneRequest } from "@/scene/volumeSource";

export function pictureKey(source: string, request: PlaneRequest): string {
  if (request.kind === "cut") return `${source} ${JSON.stringify(request)}`;
  const { plane, index, slab } = request;
  return slab && slab.planes > 1 ? `${source} ${plane} ${index} ${slab.mode} ${slab.planes}` : `${source} ${plane} ${index}`;
}
