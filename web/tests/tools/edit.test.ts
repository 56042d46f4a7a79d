// @vitest-environment jsdom
import { beforeEach, afterEach, describe, expect, it, vi } from "vitest";

import { seriesFrom } from "@/api/series";
import { subtract, vectorLength } from "@/core/vectors";
import type { DraftStart, StoredDraft } from "@/scene/draft";
import EditPanel from "@/tools/edit/EditPanel.vue";
import { edit as tool } from "@/tools/edit/tool";
import { useEdit } from "@/tools/edit/store";
import { commandFor } from "@/views/commands";
import { useDrafts } from "@/views/drafts";
import { useMaskLayers } from "@/views/maskLayers";
import { useViews } from "@/views/views";

import { SERIES } from "../examples";
import { all, asked, click, closePage, json, mounted, named, openDocument, settle, text, type } from "../pages/mounting";
import { FakeDraft } from "./fakeDraft";

const kept: StoredDraft[] = [];
let made: FakeDraft[] = [];
vi.mock("@/scene/volumePool", () => ({ holdVolume: () => ({ key: "5/0/1", withdraw: () => undefined }), holdPooled: () => null, releaseVolume: () => undefined, sourceInTab: () => null, sourceOnServer: () => null }));
vi.mock("@/scene/openDraft", () => ({
  startDraft: (start: DraftStart) => {
    made.push(new FakeDraft(start));
    return Promise.resolve(made.at(-1));
  },
  storedDrafts: () => Promise.resolve(kept),
  resumeDraft: (stored: StoredDraft, image: DraftStart["image"]) => {
    const resumed = new FakeDraft({ ...stored, image }, stored.id);
    resumed.put({ unsaved: true });
    made.push(resumed);
    return Promise.resolve(resumed);
  },
  discardOfSeries: (seriesId: number) => {
    kept.splice(0, kept.length, ...kept.filter((each) => each.seriesId !== seriesId));
    return Promise.resolve();
  },
  discardStored: (id: string) => {
    kept.splice(0, kept.length, ...kept.filter((each) => each.id !== id));
    return Promise.resolve();
  },
}));

const AFFINE = [[0, 0, 0.8, -200], [0, 0.8, 0, -180], [5, 0, 0, -90], [0, 0, 0, 1]];
const CODE = { value: "10200004", scheme: "SCT", meaning: "Liver" };
const MASK = {
  id: 31, series_id: 9, study_id: 2, sop_instance_uid: "1.2.77", kind: "SEG", label: "Organs", created: "", segment_count: 1, problem: null, state: "ready", space: "1.2.3.4", placed: "frame",
  version: "7", shape: [35, 512, 512], affine: AFFINE, spacing_mm: [5, 0.8, 0.8], voxel_mm3: 3.2, dtype: "uint8", layers: 1, fractional: null, recipe: "", warnings: [],
  segments: [{ number: 4, label: "Liver", colour: "#dd3c3c", category: null, type: CODE, anatomic_region: null, type_modifier: null, region_modifier: null, algorithm: "nnU-Net", algorithm_type: "AUTOMATIC", layer: 0, value: 1, count: 8, mm3: 25.6, box: [[3, 5, 6], [5, 7, 8]], contour_mm3: null }],
};

function respond(address: string): Response {
  if (address.startsWith("/api/segmentations?")) return json({ segmentations: [MASK] });
  if (address.startsWith("/api/segmentations/31")) return new Response(JSON.stringify(MASK), { headers: { ETag: '"v7"' } });
  throw new Error(address);
}

async function opened() {
  await mounted(EditPanel, { respond });
  const view = useViews().active;
  view.show(seriesFrom(structuredClone(SERIES) as unknown as Parameters<typeof seriesFrom>[0]));
  view.resize({ width: 512, height: 512 });
  await settle();
  return { view, edit: useEdit(), drafts: useDrafts() };
}

async function begun() {
  const all = await opened();
  await click("edit-new");
  // The panel of a draft is a program of its own, loaded now.
  await vi.dynamicImportSettled();
  await settle();
  return { ...all, draft: made[0] };
}

const NO_KEYS = { shiftKey: false, altKey: false, ctrlKey: false, metaKey: false };
const event = (changes: Partial<typeof NO_KEYS> = {}) => ({ ...NO_KEYS, ...changes });
const wheel = (deltaY: number, shiftKey = true) => new WheelEvent("wheel", { deltaY, shiftKey });
async function key(name: string, options: KeyboardEventInit = {}) {
  const found = commandFor(new KeyboardEvent("keydown", { key: name, ...options }), tool.keys ?? []);
  found?.command.run(useViews(), found.key);
  await settle();
  return found !== null;
}

beforeEach(() => {
  openDocument();
  made = [];
  kept.length = 0;
});
afterEach(() => {
  useDrafts().close();
  closePage();
});

describe("a new segmentation", () => {
  it("lies on the image's grid, with a first segment and the brush", async () => {
    const { draft, edit } = await begun();
    expect(draft.grid).toEqual({ shape: [35, 512, 512], affine: AFFINE, space: "1.2.3.4" });
    expect([draft.image.seriesId, draft.image.key, draft.base, edit.mode, edit.chosen?.label]).toEqual([5, "5/0/1", null, "brush", "Segment 1"]);
    expect(all("draft-state")[0].textContent).toBe("No changes yet");
    expect((all("draft-save")[0] as HTMLButtonElement).disabled).toBe(true);
  });

  it("is not offered where nothing can be drawn", async () => {
    const { view } = await opened();
    const record = structuredClone(SERIES) as unknown as Parameters<typeof seriesFrom>[0];
    view.show(seriesFrom({ ...record, volumes: [{ ...record.volumes[0], affine: null }] }));
    await settle();
    expect((all("edit-new")[0] as HTMLButtonElement).disabled).toBe(true);
    expect(text()).toContain("There is no regular volume to draw on.");
  });
});

describe("a stroke", () => {
  it("follows all points of the pointer, in the view's plane, as one step", async () => {
    const { view, edit, draft } = await begun();
    const drag = edit.dragAt(view, { x: 100.5, y: 200.5 }, event());
    drag?.move({ x: 104.5, y: 200.5 }, { x: 4, y: 0 }, [{ x: 102.5, y: 200.5 }, { x: 104.5, y: 200.5 }]);
    drag?.end?.();
    await settle();
    const [stroke] = draft.strokes;
    expect(stroke).toMatchObject({ segment: 1, shape: { kind: "disc" }, radius: 5, erase: false, range: null, overOthers: true, state: "ended" });
    const mm = [[100, 200], [102, 200], [104, 200]].map(([column, row]) => [-200 + 0.8 * column, -180 + 0.8 * row, -5]);
    stroke.points.forEach((point, i) => expect(vectorLength(subtract(point, mm[i] as [number, number, number]))).toBeLessThan(1e-9));
    expect(all("draft-segment")[0].dataset).toMatchObject({ count: "5", mm3: "16" });
    expect(all("draft-state")[0].textContent).toBe("Not saved");
  });

  it("is taken back when a second finger makes it a pinch, and erases with Ctrl or the eraser", async () => {
    const { view, edit, draft } = await begun();
    edit.dragAt(view, { x: 10, y: 20 }, event())?.cancel?.();
    edit.dragAt(view, { x: 10, y: 20 }, event({ ctrlKey: true }));
    edit.choose("eraser");
    edit.dragAt(view, { x: 10, y: 20 }, event());
    edit.dragAt(view, { x: 10, y: 20 }, event({ metaKey: true }));
    expect(draft.strokes.map(({ state, erase }) => `${state} ${erase}`)).toEqual(["cancelled false", "drawing true", "drawing true", "drawing false"]);
    expect(edit.dragAt(view, { x: 10, y: 20 }, event({ shiftKey: true }))).toBeNull();
  });

  it("is bound to the values that are typed, or those of the threshold", async () => {
    const { view, edit, draft } = await begun();
    view.tint = { limits: { low: 100, high: Number.MAX_VALUE }, region: null, piece: null, words: "" };
    await settle();
    await click("edit-threshold");
    expect(edit.settings.range).toEqual({ lower: "100", upper: "" });
    edit.dragAt(view, { x: 10, y: 20 }, event());
    await type("edit-upper", "12o");
    expect(text()).toContain("The limits must be numbers");
    edit.dragAt(view, { x: 10, y: 20 }, event());
    await type("edit-upper", "250.5");
    edit.dragAt(view, { x: 10, y: 20 }, event());
    expect(draft.strokes.map(({ range }) => range)).toEqual([{ low: 100, high: Number.MAX_VALUE }, { low: 100, high: 250.5 }]);
  });

  it("changes no locked segment, and says so", async () => {
    const { view, edit, draft } = await begun();
    await click("draft-lock");
    edit.dragAt(view, { x: 10, y: 20 }, event())?.move({ x: 1, y: 1 }, { x: 0, y: 0 }, []);
    await settle();
    expect([draft.strokes.length, all("edit-problem")[0].textContent]).toEqual([0, "“Segment 1” is locked: unlock it to change it."]);
    await click("draft-lock");
    draft.change = { boxes: new Map(), voxels: 3, lockedVoxels: 1200 };
    edit.dragAt(view, { x: 10, y: 20 }, event())?.end?.();
    await settle();
    expect(all("edit-notice")[0].textContent).toBe("1,200 voxels of locked segments stayed as they are.");
  });

  it("that fails is told, and the draft stays", async () => {
    const { view, edit, draft } = await begun();
    draft.failure = new Error("The image is not in the page's memory any more.");
    edit.dragAt(view, { x: 10, y: 20 }, event())?.end?.();
    await settle();
    expect(all("edit-problem")[0].textContent).toContain("not in the page's memory");
    expect(all("draft-segment")).toHaveLength(1);
  });
});

describe("by the keyboard", () => {
  it("tools, sizes, stamps at the cursor and lines between them", async () => {
    const { view, edit, draft } = await begun();
    for (const name of ["]", "]", "[", "D"]) expect(await key(name, { shiftKey: name === "D" })).toBe(true);
    expect([edit.settings.radius, edit.settings.shape]).toEqual([6, "ball"]);
    view.moveTo([-100, -50, -5]);
    expect(edit.byKeys).toBe(true);
    expect(edit.placed).toMatchObject({ at: [-100, -50, -5], radiusMm: 6, shape: "ball" });
    await key(" ");
    view.moveTo([-90, -50, -5]);
    await key(" ", { shiftKey: true });
    await key("k");
    await key(" ");
    expect(draft.commands).toMatchObject([
      { kind: "brush", segment: 1, shape: { kind: "ball" }, radius: 6, erase: false, points: [[-100, -50, -5]] },
      { kind: "brush", points: [[-100, -50, -5], [-90, -50, -5]] },
      { kind: "brush", erase: true, points: [[-90, -50, -5]] },
    ]);
    view.point({ x: 256, y: 256, kind: "mouse" });
    expect(edit.byKeys).toBe(false);
    expect(edit.placed?.at).not.toEqual([-90, -50, -5]);
  });

  it("corners of a polygon, which Enter closes", async () => {
    const { view, draft } = await begun();
    await key("w");
    for (const at of [[-100, -50, -5], [-80, -50, -5], [-10, 0, -5], [-80, -20, -5]] as const) {
      view.moveTo(at);
      await key(" ");
      if (at[0] === -10) await key("Backspace");
    }
    await key("Enter");
    expect(draft.commands).toMatchObject([{ kind: "polygon", how: "fill", through: false, points: [[-100, -50, -5], [-80, -50, -5], [-80, -20, -5]] }]);
  });

  it("undo and redo, the next segment, and leaving the tool", async () => {
    const { edit, draft } = await begun();
    await key(" ");
    await click("draft-add");
    expect(edit.chosen?.number).toBe(2);
    await key("j");
    expect(edit.chosen?.number).toBe(1);
    expect(all("edit-undo")[0].textContent).toBe("Undo: brush");
    await key("z", { ctrlKey: true });
    expect([draft.state.undo, all("edit-redo")[0].textContent]).toEqual([null, "Redo: brush"]);
    await key("Z", { ctrlKey: true, shiftKey: true });
    expect(draft.state.undo).toBe("brush");
    await key("Escape");
    expect(edit.mode).toBeNull();
    expect(await key("[")).toBe(false);
  });

  it("has none of its keys while nothing is edited", async () => {
    await opened();
    for (const name of ["b", " ", "Escape", "["]) expect(await key(name)).toBe(false);
    expect(await key("z", { ctrlKey: true })).toBe(false);
  });

  it("the wheel with Shift changes the radius", async () => {
    const { view, edit } = await begun();
    expect([tool.wheel?.(view, wheel(-120)), edit.settings.radius, tool.wheel?.(view, wheel(120)), edit.settings.radius, tool.wheel?.(view, wheel(120, false))]).toEqual([true, 6, true, 5, false]);
  });
});

describe("an outline", () => {
  it("is drawn in one drag and closed where that ends", async () => {
    const { view, edit, draft } = await begun();
    edit.choose("scissors");
    const drag = edit.dragAt(view, { x: 100, y: 100 }, event());
    drag?.move({ x: 140, y: 140 }, { x: 40, y: 40 }, [{ x: 140, y: 100 }, { x: 141, y: 100 }, { x: 140, y: 140 }]);
    expect(edit.outline?.points).toHaveLength(3);
    drag?.end?.();
    await settle();
    expect(draft.commands).toMatchObject([{ kind: "polygon", how: "cut", points: [{}, {}, {}] }]);
  });

  it("is set corner by corner, and closed at the first one; in another plane it is gone", async () => {
    const { view, edit, draft } = await begun();
    edit.choose("polygon");
    for (const at of [{ x: 100, y: 100 }, { x: 200, y: 100 }, { x: 200, y: 200 }, { x: 103, y: 102 }]) edit.dragAt(view, at, event())?.end?.();
    await settle();
    expect(draft.commands).toMatchObject([{ kind: "polygon", how: "fill", points: [{}, {}, {}] }]);
    edit.dragAt(view, { x: 100, y: 100 }, event())?.end?.();
    expect(edit.outline?.points).toHaveLength(1);
    view.step(1);
    await settle();
    expect(edit.outline).toBeNull();
  });
});

it("the whole segment is changed by buttons, with sizes as they are typed", async () => {
  const { view, draft } = await begun();
  await key(" ");
  await type("margin-mm", "2,5");
  await click("edit-shrink-mm");
  await click("edit-interpolate");
  await click("edit-largest");
  await click("edit-copy-next");
  expect(view.index).toBe(18);
  await type("smooth-mm", "nothing");
  all("edit-smooth")[0].closest("form")?.dispatchEvent(new Event("submit", { cancelable: true }));
  await settle();
  expect(all("edit-problem")[0].textContent).toBe("Give a size above 0.");
  expect(draft.commands.slice(1)).toMatchObject([
    { kind: "margin", segment: 1, mm: -2.5 },
    { kind: "interpolate", segment: 1, normal: [0, 0, 1] },
    { kind: "islands", keep: { kind: "largest" } },
    { kind: "copySlice", from: { normal: [0, 0, 1] }, to: [-200, -180, 0] },
  ]);
});

it("segments are named, coloured, hidden, locked and removed", async () => {
  const { draft, drafts } = await begun();
  await click("draft-add");
  expect(draft.state.segments.map(({ label, colour }) => `${label} ${colour}`)).toEqual(["Segment 1 #e6553c", "Segment 2 #3f9bdc"]);
  const field = all("draft-label")[0] as HTMLInputElement;
  field.value = "Left kidney";
  field.dispatchEvent(new Event("input"));
  field.dispatchEvent(new Event("change"));
  await settle();
  await click("draft-eye", 0);
  await click("draft-lock", 0);
  expect(draft.state.segments).toMatchObject([{ locked: true }, { label: "Left kidney" }]);
  expect([...drafts.look.hidden]).toEqual([1]);
  await click("draft-remove", 1);
  expect(draft.state.segments).toHaveLength(1);
});

describe("a mask that is edited", () => {
  it("is hidden, and its segments keep their codes, numbers and makers", async () => {
    const { view, drafts } = await opened();
    useMaskLayers().show(31, "1.2.3.4");
    await settle();
    await drafts.startFrom(view, 31);
    const [draft] = made;
    expect(draft.base).toEqual({ id: 31, version: "7", dtype: "uint8", layers: 1, etag: '"v7"' });
    expect(draft.state.segments).toMatchObject([{ number: 4, label: "Liver", type: CODE, typeModifier: null, algorithm: "nnU-Net", algorithmType: "AUTOMATIC", locked: false }]);
    expect(useMaskLayers().layerOf(31)?.visible).toBe(false);
    await drafts.discard();
    expect([draft.ended, useMaskLayers().layerOf(31)?.visible]).toEqual(["discarded", true]);
    expect(asked).toContain("/api/segmentations/31");
  });
});

describe("what is not saved", () => {
  it("warns before the page is left, and only then", async () => {
    const { draft, drafts } = await begun();
    const leaves = () => window.dispatchEvent(new Event("beforeunload", { cancelable: true }));
    expect(leaves()).toBe(true);
    draft.put({ unsaved: true });
    await settle();
    expect(leaves()).toBe(false);
    await drafts.discard();
    await settle();
    expect(leaves()).toBe(true);
  });

  it("is offered again: to go on, or to discard", async () => {
    const stored = (id: string): StoredDraft => ({ id, user: "anna", seriesId: 5, volume: 0, label: `Organs ${id}`, grid: { shape: [35, 512, 512], affine: AFFINE, space: "1.2.3.4" }, base: null, segments: [], changed: Date.now() - 120_000, open: false });
    kept.push(stored("a"), stored("b"), { ...stored("c"), open: true });
    const { view, drafts } = await opened();
    view.noteDrawn({ kind: "grid", plane: "acquired", index: 17 });
    await settle();
    expect(all("kept-draft").map((one) => one.textContent)).toEqual([expect.stringContaining("Organs aNot saved: 0 segments, changed 2 min ago"), expect.stringContaining("Organs b")]);
    await click("kept-discard", 1);
    expect(kept.map(({ id }) => id)).toEqual(["a", "c"]);
    await click("kept-resume");
    expect([drafts.draft?.id, useEdit().mode, all("draft-state")[0].textContent]).toEqual(["a", "brush", "Not saved"]);
  });

  it("does not outlive its image", async () => {
    const stored = (id: string, seriesId: number): StoredDraft => ({ id, user: "anna", seriesId, volume: 0, label: "Organs", grid: { shape: [35, 512, 512], affine: AFFINE, space: "1.2.3.4" }, base: null, segments: [], changed: Date.now(), open: false });
    kept.push(stored("a", 5), stored("b", 6));
    const { drafts } = await opened();
    await drafts.discardOf(6);
    expect(kept.map(({ id }) => id)).toEqual(["a"]);
  });

  it("is asked about before it is discarded", async () => {
    const { draft } = await begun();
    draft.put({ unsaved: true });
    await settle();
    await click("draft-discard");
    expect(draft.ended).toBe("");
    named("Discard").closest("form");
    document.querySelector("dialog[open] form")?.dispatchEvent(new Event("submit", { cancelable: true }));
    await settle();
    expect([draft.ended, all("edit-new").length]).toEqual(["discarded", 1]);
  });
});
