/** Curves of one voxel through the volumes of a series: a value for each time, echo or b-value. */

export interface CurvePoint {
  /** The time, or what else tells the volumes apart; in the curve's unit. */
  readonly at: number;
  readonly value: number;
}

/**
 * The curve of one voxel.
 *
 * @param places of the volumes: times in seconds, echo times in ms; if one of them is not known, all are the volumes' numbers from 1
 * @param values of the voxel in each volume; null where it is not known (yet), or outside
 * @returns points in the order of their places; volumes of one place keep their order
 */
export function curveThrough(places: readonly (number | null)[], values: readonly (number | null)[]): CurvePoint[] {
  const known = places.every((place) => place !== null && Number.isFinite(place));
  return values
    .map((value, i) => ({ at: known ? (places[i] ?? i + 1) : i + 1, value }))
    .filter((point): point is CurvePoint => point.value !== null && Number.isFinite(point.value))
    .sort((a, b) => a.at - b.at);
}

export interface CurveRange {
  readonly from: number;
  readonly to: number;
  readonly low: number;
  readonly high: number;
}

/** The ranges of several curves' places and values; null without points. Ranges of one number are widened by a half. */
export function curveRange(curves: readonly (readonly CurvePoint[])[]): CurveRange | null {
  const points = curves.flat();
  if (points.length === 0) return null;
  const widened = (numbers: readonly number[]): [number, number] => {
    const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
    return low === high ? [low - 0.5, high + 0.5] : [low, high];
  };
  const [from, to] = widened(points.map(({ at }) => at));
  const [low, high] = widened(points.map(({ value }) => value));
  return { from, to, low, high };
}

/** Where points lie on a picture of that size; large values are at the top. */
export function curvePixels(points: readonly CurvePoint[], { from, to, low, high }: CurveRange, width: number, height: number): { x: number; y: number }[] {
  return points.map(({ at, value }) => ({ x: ((at - from) / (to - from)) * width, y: (1 - (value - low) / (high - low)) * height }));
}
