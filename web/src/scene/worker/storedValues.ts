/** The values of a volume, into which slices are written as their bytes arrive: packed slice by slice, or in one array. */

import { AnswerError } from "@/api/answers";
import { ServerProblem } from "@/api/http";
import { packValues, type PackedValues, roomFor, unpackValues } from "@/core/packedValues";
import type { PixelArray } from "@/core/pixelArray";
import type { SampledVolume } from "@/core/sampling/sampledVolume";

// 64-bit integers become doubles, as in single slices; both take 8 bytes, so that they are converted where they lie.
const ARRAYS = {
  bool: Uint8Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  float32: Float32Array,
  float64: Float64Array,
  int64: Float64Array,
  uint64: Float64Array,
} as const;

/** Buffers of slices that wait to be used again. */
const SPARE = 4;

const isKnown = (dtype: string): dtype is keyof typeof ARRAYS => Object.hasOwn(ARRAYS, dtype);

/** The size of a volume's values in bytes; null if the dtype is unknown. */
export function bytesOfVolume({ dtype, shape }: { readonly dtype: string; readonly shape: readonly number[] }): number | null {
  return isKnown(dtype) ? shape.reduce((product, size) => product * size, ARRAYS[dtype].BYTES_PER_ELEMENT) : null;
}

/** How a volume's values are kept. */
interface Kept {
  /** The values of one slice, until they are asked for again. */
  slice(slice: number): PixelArray;
  write(offset: number, bytes: Uint8Array): void;
  complete(slice: number): void;
}

export class StoredValues {
  /** One entry for each slice: 1 if all its values are there. */
  readonly loaded: Uint8Array;
  readonly sliceBytes: number;
  private kept: Kept;
  private whole: WholeValues | null = null;

  /** Throws a RangeError if the browser has not enough memory. */
  constructor(
    private readonly dtype: string,
    readonly shape: readonly number[],
  ) {
    const bytes = bytesOfVolume({ dtype, shape });
    if (!isKnown(dtype) || bytes === null) throw new AnswerError("dtype", "a known dtype", dtype);
    this.loaded = new Uint8Array(shape[0]);
    this.sliceBytes = bytes / shape[0];
    this.kept = dtype === "int16" || dtype === "uint16" ? new PackedSlices(this.sliceBytes, ARRAYS[dtype]) : this.takeWhole(new WholeValues(dtype, shape));
  }

  /** All values in one array. Throws a RangeError if the browser has not enough memory. */
  get values(): PixelArray {
    return (this.whole ?? this.unpacked()).values;
  }

  /** What there is to be sampled. */
  get sampled(): SampledVolume {
    const { values, shape, loaded } = this;
    const sampled = { values, shape, samples: shape[3] ?? 1 };
    return loaded.includes(0) ? { ...sampled, loaded } : sampled;
  }

  /** One slice that is there, to be read before the next one is asked for. */
  slice(slice: number): SampledVolume {
    return { values: this.kept.slice(slice), shape: [1, ...this.shape.slice(1)], samples: this.shape[3] ?? 1 };
  }

  /** Takes the bytes of the slices from `first` to `last`. */
  writer(first: number, last: number): SliceWriter {
    return new SliceWriter(this, first, last);
  }

  /** Writes bytes of one slice that is not complete. */
  write(offset: number, bytes: Uint8Array): void {
    this.kept.write(offset, bytes);
  }

  /** All bytes of a slice are there. */
  complete(slice: number): void {
    this.kept.complete(slice);
    this.loaded[slice] = 1;
  }

  private takeWhole(whole: WholeValues): WholeValues {
    this.whole = whole;
    this.kept = whole;
    return whole;
  }

  /** Planes that cross the slices are cut of one array, which stays. */
  private unpacked(): WholeValues {
    const whole = new WholeValues(this.dtype as keyof typeof ARRAYS, this.shape);
    if (this.kept instanceof PackedSlices) this.kept.moveInto(whole);
    return this.takeWhole(whole);
  }
}

class WholeValues implements Kept {
  readonly values: PixelArray;
  private readonly bytes: Uint8Array;
  private readonly perSlice: number;

  constructor(
    private readonly dtype: keyof typeof ARRAYS,
    shape: readonly number[],
  ) {
    this.values = new ARRAYS[dtype](shape.reduce((product, size) => product * size, 1));
    this.bytes = new Uint8Array(this.values.buffer);
    this.perSlice = this.values.length / shape[0];
  }

  slice(slice: number): PixelArray {
    return this.values.subarray(slice * this.perSlice, (slice + 1) * this.perSlice);
  }

  write(offset: number, bytes: Uint8Array): void {
    this.bytes.set(bytes, offset);
  }

  complete(slice: number): void {
    const start = slice * this.perSlice;
    if (this.dtype === "int64") this.convert(new BigInt64Array(this.bytes.buffer, start * 8, this.perSlice), start);
    if (this.dtype === "uint64") this.convert(new BigUint64Array(this.bytes.buffer, start * 8, this.perSlice), start);
  }

  private convert(integers: BigInt64Array | BigUint64Array, start: number): void {
    for (let i = 0; i < integers.length; i += 1) this.values[start + i] = Number(integers[i]);
  }
}

/** Slices of 16-bit values, each packed as soon as it is complete: for as long as slices are looked at one by one. */
class PackedSlices implements Kept {
  private readonly packed = new Map<number, PackedValues>();
  /** The bytes of slices that are not complete. */
  private readonly open = new Map<number, Uint8Array<ArrayBuffer>>();
  /** Buffers of completed slices, to be used again. */
  private readonly spare: Uint8Array<ArrayBuffer>[] = [];
  private readonly room: Uint32Array;
  private readonly shown: Uint16Array<ArrayBuffer>;
  private shownSlice = -1;

  constructor(
    private readonly sliceBytes: number,
    private readonly type: typeof Int16Array | typeof Uint16Array,
  ) {
    this.room = new Uint32Array(roomFor(sliceBytes / 2));
    this.shown = new Uint16Array(sliceBytes / 2);
  }

  slice(slice: number): PixelArray {
    const packed = this.packed.get(slice);
    if (packed && slice !== this.shownSlice) unpackValues(packed, this.shown);
    this.shownSlice = packed ? slice : -1;
    if (!packed) this.shown.fill(0);
    return new this.type(this.shown.buffer);
  }

  write(offset: number, bytes: Uint8Array): void {
    const slice = Math.floor(offset / this.sliceBytes);
    const open = this.open.get(slice) ?? this.spare.pop() ?? new Uint8Array(this.sliceBytes);
    this.open.set(slice, open);
    open.set(bytes, offset - slice * this.sliceBytes);
  }

  complete(slice: number): void {
    const open = this.open.get(slice);
    if (!open) return;
    this.packed.set(slice, packValues(new Uint16Array(open.buffer), this.room));
    this.open.delete(slice);
    if (this.spare.length < SPARE) this.spare.push(open);
  }

  /** Moves what there is, so that it is in memory once. */
  moveInto(whole: WholeValues): void {
    const all = new Uint16Array(whole.values.buffer);
    const count = this.sliceBytes / 2;
    for (const [slice, packed] of this.packed) {
      unpackValues(packed, all.subarray(slice * count, (slice + 1) * count));
      this.packed.delete(slice);
    }
    for (const [slice, bytes] of this.open) whole.write(slice * this.sliceBytes, bytes);
    this.open.clear();
  }
}

/** Writes a stream of consecutive slices; slices that another stream has completed are left as they are. */
export class SliceWriter {
  private position: number;
  private readonly end: number;

  constructor(
    private readonly stored: StoredValues,
    first: number,
    last: number,
  ) {
    this.position = first * stored.sliceBytes;
    this.end = (last + 1) * stored.sliceBytes;
  }

  /** The first slice that is not complete. */
  get slice(): number {
    return Math.floor(this.position / this.stored.sliceBytes);
  }

  /** The number of bytes from here to the end of a slice. */
  bytesUntilEndOf(slice: number): number {
    return (slice + 1) * this.stored.sliceBytes - this.position;
  }

  /** Returns the slices that these bytes completed. Throws if there are more bytes than slices. */
  write(chunk: Uint8Array): number[] {
    if (this.position + chunk.length > this.end) throw this.wrongLength("more");
    const { sliceBytes, loaded } = this.stored;
    const completed: number[] = [];
    for (let read = 0; read < chunk.length; ) {
      const slice = this.slice;
      const length = Math.min(chunk.length - read, this.bytesUntilEndOf(slice));
      if (!loaded[slice]) this.stored.write(this.position, chunk.subarray(read, read + length));
      this.position += length;
      read += length;
      if (this.position % sliceBytes === 0 && !loaded[slice]) {
        this.stored.complete(slice);
        completed.push(slice);
      }
    }
    return completed;
  }

  /** Throws if there were fewer bytes than the slices have. */
  finish(): void {
    if (this.position < this.end) throw this.wrongLength("fewer");
  }

  private wrongLength(received: "more" | "fewer"): ServerProblem {
    return new ServerProblem(200, "answer", `The server's answer has ${received} bytes than the slices that were asked for.`);
  }
}
