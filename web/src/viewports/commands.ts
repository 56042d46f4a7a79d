/** What keys do in the viewer; the help shows the same list. */

import type { Plane } from "@/core/geometry";

export type Command =
  | { do: "step"; by: number }
  | { do: "first" | "last" | "play" | "reset" | "invert" | "help" | "smooth" }
  | { do: "plane"; plane: Plane }
  | { do: "preset"; number: number }
  | { do: "zoom"; factor: number };

const PAGE = 10;

const KEYS: Readonly<Record<string, Command>> = {
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

export const HELP: readonly (readonly [string, string])[] = [
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

/** What a key press asks for; null where it is another's: a text field's, the browser's. */
export function commandFor(event: KeyboardEvent): Command | null {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return null;
  const target = event.target instanceof HTMLElement ? event.target : null;
  if (target && owns(target, event.key)) return null;
  if (/^[1-9]$/.test(event.key)) return { do: "preset", number: Number(event.key) };
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  return Object.hasOwn(KEYS, key) ? KEYS[key] : null;
}

/** Whether the focused control needs the key itself. */
function owns(target: HTMLElement, key: string): boolean {
  if (target.closest("dialog, textarea, select, [contenteditable]")) return true;
  const isButton = target.closest("button, a, summary") !== null;
  if (isButton) return key === " " || key === "Enter";
  if (!(target instanceof HTMLInputElement)) return false;
  if (target.type === "checkbox") return key === " ";
  // The slices' own slider steps as the arrow keys do everywhere on the page.
  return target.type !== "range" || (target.dataset.testid !== "slice-slider" && key.length > 1);
}
