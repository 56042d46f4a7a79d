import { describe, expect, it } from "vitest";

import { pointOfCut } from "@/core/plane";
import { everyFor, placementOf, thinnedCut } from "@/core/thinning";

describe("thinned pictures", () => {
  it("take one of so many rows and columns that about the wanted pixels are left", () => {
    expect([everyFor(100, 1000), everyFor(4000 * 512, 2 ** 18), everyFor(1001, 1000)]).toEqual([1, 3, 2]);
  });

  it("have their pixels in the places of the whole picture's", () => {
    const whole = { origin: [1, 2, 3], right: [0.5, 0, 0.1], down: [0, 0.25, 0], rows: 11, columns: 2 } as const;
    for (const every of [2, 3, 4, 5, 40]) {
      const thinned = thinnedCut(whole, every);
      const [firstRow, firstColumn] = [11, 2].map((count) => Math.floor((Math.min(every, count) - 1) / 2));
      expect(thinned.rows).toBe([...Array(11).keys()].filter((row) => row >= firstRow && (row - firstRow) % every === 0).length);
      expect(pointOfCut(thinned, thinned.rows - 1, thinned.columns - 1)).toEqual(
        pointOfCut(whole, firstRow + (thinned.rows - 1) * every, firstColumn + (thinned.columns - 1) * every).map((number) => expect.closeTo(number, 12) as number),
      );
      // The middle of the first pixel is the middle of the one that it was.
      const { x, y, width, height } = placementOf({ ...thinned, every }, whole);
      expect([y + height / thinned.rows / 2, x + width / thinned.columns / 2]).toEqual([firstRow + 0.5, firstColumn + 0.5]);
    }
  });

  it("lie as they are where nothing is left out", () => {
    expect(placementOf({ rows: 4, columns: 6 }, { rows: 4, columns: 6 })).toEqual({ x: 0, y: 0, width: 6, height: 4 });
  });
});
