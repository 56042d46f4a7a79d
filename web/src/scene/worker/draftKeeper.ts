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
  /** Slices that changed since the last write that succeeded, as they were after the last whole edit. */
  private pending = new Map<string, KeptSlice>();
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

  /**
   * An edit is whole. The first time all of the draft is written: the segmentation that it began from may change meanwhile.
   *
   * Slices are packed at once, so that nothing of the next edit gets among them.
   */
  keep(record: DraftRecord, touched: TouchedSlices): void {
    for (const [layer, slices] of touched) for (const slice of slices) this.pack(layer, slice);
    if (!this.isWhole) {
      this.isWhole = true;
      this.grid.layers.forEach((layer, number) => {
        for (let slice = 0; slice < this.grid.shape[0]; slice += 1) if (layer.slice(slice)) this.pack(number, slice);
      });
    }
    this.record = record;
    this.writing ??= this.write();
  }

  /** Nothing of the draft is kept any more. */
  async forget(id: string): Promise<void> {
    this.record = null;
    this.pending.clear();
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

  private pack(layer: number, slice: number): void {
    const labels = this.grid.layer(layer).slice(slice);
    this.pending.set(`${layer} ${slice}`, { layer, slice, labels: labels ? packLabels(labels) : null });
  }

  private async write(): Promise<void> {
    while (this.record && !this.ended) {
      const { record, pending } = this;
      this.record = null;
      this.pending = new Map();
      try {
        await this.store.write(record, [...pending.values()]);
        if (this.failed) this.tell(null);
        this.failed = false;
      } catch (error) {
        // It is tried again with the next edit; what that one changed is newer.
        this.pending = new Map([...pending, ...this.pending]);
        if (!this.failed) this.tell(error instanceof DOMException && error.name === "QuotaExceededError" ? FULL : NONE);
        this.failed = true;
      }
    }
    this.writing = null;
  }
}
