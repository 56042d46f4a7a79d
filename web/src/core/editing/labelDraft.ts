/** A draft's voxels and segments with their history: every change is one step, done whole or not at all. */

import { afterEdit, type DraftSegment, type EditChange, type SegmentChanges } from "@/core/editing/draftSegment";
import { type BrushSettings, type EditCommand, isByProgram, segmentsOfCommand, titleOfCommand } from "@/core/editing/editCommand";
import type { EditedImage } from "@/core/editing/imageRange";
import { type EditStep, Journal } from "@/core/editing/journal";
import { EditRefused } from "@/core/editing/editRefused";
import { doAgain, LabelEdit, takeBack } from "@/core/editing/labelEdit";
import type { LabelGrid } from "@/core/editing/labelGrid";
import { freeValue } from "@/core/editing/largeCommands";
import { paintRows, runCommand } from "@/core/editing/runCommand";
import { eachStrokeRow } from "@/core/editing/strokeRows";
import type { Work } from "@/core/morphology/work";
import type { Vector } from "@/core/vectors";

/** The bytes that steps of undo may take. */
export const HISTORY_BYTES = 128 * 2 ** 20;

const NO_CHANGE: EditChange = { boxes: new Map(), voxels: 0, lockedVoxels: 0 };

/** What a new segment is, before it has a number and a place. */
export type SegmentFacts = Omit<DraftSegment, "number" | "layer" | "value">;

interface OpenStroke {
  readonly edit: LabelEdit;
  readonly settings: BrushSettings;
  last: Vector | null;
}

export class LabelDraft {
  private listed: readonly DraftSegment[];
  private stroke: OpenStroke | null = null;
  private readonly touched = new Map<number, Set<number>>();
  private steps = 0;

  constructor(
    readonly grid: LabelGrid,
    segments: readonly DraftSegment[],
    /** The image's values at the time of an edit; null if the tab does not hold them. */
    private readonly image: () => EditedImage | null,
    readonly journal = new Journal(HISTORY_BYTES),
  ) {
    this.listed = segments;
    for (const { layer } of segments) grid.layer(layer);
  }

  get segments(): readonly DraftSegment[] {
    return this.listed;
  }

  /** How often something was done, undone or done again. */
  get version(): number {
    return this.steps;
  }

  /** The slices that changed since the last call, by layer. */
  takeTouched(): ReadonlyMap<number, ReadonlySet<number>> {
    const touched = new Map(this.touched);
    this.touched.clear();
    return touched;
  }

  /** Runs a command. If it throws or is ended early, nothing has changed. */
  *run(command: EditCommand): Work<EditChange> {
    const edit = this.newEdit();
    let isWhole = false;
    try {
      const segments = yield* runCommand(edit, command, this.image());
      isWhole = true;
      return this.finish(edit, titleOfCommand(command), segments, command);
    } finally {
      if (!isWhole) edit.undo();
    }
  }

  beginStroke(settings: BrushSettings): void {
    this.stroke = { edit: this.newEdit(), settings, last: null };
  }

  /** Goes on with the stroke; if that fails, all of it is taken back and it is over. */
  extendStroke(points: readonly Vector[]): EditChange {
    const { stroke } = this;
    if (!stroke || points.length === 0) return NO_CHANGE;
    const { edit, settings, last } = stroke;
    try {
      const target = edit.segmentOf(settings.segment);
      const painter = settings.erase ? edit.eraser(target) : edit.painter(target, settings.overOthers);
      eachStrokeRow(this.grid, settings, last ? [last, ...points] : points, paintRows(edit, painter, this.image(), settings.range));
    } catch (error) {
      this.cancelStroke();
      throw error;
    }
    stroke.last = points[points.length - 1];
    return edit.takeChange();
  }

  /** The stroke is one step of undo. */
  endStroke(): EditChange {
    const { stroke } = this;
    this.stroke = null;
    if (!stroke) return NO_CHANGE;
    const command: EditCommand = { kind: "brush", points: [], ...stroke.settings };
    return this.finish(stroke.edit, titleOfCommand(command), this.listed, command);
  }

  cancelStroke(): EditChange {
    const { stroke } = this;
    this.stroke = null;
    return stroke?.edit.undo() ?? NO_CHANGE;
  }

  undo(): EditChange {
    this.checkIdle();
    return this.replay(this.journal.takeBack(), takeBack, "before");
  }

  redo(): EditChange {
    this.checkIdle();
    return this.replay(this.journal.takeAgain(), doAgain, "after");
  }

  /** Adds a segment to the first layer, or to one in which it may overlap all others. Returns it. */
  addSegment(facts: SegmentFacts, overlaps = false): DraftSegment {
    const number = this.listed.reduce((most, other) => Math.max(most, other.number), 0) + 1;
    const layer = overlaps ? this.listed.reduce((most, other) => Math.max(most, other.layer + 1), 0) : 0;
    const segment = { ...facts, number, ...freeValue(this.listed, layer) };
    this.grid.layer(layer);
    this.finish(this.newEdit(), "Add segment", [...this.listed, segment]);
    return segment;
  }

  changeSegment(number: number, changes: SegmentChanges): void {
    const edit = this.newEdit();
    const before = edit.segmentOf(number);
    const title = changes.locked === undefined ? "Change segment" : changes.locked ? "Lock" : "Unlock";
    this.finish(edit, title, this.listed.map((other) => (other === before ? { ...other, ...changes } : other)));
  }

  /** Removes a segment with its voxels. */
  removeSegment(number: number): EditChange {
    const edit = this.newEdit();
    const segment = edit.segmentOf(number);
    const eraser = edit.eraser(segment);
    const box = this.grid.layer(segment.layer).boxOf(segment.value);
    const [slices, rows, columns] = box ?? [[0, 0], [0, 0], [0, 0]];
    for (let slice = slices[0]; slice < slices[1]; slice += 1) for (let row = rows[0]; row < rows[1]; row += 1) eraser.paint(slice, row, columns[0], columns[1]);
    return this.finish(edit, "Remove segment", this.listed.filter((other) => other !== segment));
  }

  /** Throws while a stroke is under way. */
  checkIdle(): void {
    if (this.stroke) throw new EditRefused("A stroke is under way. End it first.");
  }

  private newEdit(): LabelEdit {
    this.checkIdle();
    return new LabelEdit(this.grid, this.listed);
  }

  /** An edit that changed nothing is no step. */
  private finish(edit: LabelEdit, title: string, segments: readonly DraftSegment[], command: EditCommand | null = null): EditChange {
    const change = edit.takeChange();
    const changes = edit.finish();
    if (changes.length === 0 && segments === this.listed) return change;
    const after = command ? segmentsAfter(segments, command) : segments;
    this.push({ title, segments: after === this.listed ? null : { before: this.listed, after }, changes });
    this.listed = after;
    return change;
  }

  private push(step: EditStep): void {
    this.journal.push(step);
    this.touch(step);
  }

  private replay(step: EditStep | null, write: typeof takeBack, side: "before" | "after"): EditChange {
    if (!step) return NO_CHANGE;
    const change = write(this.grid, step.changes);
    if (step.segments) this.listed = step.segments[side];
    this.touch(step);
    return change;
  }

  private touch({ changes }: EditStep): void {
    this.steps += 1;
    for (const { layer, slice } of changes) {
      const slices = this.touched.get(layer) ?? new Set();
      this.touched.set(layer, slices.add(slice));
    }
  }
}

/** The segments with how they came about; the same list if none changed. */
function segmentsAfter(segments: readonly DraftSegment[], command: EditCommand): readonly DraftSegment[] {
  const numbers = segmentsOfCommand(command);
  const after = segments.map((segment) => (numbers.includes(segment.number) && !segment.locked ? afterEdit(segment, isByProgram(command)) : segment));
  return after.some((segment, at) => segment !== segments[at]) ? after : segments;
}
