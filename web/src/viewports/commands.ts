/** The viewer's keyboard commands, and the list of keys that the help shows. */

import type { Plane } from "@/core/geometry";

export type ViewerCommand =
  | { do: "step"; by: number }
  | { do: "first" | "last" | "play" | "reset" | "invert" | "help" | "smooth" }
  | { do: "plane"; plane: Plane }
  | { do: "preset"; number: number }
  | { do: "zoom"; factor: number };

const PAGE = 10;

const KEYS: Readonly<Record<string, ViewerCommand>> = {
  ArrowDown: { do: "step", by: 1 },
  ArrowRight: { do: "step", by: 1 },
  ArrowUp: { do: "step", by: -1 },
  ArrowLeft: { do: "step", by: -1 },
  PageDown: { do: "step", by: PAGE },
  PageUp: { do: "step", by: -PAGE },
  Home: { do: "first" },
  End: { do: "last" },
  " ": { do: "play" },
  r: { do: "reset" },
  i: { do: "invert" },
  a: { do: "plane", plane: "axial" },
  c: { do: "plane", plane: "coronal" },
  s: { do: "plane", plane: "sagittal" },
  o: { do: "plane", plane: "acquired" },
  p: { do: "smooth" },
  "+": { do: "zoom", factor: 1.25 },
  "=": { do: "zoom", factor: 1.25 },
  "-": { do: "zoom", factor: 0.8 },
  "?": { do: "help" },
};

export const KEY_HELP: readonly (readonly [string, string])[] = [
  ["↑ ↓ ← →", "Previous and next slice"],
  ["Wheel", "Step through the slices"],
  ["Page Up, Page Down", "Ten slices"],
  ["Home, End", "First and last slice"],
  ["Space", "Play and stop"],
  ["1 … 9", "Window presets"],
  ["Drag", "Window: sideways the width, up and down the centre"],
  ["Ctrl + wheel, + −", "Zoom"],
  ["Right or middle drag", "Move the picture"],
  ["Two fingers", "Zoom and move the picture; one finger changes the window"],
  ["Double click, R", "Reset window, zoom and position"],
  ["I", "Invert black and white"],
  ["A, C, S", "Axial, coronal, sagittal"],
  ["O", "As acquired"],
  ["P", "Smooth or true pixels"],
  ["?", "This help"],
];

/** The command of a key press; null for keys of the browser or of the focused control. */
export function commandFor(event: KeyboardEvent): ViewerCommand | null {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return null;
  const target = event.target instanceof HTMLElement ? event.target : null;
  if (target && usesKey(target, event.key)) return null;
  if (/^[1-9]$/.test(event.key)) return { do: "preset", number: Number(event.key) };
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  return Object.hasOwn(KEYS, key) ? KEYS[key] : null;
}

/** True if the focused control uses the key itself. */
function usesKey(target: HTMLElement, key: string): boolean {
  if (target.closest("dialog, textarea, select, [contenteditable]")) return true;
  const isButton = target.closest("button, a, summary") !== null;
  if (isButton) return key === " " || key === "Enter";
  if (!(target instanceof HTMLInputElement)) return false;
  if (target.type === "checkbox") return key === " ";
  // The slice slider leaves its arrow keys to the viewer: they step through the slices as well.
  return target.type !== "range" || (target.dataset.testid !== "slice-slider" && key.length > 1);
}
