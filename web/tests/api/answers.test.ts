import * as v from "valibot";
import { describe, expect, it } from "vitest";

import { AnswerError, parseAnswer } from "@/api/answers";
import { measureOut, pageSeriesRow, pageUploadRow, seriesOut, seriesRow, type Validator, volumeOut } from "@/api/generated/validators";
import { seriesFrom } from "@/api/series";

import { ROW, SERIES, VOLUME } from "../examples";

const series = (value: unknown) => seriesFrom(parseAnswer(seriesOut, value));

describe("series", () => {
  it("takes what the server gives", () => {
    const parsed = series(SERIES);
    expect(parsed.volumes[0].planes.coronal?.rows).toBe(35);
    expect(parsed.patient.name).toBe("DOE^JANE");
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
    expect(volume.planes.axial).toBeUndefined();
    expect(volume.spacing_mm).toEqual([null, 0.8, 0.8]);
  });

  it("names the place of what is not as agreed", () => {
    const bad = { ...SERIES, volumes: [{ ...VOLUME, spacing_mm: [1, 2] }] };
    expect(() => series(bad)).toThrow(/volumes\[0\]\.spacing_mm/);
    expect(() => parseAnswer(seriesRow, { ...ROW, state: "sleeping" })).toThrow(AnswerError);
    expect(() => parseAnswer(pageSeriesRow, { items: [{ ...ROW, id: "5" }], count: 1 })).toThrow(/items\[0\]\.id/);
  });

  it("decodes the grey levels of tables", () => {
    const table = { name: "", first: -1, levels: btoa("\x00\x80\xff") };
    const [volume] = series({ ...SERIES, volumes: [{ ...VOLUME, tables: [table], default_view: table, slice_views: { views: [table], slices: [0, null] } }] }).volumes;
    expect(volume.tables[0].levels).toEqual(Uint8Array.of(0, 128, 255));
    expect(volume.default_view).toEqual(volume.slice_views?.views[0]);
    for (const levels of ["", "%"]) {
      const bad = { ...SERIES, volumes: [{ ...VOLUME, default_view: { ...table, levels } }] };
      expect(() => series(bad)).toThrow(/volumes\[0\]\.default_view\.levels/);
    }
  });
});

describe("an answer that does not fit", () => {
  const message = (validator: Validator<unknown>, value: unknown): string => {
    try {
      parseAnswer(validator, value);
    } catch (error) {
      return error instanceof AnswerError ? error.message : "another error";
    }
    return "no error";
  };

  it.each([
    [{ ...VOLUME, label: null }, "null where text should be (label)"],
    [{ ...VOLUME, index: 1.5 }, "a number where a whole number should be (index)"],
    [{ ...VOLUME, regular: "yes" }, "a string where true or false should be (regular)"],
    [{ ...VOLUME, shape: {} }, "an object where a list should be (shape)"],
    [{ ...VOLUME, affine: [[1, "x"]] }, "a string where a number should be (affine[0][1])"],
    [{ ...VOLUME, spacing_mm: [5, null] }, "nothing where a number should be (spacing_mm[2])"],
    [{ ...VOLUME, spacing_mm: [5, null, 1, 1] }, "a number where nothing should be (spacing_mm[3])"],
    [{ ...VOLUME, windows: [{ name: "", center: 1, width: 2, function: "CUBIC" }] }, "windows[0].function"],
    [{ ...VOLUME, default_view: { name: "", first: 0, levels: 7 } }, "a number where text should be (default_view.levels)"],
    [{ ...VOLUME, planes: {} }, "(planes.acquired)"],
    [[], "where \"acquired_by\" should be"],
    [null, "null where an object should be (the answer itself)"],
  ])("%# is described without its values", (value, words) => {
    expect(message(volumeOut, value)).toContain(words);
  });

  it("is not a list where the contract has an object", () => {
    expect(message(seriesOut, { ...SERIES, metadata: [1] })).toContain("a list where an object should be (metadata)");
  });

  it("never repeats a value, which may be a patient's", () => {
    const row = { ...ROW, patient: { ...ROW.patient, sex: 1, name: "DOE^JANE" }, number: "DOE^JANE" };
    expect(message(seriesRow, row)).not.toContain("DOE");
    expect(message(v.picklist(["a"]), "DOE^JANE")).not.toContain("DOE");
    expect(message(v.union([v.number(), v.literal("x")]), "DOE^JANE")).not.toContain("DOE");
  });

  it("may lack what the contract allows to be missing, and hold more than it names", () => {
    expect(message(volumeOut, { ...VOLUME, planes: { acquired: VOLUME.planes.acquired } })).toBe("no error");
    expect(message(volumeOut, { ...VOLUME, later: 1 })).toBe("no error");
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
    project_id: 1,
    node: "",
    names: ["a.zip"],
    counts: { stored: 1, present: 0, skipped: 0 },
    problem: null,
  };
  expect(parseAnswer(pageUploadRow, { items: [row], count: 1 }).items).toEqual([row]);
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
    aspect: 1,
    histogram: { values: [0, 1], counts: [3, 4], min: 0, max: 1, exact: true },
    unit: "HU",
    shape: [1, 512, 512],
  };
  const parsed = parseAnswer(measureOut, { measurements: [measurement, { ...measurement, label: "axial", view }], skipped: { "a.txt": { code: "not_dicom", message: "no" } } });
  expect(parsed.measurements.map(({ view: shown }) => shown?.unit)).toEqual([undefined, "HU"]);
  expect(parsed.skipped["a.txt"].code).toBe("not_dicom");
});
