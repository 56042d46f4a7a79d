/** What a user has chosen to count: limits on the range from 0 to 1, in the unit of the values, or found by a method. */

import { formatNumber } from "@/core/formatting";
import { type CountedValues, type Limits, limitsAbove, limitsInUnit, limitsOfRange, normalised } from "@/core/valueLimits";

export type Scale = "range" | "unit";

/** Above a fraction of the range, up to another one. */
export interface RangeChoice {
  readonly scale: "range";
  readonly lower: number;
  readonly upper: number | null;
}

/** From a value up to another one, both included; null is no limit. */
export interface UnitChoice {
  readonly scale: "unit";
  readonly lower: number | null;
  readonly upper: number | null;
  /** How they were found; absent for limits that were chosen. */
  readonly found?: FoundLimits;
}

/** Above one value, in pieces that reach above another one. */
export interface HysteresisChoice {
  readonly scale: "unit";
  readonly lower: number;
  readonly upper: number;
  readonly hysteresis: true;
}

/** The methods of the step `threshold` that find limits from the values. */
export const FOUND_BY = { otsu: "Otsu", multi_otsu: "Multi-Otsu", li: "Li", triangle: "Triangle", yen: "Yen", percentile: "Percentile" } as const;
export type FoundBy = keyof typeof FOUND_BY;

/** A method that finds limits, and its numbers, as the server takes them. */
export interface FoundLimits {
  readonly method: FoundBy;
  readonly percentile?: number;
  readonly classes?: number;
  /** Which class counts, 0 the lowest; absent for all but that. */
  readonly class_number?: number;
}

/** How many classes multi-Otsu finds at most, and at least. */
export const [FEWEST_CLASSES, MOST_CLASSES] = [2, 5];

/** The values of a volume, as far as limits are concerned. */
export interface ValueRange {
  readonly min: number;
  readonly max: number;
  /** True for volumes whose values are integers. */
  readonly whole: boolean;
}

export type Choice = RangeChoice | UnitChoice | HysteresisChoice;

export const isHysteresis = (choice: Choice): choice is HysteresisChoice => "hysteresis" in choice;

/** One of the two limits. */
export type Side = "lower" | "upper";

export function limitsOf(choice: Choice, range: ValueRange | null): Limits {
  if (isHysteresis(choice)) return limitsAbove(choice.lower, null);
  if (choice.scale === "unit") return limitsInUnit(choice.lower, choice.upper);
  return limitsOfRange(choice.lower, choice.upper, range?.min ?? null, range?.max ?? null);
}

/** The limits within which a piece must hold a value to count; null if a voxel counts by its own value alone. */
export const reachOf = (choice: Choice): Limits | null => (isHysteresis(choice) ? limitsAbove(choice.upper, null) : null);

/** Hysteresis that begins where another choice is: what counts now may count, and reaches half of the way to the end. */
export function asHysteresis(choice: Choice, range: ValueRange): HysteresisChoice {
  const { lower, upper } = onScale(choice, "unit", range, null);
  const low = clamped(lower ?? range.min, range.min, range.max);
  const high = upper !== null && upper < range.max ? upper : low + (range.max - low) / 2;
  return { scale: "unit", lower: low, upper: Math.max(low, rounded(high, unitStep(range))), hysteresis: true };
}

/** A step of a limit in the unit: 1 for integers, else the power of ten that a thousandth of the range has. */
export function unitStep({ min, max, whole }: ValueRange): number {
  const fine = Number(`1e${Math.floor(Math.log10((max - min) / 1000))}`);
  return whole ? Math.max(1, fine) : fine;
}

/** A step of a fraction of the range. */
export const RANGE_STEP = 0.001;
/** Steps of Page Up and Page Down. */
const PAGE = 20;

const clamped = (x: number, low: number, high: number): number => Math.min(high, Math.max(low, x));
const rounded = (x: number, step: number): number => Number((Math.round(x / step) * step).toPrecision(12));

/** Where a limit lies on the histogram, 0 to 1. */
export function placeOf(choice: Choice, side: Side, range: ValueRange): number {
  const at = choice[side];
  if (at === null) return side === "lower" ? 0 : 1;
  return clamped(choice.scale === "range" ? at : normalised(at, range.min, range.max), 0, 1);
}

/** The choice with one limit at a place of the histogram; an upper limit at its end is none, and limits never cross. */
export function movedTo(choice: Choice, side: Side, place: number, range: ValueRange): Choice {
  const [least, most] = side === "lower" ? [0, placeOf(choice, "upper", range)] : [placeOf(choice, "lower", range), 1];
  const at = clamped(place, least, most);
  if (side === "upper" && at >= 1 && !isHysteresis(choice)) return { ...choice, upper: null };
  if (choice.scale === "range") return withLimit(choice, side, rounded(at, RANGE_STEP));
  const step = unitStep(range);
  return withLimit(choice, side, clamped(rounded(range.min + at * (range.max - range.min), step), range.min, range.max));
}

/** The choice with one limit set, the other one moved out of its way. */
export function withLimit<C extends Choice>(choice: C, side: Side, at: number | null): C {
  const other = side === "lower" ? "upper" : "lower";
  const beyond = choice[other];
  const isCrossed = at !== null && beyond !== null && (side === "lower" ? at > beyond : at < beyond);
  return { ...choice, [side]: at, ...(isCrossed ? { [other]: at } : {}) };
}

/** What a typed value makes of a limit: an empty field is no limit, on [0, 1] only above. */
export function typedLimit(choice: Choice, side: Side, text: string): Choice | null {
  const at = text.trim() === "" ? null : Number(text.trim().replace(",", ".").replace("−", "-"));
  if (at !== null && !Number.isFinite(at)) return null;
  if (isHysteresis(choice) && at === null) return null;
  if (choice.scale === "unit") return withLimit(choice, side, at);
  if (at === null) return side === "upper" ? { ...choice, upper: null } : { ...choice, lower: 0 };
  return withLimit(choice, side, clamped(at, 0, 1));
}

/** The choice after a key on the handle of a limit; null for other keys. */
export function afterKey(choice: Choice, side: Side, key: string, range: ValueRange): Choice | null {
  const step = choice.scale === "range" ? RANGE_STEP : unitStep(range) / (range.max - range.min);
  const steps: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -PAGE, PageUp: PAGE };
  if (key === "Home") return movedTo(choice, side, 0, range);
  if (key === "End") return movedTo(choice, side, 1, range);
  if (!(key in steps)) return null;
  return movedTo(choice, side, placeOf(choice, side, range) + steps[key] * step, range);
}

/**
 * The same limits on the other scale, counting the same voxels as far as the scale can say it.
 *
 * On [0, 1] a voxel counts above a limit, in the unit from it on: the values that occur beside it stand for both.
 */
export function onScale(choice: Choice, scale: Scale, range: ValueRange, counted: CountedValues | null): Choice {
  if (choice.scale === scale) return choice;
  const { low, high } = limitsOf(choice, range);
  if (choice.scale === "range") {
    const lower = counted?.firstFrom(low) ?? range.min + choice.lower * (range.max - range.min);
    const upper = choice.upper === null ? null : (counted?.lastUpTo(high) ?? range.min + choice.upper * (range.max - range.min));
    // No value between the limits occurs: they stay between the same ones.
    return upper !== null && lower > upper ? { scale: "unit", lower: low, upper: Math.max(low, high) } : { scale: "unit", lower, upper };
  }
  const below = counted?.lastBelow(low) ?? low;
  const last = counted?.lastUpTo(high) ?? high;
  const place = (x: number): number => clamped(normalised(x, range.min, range.max), 0, 1);
  const [lower, upper] = [choice.lower === null ? 0 : place(below), choice.upper === null || high >= range.max ? null : place(last)];
  return { scale: "range", lower, upper: upper === null ? null : Math.max(lower, upper) };
}

/** A limit on the other scale, to be shown beside it; null if there is none. */
export function otherScale(choice: Choice, side: Side, range: ValueRange): number | null {
  const at = choice[side];
  if (at === null) return null;
  return choice.scale === "range" ? range.min + at * (range.max - range.min) : normalised(at, range.min, range.max);
}

/** The choice in words: "above 0.5 of the range"; "from 200 to 300 HU". */
export function choiceWords(choice: Choice, unit: string): string {
  const of = unit ? ` ${unit}` : "";
  const { lower, upper } = choice;
  if (choice.scale === "range") return `above ${formatNumber(choice.lower, 4)}${upper === null ? "" : `, up to ${formatNumber(upper, 4)}`} of the range`;
  if (isHysteresis(choice)) return `above ${formatNumber(choice.lower)}${of} in pieces that reach above ${formatNumber(choice.upper)}${of}`;
  const by = choice.found ? ` (${foundWords(choice.found)})` : "";
  if (lower === null) return `${upper === null ? "all values" : `up to ${formatNumber(upper)}${of}`}${by}`;
  return `from ${formatNumber(lower)}${upper === null ? "" : ` to ${formatNumber(upper)}`}${of}${by ? `${upper === null ? " on" : ""}${by}` : ""}`;
}

function foundWords({ method, classes, class_number: number }: FoundLimits): string {
  if (method !== "multi_otsu") return FOUND_BY[method];
  return `${FOUND_BY[method]}, ${number === undefined ? `all but the lowest of ${classes} classes` : `class ${number} of ${classes}`}`;
}

/** The limits as the server's addresses have them. */
export interface AskedLimits {
  readonly method?: "hysteresis";
  readonly threshold?: number;
  readonly lower?: number;
  readonly upper?: number;
}

/** The limits of a choice for the server; those on [0, 1] for which it has no word are sent in the unit, exactly. */
export function askedLimits(choice: Choice, range: ValueRange | null): AskedLimits {
  if (choice.scale === "range") {
    const { low, high } = limitsOf(choice, range);
    return choice.upper === null || low > high ? { threshold: choice.lower } : { lower: low, upper: high };
  }
  if (isHysteresis(choice)) return { method: "hysteresis", lower: choice.lower, upper: choice.upper };
  const { lower, upper } = choice;
  if (lower === null && upper === null) return { lower: range?.min ?? 0 };
  return { ...(lower === null ? {} : { lower }), ...(upper === null ? {} : { upper }) };
}

/** The recipe of a segment with the voxels of a choice. */
export function recipeOf(choice: Choice, range: ValueRange | null): Omit<AskedLimits, "method"> & Omit<FoundLimits, "method"> & { readonly method: string } {
  if (choice.scale === "unit" && !isHysteresis(choice) && choice.found) return choice.found;
  const limits = askedLimits(choice, range);
  return limits.threshold === undefined ? { method: "units", ...limits } : { method: "fixed", threshold: limits.threshold };
}
