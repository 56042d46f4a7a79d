/** One edit of a draft's voxels: each voxel changes only if its segments may, and every change is noted so that it can be taken back. */

import { ChangeLog, readRuns, type SliceChange } from "@/core/editing/changeLog";
import type { DraftSegment, EditChange } from "@/core/editing/draftSegment";
import { EditRefused } from "@/core/editing/editRefused";
import type { LabelGrid, LabelLayer } from "@/core/editing/labelGrid";
import type { IndexBox } from "@/core/regions";

/** True for columns of a row that an edit may touch at all. */
export type RowTest = (column: number) => boolean;

type Bounds = [number, number, number, number, number, number];

/** What happens to a voxel of a value: it stays, it changes, or it would if it were not locked. */
const STAYS = 0;
const CHANGES = 1;
const LOCKED = 2;

/** Boxes around changed voxels, by layer. */
export class ChangedBoxes {
  private readonly bounds = new Map<number, Bounds>();
  voxels = 0;

  constructor(private readonly columns: number) {}

  add(layer: number, slice: number, start: number, length: number): void {
    const { columns } = this;
    const [row, last] = [Math.floor(start / columns), Math.floor((start + length - 1) / columns)];
    const [first, beyond] = row === last ? [start - row * columns, start - row * columns + length] : [0, columns];
    const kept = this.bounds.get(layer);
    this.voxels += length;
    if (!kept) {
      this.bounds.set(layer, [slice, slice + 1, row, last + 1, first, beyond]);
      return;
    }
    kept[0] = Math.min(kept[0], slice);
    kept[1] = Math.max(kept[1], slice + 1);
    kept[2] = Math.min(kept[2], row);
    kept[3] = Math.max(kept[3], last + 1);
    kept[4] = Math.min(kept[4], first);
    kept[5] = Math.max(kept[5], beyond);
  }

  get boxes(): ReadonlyMap<number, IndexBox> {
    return new Map([...this.bounds].map(([layer, [a, b, c, d, e, f]]) => [layer, [[a, b], [c, d], [e, f]] as const]));
  }
}

export class LabelEdit {
  private log = new ChangeLog();
  private changed: ChangedBoxes;
  private lockedVoxels = 0;
  private readonly lockedValues = new Map<number, Set<number>>();

  constructor(
    readonly grid: LabelGrid,
    readonly segments: readonly DraftSegment[],
  ) {
    this.changed = new ChangedBoxes(grid.shape[2]);
    for (const { layer, value, locked } of segments) {
      if (!locked) continue;
      const values = this.lockedValues.get(layer) ?? new Set();
      this.lockedValues.set(layer, values.add(value));
    }
  }

  /** The segment of a number. */
  segmentOf(number: number): DraftSegment {
    const segment = this.segments.find((other) => other.number === number);
    if (!segment) throw new EditRefused(`There is no segment ${number} in this draft any more.`);
    return segment;
  }

  /**
   * Gives voxels to a segment: those of no segment, and with `overOthers` those of unlocked ones of its layer. What
   * segments of the layer `besides` have is no hindrance.
   */
  painter(target: DraftSegment, overOthers: boolean, besides: number | null = null): RowPainter {
    this.check(target);
    const locked = this.lockedValues.get(target.layer);
    const fateOf = (value: number): number => {
      if (value === target.value) return STAYS;
      if (value === 0) return CHANGES;
      return overOthers ? (locked?.has(value) ? LOCKED : CHANGES) : STAYS;
    };
    const others = overOthers ? [] : this.grid.layers.filter((_, number) => number !== target.layer && number !== besides);
    return new RowPainter(this, target.layer, target.value, fateOf, others);
  }

  /** Takes voxels from a segment. */
  eraser(target: DraftSegment): RowPainter {
    this.check(target);
    return new RowPainter(this, target.layer, 0, (value) => (value === target.value ? CHANGES : STAYS), []);
  }

  /** Changes voxels that follow each other in a slice, and all have the value `before`. */
  write(layer: number, slice: number, start: number, length: number, before: number, after: number): void {
    if (after !== 0) this.grid.checkRoom(layer, slice);
    this.grid.layer(layer).set(slice, start, length, before, after);
    this.log.add(layer, slice, start, length, before, after);
    this.changed.add(layer, slice, start, length);
  }

  countLocked(): void {
    this.lockedVoxels += 1;
  }

  /** Boxes and voxels since the last call, for what is drawn while the edit goes on. */
  takeChange(): EditChange {
    const { changed, lockedVoxels } = this;
    this.changed = new ChangedBoxes(this.grid.shape[2]);
    this.lockedVoxels = 0;
    return { boxes: changed.boxes, voxels: changed.voxels, lockedVoxels };
  }

  /** The edit is whole: what changed, to be taken back later. */
  finish(): readonly SliceChange[] {
    const changes = this.log.finish();
    for (const { layer, slice } of changes) this.grid.layers[layer].release(slice);
    return changes;
  }

  /** Takes back what was done so far. */
  undo(): EditChange {
    const change = takeBack(this.grid, this.log.finish());
    this.log = new ChangeLog();
    return change;
  }

  private check({ locked, label }: DraftSegment): void {
    if (locked) throw new EditRefused(`"${label}" is locked. Unlock it to change its voxels.`);
  }
}

/** Changes voxels row by row. */
export class RowPainter {
  private readonly layer: LabelLayer;
  private readonly fates: number[] = [];

  constructor(
    private readonly edit: LabelEdit,
    private readonly number: number,
    private readonly value: number,
    private readonly fateOf: (value: number) => number,
    /** Layers whose segments keep all their voxels to themselves. */
    private readonly others: readonly LabelLayer[],
  ) {
    this.layer = edit.grid.layer(number);
  }

  /** Changes the columns from `first` to before `beyond`, which lie within the grid. */
  paint(slice: number, row: number, first: number, beyond: number, test: RowTest | null = null): void {
    const { edit, layer, number, value } = this;
    const start = row * edit.grid.shape[2];
    const labels = layer.slice(slice);
    const taken = this.others.flatMap((other) => other.slice(slice) ?? []);
    let [from, old] = [-1, 0];
    for (let column = first; column < beyond; column += 1) {
      const before = labels?.[start + column] ?? 0;
      const changes = this.mayChange(before, column, start, taken, test);
      if (from >= 0 && (!changes || before !== old)) {
        edit.write(number, slice, start + from, column - from, old, value);
        from = -1;
      }
      if (changes && from < 0) [from, old] = [column, before];
    }
    if (from >= 0) edit.write(number, slice, start + from, beyond - from, old, value);
  }

  /** True if `paint` would change a voxel, tests aside. */
  takes(slice: number, row: number, column: number): boolean {
    const at = row * this.edit.grid.shape[2] + column;
    return this.fate(this.layer.slice(slice)?.[at] ?? 0) === CHANGES && this.others.every((other) => (other.slice(slice)?.[at] ?? 0) === 0);
  }

  private fate(value: number): number {
    return (this.fates[value] ??= this.fateOf(value));
  }

  private mayChange(before: number, column: number, start: number, taken: readonly ArrayLike<number>[], test: RowTest | null): boolean {
    const fate = this.fate(before);
    if (fate === STAYS) return false;
    for (const labels of taken) if (labels[start + column] !== 0) return false;
    if (test !== null && !test(column)) return false;
    if (fate === CHANGES) return true;
    this.edit.countLocked();
    return false;
  }
}

/** Writes the values before, from the last run to the first. */
export const takeBack = (grid: LabelGrid, changes: readonly SliceChange[]): EditChange => rewrite(grid, changes, true);

/** Writes the values after once more. */
export const doAgain = (grid: LabelGrid, changes: readonly SliceChange[]): EditChange => rewrite(grid, changes, false);

function rewrite(grid: LabelGrid, changes: readonly SliceChange[], backwards: boolean): EditChange {
  const changed = new ChangedBoxes(grid.shape[2]);
  for (const change of changes) {
    const { layer: number, slice } = change;
    const layer = grid.layer(number);
    const runs = readRuns(change);
    if (backwards) runs.reverse();
    for (const { start, length, before, after } of runs) {
      layer.set(slice, start, length, backwards ? after : before, backwards ? before : after);
      changed.add(number, slice, start, length);
    }
    layer.release(slice);
  }
  return { boxes: changed.boxes, voxels: changed.voxels, lockedVoxels: 0 };
}
