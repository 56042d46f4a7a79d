/** The order in which slices are fetched: that in which they will be looked at, from what the views show. */

/** What one view shows of a volume. */
export interface Wish {
  readonly slice: number;
  readonly direction: -1 | 0 | 1;
  readonly around: boolean;
  readonly crossing: boolean;
}

/** Consecutive slices. */
export interface Block {
  readonly first: number;
  readonly last: number;
  /** How far away they are from being looked at. */
  readonly cost: number;
}

/** The costs of one slice ahead and behind: without a direction both are as near; while stepping, two ahead for each one behind. */
const STEPPING = { ahead: 1, behind: 2.01 };
const RESTING = { ahead: 1, behind: 1.01 };
/** A plane that crosses the slices needs all of them, after those that are looked at. */
const CROSSING = { ahead: 1.5, behind: 1.5 };
/** The view that was used last counts twice as much as the others. */
const OTHER_VIEW = 2;

/** How far a slice is from being looked at by one view: 0 for the slice that it shows. `age` is 0 for the view used last. */
export function costFor(wish: Wish, age: number, slice: number, count: number): number {
  const forwards = wish.direction === -1 ? -1 : 1;
  const offset = (slice - wish.slice) * forwards;
  const { ahead, behind } = wish.crossing ? CROSSING : wish.direction === 0 ? RESTING : STEPPING;
  const straight = offset >= 0 ? offset * ahead : -offset * behind;
  const cost = wish.around ? Math.min(straight, (offset >= 0 ? count - offset : count + offset) * (offset >= 0 ? behind : ahead)) : straight;
  return (cost + (wish.crossing ? 1 : 0)) * (age === 0 ? 1 : OTHER_VIEW);
}

/**
 * The nearest missing slice on each side of what a view shows: no other slice of its side costs it as little. Only the
 * slices up to them are looked at, so that a volume of thousands costs no more than one of a hundred.
 */
function nearestMissing({ slice: from, around }: Wish, count: number, missing: (slice: number) => boolean): number[] {
  return [1, -1].flatMap((step) => {
    const most = around ? count - 1 : step > 0 ? count - 1 - from : from;
    for (let steps = 0; steps <= most; steps += 1) {
      const slice = (from + step * steps + count) % count;
      if (missing(slice)) return [slice];
    }
    return [];
  });
}

/**
 * The slices to fetch next by one request; null if there are none.
 *
 * They begin with the missing slice that will be looked at first, and go on away from where the view is: one slice beside
 * it, more the farther they are, at most `most`.
 *
 * @param wishes of the views of the volume, with their ages (0: the view used last)
 * @param missing true for slices that are not there and not under way
 */
export function nextBlock(
  wishes: readonly { readonly wish: Wish; readonly age: number }[],
  count: number,
  missing: (slice: number) => boolean,
  most: number,
): Block | null {
  const costOf = (slice: number): number => wishes.reduce((least, { wish, age }) => Math.min(least, costFor(wish, age, slice, count)), Infinity);
  let first = -1;
  let cost = Infinity;
  for (const { wish } of wishes) {
    for (const slice of nearestMissing(wish, count, missing)) {
      const own = costOf(slice);
      if (own < cost || (own === cost && slice < first)) [first, cost] = [slice, own];
    }
  }
  if (first < 0) return null;
  const isNext = (slice: number): boolean => slice >= 0 && slice < count && missing(slice);
  const [below, above] = [first - 1, first + 1].map((slice) => (isNext(slice) ? costOf(slice) : Infinity));
  const step = below < above ? -1 : 1;
  const length = Math.max(1, Math.min(most, Math.round(cost)));
  let end = first;
  while (Math.abs(end - first) + 1 < length && isNext(end + step)) end += step;
  return { first: Math.min(first, end), last: Math.max(first, end), cost };
}
