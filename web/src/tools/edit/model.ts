/** What the editing tool offers and says: its pointer tools, limits of values, names and colours of new segments. */

import type { SegmentCodes } from "@/core/editing/draftSegment";
import { type Limits, limitsInUnit } from "@/core/valueLimits";
import type { EditedSegment } from "@/scene/draft";
import type { IconName } from "@/ui/icons";

/** What a press in a picture does while a segmentation is edited. */
export type EditMode = "brush" | "eraser" | "polygon" | "scissors" | "fill" | "island";

export interface ModeWords {
  readonly mode: EditMode;
  readonly title: string;
  readonly key: string;
  readonly icon: IconName;
  readonly hint: string;
}

export const EDIT_MODES: readonly ModeWords[] = [
  { mode: "brush", title: "Brush", key: "b", icon: "brush", hint: "Drag in any plane to paint; with Ctrl it erases. Space paints at the cursor, Shift + Space from the last place to it." },
  { mode: "eraser", title: "Eraser", key: "k", icon: "eraser", hint: "Drag in any plane to erase. Space erases at the cursor." },
  { mode: "polygon", title: "Polygon", key: "w", icon: "polygon", hint: "Press at each corner, or draw the outline in one drag; Enter or a double click closes it." },
  { mode: "scissors", title: "Scissors", key: "u", icon: "scissors", hint: "Outline what is cut off, corner by corner or in one drag; Enter or a double click closes it." },
  { mode: "fill", title: "Fill", key: "q", icon: "bucket", hint: "Press on a place: all that is connected to it is filled, within the values if they are bound." },
  { mode: "island", title: "Island", key: "g", icon: "island", hint: "Press on the piece of the segment that stays; its other pieces are removed." },
];

/** Colours of new segments, told apart on grey: the first that no other segment has. */
const COLOURS = ["#e6553c", "#3f9bdc", "#5cc05c", "#e8b93c", "#b36ae2", "#3fc7b5", "#ef7fb2", "#9aa83c", "#8c8cf0", "#e08a4a", "#6fd6ee", "#c95b78"] as const;

export function freshColour(segments: readonly { readonly colour: string }[]): string {
  const taken = new Set(segments.map(({ colour }) => colour.toLowerCase()));
  return COLOURS.find((colour) => !taken.has(colour)) ?? COLOURS[segments.length % COLOURS.length];
}

/** "Segment 3": the first such name that no other segment has. */
export function freshName(segments: readonly { readonly label: string }[]): string {
  const taken = new Set(segments.map(({ label }) => label));
  for (let number = segments.length + 1; ; number += 1) if (!taken.has(`Segment ${number}`)) return `Segment ${number}`;
}

/** The name and the colour of a segment as far as nobody has chosen them. */
export function untouched({ label, colour }: { readonly label: string; readonly colour: string }): { readonly label: string; readonly colour: string } {
  const isFresh = (COLOURS as readonly string[]).includes(colour.toLowerCase());
  return { label: /^Segment \d+$/.test(label) ? label : "", colour: isFresh ? colour : "" };
}

export const NO_CODES: SegmentCodes = { category: null, type: null, typeModifier: null, anatomicRegion: null, regionModifier: null };

/** Values as they are typed; empty for no limit. */
export interface TypedRange {
  readonly lower: string;
  readonly upper: string;
}

/** A typed number: null if nothing is typed, NaN if it is no number. */
const typedNumber = (text: string): number | null => (text.trim() === "" ? null : Number(text.trim().replace(",", ".").replace("−", "-")));

/** The limits of values that an edit is bound to; a sentence if they are none. */
export function rangeOf({ lower, upper }: TypedRange): Limits | string {
  const [low, high] = [typedNumber(lower), typedNumber(upper)];
  if (Number.isNaN(low) || Number.isNaN(high)) return "The limits must be numbers, or empty for none.";
  if (low === null && high === null) return "Give one limit at least.";
  if (low !== null && high !== null && low > high) return "The lower limit lies above the upper one.";
  return limitsInUnit(low, high);
}

/** Limits as they would be typed: those of the threshold. */
export function typedRange({ low, high }: Limits): TypedRange {
  const text = (limit: number, none: number): string => (limit === none || !Number.isFinite(limit) ? "" : String(limit));
  return { lower: text(low, -Number.MAX_VALUE), upper: text(high, Number.MAX_VALUE) };
}

/** A size in millimetres or cubic millimetres as it is typed; null if it is none. */
export function typedSize(text: string): number | null {
  const size = typedNumber(text);
  return size !== null && Number.isFinite(size) && size > 0 ? size : null;
}

/** What could not be done because of a segment; empty if all can. */
export function whyUnchangeable(segment: EditedSegment | null): string {
  if (!segment) return "Add a segment first.";
  return segment.locked ? `“${segment.label}” is locked: unlock it to change it.` : "";
}

/** "Brushed voxels of locked segments stay": what an edit left alone. */
export function lockedWords(voxels: number): string {
  return voxels > 0 ? `${voxels.toLocaleString("en-GB")} ${voxels === 1 ? "voxel" : "voxels"} of locked segments stayed as they are.` : "";
}
