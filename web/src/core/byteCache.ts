/** A least-recently-used cache with a capacity in bytes. */
export class ByteCache<T> {
  private readonly entries = new Map<string, { item: T; bytes: number }>();
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

  set(key: string, item: T, bytes: number): void {
    this.remove(key);
    this.entries.set(key, { item, bytes });
    this.held += bytes;
    for (const oldest of this.entries.keys()) {
      if (this.held <= this.capacity || oldest === key) break;
      this.remove(oldest);
    }
  }

  clear(): void {
    this.entries.clear();
    this.held = 0;
  }

  private remove(key: string): void {
    this.held -= this.entries.get(key)?.bytes ?? 0;
    this.entries.delete(key);
  }
}
