/** A draft whose voxels are only counted: what was asked of it is told. */

import type { EditChange } from "@/core/editing/draftSegment";
import type { BrushSettings, EditCommand } from "@/core/editing/editCommand";
import type { Draft, DraftStart, DraftState, EditedSegment, NewSegment, PackedDraft, SegmentAsDrawn } from "@/scene/draft";
import type { Vector } from "@/core/vectors";
import { noVoxels, type VoxelBits } from "@/core/voxelBits";

export interface ToldStroke extends BrushSettings {
  readonly points: Vector[];
  state: "drawing" | "ended" | "cancelled";
}

const NO_CHANGE: EditChange = { boxes: new Map(), voxels: 0, lockedVoxels: 0 };

export class FakeDraft implements Draft {
  readonly grid;
  readonly image;
  readonly base;
  readonly commands: EditCommand[] = [];
  readonly strokes: ToldStroke[] = [];
  state: DraftState;
  change: EditChange = { ...NO_CHANGE, voxels: 5 };
  failure: Error | null = null;
  ended: "closed" | "discarded" | "" = "";
  private readonly listeners = new Set<() => void>();

  constructor(
    start: DraftStart,
    readonly id = "draft-1",
  ) {
    const { grid, image, base, label, segments } = start;
    this.grid = grid;
    this.image = image;
    this.base = base;
    this.state = { label, segments: segments.map((segment) => ({ ...segment, count: 0, mm3: 0, box: null })), layers: 1, revision: 0, undo: null, redo: null, unsaved: false, running: null, notKept: null };
  }

  put(changes: Partial<DraftState>): void {
    this.state = { ...this.state, ...changes };
    for (const listener of this.listeners) listener();
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  source(): never {
    throw new Error("It is not drawn here.");
  }

  revisionOf = (): number => this.state.revision;

  run(command: EditCommand): Promise<EditChange> {
    if (this.failure) return Promise.reject(this.failure);
    this.commands.push(command);
    this.painted(command.kind);
    return Promise.resolve(this.change);
  }

  beginStroke(settings: BrushSettings) {
    const stroke: ToldStroke = { ...settings, points: [], state: "drawing" };
    this.strokes.push(stroke);
    return {
      add: (points: readonly Vector[]) => void stroke.points.push(...points),
      end: () => {
        stroke.state = "ended";
        this.painted("Brush");
        return this.failure ? Promise.reject(this.failure) : Promise.resolve(this.change);
      },
      cancel: () => {
        stroke.state = "cancelled";
        return Promise.resolve();
      },
    };
  }

  private painted(undo: string): void {
    const segments = this.state.segments.map((segment): EditedSegment => ({ ...segment, count: segment.count + 5, mm3: segment.mm3 + 16 }));
    this.put({ segments, revision: this.state.revision + 1, undo, redo: null, unsaved: true });
  }

  undo(): Promise<EditChange> {
    this.put({ undo: null, redo: this.state.undo });
    return Promise.resolve(NO_CHANGE);
  }

  redo(): Promise<EditChange> {
    this.put({ undo: this.state.redo, redo: null });
    return Promise.resolve(NO_CHANGE);
  }

  addSegment(segment: NewSegment): Promise<number> {
    const number = this.state.segments.length + 1;
    this.put({ segments: [...this.state.segments, { ...segment, number, layer: 0, value: number, count: 0, mm3: 0, box: null }] });
    return Promise.resolve(number);
  }

  changeSegment(number: number, changes: object): Promise<void> {
    this.put({ segments: this.state.segments.map((segment) => (segment.number === number ? { ...segment, ...changes } : segment)), unsaved: true });
    return Promise.resolve();
  }

  removeSegment(number: number): Promise<EditChange> {
    this.put({ segments: this.state.segments.filter((segment) => segment.number !== number) });
    return Promise.resolve(NO_CHANGE);
  }

  rename(label: string): Promise<void> {
    this.put({ label });
    return Promise.resolve();
  }

  /** All that the draft has of a segment; tests put their own in its place. */
  voxels: (number: number) => VoxelBits = () => noVoxels();

  voxelsOf(number: number): Promise<SegmentAsDrawn> {
    return Promise.resolve({ revision: this.state.revision, voxels: this.voxels(number) });
  }

  segmentsAt = (): Promise<readonly number[]> => Promise.resolve([]);

  packed(): Promise<PackedDraft> {
    const { revision, label, segments } = this.state;
    return Promise.resolve({ revision, label, grid: this.grid, base: this.base, dtype: "uint8", segments, layers: [new Blob(["voxels"])] });
  }

  saved(revision: number): Promise<void> {
    if (revision === this.state.revision) this.put({ unsaved: false });
    return Promise.resolve();
  }

  discard(): Promise<void> {
    this.ended = "discarded";
    return Promise.resolve();
  }

  close(): void {
    this.ended = "closed";
  }
}
