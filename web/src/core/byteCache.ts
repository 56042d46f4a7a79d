/** A least-recently-used cache with a capacity in bytes. */
export class ByteCache<T> {
  private readonly entries = new Map<string, { item: T; bytes: number; dropped?: () => void }>();
  private held = 0;

  constructor(readonly capacity: number) {}

  get bytes(): number {
    return this.held;
  }

  get size(): number {
    return this.entries.size;
  }

  has(key: string): boolean {
    return this.entries.has(key);
  }

  get(key: string): T | undefined {
    const entry = this.entries.get(key);
    if (!entry) return undefined;
    this.entries.delete(key);
    this.entries.set(key, entry);
    return entry.item;
  }

  /** `dropped` is called when the item leaves the cache, also for another one of its key. */
  set(key: string, item: T, bytes: number, dropped?: () => void): void {
    this.remove(key);
    this.entries.set(key, { item, bytes, dropped });
    this.held += bytes;
    for (const oldest of this.entries.keys()) {
      if (this.held <= this.capacity || oldest === key) break;
      this.remove(oldest);
    }
  }

  clear(): void {
    for (const key of [...this.entries.keys()]) this.remove(key);
  }

  private remove(key: string): void {
    const entry = this.entries.get(key);
    if (!entry) return;
    this.held -= entry.bytes;
    this.entries.delete(key);
    entry.dropped?.();
  }
}
