/** The page's end of the thread that makes surfaces; it lives as long as bodies are shown. */

import type { Affine } from "@/core/geometry";
import type { Coverage, SurfaceMesh } from "@/core/surfaceNet";

export interface SurfaceQuestion {
  readonly id: number;
  readonly coverage: Coverage;
  readonly affine: Affine;
}

export interface SurfaceAnswer {
  readonly id: number;
  readonly mesh: SurfaceMesh;
}

export class SurfaceMaker {
  private readonly worker = new Worker(new URL("@/tools/volume3d/surfaceWorker.ts", import.meta.url), { type: "module", name: "surfaces" });
  private readonly waiting = new Map<number, { readonly give: (mesh: SurfaceMesh) => void; readonly fail: (error: Error) => void }>();
  private nextId = 0;

  constructor() {
    this.worker.onmessage = ({ data: { id, mesh } }: MessageEvent<SurfaceAnswer>) => {
      this.waiting.get(id)?.give(mesh);
      this.waiting.delete(id);
    };
    this.worker.onerror = () => this.fail("The surfaces could not be made: the browser has stopped the program. Reload the page.");
  }

  /** The surface of a segment in the millimetres of `affine`. */
  make(coverage: Coverage, affine: Affine): Promise<SurfaceMesh> {
    const id = (this.nextId += 1);
    return new Promise((give, fail) => {
      this.waiting.set(id, { give, fail });
      // Plain arrays: what Vue watches cannot be sent to a worker.
      this.worker.postMessage({ id, coverage, affine: affine.map((row) => [...row]) } satisfies SurfaceQuestion, [coverage.values.buffer]);
    });
  }

  close(): void {
    this.worker.terminate();
    this.fail("The surfaces are no longer wanted.");
  }

  private fail(why: string): void {
    for (const { fail } of this.waiting.values()) fail(new Error(why));
    this.waiting.clear();
  }
}
