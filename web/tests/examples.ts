/** Answers as the server gives them. */

export const VOLUME = {
  index: 0,
  version: "1",
  label: "",
  shape: [35, 512, 512],
  dtype: "int16",
  byte_order: "little",
  colour: false,
  regular: true,
  problem: null,
  warnings: [],
  affine: [
    [0, 0, 0.8, -200],
    [0, 0.8, 0, -180],
    [5, 0, 0, -90],
    [0, 0, 0, 1],
  ],
  spacing_mm: [5, 0.8, 0.8],
  unit: "HU",
  min: -1024,
  max: 1500,
  padding_count: 12,
  inverted: false,
  lossy: false,
  windows: [{ name: "", center: 50, width: 350, function: "LINEAR" }],
  default_window: { name: "", center: 50, width: 350, function: "LINEAR" },
  planes: {
    acquired: { count: 35, rows: 512, columns: 512, spacing_mm: [0.8, 0.8] },
    axial: { count: 35, rows: 512, columns: 512, spacing_mm: [0.8, 0.8] },
    coronal: { count: 512, rows: 35, columns: 512, spacing_mm: [5, 0.8] },
    sagittal: { count: 512, rows: 35, columns: 512, spacing_mm: [5, 0.8] },
  },
  measurement: null,
};

export const ROW = {
  id: 5,
  study_id: 2,
  series_instance_uid: "1.2.3",
  number: 3,
  modality: "CT",
  description: "Lung bases",
  body_part: "CHEST",
  instance_count: 35,
  state: "succeeded",
  progress: 1,
  thumbnail: "/api/series/5/thumbnail.png",
  volume_count: 1,
  regular: true,
  lossy: false,
  shape: [35, 512, 512],
  study: { id: 2, description: "CT", date: "2001-02-03" },
  patient: { id: 1, patient_id: "P1", name: "DOE^JANE", birth_date: "", sex: "F" },
};

export const SERIES = { ...ROW, metadata: { Modality: "CT" }, report: null, pixelless: [], problem: null, job: null, volumes: [VOLUME] };
