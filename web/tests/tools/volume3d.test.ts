import { describe, expect, it } from "vitest";

import type { Volume } from "@/api/series";
import type { Orbit } from "@/core/orbit";
import { onScreen, towardsViewer } from "@/core/orbit";
import { whyNoBody } from "@/tools/volume3d/bodyTarget";
import { BodyHands, type Handled, orbitOfKey } from "@/tools/volume3d/handling";
import { bodyBox, copyWords, cutsOfCrop, surfaceOpacity, surfaceWords, UNCROPPED } from "@/tools/volume3d/model";
import { firstPreset, PRESETS, type PresetName, presetsFor, transferOf } from "@/tools/volume3d/presets";
import { bodyPictureName } from "@/tools/volume3d/wordedPicture";

const NAMES = Object.keys(PRESETS) as PresetName[];

describe("presets", () => {
  it("for Hounsfield units are offered where the values are such", () => {
    expect(presetsFor("HU")).toEqual(NAMES);
    expect(presetsFor("")).toEqual(["window", "mip", "none"]);
    expect([firstPreset("CT", "HU"), firstPreset("CT", ""), firstPreset("MR", ""), firstPreset("PT", "g/ml")]).toEqual(["bone", "window", "window", "mip"]);
  });

  it.each(NAMES.filter((name) => name !== "none"))("%s has ascending values and parts from 0 to 1", (preset) => {
    const { points } = transferOf({ preset, shift: 0, opacity: 1, window: [10, 90] }) ?? { points: [] };
    const values = points.map(({ value }) => value);
    expect(values).toEqual([...values].sort((a, b) => a - b));
    expect(new Set(values).size).toBe(values.length);
    for (const { opacity, colour } of points) for (const part of [opacity, ...colour]) expect(part >= 0 && part <= 1).toBe(true);
  });

  it("are shifted, follow the window, and fade", () => {
    const shifted = transferOf({ preset: "bone", shift: 50, opacity: 0.5, window: [0, 1] });
    expect(shifted?.points[0].value).toBe(PRESETS.bone.points[0].value + 50);
    expect(shifted?.points[2].opacity).toBe(PRESETS.bone.points[2].opacity / 2);
    const mip = transferOf({ preset: "mip", shift: -10, opacity: 1, window: [100, 300] });
    expect(mip?.points.map(({ value, opacity }) => [value, opacity])).toEqual([[90, 1], [290, 1]]);
    expect(mip?.blend).toBe("max");
    expect(transferOf({ preset: "none", shift: 0, opacity: 1, window: [0, 1] })).toBeNull();
  });
});

describe("what is said", () => {
  it("of the copy", () => {
    const plan = { every: [1, 2, 2], shape: [10, 10, 10] } as const;
    expect(copyWords({ plan, method: "mean", spacing: [5, 0.9765625, 0.9765625], straightened: false })).toBe("Means of 2 × 2 × 1 voxels; 0.98 × 0.98 × 5 mm");
    expect(copyWords({ plan, method: "middle", spacing: [5, 1, 1], straightened: false })).toBe("One voxel of each 2 × 2 × 1; 1 × 1 × 5 mm");
    expect(copyWords({ plan: { ...plan, every: [1, 1, 1] }, method: "mean", spacing: [2.37, 1, 1], straightened: true })).toBe("All voxels; 1 × 1 × 2.37 mm; sheared stack, interpolated onto perpendicular axes");
  });

  it("of the surfaces", () => {
    expect(surfaceWords([])).toBe("");
    expect(surfaceWords([[1, 1, 1]])).toBe("Surfaces: all voxels; smoothed within one voxel of the border");
    expect(surfaceWords([[1, 1, 1], [1, 2, 3]])).toContain("large ones of blocks of 3 × 2 × 1");
    expect([surfaceOpacity(0.5), surfaceOpacity(0.1), surfaceOpacity(1)]).toEqual([1, 0.2, 1]);
  });

  it("in a file's name, without the patient's", () => {
    expect(bodyPictureName("CT", "Thorax / lung 1.0")).toBe("CT-Thorax-lung-1.0-3-D.png");
    expect(bodyPictureName("", "")).toBe("3-D.png");
  });
});

it("cuts the sides of the box that were moved", () => {
  const box = bodyBox([[-10, 0, 5], [10, 40, 105]]);
  expect(cutsOfCrop(UNCROPPED, box)).toEqual([]);
  expect(cutsOfCrop([[0.25, 1], [0, 1], [0, 0.5]], box)).toEqual([
    { origin: [-5, 0, 0], normal: [1, 0, 0] },
    { origin: [0, 0, 55], normal: [0, 0, -1] },
  ]);
});

it("says why a volume cannot be shown", () => {
  const affine = [[0, 0, 1, 0], [0, 1, 0, 0], [2, 0, 0, 0]];
  const volume = { colour: false, shape: [20, 30, 40], affine, problem: null, ultrasound: null } as unknown as Volume;
  expect(whyNoBody(volume)).toBe("");
  expect(whyNoBody({ ...volume, colour: true })).toContain("Colour");
  expect(whyNoBody({ ...volume, shape: [1, 30, 40] })).toContain("one slice");
  expect(whyNoBody({ ...volume, shape: [20, 1, 40] })).toContain("one row");
  expect(whyNoBody({ ...volume, affine: null })).toContain("position");
  expect(whyNoBody({ ...volume, affine: null, problem: { code: "gap", message: "Slices are missing." } })).toContain("Slices are missing.");
});

describe("hands on a body", () => {
  const FRONT: Orbit = { focus: [0, 0, 0], right: [1, 0, 0], up: [0, 0, 1], extent: 100 };
  const body = (): Handled => ({ orbit: FRONT, stage: { width: 400, height: 400 } });
  const MAIN = { button: 0, shiftKey: false, ctrlKey: false };
  const nose = [0, -40, 0] as const;

  it("turn it with one, and move it with Shift or another button", () => {
    const one = body();
    const hands = new BodyHands(one);
    hands.press(1, { x: 200, y: 200 }, MAIN);
    hands.move(1, { x: 230, y: 200 });
    expect(onScreen(one.orbit, nose, one.stage).x).toBeGreaterThan(210);
    hands.release(1);
    hands.move(1, { x: 300, y: 200 });
    expect(hands.busy).toBe(false);
    for (const options of [{ ...MAIN, shiftKey: true }, { ...MAIN, button: 2 }]) {
      const other = body();
      const moving = new BodyHands(other);
      moving.press(1, { x: 200, y: 200 }, options);
      moving.move(1, { x: 230, y: 190 });
      expect(onScreen(other.orbit, [0, 0, 0], other.stage)).toEqual({ x: 230, y: 190 });
      expect(other.orbit.right).toBe(FRONT.right);
    }
  });

  it("enlarge and move it with two, and what is between them stays between them", () => {
    const two = body();
    const hands = new BodyHands(two);
    hands.press(1, { x: 150, y: 200 }, MAIN);
    hands.press(2, { x: 250, y: 200 }, MAIN);
    hands.move(2, { x: 350, y: 200 });
    expect(two.orbit.extent).toBeCloseTo(50, 9);
    const middle = onScreen(two.orbit, [0, 0, 0], two.stage);
    expect(middle.x).toBeCloseTo(250, 9);
    expect(middle.y).toBeCloseTo(200, 9);
  });

  it("have keys", () => {
    const press = (key: string, more = {}): Orbit | null => orbitOfKey({ key, shiftKey: false, altKey: false, ...more }, body());
    expect(towardsViewer(press("ArrowRight") ?? FRONT)[0]).toBeLessThan(0);
    expect(onScreen(press("ArrowRight", { shiftKey: true }) ?? FRONT, [0, 0, 0], body().stage).x).toBeCloseTo(230, 9);
    expect(press("+")?.extent).toBe(80);
    expect(press("-")?.extent).toBe(125);
    expect(press("ArrowLeft", { altKey: true })?.up).not.toEqual(FRONT.up);
    expect([press("x"), press("ArrowUp", { altKey: true })]).toEqual([null, null]);
  });
});
