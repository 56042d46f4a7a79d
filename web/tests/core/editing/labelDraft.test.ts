import { describe, expect, it } from "vitest";

import type { EditCommand } from "@/core/editing/editCommand";
import { bytesOfStep, Journal } from "@/core/editing/journal";
import { LabelDraft } from "@/core/editing/labelDraft";
import { EditRefused } from "@/core/editing/editRefused";
import { LabelGrid } from "@/core/editing/labelGrid";
import { finishWork } from "@/core/morphology/work";

import { bytesOfDraft, chanceOf, draftOf, facts, imageOf, normalAcross, randomAffine, randomCommand, randomPoint } from "./draftExamples";

/** Does a command, or nothing if it is refused in words. */
function attempt(draft: LabelDraft, command: EditCommand): boolean {
  try {
    finishWork(draft.run(command));
    return true;
  } catch (error) {
    if (error instanceof EditRefused) return false;
    throw error;
  }
}

/** Counts of all values by looking at every voxel. */
const countsByVoxel = ({ grid }: LabelDraft) =>
  grid.layers.map((layer) => {
    const counts = new Map<number, number>();
    for (let slice = 0; slice < grid.shape[0]; slice += 1) for (const value of layer.slice(slice) ?? []) if (value) counts.set(value, (counts.get(value) ?? 0) + 1);
    return counts;
  });

describe("a draft", () => {
  it("is empty when all is undone, and has the same bytes when all is done again", () => {
    const kinds = new Set<string>();
    for (let seed = 0; seed < 25; seed += 1) {
      const chance = chanceOf(seed);
      const draft = draftOf(randomAffine(chance), chance);
      for (let i = 0; i < 25; i += 1) {
        const command = randomCommand(draft, chance);
        const before = bytesOfDraft(draft);
        if (attempt(draft, command)) kinds.add(command.kind);
        else expect(bytesOfDraft(draft)).toEqual(before);
      }
      const [bytes, segments] = [bytesOfDraft(draft), draft.segments];
      let undone = 0;
      while (draft.journal.undoTitle !== null) {
        draft.undo();
        undone += 1;
      }
      expect(bytesOfDraft(draft).flat().every((slice) => slice === null)).toBe(true);
      expect(draft.segments).toEqual([]);
      expect(draft.grid.bytes).toBe(0);
      for (let i = 0; i < undone; i += 1) draft.redo();
      expect(bytesOfDraft(draft)).toEqual(bytes);
      expect(draft.segments).toEqual(segments);
    }
    expect([...kinds].sort()).toEqual(["brush", "clear", "combine", "copySlice", "fill", "grow", "growBetween", "holes", "interpolate", "islands", "margin", "polygon", "smooth"]);
  }, 60_000);

  it("changes no voxel of a locked segment by any command, and none that it does not tell", () => {
    const kinds = new Set<string>();
    for (let seed = 100; seed < 125; seed += 1) {
      const chance = chanceOf(seed);
      const draft = draftOf(randomAffine(chance), chance);
      for (let i = 0; i < 8; i += 1) attempt(draft, { ...randomCommand(draft, chance), kind: "brush", segment: 1 + (i % 4), shape: { kind: "ball" }, radius: 3, erase: false, range: null, overOthers: true, points: [randomPoint(draft.grid.affine, chance)] });
      draft.changeSegment(2, { locked: true });
      draft.changeSegment(4, { locked: true });
      const maskOf = (number: number) => {
        const { layer, value } = draft.segments[number - 1];
        return bytesOfDraft(draft)[layer].map((slice) => slice?.map((label) => label === value) ?? []);
      };
      const kept = [maskOf(2), maskOf(4)].map((mask) => mask.flat().filter(Boolean).length);
      const masks = [maskOf(2), maskOf(4)];
      for (let i = 0; i < 25; i += 1) {
        const command = randomCommand(draft, chance);
        const before = bytesOfDraft(draft);
        if (attempt(draft, command)) kinds.add(command.kind);
        else expect(bytesOfDraft(draft)).toEqual(before);
        const after = [maskOf(2), maskOf(4)];
        after.forEach((mask, at) => {
          mask.forEach((slice, index) => slice.forEach((is, voxel) => is !== (masks[at][index][voxel] ?? false) && expect.fail(`${command.kind} changed a locked voxel`)));
          expect(mask.flat().filter(Boolean).length).toBe(kept[at]);
        });
      }
    }
    expect(kinds.size).toBe(13);
  }, 60_000);

  it("counts every voxel, in boxes that hold them all, after any commands", () => {
    for (let seed = 200; seed < 220; seed += 1) {
      const chance = chanceOf(seed);
      const draft = draftOf(randomAffine(chance), chance);
      for (let i = 0; i < 20; i += 1) {
        attempt(draft, randomCommand(draft, chance));
        if (chance() < 0.2) draft.undo();
      }
      const counts = countsByVoxel(draft);
      for (const { layer, value } of draft.segments) {
        expect(draft.grid.layer(layer).countOf(value)).toBe(counts[layer].get(value) ?? 0);
        const [loose, tight] = [draft.grid.layer(layer).boxOf(value), draft.grid.layer(layer).tightBoxOf(value)];
        tight?.forEach(([first, beyond], axis) => {
          expect(loose?.[axis][0]).toBeLessThanOrEqual(first);
          expect(loose?.[axis][1]).toBeGreaterThanOrEqual(beyond);
        });
      }
    }
  });

  it("takes voxels of others only if it may, and tells how many were locked", () => {
    const chance = chanceOf(7);
    const draft = draftOf(randomAffine(chance), chance);
    const point = draft.grid.affine.slice(0, 3).map((row) => row[0] * 3 + row[1] * 5 + row[2] * 6 + row[3]) as unknown as [number, number, number];
    const dab = (segment: number, radius: number, overOthers: boolean): EditCommand => ({ kind: "brush", segment, shape: { kind: "ball" }, radius, erase: false, range: null, overOthers, points: [point] });
    const count = (segment: number): number => draft.grid.layer(draft.segments[segment - 1].layer).countOf(draft.segments[segment - 1].value);
    attempt(draft, dab(1, 3, true));
    const all = count(1);
    attempt(draft, dab(2, 3, false));
    expect([count(1), count(2)]).toEqual([all, 0]);
    attempt(draft, dab(4, 3, true));
    expect([count(1), count(4)]).toEqual([all, all]);
    draft.changeSegment(1, { locked: true });
    const kept = finishWork(draft.run(dab(2, 3, true)));
    expect(kept.voxels).toBe(0);
    expect(kept.lockedVoxels).toBeGreaterThanOrEqual(all);
    draft.undo();
    attempt(draft, dab(2, 3, true));
    expect([count(1), count(2)]).toEqual([0, all]);
    expect(() => finishWork(draft.run(dab(9, 3, true)))).toThrow("no segment 9");
  });

  it("makes one step of a stroke, and takes it back when it is cancelled or fails", () => {
    const chance = chanceOf(8);
    const draft = draftOf(randomAffine(chance), chance);
    const before = bytesOfDraft(draft);
    const settings = { segment: 1, shape: { kind: "ball" }, radius: 2, erase: false, range: null, overOthers: true } as const;
    const points = Array.from({ length: 6 }, () => randomPoint(draft.grid.affine, chance));
    draft.beginStroke(settings);
    for (const point of points) draft.extendStroke([point]);
    draft.endStroke();
    const drawn = bytesOfDraft(draft);
    draft.undo();
    expect(bytesOfDraft(draft)).toEqual(before);
    // In one go, the same.
    finishWork(draft.run({ kind: "brush", ...settings, points }));
    expect(bytesOfDraft(draft)).toEqual(drawn);
    draft.undo();
    draft.beginStroke(settings);
    draft.extendStroke(points);
    draft.cancelStroke();
    expect(bytesOfDraft(draft)).toEqual(before);
    draft.changeSegment(1, { locked: true });
    draft.beginStroke(settings);
    expect(() => draft.extendStroke(points)).toThrow("locked");
    expect(draft.endStroke().voxels).toBe(0);
    expect(bytesOfDraft(draft)).toEqual(before);
  });

  it("allocates only the slices that are touched", () => {
    const affine = [[0, 0, 0.7, -180], [0, 0.7, 0, -180], [0.5, 0, 0, 0], [0, 0, 0, 1]];
    const shape = [4000, 512, 512];
    const draft = new LabelDraft(new LabelGrid(shape, affine), [], () => null);
    draft.addSegment(facts("Lung"));
    const disc: EditCommand = { kind: "brush", segment: 1, shape: { kind: "disc", normal: [0, 0, 1] }, radius: 20, erase: false, range: null, overOthers: true, points: [[0, 0, 700.1], [10, 30, 700.1]] };
    finishWork(draft.run(disc));
    expect(draft.grid.bytes).toBe(512 * 512);
    expect(draft.grid.layer(0).boxOf(1)?.[0]).toEqual([1400, 1401]);
    finishWork(draft.run({ ...disc, shape: { kind: "ball" }, radius: 1.6 }));
    expect(draft.grid.bytes).toBe(6 * 512 * 512);
    draft.undo();
    draft.undo();
    expect(draft.grid.bytes).toBe(0);
  });

  it("gives labels two bytes when one is not enough", () => {
    const draft = new LabelDraft(new LabelGrid([1, 4, 4], [[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]]), [], () => null);
    for (let i = 0; i < 300; i += 1) draft.addSegment(facts(`${i}`));
    const dab = (segment: number, x: number): EditCommand => ({ kind: "brush", segment, shape: { kind: "ball" }, radius: 0.4, erase: false, range: null, overOthers: true, points: [[x, 0, 0]] });
    finishWork(draft.run(dab(7, 0)));
    finishWork(draft.run(dab(300, 1)));
    expect(Array.from(draft.grid.layer(0).slice(0)?.subarray(0, 3) ?? [])).toEqual([7, 300, 0]);
    expect(draft.grid.layer(0).slice(0)).toBeInstanceOf(Uint16Array);
  });
});

describe("a draft that grows", () => {
  it("is refused more memory than a tab has, and nothing has changed", () => {
    const affine = [[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]];
    const draft = new LabelDraft(new LabelGrid([20, 8, 8], affine, false, 10 * 64), [], () => null);
    draft.addSegment(facts("A"));
    const ball: EditCommand = { kind: "brush", segment: 1, shape: { kind: "ball" }, radius: 4, erase: false, range: null, overOthers: true, points: [[4, 4, 10]] };
    finishWork(draft.run(ball));
    const before = bytesOfDraft(draft);
    expect(() => finishWork(draft.run({ ...ball, points: [[4, 4, 4]] }))).toThrow("more memory");
    expect(bytesOfDraft(draft)).toEqual(before);
    expect(draft.grid.bytes).toBe(9 * 64);
  });

  it("says of each segment whether a hand or a program drew it", () => {
    const chance = chanceOf(5);
    const draft = draftOf(randomAffine(chance), chance);
    const brush = (segment: number): EditCommand => ({ kind: "brush", segment, shape: { kind: "ball" }, radius: 4, erase: false, range: null, overOthers: true, points: [randomPoint(draft.grid.affine, chance)] });
    draft.changeSegment(3, { algorithmType: "AUTOMATIC", algorithm: "Net 2" });
    for (const segment of [1, 2, 3]) finishWork(draft.run(brush(segment)));
    finishWork(draft.run({ kind: "margin", segment: 2, mm: 2, overOthers: true }));
    const kinds = () => draft.segments.map(({ algorithmType, algorithm }) => [algorithmType, algorithm]);
    expect(kinds()).toEqual([["MANUAL", ""], ["SEMIAUTOMATIC", "Voxelry editing tools"], ["SEMIAUTOMATIC", "Net 2"], ["MANUAL", ""]]);
    draft.undo();
    expect(kinds()[1]).toEqual(["MANUAL", ""]);
  });

  it("fills what an outline encloses in a plane, and says why it cannot", () => {
    const affine = [[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]];
    const draft = new LabelDraft(new LabelGrid([3, 9, 9], affine), [], () => null);
    for (const label of ["A", "B"]) draft.addSegment(facts(label));
    const plane = { point: [0, 0, 1], normal: [0, 0, 1] } as const;
    const square = (low: number, high: number) => [[low, low, 1], [high, low, 1], [high, high, 1], [low, high, 1]] as const;
    const common = { kind: "polygon", segment: 1, plane, through: false, range: null, overOthers: true } as const;
    finishWork(draft.run({ ...common, how: "fill", points: square(1, 7) }));
    finishWork(draft.run({ ...common, how: "cut", points: square(2, 6) }));
    expect(draft.grid.layer(0).countOf(1)).toBe(24);
    const fill: EditCommand = { kind: "fill", segment: 2, point: [4, 4, 1], plane, range: null, overOthers: true };
    expect(finishWork(draft.run(fill))).toMatchObject({ voxels: 25 });
    draft.undo();
    // Through the open slices beside it, all that is free.
    expect(finishWork(draft.run({ ...fill, plane: null }))).toMatchObject({ voxels: 243 - 24 });
    draft.undo();
    expect(() => finishWork(draft.run({ ...fill, point: [1, 1, 1], overOthers: false }))).toThrow("Another segment");
    draft.changeSegment(1, { locked: true });
    expect(() => finishWork(draft.run({ ...fill, point: [1, 1, 1] }))).toThrow('"A" is there, which is locked');
    expect(() => finishWork(draft.run({ ...fill, point: [1, 1, 99] }))).toThrow("outside");
    finishWork(draft.run({ ...common, segment: 2, how: "fill", points: square(2, 6) }));
    finishWork(draft.run({ ...common, segment: 2, how: "keep", points: square(3, 4) }));
    expect(draft.grid.layer(0).countOf(2)).toBe(4);
  });
});

describe("binding to the image's values", () => {
  const affine = [[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]];
  const command: EditCommand = { kind: "brush", segment: 1, shape: { kind: "ball" }, radius: 30, erase: false, range: { low: 40, high: 60 }, overOthers: true, points: [[5, 5, 3]] };

  it("paints where the nearest voxel of the image, on any other grid, has such a value", () => {
    for (let seed = 0; seed < 20; seed += 1) {
      const chance = chanceOf(seed);
      const other = seed === 0 ? affine : randomAffine(chance).map((row, at) => (at < 3 ? [...row.slice(0, 3), row[3] / 10] : row));
      const image = imageOf(other, [6, 9, 8], chance);
      const draft = new LabelDraft(new LabelGrid([7, 11, 13], affine), [], () => image);
      draft.addSegment(facts("A"));
      finishWork(draft.run(command));
      const [[a, b, c, x], [d, e, f, y], [g, h, i, z]] = other;
      const volume = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
      for (let slice = 0; slice < 7; slice += 1) for (let row = 0; row < 11; row += 1) for (let column = 0; column < 13; column += 1) {
        const [p, q, r] = [column - x, row - y, slice - z];
        // By Cramer's rule.
        const index = [
          (p * (e * i - f * h) - b * (q * i - f * r) + c * (q * h - e * r)) / volume,
          (a * (q * i - f * r) - p * (d * i - f * g) + c * (d * r - q * g)) / volume,
          (a * (e * r - q * h) - b * (d * r - q * g) + p * (d * h - e * g)) / volume,
        ].map((at) => Math.floor(at + 0.5 + 1e-6));
        const isThere = index.every((at, axis) => at >= 0 && at < image.shape[axis]);
        const value = isThere ? (image.slice(index[0])?.[index[1] * 8 + index[2]] ?? NaN) : NaN;
        expect(draft.grid.layer(0).at(slice, row, column)).toBe(value >= 40 && value <= 60 ? 1 : 0);
      }
    }
  });

  it("leaves padding out", () => {
    const image = { ...imageOf(affine, [7, 11, 13], chanceOf(1)), padding: [[45, 50]] as const };
    const draft = new LabelDraft(new LabelGrid([7, 11, 13], affine), [], () => image);
    draft.addSegment(facts("A"));
    finishWork(draft.run(command));
    for (let slice = 0; slice < 7; slice += 1) image.slice(slice)?.forEach((value, at) => expect(draft.grid.layer(0).slice(slice)?.[at] ?? 0).toBe((value >= 40 && value < 45) || (value > 50 && value <= 60) ? 1 : 0));
  });

  it("says so if the tab does not hold the image, or a slice of it, and changes nothing", () => {
    const image = { ...imageOf(affine, [7, 11, 13], chanceOf(1)) };
    const without = [null, { ...image, slice: (slice: number) => (slice === 4 ? null : image.slice(slice)) }];
    for (const held of without) {
      const draft = new LabelDraft(new LabelGrid([7, 11, 13], affine), [], () => held);
      draft.addSegment(facts("A"));
      expect(() => finishWork(draft.run(command))).toThrow(held ? "slice 5 has not been loaded" : "does not hold");
      expect(draft.grid.bytes).toBe(0);
      expect(draft.journal.undoTitle).toBe("Add segment");
    }
  });
});

describe("the journal", () => {
  it("keeps a hundred strokes of a usual size, within its bound of bytes", () => {
    const affine = [[0, 0, 0.7, 0], [0, 0.7, 0, 0], [2, 0, 0, 0], [0, 0, 0, 1]];
    const chance = chanceOf(3);
    const journal = new Journal(2 ** 20);
    const draft = new LabelDraft(new LabelGrid([100, 512, 512], affine), [], () => null, journal);
    draft.addSegment(facts("A"));
    for (let i = 0; i < 150; i += 1) {
      const points = Array.from({ length: 8 }, (): [number, number, number] => [50 + chance() * 250, 50 + chance() * 250, 100]);
      finishWork(draft.run({ kind: "brush", segment: 1, shape: { kind: "disc", normal: [0, 0, 1] }, radius: 5, erase: i % 2 === 1, range: null, overOthers: true, points }));
      expect(journal.bytes).toBeLessThanOrEqual(2 ** 20);
    }
    expect(journal.size).toBeGreaterThanOrEqual(100);
  });

  it("drops the oldest steps, never the newest, and what was undone when something new is done", () => {
    const step = (title: string, bytes: number) => ({ title, segments: null, changes: [{ layer: 0, slice: 0, runs: new Uint8Array(bytes) }] });
    const journal = new Journal(10_000);
    for (let i = 0; i < 20; i += 1) {
      journal.push(step(`${i}`, 1000));
      expect(journal.bytes).toBeLessThanOrEqual(10_000);
    }
    expect([journal.undoTitle, journal.size]).toEqual(["19", 7]);
    journal.takeBack();
    journal.takeBack();
    expect([journal.undoTitle, journal.redoTitle]).toEqual(["17", "18"]);
    journal.push(step("new", 1000));
    expect([journal.undoTitle, journal.redoTitle, journal.size]).toEqual(["new", null, 6]);
    journal.push(step("huge", 50_000));
    expect([journal.undoTitle, journal.size]).toEqual(["huge", 1]);
    expect(journal.bytes).toBe(bytesOfStep(step("huge", 50_000)));
  });
});

it("a slice is copied along each axis, and a plane is cleared", () => {
  const chance = chanceOf(11);
  for (const axis of [0, 1, 2] as const) {
    const affine = randomAffine(chance);
    const draft = draftOf(affine, chance);
    const normal = normalAcross(affine, axis);
    const at = (index: number) => {
      const centre = [3, 5, 6];
      centre[axis] = index;
      return affine.slice(0, 3).map((row) => row[0] * centre[0] + row[1] * centre[1] + row[2] * centre[2] + row[3]) as unknown as [number, number, number];
    };
    finishWork(draft.run({ kind: "brush", segment: 1, shape: { kind: "disc", normal }, radius: 3, erase: false, range: null, overOthers: true, points: [at(2)] }));
    const count = draft.grid.layer(0).countOf(1);
    expect(count).toBeGreaterThan(0);
    finishWork(draft.run({ kind: "copySlice", segment: 1, from: { point: at(2), normal }, to: at(5), overOthers: true }));
    expect(draft.grid.layer(0).countOf(1)).toBe(2 * count);
    finishWork(draft.run({ kind: "clear", segment: 1, plane: { point: at(2), normal } }));
    expect(draft.grid.layer(0).countOf(1)).toBe(count);
    const tight = draft.grid.layer(0).tightBoxOf(1);
    expect(tight?.[axis]).toEqual([5, 6]);
  }
});
