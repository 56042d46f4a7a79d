/** What the server did with a file of an upload. */

import type { EntryOut } from "@/api/generated/validators";

export type UploadStatus = EntryOut["status"];

/** Each status with its name and the class of its colour. */
export const UPLOAD_STATUSES: readonly { status: UploadStatus; name: string; kind: string }[] = [
  { status: "stored", name: "Stored", kind: "good" },
  { status: "present", name: "Already there", kind: "" },
  { status: "skipped", name: "Skipped", kind: "warn" },
];
