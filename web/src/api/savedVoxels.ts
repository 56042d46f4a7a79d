/** Sends what was drawn: the label maps of a draft become a new segmentation of the study. */

import * as v from "valibot";

import { type Accepted, accepted } from "@/api/generated/validators";
import { problemFrom, ServerProblem } from "@/api/http";
import { sendForm } from "@/api/uploads";
import type { DraftSegment, SegmentCode } from "@/core/editing/draftSegment";

/** What is sent beside the label maps. */
export interface VoxelsToSave {
  readonly series: number;
  readonly volume: number;
  readonly label: string;
  /** Whose grid the label maps have: the image's, or that of the segmentation from which they began. */
  readonly grid: "image" | "base";
  readonly base: number | null;
  readonly seriesChoice: "new" | "base";
  readonly dtype: "uint8" | "uint16";
  readonly segments: readonly DraftSegment[];
  readonly sameFrameOfReference: boolean;
  /** gzip of each label map. */
  readonly layers: readonly Blob[];
}

/** Another segmentation was saved from the same base meanwhile, or the base is another one now. */
export class BaseChanged extends ServerProblem {
  constructor(
    problem: ServerProblem,
    /** With it the same voxels are saved beside the other ones. */
    readonly etag: string,
    /** The other segmentation; null while it is being made, or if the base itself changed. */
    readonly newer: number | null,
  ) {
    super(problem.status, problem.code, problem.message);
  }
}

const conflict = v.object({ newer: v.nullish(v.object({ segmentation: v.nullish(v.number()) })) });
const PRECONDITION_FAILED = 412;

function problemOf({ status, responseText, getResponseHeader }: Pick<XMLHttpRequest, "status" | "responseText"> & { getResponseHeader: (name: string) => string | null }): ServerProblem {
  const problem = problemFrom(status, responseText);
  const etag = status === PRECONDITION_FAILED ? getResponseHeader("ETag") : null;
  if (!etag) return problem;
  const { success, output } = v.safeParse(conflict, JSON.parse(responseText));
  return new BaseChanged(problem, etag, (success ? output.newer?.segmentation : null) ?? null);
}

const codeOf = (code: SegmentCode | null) => code && { value: code.value, scheme: code.scheme, meaning: code.meaning };

function segmentOf({ number, label, layer, value, colour, category, type, typeModifier, anatomicRegion, regionModifier, algorithmType, algorithm }: DraftSegment) {
  return {
    number,
    label,
    layer,
    value,
    colour,
    category: codeOf(category),
    type: codeOf(type),
    type_modifier: codeOf(typeModifier),
    anatomic_region: codeOf(anatomicRegion),
    region_modifier: codeOf(regionModifier),
    algorithm_type: algorithmType,
    algorithm,
  };
}

/** Sends a draft; answers with the job that makes the segmentation. `etag` is the base's, as it was when the draft began. */
export function saveVoxels(voxels: VoxelsToSave, etag: string, progress: (fraction: number) => void, signal: AbortSignal): Promise<Accepted> {
  const { series, volume, label, grid, base, seriesChoice, dtype, segments, sameFrameOfReference, layers } = voxels;
  const form = new FormData();
  const about = { series, volume, label, grid, base, series_choice: seriesChoice, dtype, segments: segments.map(segmentOf), same_frame_of_reference: sameFrameOfReference };
  form.append("segmentation", JSON.stringify(about));
  layers.forEach((layer, i) => form.append("layers", layer, `layer${i}.gz`));
  return sendForm("/api/segmentations/voxels", form, accepted, progress, signal, {
    headers: base === null ? {} : { "If-Match": etag },
    problemOf: (answer) => problemOf({ status: answer.status, responseText: answer.responseText, getResponseHeader: (name) => answer.getResponseHeader(name) }),
  });
}
