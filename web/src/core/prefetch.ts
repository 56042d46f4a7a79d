/** The order in which to fetch slices before they are needed. */

/**
 * Indices of at most `most` slices around `index`, the most likely first.
 *
 * Starts with the index itself, then goes outwards in both directions; while stepping, two slices ahead for each one
 * behind. With `around` the order continues from the last slice to the first, as the cine does.
 */
export function prefetchOrder(index: number, count: number, direction: -1 | 0 | 1, most: number, around = false): number[] {
  const order = new Set<number>();
  const add = (wanted: number) => {
    const i = around ? (wanted + count) % count : wanted;
    if (i >= 0 && i < count && order.size < most) order.add(i);
  };
  add(index);
  const way = direction === 0 ? 1 : direction;
  let ahead = 1;
  let behind = 1;
  while (order.size < Math.min(most, count) && (ahead < count || behind < count)) {
    add(index + way * ahead++);
    if (direction !== 0) add(index + way * ahead++);
    add(index - way * behind++);
  }
  return [...order];
}
