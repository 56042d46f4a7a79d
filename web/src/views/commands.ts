/** Keys of the viewer: a command is what a key does, and its line in the help. */

import type { Plane } from "@/core/geometry";
import type { HelpLine } from "@/core/keyHelp";
import type { PointerMode } from "@/views/gestures";
import { useSeriesInViews } from "@/views/seriesInViews";
import type { LayoutName, Views } from "@/views/views";

export interface KeyCommand {
  /** Names as `KeyboardEvent.key` has them, letters in lower case; "Shift+f" for a letter with shift, "Alt+ArrowUp", "Shift+Alt+ArrowUp", "Ctrl+z" (or the command key of a Mac). */
  readonly keys: readonly string[];
  /** The keys in the help; absent for a key that another line names. */
  readonly shown?: string;
  readonly title: string;
  readonly group: string;
  /** True if it does something where no picture is shown. */
  readonly anywhere?: boolean;
  /** The command has its keys only while this is true, and then comes before one that has them always. */
  readonly only?: () => boolean;
  run(views: Views, key: string): void;
}

const PAGE = 10;
const SLICES = "Slices";
const PICTURE = "Picture";
const PLANES = "Planes";
const VIEWS = "Views";
const SERIES = "Series";

const stepping = (key: string, by: number): Omit<KeyCommand, "title" | "group"> => ({ keys: [key], run: (views) => views.active.step(by) });
const plane = (key: string, chosen: Plane, title: string): KeyCommand => ({
  keys: [key],
  shown: key.toUpperCase(),
  title,
  group: PLANES,
  run: (views) => views.active.choosePlane(chosen),
});
const arrangement = (key: string, layout: LayoutName, title: string): KeyCommand => ({
  keys: [`Shift+${key}`],
  shown: `Shift + ${key.toUpperCase()}`,
  title,
  group: VIEWS,
  anywhere: true,
  run: (views) => views.arrange(layout),
});
const mode = (key: string, wanted: PointerMode, title: string): KeyCommand => ({
  keys: [`Shift+${key}`],
  shown: `Shift + ${key.toUpperCase()}`,
  title,
  group: PICTURE,
  run: (views) => (views.pointerMode = views.pointerMode === wanted ? "usual" : wanted),
});

export const VIEW_COMMANDS: readonly KeyCommand[] = [
  { ...stepping("ArrowDown", 1), keys: ["ArrowDown", "ArrowRight"], shown: "↑ ↓ ← →", title: "Previous and next slice", group: SLICES },
  { ...stepping("ArrowUp", -1), keys: ["ArrowUp", "ArrowLeft"], title: "Previous slice", group: SLICES },
  { ...stepping("PageDown", PAGE), shown: "Page Up, Page Down", title: "Ten slices", group: SLICES },
  { ...stepping("PageUp", -PAGE), title: "Ten slices back", group: SLICES },
  { keys: ["Home"], shown: "Home, End", title: "First and last slice", group: SLICES, run: (views) => views.active.goTo(0) },
  { keys: ["End"], title: "Last slice", group: SLICES, run: (views) => views.active.goTo(views.active.count - 1) },
  {
    keys: ["1", "2", "3", "4", "5", "6", "7", "8", "9"],
    shown: "1 … 9",
    title: "Window presets",
    group: PICTURE,
    run: (views, key) => views.active.choosePreset(Number(key) - 1),
  },
  { keys: ["r"], shown: "R", title: "Reset window, zoom and position", group: PICTURE, run: (views) => views.active.reset() },
  { keys: ["i"], shown: "I", title: "Invert black and white", group: PICTURE, run: ({ active }) => (active.invert = !active.invert) },
  { keys: ["p"], shown: "P", title: "Smooth or true pixels", group: PICTURE, run: ({ active }) => (active.smooth = !active.smooth) },
  { keys: ["+", "="], shown: "+ −, Ctrl + wheel", title: "Zoom", group: PICTURE, run: (views) => views.active.zoom(1.25) },
  { keys: ["-"], title: "Zoom out", group: PICTURE, run: (views) => views.active.zoom(0.8) },
  { keys: ["t"], shown: "T", title: "Turn the picture by 90°", group: PICTURE, run: (views) => views.active.turnRight() },
  { keys: ["m"], shown: "M", title: "Mirror the picture", group: PICTURE, run: (views) => views.active.flip() },
  mode("g", "move", "Dragging moves the picture"),
  mode("z", "zoom", "Dragging zooms"),
  mode("b", "scroll", "Dragging scrolls through the slices"),
  plane("a", "axial", "Axial; of animals transverse"),
  plane("c", "coronal", "Coronal; of animals dorsal"),
  plane("s", "sagittal", "Sagittal"),
  plane("o", "acquired", "As acquired"),
  arrangement("a", "1", "One view"),
  arrangement("s", "2", "Two side by side"),
  arrangement("d", "3", "Three linked planes"),
  arrangement("f", "2x2", "Two by two"),
  arrangement("q", "1+3", "One large, three small"),
  arrangement("w", "3x3", "Three by three"),
  { keys: ["Enter"], shown: "Enter, double click", title: "The active view alone, and back", group: VIEWS, run: (views) => (views.expanded = views.views.length > 1 && !views.expanded) },
  { keys: ["n", "."], shown: "N", title: "Next series of the study", group: SERIES, anywhere: true, run: () => void useSeriesInViews().showNext(1) },
  { keys: ["Shift+n", ","], shown: "Shift + N", title: "Previous series of the study", group: SERIES, anywhere: true, run: () => void useSeriesInViews().showNext(-1) },
  { keys: ["Delete"], shown: "Delete", title: "Empty the active view", group: SERIES, anywhere: true, run: (views) => useSeriesInViews().empty(views.active) },
  { keys: ["v"], shown: "V", title: "Next view", group: VIEWS, anywhere: true, run: (views) => views.activateNext(1) },
  { keys: ["Shift+v"], title: "Previous view", group: VIEWS, anywhere: true, run: (views) => views.activateNext(-1) },
];

export const POINTER_HELP: readonly HelpLine[] = [
  { shown: "Wheel", title: "Step through the slices", group: SLICES },
  { shown: "Drag", title: "Window: sideways the width, up and down the centre", group: PICTURE },
  { shown: "Right or middle drag", title: "Move the picture", group: PICTURE },
  { shown: "One finger", title: "Scroll through the slices; a tap moves the crosshair and tells the value", group: SLICES },
  { shown: "Two fingers", title: "Zoom and move the picture", group: PICTURE },
];

/** The command of a key press; null for keys of the browser or of the focused control. */
export function commandFor(event: KeyboardEvent, commands: readonly KeyCommand[]): { command: KeyCommand; key: string } | null {
  if (event.defaultPrevented) return null;
  const target = event.target instanceof HTMLElement ? event.target : null;
  if (target && usesKey(target, event.key)) return null;
  const wanted = namesOf(event, event.key.length === 1 ? event.key.toLowerCase() : event.key);
  for (const key of wanted) {
    const own = commands.filter(({ keys, only }) => keys.includes(key) && (only?.() ?? true));
    const command = own.find(({ only }) => only) ?? own.at(0);
    if (command) return { command, key };
  }
  return null;
}

/** The names of a key press; a character made with Alt is no command, as some layouts need Alt to type it. */
function namesOf({ altKey, shiftKey, ctrlKey, metaKey, key }: KeyboardEvent, name: string): string[] {
  if (ctrlKey || metaKey) return altKey ? [] : [`Ctrl+${shiftKey ? "Shift+" : ""}${name}`];
  if (altKey) return name.length === 1 ? [] : [`${shiftKey ? "Shift+" : ""}Alt+${name}`];
  return shiftKey ? [`Shift+${name}`, key] : [name];
}

/** True if the focused control uses the key itself. */
function usesKey(target: HTMLElement, key: string): boolean {
  if (target.closest("dialog, textarea, select, [contenteditable], [role=menu]")) return true;
  const isButton = target.closest("button, a, summary") !== null;
  if (isButton) return key === " " || key === "Enter";
  if (!(target instanceof HTMLInputElement)) return false;
  if (target.type === "checkbox" || target.type === "radio") return key === " ";
  // The slice slider leaves its arrow keys to the viewer: they step through the slices as well.
  return target.type !== "range" || (target.dataset.testid !== "slice-slider" && key.length > 1);
}
