/** Uploads and measurements of files. They use XMLHttpRequest because fetch reports no upload progress. */

import { parseAnswer } from "@/api/answers";
import {
  type Accepted,
  accepted,
  type MeasureOut,
  measureOut,
  type PageUploadRow,
  pageUploadRow,
  type UploadOut,
  uploadOut,
  type Validator,
} from "@/api/generated/validators";
import { csrfToken, problemFrom, requestJson, send, ServerProblem, sessionGate } from "@/api/http";
import { type Query, withQuery } from "@/api/query";

export interface NamedFile {
  /** The path from the chosen folder: "study/series/1.dcm". */
  readonly name: string;
  readonly file: File;
}

/** What a form may be sent with. */
export interface FormOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** The problem of an answer that is no success, where its headers matter. */
  readonly problemOf?: (answer: XMLHttpRequest) => ServerProblem;
}

/** Waits for the session like other requests; what a refused request has sent is sent again. */
export async function sendForm<T>(...[address, form, validator, progress, signal, options]: Parameters<typeof postOnce<T>>): Promise<T> {
  await sessionGate.passed(signal);
  try {
    return await postOnce(address, form, validator, progress, signal, options);
  } catch (error) {
    if (!(error instanceof ServerProblem) || error.status !== 401 || !sessionGate.close()) throw error;
  }
  await sessionGate.passed(signal);
  return postOnce(address, form, validator, progress, signal, options);
}

function postOnce<T>(
  address: string,
  form: FormData,
  validator: Validator<T>,
  progress: ((fraction: number) => void) | null,
  signal?: AbortSignal,
  { headers = {}, problemOf = ({ status, responseText }) => problemFrom(status, responseText) }: FormOptions = {},
): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", address);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRFToken", csrfToken(document.cookie));
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    if (progress) {
      request.upload.onprogress = ({ loaded, total, lengthComputable }) => {
        if (lengthComputable && total > 0) progress(loaded / total);
      };
    }
    request.onerror = () => reject(problemFrom(0, ""));
    request.onabort = () => reject(new DOMException("The upload was cancelled.", "AbortError"));
    request.onload = () => {
      const { status, responseText } = request;
      if (status < 200 || status > 299) {
        reject(problemOf(request));
        return;
      }
      try {
        resolve(parseAnswer(validator, JSON.parse(responseText)));
      } catch (error) {
        reject(error instanceof Error ? error : new Error("The server's answer is not valid JSON."));
      }
    };
    if (signal?.aborted) {
      reject(new DOMException("The upload was cancelled.", "AbortError"));
      return;
    }
    signal?.addEventListener("abort", () => request.abort(), { once: true });
    request.send(form);
  });
}

export function sendFiles(
  files: readonly NamedFile[],
  progress: (fraction: number) => void,
  signal: AbortSignal,
  project: number | null,
): Promise<Accepted> {
  const form = new FormData();
  if (project !== null) form.append("project", String(project));
  for (const { name, file } of files) form.append("files", file, name);
  return sendForm("/api/uploads", form, accepted, progress, signal);
}

/** Stores a mask that another program made of an image; a job writes it as a segmentation of the study. */
export function sendMaskFile(file: File, { series, volume, sameFrameOfReference }: { series: number; volume: number; sameFrameOfReference: boolean }, progress: (fraction: number) => void, signal: AbortSignal): Promise<Accepted> {
  const form = new FormData();
  form.append("series", String(series));
  form.append("volume", String(volume));
  if (sameFrameOfReference) form.append("same_frame_of_reference", "true");
  form.append("file", file, file.name);
  return sendForm("/api/segmentations/files", form, accepted, progress, signal);
}

export function measureFile(
  file: File,
  threshold: number | null,
  progress: ((fraction: number) => void) | null,
  signal?: AbortSignal,
): Promise<MeasureOut> {
  const form = new FormData();
  if (threshold !== null) form.append("threshold", String(threshold));
  form.append("view", "1");
  form.append("file", file, file.name);
  return sendForm("/api/measure", form, measureOut, progress, signal);
}

export const listUploads = (query: Query<"/api/uploads">): Promise<PageUploadRow> =>
  requestJson(withQuery("/api/uploads", query), pageUploadRow);

export const getUpload = (id: number, query: Query<"/api/uploads/{upload_id}">, signal?: AbortSignal): Promise<UploadOut> =>
  requestJson(withQuery(`/api/uploads/${id}`, query), uploadOut, { signal });

export async function cancelUpload(id: number): Promise<void> {
  await send(`/api/uploads/${id}/cancel`, { method: "POST" });
}
