/** Where unsaved drafts are kept, so that they survive a reload, a crash and a lost connection: the browser's own database. */

import type { DraftRecord } from "@/scene/draft";

/** The labels of a slice as runs (`core/editing/packedLabels`). */
export interface KeptSlice {
  readonly layer: number;
  readonly slice: number;
  /** Null for a slice that has no labels any more. */
  readonly labels: Uint8Array<ArrayBuffer> | null;
}

export interface DraftStore {
  /** Puts the record and the slices that changed, all of them or none. */
  write(record: DraftRecord, slices: readonly KeptSlice[]): Promise<void>;
  slicesOf(id: string): Promise<readonly KeptSlice[]>;
  records(): Promise<readonly DraftRecord[]>;
  drop(id: string): Promise<void>;
}

const DATABASE = "voxelry drafts";
const VERSION = 1;
const RECORDS = "records";
const SLICES = "slices";

const slicesKey = (id: string): IDBKeyRange => IDBKeyRange.bound([id], [id, []]);

/** Throws what the browser says if there is no database, or no room in it. */
export class IndexedDraftStore implements DraftStore {
  private opened: Promise<IDBDatabase> | null = null;

  async write(record: DraftRecord, slices: readonly KeptSlice[]): Promise<void> {
    await this.change((transaction) => {
      transaction.objectStore(RECORDS).put(record);
      const store = transaction.objectStore(SLICES);
      for (const { layer, slice, labels } of slices) {
        const key = [record.id, layer, slice];
        if (labels) store.put(labels, key);
        else store.delete(key);
      }
    });
  }

  async slicesOf(id: string): Promise<readonly KeptSlice[]> {
    const database = await this.database();
    const store = database.transaction(SLICES).objectStore(SLICES);
    const [keys, labels] = await Promise.all([answerOf(store.getAllKeys(slicesKey(id))), answerOf(store.getAll(slicesKey(id)) as IDBRequest<Uint8Array<ArrayBuffer>[]>)]);
    return keys.map((key, at) => {
      const [, layer, slice] = key as [string, number, number];
      return { layer, slice, labels: labels[at] };
    });
  }

  async records(): Promise<readonly DraftRecord[]> {
    const database = await this.database();
    return answerOf(database.transaction(RECORDS).objectStore(RECORDS).getAll() as IDBRequest<DraftRecord[]>);
  }

  async drop(id: string): Promise<void> {
    await this.change((transaction) => {
      transaction.objectStore(RECORDS).delete(id);
      transaction.objectStore(SLICES).delete(slicesKey(id));
    });
  }

  private async change(write: (transaction: IDBTransaction) => void): Promise<void> {
    const transaction = (await this.database()).transaction([RECORDS, SLICES], "readwrite");
    const ended = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error ?? new Error("The browser's database ended a write."));
    });
    write(transaction);
    await ended;
  }

  private database(): Promise<IDBDatabase> {
    this.opened ??= open().then(
      (database) => {
        const forget = (): void => void (this.opened = null);
        database.onclose = forget;
        database.onversionchange = () => {
          forget();
          database.close();
        };
        return database;
      },
      (error: unknown) => {
        this.opened = null;
        throw error;
      },
    );
    return this.opened;
  }
}

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    // Some browsers have none, or throw in private windows.
    const request = indexedDB.open(DATABASE, VERSION);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(RECORDS, { keyPath: "id" });
      request.result.createObjectStore(SLICES);
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("The browser's database does not open."));
    request.onblocked = () => reject(new Error("Another tab keeps the browser's database closed."));
  });
}

function answerOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("The browser's database does not answer."));
  });
}
