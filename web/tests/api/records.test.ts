import { describe, expect, it } from "vitest";

import { DecodeError, page } from "@/api/decode";
import { measureAnswer, series, seriesRow, upload } from "@/api/records";

import { ROW, SERIES, VOLUME } from "../examples";

describe("series", () => {
  it("takes what the server gives", () => {
    const parsed = series(SERIES);
    expect(parsed.volumes[0].planes.coronal?.rows).toBe(35);
    expect(parsed.patient?.name).toBe("DOE^JANE");
  });

  it("knows that an irregular stack has no patient planes and no spacing", () => {
    const irregular = {
      ...VOLUME,
      regular: false,
      problem: { code: "geometry", message: "two spacings" },
      affine: null,
      spacing_mm: [null, 0.8, 0.8],
      planes: { acquired: VOLUME.planes.acquired },
    };
    const [volume] = series({ ...SERIES, volumes: [irregular] }).volumes;
    expect(volume.planes.axial).toBeNull();
    expect(volume.spacing_mm).toEqual([null, 0.8, 0.8]);
  });

  it("names the place of what is not as agreed", () => {
    const bad = { ...SERIES, volumes: [{ ...VOLUME, spacing_mm: [1, 2] }] };
    expect(() => series(bad)).toThrow(/volumes\[0\]\.spacing_mm/);
    expect(() => seriesRow({ ...ROW, state: "sleeping" })).toThrow(DecodeError);
    expect(() => page(seriesRow)({ items: [{ ...ROW, id: "5" }], count: 1 })).toThrow(/items\[0\]\.id/);
  });
});

it("takes an upload without its entries, as lists have it", () => {
  const row = {
    id: 3,
    state: "running",
    progress: 0.4,
    message: "Reading",
    created: "2024-01-01T00:00:00Z",
    finished: null,
    names: ["a.zip"],
    counts: { stored: 1, present: 0, skipped: 0 },
    problem: null,
  };
  expect(upload(row).entries).toEqual([]);
});

it("takes measurements with and without a view", () => {
  const measurement = {
    series_instance_uid: "1.2",
    pixels_above_threshold: 50_080,
    pixels_total: 262_144,
    volume_mm3: 143_280.029296875,
    threshold: 0.5,
    method: "fixed",
    spacing_mm: [3, 0.9765625, 0.9765625],
    warnings: [],
  };
  const view = {
    picture: "data:image/png;base64,",
    rows: 512,
    columns: 512,
    slice: 0,
    spacing_mm: [0.9765625, 0.9765625],
    histogram: { values: [0, 1], counts: [3, 4], min: 0, max: 1, exact: true },
    unit: "HU",
    shape: [1, 512, 512],
  };
  const parsed = measureAnswer({ measurements: [measurement, { ...measurement, view }], skipped: { "a.txt": { code: "not_dicom", message: "no" } } });
  expect(parsed.measurements.map((one) => one.view?.unit)).toEqual([undefined, "HU"]);
  expect(parsed.skipped["a.txt"].code).toBe("not_dicom");
});
