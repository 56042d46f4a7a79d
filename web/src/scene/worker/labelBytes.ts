/** The labels of stored segmentations as they come from the server, and those of drafts as they go there. */

import { chunksOf, type FetchFunction, type LabelsAddress, openSlices } from "@/api/volumeBytes";
import type { LabelArray, LabelGrid, LabelLayer } from "@/core/editing/labelGrid";
import type { WorkOptions } from "@/core/morphology/work";

/** Bytes of slices that are asked for at once. */
const BLOCK = 32 * 2 ** 20;

/** Reads a label map into the layer of its number; slices without labels take no memory. */
export async function readLabels(address: LabelsAddress, grid: LabelGrid, fetch: FetchFunction, { signal, onProgress }: WorkOptions): Promise<void> {
  const [slices, rows, columns] = address.shape;
  const isWide = address.dtype === "uint16";
  const layer = grid.layer(address.layer);
  const sliceBytes = rows * columns * (isWide ? 2 : 1);
  const perBlock = Math.max(1, Math.floor(BLOCK / sliceBytes));
  for (let first = 0; first < slices; first += perBlock) {
    const last = Math.min(slices, first + perBlock) - 1;
    const { body } = await openSlices(address, [first, last], sliceBytes, signal ?? new AbortController().signal, fetch);
    const bytes = new Uint8Array(sliceBytes);
    let [slice, filled] = [first, 0];
    for await (const chunk of chunksOf(body)) {
      for (let read = 0; read < chunk.length; ) {
        if (slice > last) throw new Error("The server's answer has more bytes than the slices that were asked for.");
        const part = chunk.subarray(read, read + sliceBytes - filled);
        bytes.set(part, filled);
        read += part.length;
        filled += part.length;
        if (filled < sliceBytes) continue;
        grid.checkRoom(address.layer, slice);
        layer.put(slice, isWide ? new Uint16Array(bytes.buffer) : bytes);
        [slice, filled] = [slice + 1, 0];
      }
    }
    if (slice <= last) throw new Error("The server's answer has fewer bytes than the slices that were asked for.");
    onProgress?.((last + 1) / slices);
  }
}

/** gzip of all slices of a layer in C order, with one or two bytes a voxel. */
export async function zippedLabels(layer: LabelLayer, isWide: boolean, { signal, onProgress }: WorkOptions): Promise<Blob> {
  const [slices, rows, columns] = layer.shape;
  const empty = new Uint8Array(rows * columns * (isWide ? 2 : 1));
  const zip = new CompressionStream("gzip");
  const zipped = new Response(zip.readable).blob();
  const writer = zip.writable.getWriter();
  try {
    for (let slice = 0; slice < slices; slice += 1) {
      signal?.throwIfAborted();
      const labels = layer.slice(slice);
      await writer.write(labels ? bytesOfLabels(labels, isWide) : empty);
      onProgress?.((slice + 1) / slices);
    }
    await writer.close();
  } catch (error) {
    zipped.catch(() => undefined);
    await writer.abort(error).catch(() => undefined);
    throw error;
  }
  return zipped;
}

/** A copy: what is written into a stream is read later. */
function bytesOfLabels(labels: LabelArray, isWide: boolean): Uint8Array<ArrayBuffer> {
  const copy = isWide ? new Uint16Array(labels) : new Uint8Array(labels);
  return new Uint8Array(copy.buffer);
}
