/** Drafts that begin, and those that the browser keeps. */

import { ServerProblem, sessionGate } from "@/api/http";
import type { Draft, DraftImage, DraftRecord, DraftStart, EditOptions, StoredDraft } from "@/scene/draft";
import { type DraftStore, IndexedDraftStore } from "@/scene/draftStore";
import { volumeWorker } from "@/scene/volumePool";
import { WorkerDraft } from "@/scene/workerDraft";
import type { WorkerLink } from "@/scene/worker/workerLink";

/** Drafts are kept so long after their last edit. */
const KEPT_DAYS = 30;
const DAY_MS = 24 * 60 * 60 * 1000;

const lockName = (id: string): string => `voxelry draft ${id}`;

/** Of other tabs: the browser's locks, where it has them (pages over plain HTTP have none). */
export interface OpenMarks {
  /** Marks a draft as open until the function that it returns is called. False if another tab has it open. */
  take(id: string): Promise<(() => void) | false>;
  taken(): Promise<ReadonlySet<string>>;
}

/** The parts that tests put others in place of. */
export interface DraftParts {
  readonly store: DraftStore;
  readonly marks: OpenMarks;
  readonly link: () => WorkerLink;
  readonly now: () => number;
}

export class Drafts {
  constructor(private readonly parts: DraftParts) {}

  start(start: DraftStart, options: EditOptions = {}): Promise<Draft> {
    return this.open(newId(), start, false, options);
  }

  async stored(user: string, seriesId?: number): Promise<readonly StoredDraft[]> {
    const records = await this.records();
    const taken = await this.parts.marks.taken();
    return records
      .filter((record) => record.user === user && (seriesId === undefined || record.seriesId === seriesId))
      .map((record) => ({ ...record, open: taken.has(lockName(record.id)) }))
      .sort((a, b) => b.changed - a.changed);
  }

  resume({ id, user, seriesId, volume, grid, base, segments, label }: StoredDraft, image: DraftImage, options: EditOptions = {}): Promise<Draft> {
    return this.open(id, { user, grid, base, segments, label, image: { ...image, seriesId, volume } }, true, options);
  }

  async discard(id: string): Promise<void> {
    await this.parts.store.drop(id);
  }

  async discardWhere(isDropped: (record: DraftRecord) => boolean): Promise<void> {
    for (const record of await this.records()) if (isDropped(record)) await this.parts.store.drop(record.id);
  }

  /** Those of the last 30 days; older ones are dropped. Without a database there are none. */
  private async records(): Promise<readonly DraftRecord[]> {
    const { store, now } = this.parts;
    const records = await store.records().catch(() => []);
    const isOld = ({ changed }: DraftRecord): boolean => now() - changed > KEPT_DAYS * DAY_MS;
    for (const { id } of records.filter(isOld)) await store.drop(id).catch(() => undefined);
    return records.filter((record) => !isOld(record));
  }

  private async open(id: string, start: DraftStart, resume: boolean, options: EditOptions): Promise<Draft> {
    const release = await this.parts.marks.take(id);
    if (release === false) throw new ServerProblem(0, "draft", "This draft is open in another tab. Go on there, or close it there first.");
    const draft = new WorkerDraft(id, start, this.parts.link(), release);
    try {
      await this.opened(draft, start, resume, options);
    } catch (error) {
      draft.close();
      throw error;
    }
    return draft;
  }

  /** The worker's requests do not wait at the gate as those of the page do. */
  private async opened(draft: WorkerDraft, start: DraftStart, resume: boolean, options: EditOptions): Promise<void> {
    try {
      await draft.open(start, resume, options);
    } catch (error) {
      if (!(error instanceof ServerProblem && error.status === 401 && sessionGate.close())) throw error;
      await sessionGate.passed(options.signal);
      await draft.open(start, resume, options);
    }
  }
}

/** 128 random bits; `crypto.randomUUID` is missing in pages over plain HTTP. */
const newId = (): string => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** The browser's own; undefined in pages over plain HTTP, whatever its type says. */
const browserLocks = (): LockManager | undefined => (navigator as Partial<Pick<Navigator, "locks">>).locks;

const marks: OpenMarks = {
  take: (id) =>
    new Promise((resolve, reject) => {
      const locks = browserLocks();
      if (!locks) {
        resolve(() => undefined);
        return;
      }
      const held = (lock: Lock | null): Promise<void> | undefined => {
        if (!lock) {
          resolve(false);
          return undefined;
        }
        return new Promise((release) => resolve(release));
      };
      locks.request(lockName(id), { ifAvailable: true }, held).catch(reject);
    }),
  taken: async () => {
    const locks = await browserLocks()?.query();
    return new Set((locks?.held ?? []).flatMap(({ name }) => name ?? []));
  },
};

const drafts = new Drafts({ store: new IndexedDraftStore(), marks, link: volumeWorker, now: () => Date.now() });

/** Begins a draft: empty, or of the segmentation that is its base. */
export const startDraft = (start: DraftStart, options?: EditOptions): Promise<Draft> => drafts.start(start, options);

/** Drafts of a user that the browser keeps, the newest first; of one series, or of all. */
export const storedDrafts = (user: string, seriesId?: number): Promise<readonly StoredDraft[]> => drafts.stored(user, seriesId);

/** Goes on with a kept draft, over its image. */
export const resumeDraft = (stored: StoredDraft, image: DraftImage, options?: EditOptions): Promise<Draft> => drafts.resume(stored, image, options);

export const discardStored = (id: string): Promise<void> => drafts.discard(id);

/** Forgets all drafts of a user: at sign-out, if asked. */
export const discardAllOf = (user: string): Promise<void> => drafts.discardWhere((record) => record.user === user);

/** Forgets the drafts of a series that is gone, or may not be seen any more. */
export const discardOfSeries = (seriesId: number): Promise<void> => drafts.discardWhere((record) => record.seriesId === seriesId);
