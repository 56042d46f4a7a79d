import { describe, expect, it } from "vitest";

import { linesOf, type PictureFacts, pictureName } from "@/tools/picture/model";
import { FrameClock } from "@/tools/cine/model";
import { isRoutineNote, liveFigures, whyNoVolume } from "@/tools/measure/model";

describe("measure", () => {
  const histogram = { values: [0, 1, 2], counts: [10, 20, 30], min: 0, max: 2, exact: true };

  it("gives count and mm3 from the histogram, or nothing where it cannot", () => {
    expect(liveFigures(histogram, 0.5, [2, 0.5, 0.5])).toEqual({ count: 30, mm3: 15 });
    expect(liveFigures(histogram, 0.5, [null, 0.5, 0.5])).toEqual({ count: 30, mm3: null });
    expect(liveFigures(null, 0.5, [1, 1, 1])).toEqual({ count: null, mm3: null });
  });

  it("says why there is no mm3", () => {
    expect(whyNoVolume([null, 1, 1], [])).toContain("slice");
    expect(whyNoVolume([null, 1, 1], ["12 pixels are padding", "no Pixel Spacing (0028,0030)"])).toBe("no Pixel Spacing (0028,0030)");
  });
});

it("takes padding for ordinary, and nothing else", () => {
  const padding = "6,755 of 8,000 pixels are padding (Pixel Padding Value (0028,0120)): they take part in neither minimum, maximum nor count";
  expect(isRoutineNote(padding)).toBe(true);
  const floats = "3 of 9 pixels are NaN or infinite, which are no numbers (padding: the Float Pixel Padding Value (0028,0122) is NaN)";
  expect(isRoutineNote(`${floats}: they take part in neither minimum, maximum nor count`)).toBe(true);
  expect(isRoutineNote("3 of 9 pixels are NaN or infinite, which are no numbers: they take part in neither")).toBe(false);
  expect(isRoutineNote("every pixel is padding or no number: nothing to count")).toBe(false);
  expect(isRoutineNote(`3 of 9 pixels are padding (Pixel Padding Value (0028,0120)) and 2 of 9 are no numbers: they take part`)).toBe(false);
});

describe("FrameClock", () => {
  /** How many slices are shown in ten seconds of a 60 Hz screen. */
  function play(beat: (shown: number) => number): number {
    const clock = new FrameClock();
    let shown = 0;
    for (let frame = 0; frame < 600; frame += 1) {
      const now = 5000 + (frame * 1000) / 60;
      if (clock.due(now, beat(shown))) {
        shown += 1;
        clock.shown(now, beat(shown));
      }
    }
    return shown;
  }

  it("keeps the rate over the screen's frames", () => {
    for (const fps of [0.5, 5, 9.3, 15, 24, 30]) expect(Math.abs(play(() => 1000 / fps) - fps * 10)).toBeLessThanOrEqual(2);
  });

  it("shows each slice for its own time", () => {
    expect(Math.abs(play((k) => (k % 5 === 0 ? 800 : 50)) - 50)).toBeLessThanOrEqual(5);
  });
});

describe("the words on a picture that leaves the viewer", () => {
  const facts: PictureFacts = {
    modality: "CT",
    series: "Lungs",
    volume: "",
    plane: "Axial",
    index: 4,
    count: 12,
    place: [1.04, -2, 3],
    voi: { name: "", center: 40, width: 400, function: "LINEAR" },
    unit: "HU",
    inverted: false,
    slab: "MIP 10 mm (4 slices)",
    making: "nearest voxels",
    tint: "",
    patient: "",
    edges: null,
    bars: [],
    overlays: [],
  };

  it("are those on the view, with its window and its place", () => {
    expect(linesOf(facts)).toEqual({
      top: ["CT · Lungs", "Axial"],
      bottom: ["W 400  C 40 HU", "MIP 10 mm (4 slices)", "Slice 5 / 12, LPS 1, −2, 3 mm", "nearest voxels", "Not for diagnostic use"],
    });
  });

  it("name the overlays that are drawn, without the header's words", () => {
    expect(linesOf({ ...facts, overlays: ["overlay 6000 (graphics)", "overlay 6002"] }).bottom.at(-2)).toBe("with overlay 6000 (graphics), overlay 6002");
  });

  it("have the patient's name if it was asked for, and the file's name never has it", () => {
    const named = { ...facts, patient: "DOE, JANE" };
    expect(linesOf(named).top[0]).toBe("DOE, JANE");
    expect(pictureName(named)).toBe("CT-Lungs-Axial-slice-5.png");
  });
});
