/** The terms of the terminology that the server knows, for what a segment is. */

import { termsOut } from "@/api/generated/validators";
import { requestJson } from "@/api/http";
import { type Query, withQuery } from "@/api/query";
import type { OfferedTerm } from "@/core/segmentTerms";

const MOST = 30;

/** The terms that have all words of a text in their meaning or synonyms, or that code; the best first. */
export async function findTerms(text: string, signal?: AbortSignal): Promise<readonly OfferedTerm[]> {
  const query: Query<"/api/segmentation-terms"> = { text, limit: MOST };
  return (await requestJson(withQuery("/api/segmentation-terms", query), termsOut, { signal })).terms;
}
