import { defineStore } from "pinia";
import { computed, ref } from "vue";

import type { UploadRow } from "@/api/generated/validators";
import { errorText, isAbort, ServerProblem } from "@/api/http";
import { cancelUpload, getUpload, listUploads, type NamedFile, sendFiles } from "@/api/uploads";
import { plural } from "@/core/formatting";
import { isActive } from "@/core/jobState";

export type TransferPhase = "sending" | "reading" | "done" | "failed" | "cancelled";

export interface Transfer {
  readonly key: number;
  readonly title: string;
  readonly bytes: number;
  phase: TransferPhase;
  /** Progress of the phase, 0 to 1. */
  progress: number;
  upload: UploadRow | null;
  error: string;
}

const POLL_MS = 400;
const RETRY_MS = 2000;

/** Uploads of this page: sending the files, then waiting until the server has read them. */
export const useTransfers = defineStore("transfers", () => {
  const transfers = ref<Transfer[]>([]);
  const controllers = new Map<number, AbortController>();
  /** Counts ended transfers; lists are fetched again when it changes. */
  const ended = ref(0);
  /** The project that the user adds to; null: not chosen. */
  const project = ref<number | null>(null);
  let last = 0;

  const active = computed(() => transfers.value.some(({ phase }) => phase === "sending" || phase === "reading"));

  function change(key: number, changes: Partial<Transfer>): void {
    const found = transfers.value.find((transfer) => transfer.key === key);
    if (found) Object.assign(found, changes);
  }

  function add(title: string, bytes: number, phase: TransferPhase, upload: UploadRow | null): number {
    last += 1;
    transfers.value = [{ key: last, title, bytes, phase, progress: 0, upload, error: "" }, ...transfers.value];
    return last;
  }

  /** Sends files to a project; null: to the only one of the user. */
  async function send(files: readonly NamedFile[], project: number | null = null): Promise<void> {
    if (files.length === 0) return;
    const bytes = files.reduce((sum, { file }) => sum + file.size, 0);
    const key = add(uploadTitle(files.map(({ name }) => name)), bytes, "sending", null);
    const controller = new AbortController();
    controllers.set(key, controller);
    try {
      const { id } = await sendFiles(files, (progress) => change(key, { progress }), controller.signal, project);
      change(key, { phase: "reading", progress: 0 });
      await follow(key, id);
    } catch (failure) {
      change(key, isAbort(failure) ? { phase: "cancelled" } : { phase: "failed", error: errorText(failure) });
    } finally {
      controllers.delete(key);
    }
  }

  /** Polls an upload until the server has read its files. */
  async function follow(key: number, id: number): Promise<void> {
    for (;;) {
      let upload: UploadRow;
      try {
        upload = await getUpload(id, { limit: 1 });
      } catch (failure) {
        // The server has the files and continues after a restart.
        if (!(failure instanceof ServerProblem) || (failure.status !== 0 && failure.status < 500)) throw failure;
        change(key, { error: `${failure.message} Trying again.` });
        await new Promise((resolve) => window.setTimeout(resolve, RETRY_MS));
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
    const transfer = transfers.value.find((each) => each.key === key);
    if (transfer?.phase === "sending") controllers.get(key)?.abort();
    else if (transfer?.upload) await cancelUpload(transfer.upload.id);
  }

  function dismiss(key: number): void {
    transfers.value = transfers.value.filter((transfer) => transfer.key !== key);
  }

  /** Follows uploads that the server is still reading, for example after a reload of the page. */
  async function resume(): Promise<void> {
    const { items } = await listUploads({ limit: 20 });
    for (const upload of items) {
      if (!isActive(upload.state) || transfers.value.some((known) => known.upload?.id === upload.id)) continue;
      const key = add(titleOfUpload(upload), 0, "reading", upload);
      follow(key, upload.id).catch((failure: unknown) => change(key, { phase: "failed", error: errorText(failure) }));
    }
  }

  return { transfers, active, ended, project, send, cancel, dismiss, resume };
});

/** The title of an upload that the server knows: what a node stored has its name, "CT 1 (230 files)". */
export function titleOfUpload({ node, names }: Pick<UploadRow, "node" | "names">): string {
  if (!node) return uploadTitle(names);
  return names.length === 0 ? node : `${node} (${plural(names.length, "file")})`;
}

/** The title of an upload: "scan.zip", "scan.zip and 11 more files", or "head and neck (230 files)" for a folder. */
export function uploadTitle(names: readonly string[]): string {
  const [first = "Upload", ...others] = names;
  const folder = first.includes("/") ? first.slice(0, first.indexOf("/")) : "";
  if (folder && others.every((name) => name.startsWith(`${folder}/`))) return `${folder} (${plural(names.length, "file")})`;
  return others.length === 0 ? first : `${first} and ${plural(others.length, "more file")}`;
}
