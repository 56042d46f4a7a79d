import { defineStore } from "pinia";
import { computed, ref } from "vue";

import { inUserWords, isAbort, ServerProblem } from "@/api/http";
import type { Upload } from "@/api/records";
import { cancelUpload, getUpload, listUploads, type NamedFile, sendFiles } from "@/api/uploads";
import { isActive } from "@/core/state";
import { plural } from "@/core/words";

export type Phase = "sending" | "reading" | "done" | "failed" | "cancelled";

export interface Transfer {
  readonly key: number;
  readonly title: string;
  readonly bytes: number;
  phase: Phase;
  /** Of the phase, 0 to 1. */
  progress: number;
  upload: Upload | null;
  error: string;
}

const POLL_MS = 400;
const AWAY_MS = 2000;

/** Files on their way to the server, and what became of them. */
export const useTransfers = defineStore("transfers", () => {
  const transfers = ref<Transfer[]>([]);
  const controllers = new Map<number, AbortController>();
  /** Raised whenever one has ended, so that lists are fetched again. */
  const ended = ref(0);
  let last = 0;

  const active = computed(() => transfers.value.some(({ phase }) => phase === "sending" || phase === "reading"));

  function change(key: number, changes: Partial<Transfer>): void {
    const found = transfers.value.find((transfer) => transfer.key === key);
    if (found) Object.assign(found, changes);
  }

  function add(title: string, bytes: number, phase: Phase, upload: Upload | null): number {
    last += 1;
    transfers.value = [{ key: last, title, bytes, phase, progress: 0, upload, error: "" }, ...transfers.value];
    return last;
  }

  async function send(files: readonly NamedFile[]): Promise<void> {
    if (files.length === 0) return;
    const bytes = files.reduce((sum, { file }) => sum + file.size, 0);
    const key = add(titleOf(files.map(({ name }) => name)), bytes, "sending", null);
    const controller = new AbortController();
    controllers.set(key, controller);
    try {
      const { id } = await sendFiles(files, (progress) => change(key, { progress }), controller.signal);
      change(key, { phase: "reading", progress: 0 });
      await follow(key, id);
    } catch (failure) {
      change(key, isAbort(failure) ? { phase: "cancelled" } : { phase: "failed", error: inUserWords(failure) });
    } finally {
      controllers.delete(key);
    }
  }

  /** Polls until the server has read the files. */
  async function follow(key: number, id: number): Promise<void> {
    for (;;) {
      let upload: Upload;
      try {
        upload = await getUpload(id, { limit: 1 });
      } catch (failure) {
        // The server goes on reading when it is back; what was sent is not lost.
        if (!(failure instanceof ServerProblem) || (failure.status !== 0 && failure.status < 500)) throw failure;
        change(key, { error: `${failure.message} Trying again.` });
        await new Promise((resolve) => window.setTimeout(resolve, AWAY_MS));
        continue;
      }
      change(key, { upload, progress: upload.progress, error: "" });
      if (!isActive(upload.state)) {
        const phase = upload.state === "succeeded" ? "done" : upload.state === "cancelled" ? "cancelled" : "failed";
        change(key, { phase, error: upload.problem?.message ?? "" });
        ended.value += 1;
        return;
      }
      await new Promise((resolve) => window.setTimeout(resolve, POLL_MS));
    }
  }

  async function cancel(key: number): Promise<void> {
    const transfer = transfers.value.find((found) => found.key === key);
    if (transfer?.phase === "sending") controllers.get(key)?.abort();
    else if (transfer?.upload) await cancelUpload(transfer.upload.id);
  }

  function dismiss(key: number): void {
    transfers.value = transfers.value.filter((transfer) => transfer.key !== key);
  }

  /** Takes up uploads that the server is still reading, as after a reload of the page. */
  async function resume(): Promise<void> {
    const { items } = await listUploads({ limit: 20 });
    for (const upload of items) {
      if (!isActive(upload.state) || transfers.value.some((known) => known.upload?.id === upload.id)) continue;
      const key = add(titleOf(upload.names), 0, "reading", upload);
      follow(key, upload.id).catch((failure: unknown) => change(key, { phase: "failed", error: inUserWords(failure) }));
    }
  }

  return { transfers, active, ended, send, cancel, dismiss, resume };
});

/** "scan.zip", or "scan.zip and 11 more files", or "head and neck (230 files)" for a folder. */
export function titleOf(names: readonly string[]): string {
  const [first = "Upload", ...others] = names;
  const folder = first.includes("/") ? first.slice(0, first.indexOf("/")) : "";
  if (folder && others.every((name) => name.startsWith(`${folder}/`))) return `${folder} (${plural(names.length, "file")})`;
  return others.length === 0 ? first : `${first} and ${plural(others.length, "more file")}`;
}
