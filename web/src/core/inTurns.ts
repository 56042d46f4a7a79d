/** The most requests at a time, so that pictures are not kept waiting. */
const AT_A_TIME = 4;

/** Calls `task` for each item, a few at a time; the results are in the order of the items. */
export async function inTurns<T, R>(items: readonly T[], task: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let i = 0; i < items.length; i += AT_A_TIME) results.push(...(await Promise.all(items.slice(i, i + AT_A_TIME).map(task))));
  return results;
}
