import { createPinia, setActivePinia } from "pinia";
import { beforeEach, expect, it, vi } from "vitest";

import { useMaskLayers } from "@/views/maskLayers";
import { labelsAhead } from "@/views/labelPictures";
import type { View } from "@/views/view";

const { ahead, released } = vi.hoisted(() => ({ ahead: vi.fn<(map: number, request: unknown) => Promise<void>>(), released: vi.fn() }));
vi.mock("@/scene/volumePool", () => ({ releaseVolume: released }));
vi.mock("@/scene/labelSource", () => ({ holdLabels: ({ segmentationId, layer }: { segmentationId: number; layer: number }) => ({ ahead: (request: unknown) => ahead(segmentationId * 10 + layer, request) }) }));
vi.mock("@/api/segmentations", () => ({
  getSegmentation: (id: number) => (id === 9 ? Promise.reject(new Error("Gone.")) : Promise.resolve({ id, state: "ready", problem: null, layers: 2, version: "a", affine: [], shape: [2, 2, 2], dtype: "uint8", segments: [] })),
}));

const CUT = { origin: [0, 0, 0], right: [1, 0, 0], down: [0, 1, 0], rows: 2, columns: 2 };
const view = (space: string, cut: unknown = CUT) => ({ series: { id: 5 }, volume: {}, space, cut }) as unknown as View;
const layer = (segmentationId: number, space: string, visible = true) => ({ kind: "labels", segmentationId, space, assumedOver: [], opacity: 1, outlined: false, visible, looks: {} }) as const;

beforeEach(() => {
  setActivePinia(createPinia());
  ahead.mockReset().mockResolvedValue();
  released.mockReset();
});

it("has the maps of all masks over a view's image cut where the image is, and of no others", async () => {
  useMaskLayers().put([layer(1, "1.2"), layer(2, "3.4"), layer(3, "1.2", false), layer(9, "1.2")]);
  await labelsAhead([view("1.2"), view("1.2", null)]);
  expect(ahead.mock.calls).toEqual([10, 11].map((map) => [map, { kind: "cut", cut: CUT, method: "nearest" }]));
  expect(released).toHaveBeenCalledTimes(2);
});

it("resolves where nothing lies over the images", async () => {
  await labelsAhead([view("1.2")]);
  expect(ahead).not.toHaveBeenCalled();
});
