/** The values of a volume in one array, into which slices are written as their bytes arrive. */

import { AnswerError } from "@/api/answers";
import { ServerProblem } from "@/api/http";
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

const isKnown = (dtype: string): dtype is keyof typeof ARRAYS => Object.hasOwn(ARRAYS, dtype);

/** The size of a volume's values in bytes; null if the dtype is unknown. */
export function bytesOfVolume({ dtype, shape }: { readonly dtype: string; readonly shape: readonly number[] }): number | null {
  return isKnown(dtype) ? shape.reduce((product, size) => product * size, ARRAYS[dtype].BYTES_PER_ELEMENT) : null;
}

export class StoredValues {
  readonly values: PixelArray;
  /** One entry for each slice: 1 if all its values are there. */
  readonly loaded: Uint8Array;
  readonly sliceBytes: number;
  private readonly bytes: Uint8Array;

  /** Throws a RangeError if the browser has not enough memory. */
  constructor(
    private readonly dtype: string,
    readonly shape: readonly number[],
  ) {
    if (!isKnown(dtype)) throw new AnswerError("dtype", "a known dtype", dtype);
    this.values = new ARRAYS[dtype](shape.reduce((product, size) => product * size, 1));
    this.bytes = new Uint8Array(this.values.buffer);
    this.loaded = new Uint8Array(shape[0]);
    this.sliceBytes = this.bytes.length / shape[0];
  }

  /** What there is to be sampled. */
  get sampled(): SampledVolume {
    const { values, shape, loaded } = this;
    const sampled = { values, shape, samples: shape[3] ?? 1 };
    return loaded.includes(0) ? { ...sampled, loaded } : sampled;
  }

  /** Takes the bytes of the slices from `first` to `last`. */
  writer(first: number, last: number): SliceWriter {
    return new SliceWriter(this, first, last);
  }

  /** Writes bytes of one slice that is not complete. */
  write(offset: number, bytes: Uint8Array): void {
    this.bytes.set(bytes, offset);
  }

  /** All bytes of a slice are there. */
  complete(slice: number): void {
    const [start, end] = [slice * this.sliceBytes, (slice + 1) * this.sliceBytes];
    if (this.dtype === "int64") this.convert(new BigInt64Array(this.bytes.buffer, start, this.sliceBytes / 8), start / 8);
    if (this.dtype === "uint64") this.convert(new BigUint64Array(this.bytes.buffer, start, (end - start) / 8), start / 8);
    this.loaded[slice] = 1;
  }

  private convert(integers: BigInt64Array | BigUint64Array, start: number): void {
    for (let i = 0; i < integers.length; i += 1) this.values[start + i] = Number(integers[i]);
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
