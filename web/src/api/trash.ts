/** Requests for deleted studies and for copies in other projects. */

import { type CopyOut, copyOut, emptied, studyOut, type StudyOut, type TrashList, trashList } from "@/api/generated/validators";
import { requestJson, send } from "@/api/http";
import { type Query, withQuery } from "@/api/query";

/** The studies in the trash of one's projects, the last deleted first. */
export const listTrash = (query: Query<"/api/trash">, signal?: AbortSignal): Promise<TrashList> =>
  requestJson(withQuery("/api/trash", query), trashList, { signal });

/** Takes a study out of the trash. The answer has another key if its series moved into a study that came meanwhile. */
export const restoreStudy = (id: number): Promise<StudyOut> => requestJson(`/api/trash/${id}/restore`, studyOut, { method: "POST" });

/** Deletes a study in the trash for good. */
export async function deleteForGood(id: number): Promise<void> {
  await send(`/api/trash/${id}`, { method: "DELETE" });
}

/** Deletes all that is in the trash of a project for good; the number of studies. */
export async function emptyTrash(project: number): Promise<number> {
  return (await requestJson(withQuery("/api/trash", { project }), emptied, { method: "DELETE" })).studies;
}

/** Copies a study to another project. */
export const copyStudy = (id: number, project: number): Promise<CopyOut> =>
  requestJson(`/api/studies/${id}/copy`, copyOut, { method: "POST", json: { project } });
