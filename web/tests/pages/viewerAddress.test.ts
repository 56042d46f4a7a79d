import { createPinia, setActivePinia } from "pinia";
import { beforeEach, expect, it, vi } from "vitest";

import { type Series, seriesFrom } from "@/api/series";
import { queryOfViews, viewsOfQuery } from "@/core/viewAddress";
import { addressOfMask, addressOfView, followedBy, openAddress } from "@/pages/viewer/viewerAddress";
import { handLinks } from "@/views/links";
import { useMaskLayers } from "@/views/maskLayers";
import { useViews } from "@/views/views";

import { SERIES, VOLUME } from "../examples";

vi.mock("@/scene/volumePool", () => ({ holdVolume: () => null, releaseVolume: () => undefined }));
const parsed = (series: object): Series => seriesFrom(series as Parameters<typeof seriesFrom>[0]);
const CT = parsed(SERIES);
const PET = parsed({ ...SERIES, id: 6, series_instance_uid: "1.2.6", modality: "PT", volumes: [{ ...VOLUME, unit: "GML", frame_of_reference_uid: "9.9" }] });
const OTHERS = parsed({ ...SERIES, id: 7, series_instance_uid: "1.2.7", patient: { ...SERIES.patient, id: 2 } });
const KNOWN = [CT, PET, OTHERS];
vi.mock("@/api/studies", () => ({
  listSeries: ({ series_instance_uid: uid }: { series_instance_uid: string }) => Promise.resolve({ items: KNOWN.filter((series) => series.series_instance_uid === uid) }),
  getSeries: (id: number) => Promise.resolve(KNOWN.find((series) => series.id === id)),
}));

vi.mock("@/api/segmentations", () => ({
  listSegmentations: (series: number) => Promise.resolve(series === 5 ? [{ id: 31, sop_instance_uid: "1.2.77", space: "1.2.9", placed: "frame" }, { id: 32, sop_instance_uid: "1.2.78", space: "", placed: "unknown" }] : []),
  getSegmentation: () => new Promise(() => undefined),
}));

beforeEach(() => setActivePinia(createPinia()));

const open = async (query: Record<string, string | string[]>): Promise<string[]> => {
  const wanted = viewsOfQuery(query);
  return wanted ? openAddress(wanted) : ["nothing"];
};
const written = (): Record<string, string | string[]> => {
  const views = useViews();
  const uidOf = (id: number): string => KNOWN.find((series) => series.id === id)?.series_instance_uid ?? "";
  const links = handLinks(views.views, views.offsets).map(({ from, to, offset }) => ({ from: from + 1, to: to + 1, offset }));
  return queryOfViews({ layout: views.layout, active: 1, expanded: false, turn: null, links, follow: followedBy(views), masks: useMaskLayers().layers.map((layer) => addressOfMask(layer, uidOf)).filter((mask) => mask !== null), views: views.views.map((view) => addressOfView(view, uidOf)) });
};

it("opens what it wrote: links made by hand, and fused images as they were painted and placed", async () => {
  const query = { layout: "2", follow: "zoom,window", hand: ["1,2,-12.5,0,4.125"], view: ["1.2.3;at:-0.4,24.4,-25;over:1.2.6~~5,10~hotIron~0.35~solid~~1,2,3|1.2.3~~~even~1~fading~hidden", "1.2.6;at:-12.9,24.4,-20.875"] };
  expect(await open(query)).toEqual([]);
  const views = useViews();
  const [ct, pet] = views.views;
  expect(ct.fused[0]).toMatchObject({ placed: "hand", offset: [1, 2, 3], fading: false, visible: true, opacity: 0.35, colourMap: "hotIron" });
  expect(ct.fused[1]).toMatchObject({ placed: "frame", offset: [0, 0, 0], fading: true, visible: false });
  expect(views.linkOf(pet, ct)).toEqual({ kind: "hand", offset: [12.5, 0, -4.125] });
  const again = written();
  expect([views.linkPlace, views.linkZoom, views.linkWindow]).toEqual([false, true, true]);
  expect(again).toMatchObject({ layout: "2", follow: "zoom,window", hand: ["1,2,-12.5,0,4.125"] });
  setActivePinia(createPinia());
  expect(await open(again)).toEqual([]);
  expect(written()).toEqual(again);
});

it("shows the masks of an address as they looked, and says which are not here", async () => {
  const mask = ["1.2.77;opacity:0.3;outlined;hidden;without:1-3;fills:5;colours:3=00ff7f", "1.2.78;opacity:0.5;assumed:1.2.3"];
  const told = await open({ view: "1.2.3;at:-0.4,24.4,-25", mask: [...mask, "1.2.99;opacity:0.5"] });
  expect(told).toEqual(["Not over these images, or not open to you: 1 mask of the address."]);
  const [first, second] = useMaskLayers().layers;
  expect(first).toEqual({ kind: "labels", segmentationId: 31, space: "1.2.9", assumedOver: [], opacity: 0.3, outlined: true, visible: false, looks: { 1: { hidden: true }, 2: { hidden: true }, 3: { hidden: true, colour: "#00ff7f" }, 5: { outlined: false } } });
  expect(second.assumedOver).toEqual([{ seriesId: 5, space: useViews().active.space }]);
  expect(written().mask).toEqual(mask);
});

it("paints images of older addresses as is usual for them", async () => {
  await open({ view: "1.2.3;over:1.2.6~~5,10~hotIron~0.35" });
  expect(useViews().active.fused[0]).toMatchObject({ placed: "assumed", fading: true, visible: true });
});

it("opens what can be opened, and says what cannot", async () => {
  const over = "over:1.2.6~phase 2~~hot~1|1.2.7~~~hot~1|1.2.6~~~sepia~1|1.2.99~~~hot~1";
  const told = await open({ layout: "7x7", hand: "1,9,0,0,0", view: [`1.2.3;volume:phase 1;plane:coronal;window:=Lost;${over}`, "1.2.98"] });
  expect(told).toEqual([
    "Not here, or not open to you: 2 series of the address.",
    "View 1: the volume is not in its series any more, the first one is shown.",
    "View 1: the window is not offered any more.",
    "View 1: the volume of a fused image is not in its series any more.",
    "View 1: a fused image is another patient's.",
    "View 1: a fused image has unknown colours.",
    "The arrangement of the views is unknown.",
    "There is room for 1 of its 2 views.",
    "Not readable in the address: a link made by hand.",
  ]);
  expect(useViews().active).toMatchObject({ plane: "coronal", fused: [] });
});
