import { describe, expect, it } from "vitest";

import { seriesFrom } from "@/api/series";
import { fusible, newLayer, steppedOpacity } from "@/tools/fusion/model";

import { SERIES, VOLUME } from "../examples";

const parsed = (facts: object = {}, volume: object = {}) =>
  seriesFrom({ ...SERIES, id: 6, ...facts, volumes: [{ ...VOLUME, ...volume }] } as unknown as Parameters<typeof seriesFrom>[0]);
const BELOW = { patient: 1, hasPlace: true, space: "1.2.3.4" };
const answer = (series = parsed(), below = BELOW) => fusible(below, series, series.volumes[0]);

describe("an image over another", () => {
  it("lies there at once in one frame of reference", () => {
    expect(answer().kind).toBe("frame");
  });

  it("asks where the frames differ, or are unknown", () => {
    expect(answer(parsed({}, { frame_of_reference_uid: "9" }))).toMatchObject({ kind: "asks", why: expect.stringContaining("different frames of reference") as string });
    expect(answer(parsed({}, { frame_of_reference_uid: null })).kind).toBe("asks");
    expect(answer(parsed({}, { frame_of_reference_uid: null }), { ...BELOW, space: "" }).kind).toBe("asks");
  });

  it("is refused for another patient, and without positions", () => {
    expect(answer(parsed({ patient: { ...SERIES.patient, id: 2 } })).kind).toBe("refused");
    expect(answer(parsed({}, { affine: null })).kind).toBe("refused");
    expect(answer(parsed(), { ...BELOW, hasPlace: false }).kind).toBe("refused");
  });

  it("begins in the colours of its modality", () => {
    const placed = { space: "1.2.3.4", offset: [0, 0, 0], placed: "frame" } as const;
    expect(newLayer(parsed({ modality: "PT" }), 0, placed)).toMatchObject({ colourMap: "hotIron", fading: true });
    expect(newLayer(parsed({ modality: "MR" }), 0, placed)).toMatchObject({ colourMap: "even", fading: false, opacity: 0.5 });
  });
});

it("steps the opacity in tenths", () => {
  expect([steppedOpacity(0.5, 0.1), steppedOpacity(0.95, 0.1), steppedOpacity(0.05, -0.1)]).toEqual([0.6, 1, 0]);
});
