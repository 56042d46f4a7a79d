/** Masks that lie over images: stored segmentations (SEG) and structure sets (RTSTRUCT), with their label maps. */

import { AnswerError, parseAnswer } from "@/api/answers";
import {
  type SegmentationOut,
  segmentationOut,
  type SegmentationStatisticsOut,
  segmentationStatisticsOut,
  type SegmentationSummaryOut,
  segmentationsOut,
  type SegmentFiguresOut,
  type SegmentOut,
} from "@/api/generated/validators";
import { requestJson, send } from "@/api/http";
import { type Query, withQuery } from "@/api/query";
import { cutQuery, parseSlice, type Slice } from "@/api/slices";
import { checkVersion, type LabelsAddress } from "@/api/volumeBytes";
import type { Affine } from "@/core/geometry";
import type { Cut } from "@/core/plane";

/** A mask as it is listed. */
export type SegmentationSummary = SegmentationSummaryOut;
/** One structure of a mask; `layer` and `value` say where its voxels are. */
export type LabelledSegment = SegmentOut;
/** A mask that can be shown: with its grid and its segments. */
export type LabelledSegmentation = SegmentationOut;
export type SegmentStatistics = SegmentationStatisticsOut;
export type FiguresOfSegment = SegmentFiguresOut;

/** One label map of a segmentation: the voxels' values are those of segments that do not overlap. */
export interface LabelMap extends LabelsAddress {
  readonly affine: Affine;
}

/** The masks that may lie over a volume. */
export async function listSegmentations(seriesId: number, volume: number, signal?: AbortSignal): Promise<readonly SegmentationSummary[]> {
  const query: Query<"/api/segmentations"> = { series: seriesId, volume };
  return (await requestJson(withQuery("/api/segmentations", query), segmentationsOut, { signal })).segmentations;
}

/** A mask with its grid and its segments; without label maps while it is being built, or if it cannot be shown. */
export const getSegmentation = (id: number, signal?: AbortSignal): Promise<LabelledSegmentation> => requestJson(`/api/segmentations/${id}`, segmentationOut, { signal });

/** The same, with the tag that says which state of it was read. */
export async function getSegmentationWithEtag(id: number, signal?: AbortSignal): Promise<{ readonly record: LabelledSegmentation; readonly etag: string }> {
  const response = await send(`/api/segmentations/${id}`, { signal });
  return { record: parseAnswer(segmentationOut, await response.json()), etag: response.headers.get("ETag") ?? "" };
}

export function segmentStatistics(id: number, { series, volume, sameFrameOfReference }: { series: number; volume: number; sameFrameOfReference: boolean }, signal?: AbortSignal): Promise<SegmentStatistics> {
  const query = { series, volume, same_frame_of_reference: sameFrameOfReference || undefined };
  return requestJson(withQuery(`/api/segmentations/${id}/statistics`, query), segmentationStatisticsOut, { signal });
}

/** What a segmentation is downloaded as; "dcm" is the stored object as it came. */
export type SegmentationFileKind = "dcm" | "nii.gz" | "nrrd" | "stl" | "ply" | "rtstruct" | "csv";

/** A segmentation as a file with its name; contours lie in the slices of `series`. */
export async function getSegmentationFile(id: number, kind: SegmentationFileKind, series: number | undefined, signal?: AbortSignal): Promise<{ readonly content: Blob; readonly name: string }> {
  const response = await send(withQuery(`/api/segmentations/${id}/file`, { kind, series }), { signal });
  const name = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "")?.[1];
  return { content: await response.blob(), name: name ?? `segmentation-${id}` };
}

/** The labels of a rectangle in the patient: the nearest voxel's, sampled by the server; NaN outside. */
export async function getLabelsCut({ segmentationId, layer, version }: LabelMap, cut: Cut, signal: AbortSignal): Promise<Slice> {
  const query = { v: version, layer, ...cutQuery(cut) };
  return sliceOf(await send(withQuery(`/api/segmentations/${segmentationId}/cut.raw`, query), { signal }), version);
}

/** One slice of a label map. */
export async function getLabelsSlice({ segmentationId, layer, version }: LabelMap, slice: number, signal: AbortSignal): Promise<Slice> {
  const query = { v: version, layer, first: slice, count: 1 };
  return sliceOf(await send(withQuery(`/api/segmentations/${segmentationId}/labels.raw`, query), { signal }), version);
}

async function sliceOf(response: Response, version: string): Promise<Slice> {
  const { headers } = response;
  checkVersion(headers, version);
  // "slices,rows,columns" with one slice, or "rows,columns".
  const sizes = (headers.get("X-Voxelry-Shape") ?? "").split(",");
  if (sizes.length === 3 && sizes[0] !== "1") throw new AnswerError("X-Voxelry-Shape", "one slice", headers.get("X-Voxelry-Shape"));
  return parseSlice(await response.arrayBuffer(), headers.get("X-Voxelry-Dtype"), sizes.slice(-2).join(","));
}
