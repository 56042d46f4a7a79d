/** The edits that can be undone and done again, bounded by the memory that they take. */

import type { SliceChange } from "@/core/editing/changeLog";
import type { DraftSegment } from "@/core/editing/draftSegment";

/** One step of undo. */
export interface EditStep {
  readonly title: string;
  /** The segments before and after; null if they did not change. */
  readonly segments: { readonly before: readonly DraftSegment[]; readonly after: readonly DraftSegment[] } | null;
  readonly changes: readonly SliceChange[];
}

/** What objects cost beside their bytes, roughly. */
const PER_STEP = 200;
const PER_SLICE = 120;
const PER_SEGMENT = 16;

/** The bytes that a step takes; segments that did not change are shared with other steps. */
export function bytesOfStep({ segments, changes }: EditStep): number {
  const listed = segments ? (segments.before.length + segments.after.length) * PER_SEGMENT : 0;
  return changes.reduce((sum, { runs }) => sum + PER_SLICE + runs.byteLength, PER_STEP + listed);
}

export class Journal {
  private done: EditStep[] = [];
  private undone: EditStep[] = [];
  private held = 0;

  /** The newest step is kept even if it takes more. */
  constructor(private readonly mostBytes: number) {}

  get bytes(): number {
    return this.held;
  }

  get size(): number {
    return this.done.length + this.undone.length;
  }

  get undoTitle(): string | null {
    return this.done.at(-1)?.title ?? null;
  }

  get redoTitle(): string | null {
    return this.undone.at(-1)?.title ?? null;
  }

  /** A new edit: what was undone cannot be done again, and the oldest steps go if there is no room for them. */
  push(step: EditStep): void {
    for (const old of this.undone) this.held -= bytesOfStep(old);
    this.undone = [];
    this.done.push(step);
    this.held += bytesOfStep(step);
    let dropped = 0;
    while (this.held > this.mostBytes && dropped < this.done.length - 1) this.held -= bytesOfStep(this.done[dropped++]);
    if (dropped > 0) this.done = this.done.slice(dropped);
  }

  /** The step to undo; null if there is none. */
  takeBack(): EditStep | null {
    const step = this.done.pop();
    if (step) this.undone.push(step);
    return step ?? null;
  }

  /** The step to do again; null if there is none. */
  takeAgain(): EditStep | null {
    const step = this.undone.pop();
    if (step) this.done.push(step);
    return step ?? null;
  }
}
