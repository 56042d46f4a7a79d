/** A part of a bar, from 0 to 1. */
export interface Stripe {
  readonly from: number;
  readonly to: number;
}

/** The runs of entries that are not 0, as parts of the whole. */
export function stripesOf(flags: ArrayLike<number>): Stripe[] {
  const stripes: Stripe[] = [];
  for (let i = 0; i < flags.length; i += 1) {
    if (!flags[i]) continue;
    const start = i;
    while (i < flags.length && flags[i]) i += 1;
    stripes.push({ from: start / flags.length, to: i / flags.length });
  }
  return stripes;
}
