/** Which slices to fetch before they are asked for, and which to keep. */

/**
 * Slices around a position, the most likely first: the position itself, then outwards in both directions, two ahead
 * for each one behind while stepping. `around` goes on from the last slice to the first, as the cine does.
 */
export function prefetchOrder(index: number, count: number, direction: -1 | 0 | 1, most: number, around = false): number[] {
  const order = new Set<number>();
  const add = (wanted: number) => {
    const i = around ? (wanted + count) % count : wanted;
    if (i >= 0 && i < count && order.size < most) order.add(i);
  };
  add(index);
  const way = direction === 0 ? 1 : direction;
  let ahead = 1;
  let behind = 1;
  while (order.size < Math.min(most, count) && (ahead < count || behind < count)) {
    add(index + way * ahead++);
    if (direction !== 0) add(index + way * ahead++);
    add(index - way * behind++);
  }
  return [...order];
}

/** Keeps what was used last, within a number of bytes. */
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
