/** A worker of drafts, and a database, that stand in this thread. */

import { Drafts, type OpenMarks } from "@/scene/openDraft";
import type { DraftRecord } from "@/scene/draft";
import type { DraftStore, KeptSlice } from "@/scene/draftStore";
import { DraftDesk, type HeldValues } from "@/scene/worker/draftDesk";
import type { FromWorker, ToWorker } from "@/scene/worker/protocol";
import { WorkerLink, type WorkerPort } from "@/scene/worker/workerLink";
import type { FetchFunction } from "@/api/volumeBytes";

export class MemoryStore implements DraftStore {
  readonly kept = new Map<string, { record: DraftRecord; slices: Map<string, KeptSlice> }>();
  /** Thrown by the next writes. */
  failure: Error | null = null;
  writes = 0;

  write(record: DraftRecord, slices: readonly KeptSlice[]): Promise<void> {
    if (this.failure) return Promise.reject(this.failure);
    this.writes += 1;
    const copy = structuredClone({ record, slices });
    const before = this.kept.get(record.id)?.slices ?? new Map<string, KeptSlice>();
    for (const slice of copy.slices) {
      const key = `${slice.layer} ${slice.slice}`;
      if (slice.labels) before.set(key, slice);
      else before.delete(key);
    }
    this.kept.set(record.id, { record: copy.record, slices: before });
    return Promise.resolve();
  }

  slicesOf(id: string): Promise<readonly KeptSlice[]> {
    return Promise.resolve([...(this.kept.get(id)?.slices.values() ?? [])]);
  }

  records(): Promise<readonly DraftRecord[]> {
    return this.failure ? Promise.reject(this.failure) : Promise.resolve([...this.kept.values()].map(({ record }) => record));
  }

  drop(id: string): Promise<void> {
    this.kept.delete(id);
    return Promise.resolve();
  }
}

/** One browser; each call of `tab` is a tab of it, or the same one after a reload. */
export function browserOf({ fetch = () => Promise.reject(new Error("nothing is fetched")), values = () => undefined }: { fetch?: FetchFunction; values?: (key: string) => HeldValues | undefined } = {}) {
  const store = new MemoryStore();
  const locks = new Set<string>();
  const marks: OpenMarks = {
    take: (id) => {
      if (locks.has(id)) return Promise.resolve(false);
      locks.add(id);
      return Promise.resolve(() => void locks.delete(id));
    },
    taken: () => Promise.resolve(new Set([...locks].map((id) => `voxelry draft ${id}`))),
  };
  const clock = { now: 1_000 };
  function tab() {
    const heard: ToWorker[] = [];
    const port: WorkerPort = { onmessage: null, onerror: null, postMessage: () => undefined };
    const give = (data: FromWorker): void => void setTimeout(() => port.onmessage?.({ data } as MessageEvent<FromWorker>), 0);
    const desk = new DraftDesk({ fetch, store, values, now: () => clock.now, pieceMs: 0, post: (message, transfer) => give(structuredClone(message, { transfer: transfer as ArrayBuffer[] })) });
    port.postMessage = (message) => {
      heard.push(message);
      const copy = structuredClone(message);
      setTimeout(() => desk.receive(copy), 0);
    };
    const link = new WorkerLink(port);
    return { heard, drafts: new Drafts({ store, marks, link: () => link, now: () => clock.now }) };
  }
  /** The tab is gone without having closed anything. */
  const crash = (): void => locks.clear();
  return { store, tab, crash, clock };
}
