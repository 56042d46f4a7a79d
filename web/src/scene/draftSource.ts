/** The label maps of a draft as sources of pictures: the voxels as they are now. */

import type { PlanePicture, PlaneRequest, VolumeSource } from "@/scene/volumeSource";
import type { WorkerLink } from "@/scene/worker/workerLink";

export interface DraftSourceParts {
  readonly link: WorkerLink;
  readonly slices: number;
  readonly subscribe: (listener: () => void) => () => void;
}

export class DraftSource implements VolumeSource {
  readonly inTab = true;
  readonly loaded: Uint8Array;

  constructor(
    readonly key: string,
    private readonly parts: DraftSourceParts,
  ) {
    this.loaded = new Uint8Array(parts.slices).fill(1);
  }

  get loadedCount(): number {
    return this.loaded.length;
  }

  subscribe(listener: () => void): () => void {
    return this.parts.subscribe(listener);
  }

  /** Nothing is kept: the next edit may change it. */
  recent(): undefined {
    return undefined;
  }

  settled(): boolean {
    return true;
  }

  picture(request: PlaneRequest, signal: AbortSignal): Promise<PlanePicture> {
    return this.parts.link.picture(this.key, request, signal);
  }

  /** `Draft.segmentsAt` tells what lies at a point, of all layers. */
  voxel(): Promise<null> {
    return Promise.resolve(null);
  }

  demand(): void {
    // All slices are here.
  }

  withdraw(): void {
    // All slices are here.
  }

  retry(): void {
    // Nothing fails that could be tried again.
  }
}
