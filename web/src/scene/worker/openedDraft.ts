/** One draft in the worker: its voxels, what the browser keeps of it, and what the page does not know yet. */

import type { FetchFunction } from "@/api/volumeBytes";
import type { EditChange } from "@/core/editing/draftSegment";
import { nearestVoxel } from "@/core/editing/gridSheet";
import type { EditedImage } from "@/core/editing/imageRange";
import { labelCut } from "@/core/editing/labelCut";
import { LabelDraft } from "@/core/editing/labelDraft";
import { LARGEST_BYTE, LabelGrid } from "@/core/editing/labelGrid";
import { unpackLabels } from "@/core/editing/packedLabels";
import { type ImageGrid, voxelsInSlices } from "@/core/placedLabels";
import { noVoxels, type VoxelBits } from "@/core/voxelBits";
import { runWork, type WorkOptions } from "@/core/morphology/work";
import type { DraftBase, DraftRecord, DraftStart, PackedDraft } from "@/scene/draft";
import type { DraftStore } from "@/scene/draftStore";
import type { PlanePicture, PlaneRequest } from "@/scene/volumeSource";
import { DraftKeeper } from "@/scene/worker/draftKeeper";
import type { DraftAnswer, DraftAsk, DraftNews, DraftFigures } from "@/scene/worker/draftProtocol";
import { readLabels, zippedLabels } from "@/scene/worker/labelBytes";

export interface DraftSurroundings {
  readonly fetch: FetchFunction;
  readonly store: DraftStore;
  /** The image's values as they are at the time of an edit; null if the tab does not hold them. */
  readonly image: () => EditedImage | null;
  readonly tell: (notKept: string | null) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

const NO_CHANGE: EditChange = { boxes: new Map(), voxels: 0, lockedVoxels: 0 };

/** Begins a draft: empty, of a stored segmentation, or as the database has it. */
export async function openDraftInWorker(id: string, start: DraftStart, resume: boolean, around: DraftSurroundings, options: WorkOptions): Promise<OpenedDraft> {
  const { base, segments } = start;
  const { shape, affine } = start.grid;
  const grid = new LabelGrid(shape, affine, base?.dtype === "uint16");
  if (resume) await readKept(id, grid, around.store);
  else if (base) {
    for (let layer = 0; layer < base.layers; layer += 1) {
      const address = { segmentationId: base.id, layer, version: base.version, dtype: base.dtype, shape };
      await readLabels(address, grid, around.fetch, { ...options, onProgress: (share) => options.onProgress?.((layer + share) / base.layers) });
    }
  }
  return new OpenedDraft(id, start, new LabelDraft(grid, segments, around.image), resume, around);
}

async function readKept(id: string, grid: LabelGrid, store: DraftStore): Promise<void> {
  const [, rows, columns] = grid.shape;
  for (const { layer, slice, labels } of await store.slicesOf(id)) {
    if (labels) grid.layer(layer).put(slice, unpackLabels(labels, rows * columns));
  }
}

export class OpenedDraft {
  private readonly keeper: DraftKeeper;
  /** Of the voxels, also of those of a stroke under way. */
  private revision = 0;
  /** How often the draft was renamed. */
  private renames = 0;
  /** The version that is saved; none of a draft that was gone on with. */
  private savedVersion: number;
  private packedVersion = { revision: -1, version: -1 };
  private keptVersion = 0;
  private label: string;
  private base: DraftBase | null;
  private toldSegments: unknown = null;
  private readonly toldCounts = new Map<number, number>();

  constructor(
    private readonly id: string,
    private readonly start: DraftStart,
    private readonly draft: LabelDraft,
    resumed: boolean,
    private readonly around: DraftSurroundings,
  ) {
    this.keeper = new DraftKeeper(around.store, draft.grid, resumed, around.tell);
    this.savedVersion = resumed ? -1 : 0;
    this.label = start.label;
    this.base = start.base;
  }

  get imageKey(): string {
    return this.start.image.key;
  }

  /** Null for another plane than a cut through the nearest voxels. */
  picture(layer: number, request: PlaneRequest): PlanePicture | null {
    if (request.kind !== "cut" || request.slab || request.method !== "nearest") return null;
    const { grid } = this.draft;
    const { rows, columns } = request.cut;
    return { values: labelCut(grid.layer(layer), grid.affine, request.cut), rows, columns, samples: 1, missing: 0 };
  }

  async answer(ask: DraftAsk, options: WorkOptions): Promise<DraftAnswer> {
    const { draft } = this;
    switch (ask.about) {
      case "open":
        return this.told(NO_CHANGE);
      case "run":
        return this.changed(await runWork(draft.run(ask.command), options));
      case "beginStroke":
        draft.beginStroke(ask.settings);
        return this.told(NO_CHANGE);
      case "extendStroke":
        return this.drawn(draft.extendStroke(ask.points));
      case "endStroke":
        return this.changed(draft.endStroke());
      case "cancelStroke":
        return this.drawn(draft.cancelStroke());
      case "undo":
        return this.changed(draft.undo());
      case "redo":
        return this.changed(draft.redo());
      case "addSegment":
        return this.changed(NO_CHANGE, [draft.addSegment(ask.facts, ask.overlaps).number]);
      case "changeSegment":
        draft.changeSegment(ask.number, ask.changes);
        return this.changed(NO_CHANGE);
      case "removeSegment":
        return this.changed(draft.removeSegment(ask.number));
      case "rename":
        draft.checkIdle();
        this.label = ask.label;
        this.renames += 1;
        return this.changed(NO_CHANGE);
      case "segmentsAt":
        return this.told(NO_CHANGE, this.segmentsAt(ask.point));
      case "voxels":
        return { ...this.told(NO_CHANGE), voxels: this.voxelsOf(ask.number, ask.image) };
      case "pack":
        return { ...this.told(NO_CHANGE), packed: await this.packed(options) };
      case "saved":
        await this.saved(ask.revision, ask.base);
        return this.told(NO_CHANGE);
      case "discard":
        await this.keeper.forget(this.id);
        this.keeper.end();
        return this.told(NO_CHANGE);
      case "close":
        await this.keeper.settled();
        this.keeper.end();
        return this.told(NO_CHANGE);
    }
  }

  /** Has the browser keep what was done since the last time: after the answer, which does not wait for it. */
  keepChanges(): void {
    if (this.version === this.keptVersion) return;
    this.keptVersion = this.version;
    this.keeper.keep(this.record(), this.draft.takeTouched());
  }

  private segmentsAt(point: readonly [number, number, number]): number[] {
    const { grid, segments } = this.draft;
    const voxel = nearestVoxel(grid, point);
    if (!grid.contains(voxel)) return [];
    return segments.filter(({ layer, value }) => grid.layer(layer).at(...voxel) === value).map(({ number }) => number);
  }

  /** None of a segment that is not there: it may have been undone since it was asked for. */
  private voxelsOf(wanted: number, image: ImageGrid): VoxelBits {
    const { grid, segments } = this.draft;
    const segment = segments.find(({ number }) => number === wanted);
    const layer = segment && grid.layer(segment.layer);
    const box = layer?.boxOf(segment?.value ?? 0) ?? null;
    if (!segment || !layer || !box) return noVoxels();
    return voxelsInSlices({ shape: grid.shape, affine: grid.affine, slice: (slice) => layer.slice(slice) }, { value: segment.value, box }, image);
  }

  private get version(): number {
    return this.draft.version + this.renames;
  }

  /** Voxels were drawn, which are not a step yet. */
  private drawn(change: EditChange): DraftAnswer {
    if (change.voxels > 0) this.revision += 1;
    return this.told(change);
  }

  /** Something may have been done, or undone. */
  private changed(change: EditChange, numbers: readonly number[] = []): DraftAnswer {
    if (change.voxels > 0) this.revision += 1;
    return this.told(change, numbers);
  }

  private record(): DraftRecord {
    const { user, image, grid } = this.start;
    return { id: this.id, user, seriesId: image.seriesId, volume: image.volume, label: this.label, grid, base: this.base, segments: this.draft.segments, changed: this.around.now() };
  }

  private async saved(revision: number, base: DraftBase | null): Promise<void> {
    this.base = base;
    if (revision !== this.packedVersion.revision) return;
    this.savedVersion = this.packedVersion.version;
    if (this.savedVersion === this.version) await this.keeper.forget(this.id);
    else this.keeper.keep(this.record(), new Map());
  }

  private async packed({ signal, onProgress }: WorkOptions): Promise<PackedDraft> {
    const { grid, segments } = this.draft;
    const used = [...new Set(segments.map(({ layer }) => layer))].sort((a, b) => a - b);
    const isWide = segments.some(({ value }) => value > LARGEST_BYTE);
    const layers: Blob[] = [];
    this.packedVersion = { revision: this.revision, version: this.version };
    for (const [at, layer] of used.entries()) {
      layers.push(await zippedLabels(grid.layer(layer), isWide, { signal, onProgress: (share) => onProgress?.((at + share) / used.length) }));
    }
    return {
      revision: this.revision,
      label: this.label,
      grid: this.start.grid,
      base: this.base,
      dtype: isWide ? "uint16" : "uint8",
      segments: segments.map((segment) => ({ ...segment, layer: used.indexOf(segment.layer) })),
      layers,
    };
  }

  private told(change: EditChange, numbers: readonly number[] = []): DraftAnswer {
    return { news: this.news(), change, numbers, packed: null, voxels: null };
  }

  private news(): DraftNews {
    const { segments, grid, journal } = this.draft;
    const isNew = segments !== this.toldSegments;
    this.toldSegments = segments;
    return {
      label: this.label,
      base: this.base,
      segments: isNew ? segments : null,
      figures: this.newFigures(),
      layers: grid.layers.length,
      revision: this.revision,
      undo: journal.undoTitle,
      redo: journal.redoTitle,
      unsaved: this.version !== this.savedVersion,
    };
  }

  private newFigures(): DraftFigures[] {
    const { segments, grid } = this.draft;
    const figures: DraftFigures[] = [];
    for (const { number, layer, value } of segments) {
      const count = grid.layer(layer).countOf(value);
      if (this.toldCounts.get(number) === count) continue;
      this.toldCounts.set(number, count);
      figures.push({ number, count, box: grid.layer(layer).boxOf(value) });
    }
    return figures;
  }
}
