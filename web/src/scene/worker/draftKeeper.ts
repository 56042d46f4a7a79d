/** Keeps a draft in the browser's database as it is edited: what an edit changed in one transaction, one at a time. */

import type { LabelGrid } from "@/core/editing/labelGrid";
import { packLabels } from "@/core/editing/packedLabels";
import type { DraftRecord } from "@/scene/draft";
import type { DraftStore, KeptSlice } from "@/scene/draftStore";

const FULL = "The browser has no room left for unsaved edits, so a reload of the page would lose them. Save soon.";
const NONE = "This browser keeps no unsaved edits, so a reload of the page would lose them. Save soon.";

/** Slices by layer. */
export type TouchedSlices = ReadonlyMap<number, ReadonlySet<number>>;

export class DraftKeeper {
  /** What changed since the last write that succeeded. */
  private dirty = new Map<number, Set<number>>();
  private record: DraftRecord | null = null;
  private writing: Promise<void> | null = null;
  private failed = false;
  private ended = false;

  constructor(
    private readonly store: DraftStore,
    private readonly grid: LabelGrid,
    /** True if the database holds the draft as it began. */
    private isWhole: boolean,
    /** Tells why the draft is not kept, once; null when it is again. */
    private readonly tell: (notKept: string | null) => void,
  ) {}

  /** The draft changed. The first time all of it is written: the segmentation that it began from may change meanwhile. */
  keep(record: DraftRecord, touched: TouchedSlices): void {
    for (const [layer, slices] of touched) for (const slice of slices) this.touch(layer, slice);
    if (!this.isWhole) {
      this.isWhole = true;
      this.grid.layers.forEach((layer, number) => {
        for (let slice = 0; slice < this.grid.shape[0]; slice += 1) if (layer.slice(slice)) this.touch(number, slice);
      });
    }
    this.record = record;
    this.writing ??= this.write();
  }

  /** Nothing of the draft is kept any more. */
  async forget(id: string): Promise<void> {
    this.record = null;
    this.dirty.clear();
    this.isWhole = false;
    await this.settled();
    await this.store.drop(id).catch(() => undefined);
  }

  /** Nothing is written after what is under way. */
  end(): void {
    this.ended = true;
  }

  /** Resolves when what changed so far is written, or could not be. */
  async settled(): Promise<void> {
    while (this.writing) await this.writing;
  }

  private touch(layer: number, slice: number): void {
    const slices = this.dirty.get(layer) ?? new Set();
    this.dirty.set(layer, slices.add(slice));
  }

  private async write(): Promise<void> {
    while (this.record && !this.ended) {
      const { record, dirty } = this;
      this.record = null;
      this.dirty = new Map();
      try {
        await this.store.write(record, this.slicesOf(dirty));
        if (this.failed) this.tell(null);
        this.failed = false;
      } catch (error) {
        // It is tried again with the next edit.
        for (const [layer, slices] of dirty) for (const slice of slices) this.touch(layer, slice);
        if (!this.failed) this.tell(error instanceof DOMException && error.name === "QuotaExceededError" ? FULL : NONE);
        this.failed = true;
      }
    }
    this.writing = null;
  }

  private slicesOf(dirty: TouchedSlices): KeptSlice[] {
    return [...dirty].flatMap(([layer, slices]) =>
      [...slices].map((slice) => {
        const labels = this.grid.layer(layer).slice(slice);
        return { layer, slice, labels: labels ? packLabels(labels) : null };
      }),
    );
  }
}
