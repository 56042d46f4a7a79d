/** Which series a step can run on. */

import { isActive, type JobState } from "@/core/jobState";

interface BuildStatus {
  readonly state: JobState;
  readonly volume_count: number;
  readonly regular: boolean | null;
}

/** Why no step can ever run on a series; empty if one can run now or after its volumes are built. */
export function whyNeverRunnable({ state, volume_count: volumes, regular }: BuildStatus): string {
  if (isActive(state)) return "";
  if (volumes === 0) return state === "succeeded" ? "it has no images" : "its volumes were not built";
  return volumes === 1 && regular === false ? "it has no regular volume" : "";
}

/** Why a step cannot run on a series yet; empty if nothing is left to wait for. */
export const whyNotYetRunnable = ({ state, volume_count: volumes }: BuildStatus): string =>
  isActive(state) && volumes === 0 ? "its volumes are still being built" : "";

/** The rows from `from` to `to` in either order, both included; only `to` if `from` is not in the list. */
export function rowsBetween<T extends { readonly id: number }>(rows: readonly T[], from: number | null, to: number): T[] {
  const ends = [rows.findIndex(({ id }) => id === from), rows.findIndex(({ id }) => id === to)];
  if (ends[1] < 0) return [];
  const [first, last] = ends[0] < 0 ? [ends[1], ends[1]] : ends.sort((a, b) => a - b);
  return rows.slice(first, last + 1);
}
