import { expect, it } from "vitest";

import type { SliceOverlay } from "@/core/overlayPlanes";
import { keyLine, missingWords } from "@/tools/overlays/model";

const overlay: SliceOverlay = { group: 0x6000, kind: "R", label: "ROI 1", description: "lesion", origin: [0, 0], rows: 1, columns: 1, bits: new Uint8Array(1) };

it("the key has the colour and the header's words", () => {
  expect(keyLine(overlay)).toMatchObject({ name: "overlay 6000 (region)", words: "ROI 1: lesion", colour: "rgb(255 210 63 / 0.45)" });
  expect(keyLine({ ...overlay, description: "ROI 1" }).words).toBe("ROI 1");
  expect(keyLine({ ...overlay, label: "", description: "" }).words).toBe("");
});

it("what is not drawn is told", () => {
  const ready = { state: "ready", overlays: [overlay], problems: [] } as const;
  expect(missingWords(true, ready)).toBe("");
  expect(missingWords(false, ready)).toBe("overlays hidden");
  expect(missingWords(true, { ...ready, problems: ["a", "b"] })).toBe("2 overlays cannot be read");
  expect(missingWords(true, { ...ready, state: "failed", overlays: [] })).toBe("the overlays could not be loaded");
  expect(missingWords(true, { ...ready, overlays: [] })).toBe("no overlay to show");
});
