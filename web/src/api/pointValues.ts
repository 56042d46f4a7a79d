/** The values at one point of the patient in all volumes of a series. */

import { parseAnswer } from "@/api/answers";
import { pointValuesOut } from "@/api/generated/validators";
import { send } from "@/api/http";
import { withQuery } from "@/api/query";
import { rebuilt } from "@/api/volumeBytes";
import type { Vector } from "@/core/vectors";

/** The nearest voxel's value of each volume, in the series' order; null where there is none. `version` is that of the volumes one means. */
export async function getPointValues(seriesId: number, version: string, point: Vector, signal: AbortSignal): Promise<readonly (number | null)[]> {
  const response = await send(withQuery(`/api/series/${seriesId}/point`, { at: point.join(",") }), { signal });
  const answer = parseAnswer(pointValuesOut, await response.json());
  if (answer.version !== version) throw rebuilt();
  return answer.values;
}
