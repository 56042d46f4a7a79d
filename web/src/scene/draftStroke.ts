/** A stroke under way: points that come while some are being drawn go together. */

import type { EditChange } from "@/core/editing/draftSegment";
import type { BrushSettings } from "@/core/editing/editCommand";
import type { Vector } from "@/core/vectors";
import type { Stroke } from "@/scene/draft";
import type { DraftAnswer, DraftAsk } from "@/scene/worker/draftProtocol";

export class DraftStroke implements Stroke {
  private waiting: Vector[] = [];
  private drawing: Promise<void> | null = null;
  private readonly begun: Promise<unknown>;
  private failure: Error | null = null;
  private lockedVoxels = 0;
  private over = false;

  constructor(
    settings: BrushSettings,
    private readonly ask: (ask: DraftAsk) => Promise<DraftAnswer>,
  ) {
    this.begun = ask({ about: "beginStroke", settings }).catch((error: unknown) => this.fail(error));
  }

  add(points: readonly Vector[]): void {
    if (this.over || this.failure !== null) return;
    this.waiting.push(...points);
    this.drawing ??= this.draw();
  }

  async end(): Promise<EditChange> {
    await this.finished();
    if (this.failure !== null) throw this.failure;
    const { change } = await this.ask({ about: "endStroke" });
    return { ...change, lockedVoxels: change.lockedVoxels + this.lockedVoxels };
  }

  async cancel(): Promise<void> {
    this.waiting = [];
    await this.finished();
    await this.ask({ about: "cancelStroke" });
  }

  private async finished(): Promise<void> {
    this.over = true;
    await this.begun;
    while (this.drawing) await this.drawing;
  }

  private async draw(): Promise<void> {
    while (this.waiting.length > 0 && this.failure === null) {
      const points = this.waiting;
      this.waiting = [];
      try {
        this.lockedVoxels += (await this.ask({ about: "extendStroke", points })).change.lockedVoxels;
      } catch (error) {
        this.fail(error);
      }
    }
    this.drawing = null;
  }

  private fail(error: unknown): void {
    this.failure ??= error instanceof Error ? error : new Error("The stroke could not be drawn.");
    this.waiting = [];
  }
}
