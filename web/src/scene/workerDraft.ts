/** The page's end of a draft: its voxels are in the worker. */

import { ServerProblem } from "@/api/http";
import { ChangedPlanes } from "@/core/editing/changedPlanes";
import type { EditChange, SegmentChanges } from "@/core/editing/draftSegment";
import { type BrushSettings, type EditCommand, titleOfCommand } from "@/core/editing/editCommand";
import { voxelMm3 } from "@/core/morphology/maskBox";
import type { ImageGrid } from "@/core/placedLabels";
import type { Vector } from "@/core/vectors";
import type { Draft, DraftBase, DraftGrid, DraftImage, DraftStart, DraftState, EditedSegment, EditOptions, NewSegment, PackedDraft, SegmentAsDrawn, Stroke } from "@/scene/draft";
import { DraftSource } from "@/scene/draftSource";
import { DraftStroke } from "@/scene/draftStroke";
import { Subscribers } from "@/scene/subscribers";
import type { PlaneRequest, VolumeSource } from "@/scene/volumeSource";
import { DRAFT_KEY, type DraftAnswer, type DraftAsk, type DraftNews, LAYER_MARK, type DraftFigures } from "@/scene/worker/draftProtocol";
import type { VolumeNews, WorkerLink } from "@/scene/worker/workerLink";

const STOPPED = "The part of the page that holds the draft has stopped. Reload the page to go on with what the browser kept.";

export class WorkerDraft implements Draft {
  readonly grid: DraftGrid;
  readonly image: DraftImage;
  private snapshot: DraftState;
  private currentBase: DraftBase | null;
  private readonly figures = new Map<number, DraftFigures>();
  private readonly planes = new Map<number, ChangedPlanes>();
  private readonly sources = new Map<number, VolumeSource>();
  private readonly subscribers: Subscribers;
  private readonly stopListening: () => void;
  private readonly mm3: number;

  constructor(
    readonly id: string,
    start: DraftStart,
    private readonly link: WorkerLink,
    /** Called when the draft has ended. */
    private readonly onEnd: () => void,
    schedule?: (task: () => void) => void,
  ) {
    this.grid = start.grid;
    this.image = start.image;
    this.currentBase = start.base;
    this.mm3 = voxelMm3(start.grid.affine);
    this.snapshot = { label: start.label, segments: [], layers: 0, revision: 0, undo: null, redo: null, unsaved: false, running: null, notKept: null };
    this.subscribers = new Subscribers(schedule);
    this.stopListening = link.listen(this.key, (news) => this.hear(news));
  }

  get key(): string {
    return `${DRAFT_KEY}${this.id}`;
  }

  get state(): DraftState {
    return this.snapshot;
  }

  get base(): DraftBase | null {
    return this.currentBase;
  }

  subscribe(listener: () => void): () => void {
    return this.subscribers.add(listener);
  }

  source(layer: number): VolumeSource {
    const kept = this.sources.get(layer);
    if (kept) return kept;
    const source = new DraftSource(`${this.key}${LAYER_MARK}${layer}`, { link: this.link, slices: this.grid.shape[0], subscribe: (listener) => this.subscribe(listener) });
    this.sources.set(layer, source);
    return source;
  }

  revisionOf(layer: number, request: PlaneRequest): number {
    if (request.kind !== "cut") return this.snapshot.revision;
    return this.planes.get(layer)?.revisionOf(request.cut) ?? 0;
  }

  /** Begins in the worker. */
  async open(start: DraftStart, resume: boolean, options: EditOptions): Promise<void> {
    await this.ask({ about: "open", id: this.id, start, resume }, options);
  }

  async run(command: EditCommand, options: EditOptions = {}): Promise<EditChange> {
    const title = titleOfCommand(command);
    this.put({ running: { title, fraction: 0 } });
    const onProgress = (fraction: number): void => {
      this.put({ running: { title, fraction } });
      options.onProgress?.(fraction);
    };
    try {
      return (await this.ask({ about: "run", command }, { ...options, onProgress })).change;
    } finally {
      this.put({ running: null });
    }
  }

  beginStroke(settings: BrushSettings): Stroke {
    return new DraftStroke(settings, (ask) => this.ask(ask));
  }

  async undo(): Promise<EditChange> {
    return (await this.ask({ about: "undo" })).change;
  }

  async redo(): Promise<EditChange> {
    return (await this.ask({ about: "redo" })).change;
  }

  async addSegment({ overlaps = false, ...facts }: NewSegment): Promise<number> {
    return (await this.ask({ about: "addSegment", facts, overlaps })).numbers[0];
  }

  async changeSegment(number: number, changes: SegmentChanges): Promise<void> {
    await this.ask({ about: "changeSegment", number, changes });
  }

  async removeSegment(number: number): Promise<EditChange> {
    return (await this.ask({ about: "removeSegment", number })).change;
  }

  async rename(label: string): Promise<void> {
    await this.ask({ about: "rename", label });
  }

  async segmentsAt(point: Vector): Promise<readonly number[]> {
    return (await this.ask({ about: "segmentsAt", point })).numbers;
  }

  async voxelsOf(number: number, image: ImageGrid, options: EditOptions = {}): Promise<SegmentAsDrawn> {
    const { news, voxels } = await this.ask({ about: "voxels", number, image }, options);
    if (!voxels) throw new ServerProblem(0, "worker", STOPPED);
    return { revision: news.revision, voxels };
  }

  async packed(options: EditOptions = {}): Promise<PackedDraft> {
    const { packed } = await this.ask({ about: "pack" }, options);
    if (!packed) throw new ServerProblem(0, "worker", STOPPED);
    return packed;
  }

  async saved(revision: number, base: DraftBase | null): Promise<void> {
    await this.ask({ about: "saved", revision, base });
  }

  async discard(): Promise<void> {
    await this.ask({ about: "discard" });
    this.end();
  }

  close(): void {
    this.ask({ about: "close" }).catch(() => undefined).finally(() => this.end());
  }

  private end(): void {
    this.stopListening();
    this.onEnd();
  }

  private async ask(ask: DraftAsk, options: EditOptions = {}): Promise<DraftAnswer> {
    const answer = await this.link.draft(this.key, plain(ask), options);
    this.take(answer.news, answer.change);
    return answer;
  }

  private take({ segments, figures, base, ...news }: DraftNews, { boxes }: EditChange): void {
    this.currentBase = base;
    for (const one of figures) this.figures.set(one.number, one);
    for (const [layer, box] of boxes) {
      const planes = this.planes.get(layer) ?? new ChangedPlanes(this.grid.affine);
      this.planes.set(layer, planes);
      planes.add(box, news.revision);
    }
    const before = this.snapshot.segments;
    const listed = segments || figures.length > 0 ? (segments ?? before).map((segment): EditedSegment => this.withFigures(segment)) : before;
    this.put({ ...news, segments: listed });
  }

  private withFigures(segment: Omit<EditedSegment, "count" | "mm3" | "box">): EditedSegment {
    const { count, box } = this.figures.get(segment.number) ?? { count: 0, box: null };
    return { ...segment, count, mm3: count * this.mm3, box };
  }

  private hear(news: VolumeNews): void {
    if (news.kind === "draftKept") this.put({ notKept: news.notKept });
    else if (news.kind === "noRoom") this.put({ notKept: STOPPED });
  }

  private put(changes: Partial<DraftState>): void {
    this.snapshot = { ...this.snapshot, ...changes };
    this.subscribers.notify();
  }
}

/** A copy without what Vue watches, which cannot be sent to a worker. */
function plain<T>(thing: T): T {
  if (Array.isArray(thing)) return thing.map(plain) as T;
  if (typeof thing !== "object" || thing === null) return thing;
  return Object.fromEntries(Object.entries(thing).map(([name, part]) => [name, plain(part as unknown)])) as T;
}
