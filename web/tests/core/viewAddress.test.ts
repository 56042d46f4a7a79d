import { describe, expect, it } from "vitest";

import { type MaskInAddress, numbersOfRanges, rangesText } from "@/core/maskAddress";
import { EMPTY_VIEW, type LayerInAddress, queryOfViews, type ViewInAddress, type ViewsInAddress, viewsOfQuery } from "@/core/viewAddress";

const one = (view: Partial<ViewInAddress>): ViewsInAddress => ({ layout: "1", active: 1, expanded: false, turn: null, links: [], follow: ["place"], masks: [], views: [{ ...EMPTY_VIEW, series: "1.2.840.3", ...view }] });
const MASK: MaskInAddress = { uid: "1.2.77", opacity: 0.35, outlined: true, visible: false, assumedOver: ["1.2.3", "1.2.4"], hidden: [1, 2, 3, 9], lines: [5], fills: [4, 65_535], colours: { 3: "#00ff7f" } };
const LAYER: LayerInAddress = { series: "1.2.5", volume: "", window: null, colourMap: "hot", opacity: 0.4, fading: null, visible: true, offset: null };

/** As the browser hands it over: through an address and back. */
function through(views: ViewsInAddress): ViewsInAddress | null {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(queryOfViews(views))) for (const each of [value].flat()) query.append(name, each);
  const read = new URLSearchParams(query.toString());
  return viewsOfQuery(Object.fromEntries([...new Set(read.keys())].map((name) => [name, read.getAll(name)])));
}

it("writes only what differs from the usual", () => {
  expect(queryOfViews(one({}))).toEqual({ view: "1.2.840.3" });
});

describe("an address and back", () => {
  it.each<Partial<ViewInAddress>>([
    {},
    { volume: "EchoTime 4.6, a;b:c%|~d" },
    { plane: "sagittal", at: [-12.125, 0, 1234.5] },
    { slice: 17 },
    { window: { kind: "values", center: -600, width: 1500, function: "LINEAR" } },
    { window: { kind: "values", center: 0.000123456789, width: 1.5e-5, function: "SIGMOID" } },
    { window: { kind: "named", name: "From the file; 50 %" } },
    { inverted: true, pixels: true, straightened: true, flipped: true, rotation: 270 },
    { slab: { mode: "mean", mm: 12.5 } },
    { zoom: 2.125, pan: [0.25, -1.5] },
    { layers: [{ ...LAYER, volume: "phase 1", window: { kind: "values", center: 5, width: 10, function: "LINEAR" } }] },
    { layers: [{ ...LAYER, fading: true, visible: false }, { ...LAYER, fading: false, offset: [-3.125, 0, 12] }] },
  ])("keeps %j", (view) => {
    expect(through(one(view))).toEqual({ ...one(view), unread: [] });
  });

  it("keeps the arrangement, the turn, links made by hand, masks and empty views", () => {
    const views: ViewsInAddress = { layout: "2x2", active: 3, expanded: true, turn: [[1, 0, 0], [0, 0.8, 0.6]], links: [{ from: 1, to: 3, offset: [-12.5, 0, 4.125] }], follow: ["zoom", "window"], masks: [MASK], views: [one({}).views[0], EMPTY_VIEW, one({ plane: "axial" }).views[0], EMPTY_VIEW] };
    expect(through(views)).toEqual({ ...views, unread: [] });
  });
});

describe("masks", () => {
  it("write many segments as ranges", () => {
    expect(rangesText([9, 1, 2, 3, 3, 5])).toBe("1-3,5,9");
    expect(numbersOfRanges("1-3,5,9")).toEqual([1, 2, 3, 5, 9]);
    expect(rangesText([])).toBe("");
    expect(queryOfViews({ ...one({}), masks: [{ ...MASK, visible: true, outlined: false, assumedOver: [], hidden: [], lines: [], fills: [], colours: {} }] })).toMatchObject({ mask: ["1.2.77;opacity:0.35"] });
  });

  it.each(["0", "3-1", "1-70000", "a", "", "1-65535,1-65535", "1,,2"])("have no numbers in %j", (text) => {
    expect(numbersOfRanges(text)).toBeNull();
  });

  it.each(["x", "1.2;opacity:2", "1.2;opacity:", "1.2;without:0", "1.2;colours:1=red", "1.2;assumed:x", "1.2;deep"])("are left out as a whole and named if a part is not readable: %s", (text) => {
    expect(viewsOfQuery({ view: "1.2", mask: [text, "1.3"] })).toMatchObject({ masks: [{ uid: "1.3", opacity: 0.5 }], unread: ["a mask"] });
  });
});

describe("what cannot be read", () => {
  it.each(["", "12x", "<script>", "../../etc", "1.2;plane", " "])("is no view: %j", (text) => {
    const found = viewsOfQuery({ view: text });
    expect(found === null || found.views[0].plane === "acquired").toBe(true);
  });

  it("is left out and named, and the rest is kept", () => {
    const found = viewsOfQuery({ view: "1.2;plane:diagonal;at:1,2;slab:max,-3;zoom:NaN;window:5;over:x~~~~7|1.3~~~hot~0.5;turned:45;mirrored;deep", layout: "9x9", active: "7", turned: "1,2", hand: ["1,1,0,0,0", "1,2,3"], follow: "place,mood" });
    const unread = ["plane", "at", "slab", "zoom", "window", "a fused image", "turned", "an unknown part", "how the planes are turned", "which view is active", "a link made by hand", "what views follow"];
    const layers = [{ ...LAYER, series: "1.3", opacity: 0.5 }];
    expect(found).toEqual({ layout: "9x9", active: 1, expanded: false, turn: null, links: [], follow: ["place"], masks: [], views: [{ ...EMPTY_VIEW, series: "1.2", flipped: true, layers }], unread });
  });

  it("may follow nothing", () => {
    expect(queryOfViews({ ...one({}), follow: [] })).toMatchObject({ follow: "nothing" });
    expect(viewsOfQuery({ view: "1.2", follow: "nothing" })).toMatchObject({ follow: [], unread: [] });
  });

  it("is named with its view where there are several", () => {
    expect(viewsOfQuery({ view: ["1.2", "", "nothing", "1.3;pan:1"] })?.unread).toEqual(["the series of view 3", "pan of view 4"]);
  });

  it.each(["1.3~~~hot~0.5~dim", "1.3~~~hot~0.5~~gone", "1.3~~~hot~0.5~fading~~1,2", "1.3~~5~hot~0.5"])("of a fused image leaves it out: %s", (layer) => {
    expect(viewsOfQuery({ view: `1.2;over:${layer}` })).toMatchObject({ views: [{ layers: [] }], unread: ["a fused image"] });
  });
});
