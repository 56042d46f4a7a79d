/** Uploads and measurements of files. They use XMLHttpRequest because fetch reports no upload progress. */

import { type Page, page } from "@/api/decode";
import { ask, csrfToken, goToLogin, problemFrom, send, withQuery } from "@/api/http";
import * as records from "@/api/records";

export interface NamedFile {
  /** The path from the chosen folder: "study/series/1.dcm". */
  readonly name: string;
  readonly file: File;
}

function post<T>(
  address: string,
  form: FormData,
  parse: (body: unknown) => T,
  progress: ((fraction: number) => void) | null,
  signal?: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", address);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRFToken", csrfToken(document.cookie));
    if (progress) {
      request.upload.onprogress = ({ loaded, total, lengthComputable }) => {
        if (lengthComputable && total > 0) progress(loaded / total);
      };
    }
    request.onerror = () => reject(problemFrom(0, ""));
    request.onabort = () => reject(new DOMException("The upload was cancelled.", "AbortError"));
    request.onload = () => {
      const { status, responseText } = request;
      if (status === 401) goToLogin();
      if (status < 200 || status > 299) {
        reject(problemFrom(status, responseText));
        return;
      }
      try {
        resolve(parse(JSON.parse(responseText) as unknown));
      } catch (error) {
        reject(error instanceof Error ? error : new Error("The server's answer is no JSON."));
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
): Promise<{ id: number }> {
  const form = new FormData();
  for (const { name, file } of files) form.append("files", file, name);
  return post("/api/uploads", form, records.accepted, progress, signal);
}

export function measureFile(
  file: File,
  threshold: number | null,
  progress: ((fraction: number) => void) | null,
  signal?: AbortSignal,
): Promise<records.MeasureAnswer> {
  const form = new FormData();
  if (threshold !== null) form.append("threshold", String(threshold));
  form.append("view", "1");
  form.append("file", file, file.name);
  return post("/api/measure", form, records.measureAnswer, progress, signal);
}

export function listUploads(query: { limit?: number; offset?: number }): Promise<Page<records.Upload>> {
  return ask(withQuery("/api/uploads", query), page(records.upload));
}

export function getUpload(
  id: number,
  query: { limit?: number; offset?: number; status?: string },
  signal?: AbortSignal,
): Promise<records.Upload> {
  return ask(withQuery(`/api/uploads/${id}`, query), records.upload, { signal });
}

export async function cancelUpload(id: number): Promise<void> {
  await send(`/api/uploads/${id}/cancel`, { method: "POST" });
}
