import { describe, expect, it } from "vitest";

import { axisOf, commonWords, nearestWords } from "@/tools/time/model";
import { axesOf, EVERY, volumesAlong, nearestAt, placesOf } from "@/tools/time/volumeAxes";

type Separator = readonly [keyword: string, text: string, unit?: string];

const volume = (index: number, separators: readonly Separator[], seconds: number | null = null) => ({
  index,
  grid: 0,
  label: `v${index}`,
  separators: separators.map(([keyword, text, unit = ""]) => {
    const value = Number.parseFloat(text);
    return { keyword, name: keyword.replace(/([a-z])([A-Z])/g, "$1 $2"), text, value: Number.isNaN(value) || text.includes(" ") ? null : value, unit };
  }),
  acquired_s: seconds,
  acquired_by: "",
  shape: [3, 4, 5],
  colour: false,
});

/** Two echoes at three times; the last time has no second echo. */
const ECHOES = [
  [9.2, 1],
  [4.6, 1],
  [9.2, 2],
  [4.6, 2],
  [4.6, 3],
].map(([echo, time], i) => volume(i, [["TemporalPositionIdentifier", String(time)], ["EchoTime", String(echo), "ms"]], time * 10));

/** As the library tells b-values and directions: without diffusion weighting there is none. */
const DIFFUSION = [
  [0, "none"],
  [500, "0 1 0"],
  [500, "1 0 0"],
  [1000, "0 1 0"],
  [1000, "1 0 0"],
].map(([b, direction], i) => volume(i, [["DiffusionBValue", String(b), "s/mm2"], ["DiffusionGradientOrientation", String(direction)]]));

describe("the axes of a set of volumes", () => {
  it("are the attributes that tell them apart, with their values in order", () => {
    expect(axesOf(ECHOES).map(({ title, values, levels }) => ({ title, values, levels }))).toEqual([
      { title: "Temporal Position", values: ["1", "2", "3"], levels: [0, 0, 1, 1, 2] },
      { title: "Echo Time", values: ["4.6 ms", "9.2 ms"], levels: [1, 0, 1, 0, 0] },
    ]);
  });

  it("are one where two attributes say the same, and none where nothing differs", () => {
    const twice = [1, 2, 3].map((n) => volume(n, [["EchoNumbers", String(n)], ["EchoTime", String(n * 4.6), "ms"]]));
    expect(axesOf(twice).map(({ keyword }) => keyword)).toEqual(["EchoNumbers"]);
    expect(axesOf([volume(0, [])])).toEqual([]);
    expect(axesOf([volume(0, [["EchoTime", "4.6", "ms"]]), volume(1, [["EchoTime", "4.6", "ms"]])])).toEqual([]);
  });

  it("count what each volume has for itself among those that the others do not tell apart", () => {
    const runs = ["1-4", "9-12", "5-8", "13-16"].map((run, i) => volume(i, [["EchoTime", i < 2 ? "4.6" : "9.2", "ms"], ["InstanceNumber", run]]));
    const [echo, order] = axesOf(runs);
    expect([echo.levels, order.levels, order.count]).toEqual([[0, 0, 1, 1], [0, 1, 0, 1], 2]);
    // Numbers that only follow another axis are no axis.
    expect(axesOf(runs.slice(1, 3)).map(({ keyword }) => keyword)).toEqual(["EchoTime"]);
  });

  it("leave a place open that a header does not tell", () => {
    const lone = volume(5, [["TemporalPositionIdentifier", "4"]]);
    expect(axesOf([...ECHOES, lone])[1].levels.at(-1)).toBeNull();
  });

  it("have volumes without diffusion weighting in each direction, and others in their own only", () => {
    const [b, direction] = axesOf(DIFFUSION);
    expect([b.values, b.levels]).toEqual([["0 s/mm2", "500 s/mm2", "1000 s/mm2"], [0, 1, 1, 2, 2]]);
    expect([direction.values, direction.levels]).toEqual([["0 1 0", "1 0 0"], [EVERY, 0, 1, 0, 1]]);
    const trace = volume(5, [["DiffusionBValue", "1000", "s/mm2"], ["DiffusionGradientOrientation", "none"]]);
    expect(axesOf([...DIFFUSION, trace])[1].levels.at(-1)).toBe(2);
  });
});

describe("a line of volumes", () => {
  it("has what is the same on all other axes, in the axis' order", () => {
    const axes = axesOf(ECHOES);
    expect(volumesAlong(axes, 0, 3, placesOf(axes, 3, []))).toEqual([1, 3, 4]);
    expect(volumesAlong(axes, 0, 0, placesOf(axes, 0, []))).toEqual([0, 2]);
    expect(volumesAlong(axes, 1, 0, placesOf(axes, 0, []))).toEqual([1, 0]);
  });

  it("is plotted by its own quantity, else by time", () => {
    const axes = axesOf(ECHOES);
    expect(axisOf([ECHOES[1], ECHOES[0]], axes[1])).toEqual({ title: "Echo Time", unit: "ms", places: [4.6, 9.2] });
    expect(axisOf([1, 3, 4].map((i) => ECHOES[i]), axes[0])).toEqual({ title: "Time", unit: "s", places: [10, 20, 30] });
    const untimed = [1, 3, 4].map((i) => ({ ...ECHOES[i], acquired_s: null }));
    expect(axisOf(untimed, axes[0])).toEqual({ title: "Temporal Position", unit: "", places: [1, 2, 3] });
    expect(commonWords(axes, 0, ECHOES[0])).toBe("Echo Time 9.2 ms");
  });

  it("begins each direction with the volume without weighting, and comes back to the direction", () => {
    const axes = axesOf(DIFFUSION);
    const places = placesOf(axes, 4, []);
    expect(volumesAlong(axes, 0, 4, places)).toEqual([0, 2, 4]);
    const none = nearestAt(axes, 0, [0, places[1]]);
    expect(none).toEqual({ at: 0, exact: true });
    const back = placesOf(axes, 0, places);
    expect(volumesAlong(axes, 0, 0, back)).toEqual([0, 2, 4]);
    expect(nearestAt(axes, 0, [2, back[1]])).toEqual({ at: 4, exact: true });
  });
});

describe("places without a volume", () => {
  it("lead to the nearest one, which is said", () => {
    const axes = axesOf(ECHOES);
    // The last time has no second echo: it is the time that was asked for, or the echo.
    expect(nearestAt(axes, 0, [2, 1])).toEqual({ at: 4, exact: false });
    expect(nearestAt(axes, 1, [2, 1])).toEqual({ at: 2, exact: false });
    expect(nearestWords(axes, [2, 1], ECHOES[4])).toBe("No volume has Temporal Position 3 and Echo Time 9.2 ms. The nearest is shown: Temporal Position 3, Echo Time 4.6 ms.");
  });

  it("are never taken for places with one, and what is asked for on the moved axis is kept", () => {
    let seed = 3;
    const below = (most: number): number => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) % most;
    for (let round = 0; round < 300; round += 1) {
      const sizes = [2 + below(3), 2 + below(3), 1 + below(3)];
      const cells = Array.from({ length: sizes[0] * sizes[1] * sizes[2] }, (_, i) => [i % sizes[0], Math.floor(i / sizes[0]) % sizes[1], Math.floor(i / sizes[0] / sizes[1])]);
      const set = cells.filter(() => below(3) > 0).map(([x, y, z], i) => volume(i, [["EchoTime", String(x), "ms"], ["FlipAngle", String(y)], ["TemporalPositionIdentifier", String(z)]]));
      const axes = axesOf(set);
      for (const along of axes.keys()) {
        const places = axes.map(({ count }) => below(count));
        const reached = nearestAt(axes, along, places);
        const at = reached?.at ?? -1;
        expect(axes[along].levels[at]).toBe(places[along]);
        const there = set.findIndex((_, i) => axes.every(({ levels }, k) => levels[i] === places[k]));
        expect(reached?.exact).toBe(there >= 0);
        if (there >= 0) expect(at).toBe(there);
        // A line has one volume for each place, and goes through the volume itself.
        const line = volumesAlong(axes, along, at, placesOf(axes, at, places));
        expect(line).toContain(at);
        expect(new Set(line.map((i) => axes[along].levels[i])).size).toBe(line.length);
      }
    }
  });
});
