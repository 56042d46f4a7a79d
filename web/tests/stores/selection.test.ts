import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { nextTick } from "vue";

import type { SeriesRow } from "@/api/generated/validators";
import { useSelection } from "@/stores/selection";

import { ROW } from "../examples";

const row = (id: number, more: Partial<SeriesRow> = {}): SeriesRow => ({ ...ROW, state: "succeeded", id, ...more });
const ROWS = [row(1), row(2), row(3, { regular: false }), row(4, { study_id: 9 }), row(5)];

/** A tab's own. */
class Storage {
  private readonly kept = new Map<string, string>();
  getItem = (key: string): string | null => this.kept.get(key) ?? null;
  setItem = (key: string, value: string): void => void this.kept.set(key, value);
}

describe("a selection of series", () => {
  beforeEach(() => {
    vi.stubGlobal("sessionStorage", new Storage());
    setActivePinia(createPinia());
  });
  afterEach(() => vi.unstubAllGlobals());
  const ids = (): number[] => useSelection().rows.map(({ id }) => id);

  it("takes one, a range with Shift, and leaves a range out again", () => {
    const selection = useSelection();
    selection.show(ROWS);
    selection.toggle(ROWS[1]);
    selection.toggle(ROWS[4], true);
    expect(ids()).toEqual([2, 4, 5]);
    selection.toggle(ROWS[0]);
    selection.toggle(ROWS[3], true);
    expect(ids()).toEqual([5]);
    selection.toggle(ROWS[4]);
    expect(selection.count).toBe(0);
  });

  it("takes all that are shown and can be run on, or none", () => {
    const selection = useSelection();
    selection.show(ROWS);
    expect(selection.checkState(ROWS)).toBe(false);
    selection.toggle(ROWS[0]);
    expect(selection.checkState(ROWS)).toBe("mixed");
    selection.toggleAll(ROWS);
    expect(ids()).toEqual([1, 2, 4, 5]);
    expect(selection.checkState(ROWS)).toBe(true);
    selection.toggleAll(ROWS);
    expect(ids()).toEqual([]);
    selection.toggleAll([ROWS[2]]);
    expect(ids()).toEqual([]);
  });

  it("is looked up after a reload, without what is gone, and nothing but keys was kept", async () => {
    const before = useSelection();
    before.show(ROWS);
    before.toggleAll(ROWS);
    await nextTick();
    expect(sessionStorage.getItem("voxelry-selection")).toBe("[1,2,4,5]");
    setActivePinia(createPinia());
    const selection = useSelection();
    expect([selection.count, selection.restoring]).toEqual([0, true]);
    const page = { count: 2, items: [ROWS[3], ROWS[0]] };
    vi.stubGlobal("fetch", vi.fn(() => Promise.resolve(new Response(JSON.stringify(page)))));
    await selection.restore();
    expect([ids(), selection.restoring]).toEqual([[1, 4], false]);
    await nextTick();
    expect(sessionStorage.getItem("voxelry-selection")).toBe("[1,4]");
    selection.clear();
    await nextTick();
    expect(sessionStorage.getItem("voxelry-selection")).toBe("[]");
  });

  it("stays through a search, and tells what is not shown", () => {
    const selection = useSelection();
    selection.show(ROWS);
    selection.toggleAll(ROWS);
    selection.show([ROWS[0]]);
    expect([selection.count, selection.away]).toEqual([4, 3]);
    // A range starts anew where its beginning is not shown.
    selection.show([ROWS[3], ROWS[4]]);
    selection.toggle(ROWS[3], true);
    expect(ids()).toEqual([1, 2, 5]);
  });

  it("learns what has become of its series, keeping their order, and forgets a deleted study's", () => {
    const selection = useSelection();
    selection.show(ROWS);
    selection.toggleAll(ROWS);
    selection.refresh([row(77), row(2, { description: "renamed" })]);
    expect(selection.rows.map(({ description }) => description)).toContain("renamed");
    expect(ids()).toEqual([1, 2, 4, 5]);
    selection.forgetStudy(9);
    expect(ids()).toEqual([1, 2, 5]);
    selection.leaveOut([1, 77]);
    expect(ids()).toEqual([2, 5]);
    selection.clear();
    expect(selection.count).toBe(0);
  });
});
