/** Slices as arrays of modality values. */

import { AnswerError } from "@/api/answers";
import { send } from "@/api/http";
import { withQuery } from "@/api/query";
import { checkVersion } from "@/api/volumeBytes";
import type { Plane, Vector } from "@/core/geometry";
import type { PixelArray } from "@/core/pixelArray";
import type { Cut } from "@/core/plane";

export type { PixelArray } from "@/core/pixelArray";

export interface Slice {
  readonly values: PixelArray;
  readonly rows: number;
  readonly columns: number;
  /** 1 for greyscale, 3 for colour. */
  readonly samples: number;
}

const KINDS: Readonly<Record<string, (bytes: ArrayBuffer) => PixelArray>> = {
  bool: (bytes) => new Uint8Array(bytes),
  int8: (bytes) => new Int8Array(bytes),
  uint8: (bytes) => new Uint8Array(bytes),
  int16: (bytes) => new Int16Array(bytes),
  uint16: (bytes) => new Uint16Array(bytes),
  int32: (bytes) => new Int32Array(bytes),
  uint32: (bytes) => new Uint32Array(bytes),
  float32: (bytes) => new Float32Array(bytes),
  float64: (bytes) => new Float64Array(bytes),
  int64: (bytes) => Float64Array.from(new BigInt64Array(bytes), Number),
  uint64: (bytes) => Float64Array.from(new BigUint64Array(bytes), Number),
};

export function parseSlice(bytes: ArrayBuffer, dtype: string | null, shape: string | null): Slice {
  const sizes = (shape ?? "").split(",").map(Number);
  const [rows, columns, samples = 1] = sizes;
  if (sizes.length < 2 || sizes.length > 3 || !sizes.every((size) => Number.isSafeInteger(size) && size > 0)) {
    throw new AnswerError("X-Voxelry-Shape", "rows,columns", shape);
  }
  const make = Object.hasOwn(KINDS, dtype ?? "") ? KINDS[dtype ?? ""] : undefined;
  if (!make) throw new AnswerError("X-Voxelry-Dtype", "a known dtype", dtype);
  const values = make(bytes);
  if (values.length !== rows * columns * samples) {
    throw new AnswerError("the slice", `${rows * columns * samples} values`, `${values.length}`);
  }
  return { values, rows, columns, samples };
}

/** A plane of the volume's grid; of a large one, as a quick look, one of `every` rows and columns. */
export async function getSlice(
  seriesId: number,
  volume: { readonly index: number; readonly version: string },
  plane: Plane,
  index: number,
  signal: AbortSignal,
  every = 1,
): Promise<Slice> {
  const axis = plane === "acquired" ? undefined : plane;
  const query = { volume: volume.index, axis, v: volume.version, every: every > 1 ? every : undefined };
  const response = await send(withQuery(`/api/series/${seriesId}/slices/${index}.raw`, query), { signal });
  const { headers } = response;
  checkVersion(headers, volume.version);
  return parseSlice(await response.arrayBuffer(), headers.get("X-Voxelry-Dtype"), headers.get("X-Voxelry-Shape"));
}

/** How a rectangle in the patient is sampled; a slab projects `depth` samples, `step` (LPS mm) apart, around each point. */
export interface CutSampling {
  readonly method: "linear" | "nearest";
  readonly slab?: { readonly mode: "max" | "min" | "mean"; readonly depth: number; readonly step: Vector };
}

/** A rectangle as addresses have it. */
export const cutQuery = ({ origin, right, down, rows, columns }: Cut) => ({ origin: origin.join(","), right: right.join(","), down: down.join(","), rows, columns });

/** The values of a rectangle, sampled by the server; NaN outside the volume. */
export async function getCut(
  seriesId: number,
  volume: { readonly index: number; readonly version: string },
  cut: Cut,
  { method, slab }: CutSampling,
  signal: AbortSignal,
): Promise<Slice> {
  const query = {
    volume: volume.index,
    v: volume.version,
    ...cutQuery(cut),
    method,
    slab: slab?.mode,
    depth: slab?.depth,
    step: slab?.step.join(","),
  };
  const response = await send(withQuery(`/api/series/${seriesId}/cut.raw`, query), { signal });
  const { headers } = response;
  checkVersion(headers, volume.version);
  return parseSlice(await response.arrayBuffer(), headers.get("X-Voxelry-Dtype"), headers.get("X-Voxelry-Shape"));
}
