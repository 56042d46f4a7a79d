/** How a threshold chose voxels, as the line of text that a segmentation keeps (`voxelry.Recipe`). */

import type { SolidRegion } from "@/core/regions";
import type { Vector } from "@/core/vectors";

/** A segment by where it is stored. */
export interface SegmentByUid {
  readonly kind: "segment";
  readonly sopInstanceUid: string;
  readonly number: number;
}

export interface ThresholdRecipe {
  readonly method: string;
  readonly threshold: number | null;
  readonly lower: number | null;
  readonly upper: number | null;
  readonly percentile: number | null;
  readonly classes: number | null;
  readonly classNumber: number | null;
  readonly within: SolidRegion | SegmentByUid | null;
  /** LPS, mm. */
  readonly component: Vector | null;
  /** Series Instance UID of the volume; empty if it is not known. */
  readonly series: string;
}

const METHODS: readonly string[] = ["fixed", "units", "otsu", "multi_otsu", "li", "triangle", "yen", "percentile", "hysteresis"];
const NAMES: readonly string[] = ["threshold", "lower", "upper", "percentile", "classes", "class_number", "within", "component", "series", "volume"];
const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;
const VERSION = / \(voxelry [0-9A-Za-z.+-]{1,40}\)$/;
const SEGMENT = /^segment:([0-9.]{1,64})#([1-9][0-9]{0,4})$/;

/** The recipe that a text holds; null if it holds none that the page can follow. */
export function recipeOfText(text: string): ThresholdRecipe | null {
  const [word, method, ...pairs] = text.replace(VERSION, "").split(" ");
  if (word !== "threshold" || !METHODS.includes(method)) return null;
  const given = new Map(pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]));
  if (given.size < pairs.length || ![...given].every(([name, value]) => NAMES.includes(name) && value !== "")) return null;
  const [threshold, lower, upper, percentile, classes, classNumber] = ["threshold", "lower", "upper", "percentile", "classes", "class_number"].map((name) => (given.has(name) ? numberOf(given.get(name) ?? "") : null));
  const [within, component] = [given.get("within"), given.get("component")];
  const region = within === undefined ? null : regionOf(within);
  const point = component === undefined ? null : vectorOf(component);
  const isLimitless = method === "hysteresis" && (lower === null || upper === null);
  const isWrong = isLimitless || [threshold, lower, upper, percentile, classes, classNumber].some((value) => Number.isNaN(value)) || (within !== undefined && !region) || (component !== undefined && !point);
  return isWrong ? null : { method, threshold, lower, upper, percentile, classes, classNumber, within: region, component: point, series: given.get("series") ?? "" };
}

const numberOf = (text: string): number => (NUMBER.test(text) ? Number(text) : NaN);

function vectorOf(text: string): Vector | null {
  const numbers = text.split(",").map(numberOf);
  return numbers.length === 3 && numbers.every(Number.isFinite) ? [numbers[0], numbers[1], numbers[2]] : null;
}

/** A box whose directions are its own has no place on the page. */
function regionOf(text: string): SolidRegion | SegmentByUid | null {
  const segment = SEGMENT.exec(text);
  if (segment) return { kind: "segment", sopInstanceUid: segment[1], number: Number(segment[2]) };
  const [kind, ...parts] = text.split(":");
  const [one, other] = [parts.at(0) ?? "", parts.at(1) ?? ""];
  const first = vectorOf(one);
  if (!first || parts.length > 2) return null;
  if (kind === "sphere") {
    const radius = numberOf(other);
    return radius >= 0 ? { kind, centre: first, radius } : null;
  }
  const last = vectorOf(other);
  if (kind !== "box" || !last) return null;
  const [low, high] = [Math.min, Math.max].map((pick): Vector => [pick(first[0], last[0]), pick(first[1], last[1]), pick(first[2], last[2])]);
  return { kind, low, high };
}
