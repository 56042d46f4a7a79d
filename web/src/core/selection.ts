/** Which series can be taken together for a step, and which lie between two. */

import { isActive, type State } from "@/core/state";

interface Built {
  readonly state: State;
  readonly volume_count: number;
  readonly regular: boolean | null;
}

/** Why no step can be run on a series; empty where one can, or may when its volumes are built. */
export function obstacle({ state, volume_count: volumes, regular }: Built): string {
  if (isActive(state)) return "";
  if (volumes === 0) return state === "succeeded" ? "it holds no picture" : "its volumes were not built";
  return volumes === 1 && regular === false ? "it has no regular volume" : "";
}

/** Why a step cannot be run now. */
export const delay = ({ state, volume_count: volumes }: Built): string =>
  isActive(state) && volumes === 0 ? "its volumes are still being built" : "";

/** All that lie from one to another, both included, whichever comes first; only the other where the one is not there. */
export function between<T extends { readonly id: number }>(rows: readonly T[], from: number | null, to: number): T[] {
  const ends = [rows.findIndex(({ id }) => id === from), rows.findIndex(({ id }) => id === to)];
  if (ends[1] < 0) return [];
  const [first, last] = ends[0] < 0 ? [ends[1], ends[1]] : ends.sort((a, b) => a - b);
  return rows.slice(first, last + 1);
}
