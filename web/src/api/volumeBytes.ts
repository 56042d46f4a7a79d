/**
 * The bytes of a volume's slices, as streams whose headers were checked.
 *
 * Works in a worker too: a 401 is thrown like any problem, and the page decides what to do.
 */

import { AnswerError } from "@/api/answers";
import { isAbort, problemFrom, ServerProblem } from "@/api/http";
import { withQuery } from "@/api/query";

/** What the series' record says of a volume. */
export interface VolumeAddress {
  readonly seriesId: number;
  readonly index: number;
  readonly version: string;
  readonly dtype: string;
  /** Slices, rows, columns, and samples for colour. */
  readonly shape: readonly number[];
}

/** A label map of a segmentation, whose values are read like a volume's. */
export interface LabelsAddress {
  readonly segmentationId: number;
  /** The number of the label map, from 0. */
  readonly layer: number;
  readonly version: string;
  readonly dtype: string;
  /** Slices, rows, columns. */
  readonly shape: readonly number[];
}

export type ValuesAddress = VolumeAddress | LabelsAddress;

export const isLabels = (address: ValuesAddress): address is LabelsAddress => "segmentationId" in address;

export type FetchFunction = (address: string, init: RequestInit) => Promise<Response>;

/** The bytes of consecutive slices, in order. */
export interface SliceStream {
  readonly first: number;
  readonly last: number;
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
}

/** The volume was built again since its record was read. */
export const REBUILT = "rebuilt";

/** One slice as acquired. */
export async function openSlice(volume: ValuesAddress, slice: number, signal: AbortSignal, fetch: FetchFunction): Promise<SliceStream> {
  if (isLabels(volume)) return openLabels(volume, [slice, slice], signal, fetch);
  const query = { volume: volume.index, v: volume.version };
  const response = await answer(withQuery(`/api/series/${volume.seriesId}/slices/${slice}.raw`, query), { signal }, fetch);
  return checked(() => {
    checkValues(response, volume, volume.shape.slice(1));
    return { first: slice, last: slice, body: bodyOf(response) };
  }, response);
}

/**
 * Consecutive slices, by a Range request; all slices from a server or proxy that knows no ranges.
 *
 * Not taken from the browser's cache nor put into it: it answers requests for one address one after the other, and a
 * copy of the whole volume would push everything else out.
 */
export async function openSlices(
  volume: ValuesAddress,
  [first, last]: readonly [number, number],
  sliceBytes: number,
  signal: AbortSignal,
  fetch: FetchFunction,
): Promise<SliceStream> {
  if (isLabels(volume)) return openLabels(volume, [first, last], signal, fetch);
  const total = volume.shape[0] * sliceBytes;
  const [start, end] = [first * sliceBytes, (last + 1) * sliceBytes - 1];
  const query = { volume: volume.index, v: volume.version };
  const init: RequestInit = { signal, cache: "no-store", headers: { Range: `bytes=${start}-${end}` } };
  const response = await answer(withQuery(`/api/series/${volume.seriesId}/volume.raw`, query), init, fetch);
  return checked(() => {
    checkValues(response, volume, volume.shape);
    if (response.status !== 206) return { first: 0, last: volume.shape[0] - 1, body: bodyOf(response) };
    const range = response.headers.get("Content-Range");
    if (range !== `bytes ${start}-${end}/${total}`) throw new AnswerError("Content-Range", `bytes ${start}-${end}/${total}`, range);
    return { first, last, body: bodyOf(response) };
  }, response);
}

/** Consecutive slices of a label map. The server compresses them, so that they cannot be asked for by bytes. */
async function openLabels(labels: LabelsAddress, [first, last]: readonly [number, number], signal: AbortSignal, fetch: FetchFunction): Promise<SliceStream> {
  const { segmentationId, layer, version, shape } = labels;
  const count = last - first + 1;
  const address = withQuery(`/api/segmentations/${segmentationId}/labels.raw`, { v: version, layer, first, count });
  const response = await answer(address, { signal }, fetch);
  return checked(() => {
    checkValues(response, labels, [count, ...shape.slice(1)]);
    return { first, last, body: bodyOf(response) };
  }, response);
}

/** The size of the buffer that streams are read into. */
const BUFFER = 256 * 1024;

/** The chunks of a stream; each one is there until the next one is asked for. */
export async function* chunksOf(body: SliceStream["body"]): AsyncGenerator<Uint8Array, void, undefined> {
  const own = ownBufferReader(body);
  if (own === null) {
    const reader = body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  }
  // One buffer for all chunks: a volume of chunks would wait for the garbage collector.
  let buffer = new ArrayBuffer(BUFFER);
  for (;;) {
    const { done, value } = await own.read(new Uint8Array(buffer));
    if (done) return;
    yield value;
    buffer = value.buffer;
  }
}

/** A reader that fills a buffer of ours; null in browsers without it. */
function ownBufferReader(body: SliceStream["body"]): ReadableStreamBYOBReader | null {
  try {
    return body.getReader({ mode: "byob" });
  } catch {
    return null;
  }
}

/** The result of `check`; the body is not read if it fails. */
function checked<T>(check: () => T, response: Response): T {
  try {
    return check();
  } catch (error) {
    void response.body?.cancel();
    throw error;
  }
}

async function answer(address: string, init: RequestInit, fetch: FetchFunction): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(address, { ...init, credentials: "same-origin" });
  } catch (error) {
    throw isAbort(error) ? error : problemFrom(0, "");
  }
  if (response.status === 416) {
    void response.body?.cancel();
    throw rebuilt();
  }
  if (!response.ok) throw problemFrom(response.status, await response.text());
  return response;
}

/** Throws if the answer is of another version of the volume: slices of two builds are never put together. */
export function checkVersion(headers: Headers, version: string): void {
  const sent = headers.get("X-Voxelry-Version");
  if (sent !== null && sent !== version) throw rebuilt();
}

function checkValues({ headers }: Response, volume: ValuesAddress, shape: readonly number[]): void {
  checkVersion(headers, volume.version);
  const dtype = headers.get("X-Voxelry-Dtype");
  if (dtype !== volume.dtype) throw new AnswerError("X-Voxelry-Dtype", volume.dtype, dtype);
  const sizes = headers.get("X-Voxelry-Shape");
  if (sizes !== shape.join(",")) throw new AnswerError("X-Voxelry-Shape", shape.join(","), sizes);
}

function bodyOf({ body }: Response): ReadableStream<Uint8Array<ArrayBuffer>> {
  if (body === null) throw new AnswerError("the slice", "bytes", undefined);
  return body;
}

export const rebuilt = (): ServerProblem =>
  new ServerProblem(409, REBUILT, "This series was built again after the page had opened it. Reload the page to see its slices as they are now.");
