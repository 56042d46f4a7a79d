/**
 * Changes of voxels as runs: a stretch of voxels of one row that had one value, and got another.
 *
 * A run is four numbers of as many bytes as they need: where it begins after the end of the run before (zigzag), its
 * length, the value before and the value after. Runs of one slice are in the order in which they were written, so that
 * they are taken back from the last to the first.
 */

/** The runs of one slice of a label map. */
export interface SliceChange {
  readonly layer: number;
  readonly slice: number;
  readonly runs: Uint8Array;
}

export interface ChangedRun {
  readonly start: number;
  readonly length: number;
  readonly before: number;
  readonly after: number;
}

/** Numbers of 7 bits a byte, the lowest first; all but the last byte of a number have the highest bit. */
export class NumberWriter {
  private bytes = new Uint8Array(32);
  private used = 0;

  add(number: number): void {
    if (this.used + 5 > this.bytes.length) {
      const larger = new Uint8Array(this.bytes.length * 2);
      larger.set(this.bytes);
      this.bytes = larger;
    }
    let left = number;
    while (left > 127) {
      this.bytes[this.used++] = (left & 127) | 128;
      left >>>= 7;
    }
    this.bytes[this.used++] = left;
  }

  get length(): number {
    return this.used;
  }

  finish(): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(0, this.used);
  }
}

/** The numbers of a `NumberWriter`. */
export class NumberReader {
  private at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  get done(): boolean {
    return this.at >= this.bytes.length;
  }

  next(): number {
    let number = 0;
    let shift = 0;
    for (;;) {
      const byte = this.bytes[this.at++];
      number |= (byte & 127) << shift;
      if (byte < 128) return number >>> 0;
      shift += 7;
    }
  }
}

class RunsOfSlice {
  private readonly writer = new NumberWriter();
  private start = 0;
  private length = 0;
  private before = 0;
  private after = 0;
  private end = 0;

  constructor(
    readonly layer: number,
    readonly slice: number,
  ) {}

  get bytes(): number {
    return this.writer.length;
  }

  add(start: number, length: number, before: number, after: number): void {
    if (this.length > 0 && start === this.start + this.length && before === this.before && after === this.after) {
      this.length += length;
      return;
    }
    this.flush();
    [this.start, this.length, this.before, this.after] = [start, length, before, after];
  }

  finish(): SliceChange {
    this.flush();
    return { layer: this.layer, slice: this.slice, runs: this.writer.finish() };
  }

  private flush(): void {
    if (this.length === 0) return;
    const gap = this.start - this.end;
    this.writer.add(gap < 0 ? -gap * 2 - 1 : gap * 2);
    this.writer.add(this.length);
    this.writer.add(this.before);
    this.writer.add(this.after);
    this.end = this.start + this.length;
    this.length = 0;
  }
}

/** Collects the changes of one edit. */
export class ChangeLog {
  private readonly slices = new Map<string, RunsOfSlice>();
  private last: RunsOfSlice | null = null;

  add(layer: number, slice: number, start: number, length: number, before: number, after: number): void {
    if (this.last?.layer !== layer || this.last.slice !== slice) this.last = this.runsOf(layer, slice);
    this.last.add(start, length, before, after);
  }

  finish(): readonly SliceChange[] {
    return [...this.slices.values()].map((runs) => runs.finish());
  }

  private runsOf(layer: number, slice: number): RunsOfSlice {
    const key = `${layer} ${slice}`;
    const runs = this.slices.get(key) ?? new RunsOfSlice(layer, slice);
    this.slices.set(key, runs);
    return runs;
  }
}

/** The runs of a slice, the first written first. */
export function readRuns({ runs }: SliceChange): ChangedRun[] {
  const reader = new NumberReader(runs);
  const read: ChangedRun[] = [];
  let end = 0;
  while (!reader.done) {
    const zigzag = reader.next();
    const start = end + (zigzag % 2 === 1 ? -(zigzag + 1) / 2 : zigzag / 2);
    const run = { start, length: reader.next(), before: reader.next(), after: reader.next() };
    end = start + run.length;
    read.push(run);
  }
  return read;
}
