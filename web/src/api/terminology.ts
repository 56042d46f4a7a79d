/** The terms of the terminology that the server knows, for what a segment is. */

import * as v from "valibot";

import { requestJson } from "@/api/http";
import type { OfferedTerm } from "@/core/segmentTerms";

const code = v.object({ value: v.string(), scheme: v.string(), meaning: v.string() });
const terms = v.object({
  terms: v.array(
    v.object({ category: code, type: code, modifiers: v.array(code), anatomic_region: v.nullable(code), colour: v.nullable(v.pipe(v.string(), v.regex(/^#[0-9a-f]{6}$/i))) }),
  ),
});

const MOST = 30;

/** The terms that have all words of a text in their meaning or synonyms, or that code; the best first. */
export async function findTerms(text: string, signal?: AbortSignal): Promise<readonly OfferedTerm[]> {
  const query = new URLSearchParams({ text, limit: String(MOST) });
  return (await requestJson(`/api/segmentation-terms?${query.toString()}`, terms, { signal })).terms;
}
