import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { nextTick } from "vue";

import type { SeriesRow } from "@/api/generated/validators";
import { ServerProblem } from "@/api/http";
import type { Series } from "@/api/series";
import { getSeries, listSeries } from "@/api/studies";
import { useSelection } from "@/stores/selection";

import { ROW } from "../examples";

vi.mock("@/api/studies");

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
    vi.mocked(getSeries).mockImplementation((id) => {
      const found = [ROWS[3], ROWS[0]].find((each) => each.id === id);
      return found ? Promise.resolve(found as unknown as Series) : Promise.reject(new ServerProblem(404, "not_found", "There is no series."));
    });
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

describe("a selection of studies", () => {
  beforeEach(() => {
    vi.stubGlobal("sessionStorage", new Storage());
    setActivePinia(createPinia());
  });
  afterEach(() => vi.unstubAllGlobals());
  const study = (id: number) => ({ id, project: { id: 7, name: "default" }, series_count: 4 });
  const LIST = [study(2), study(9), study(11)];

  it("takes one, a range with Shift, and all", () => {
    const selection = useSelection();
    selection.toggleStudy(LIST[0], LIST);
    selection.toggleStudy(LIST[2], LIST, true);
    expect(selection.studies.map(({ id }) => id)).toEqual([2, 9, 11]);
    expect(selection.studiesState(LIST)).toBe(true);
    selection.toggleStudy(LIST[1], LIST);
    expect(selection.studiesState(LIST)).toBe("mixed");
    selection.toggleStudies(LIST);
    selection.toggleStudies(LIST);
    expect([selection.isEmpty, selection.studiesState(LIST)]).toEqual([true, false]);
  });

  it("has the series of a whole study as soon as they are known, without those that no step can run on", () => {
    const selection = useSelection();
    selection.toggleStudy(LIST[0], LIST);
    expect([selection.count, selection.unlearned.length]).toEqual([0, 1]);
    selection.learn(2, [ROWS[0], ROWS[1], ROWS[2]]);
    expect([selection.rows.map(({ id }) => id), selection.unlearned, selection.singles]).toEqual([[1, 2], [], []]);
  });

  it("is no whole study any more when one of its series is left out", () => {
    const selection = useSelection();
    selection.show(ROWS);
    selection.toggleStudy(LIST[0], LIST);
    selection.toggle(ROWS[1]);
    expect([selection.studies, selection.studyState(2)]).toEqual([[], "mixed"]);
    expect(selection.singles.map(({ id }) => id)).toEqual([1, 5]);
    // Forgets the series too.
    selection.setStudies([LIST[0]], false);
    expect(selection.isEmpty).toBe(true);
  });

  it("keeps keys and counts for a reload, and then asks for the series", async () => {
    useSelection().toggleStudy(LIST[0], LIST);
    useSelection().toggleStudy(LIST[1], LIST);
    await nextTick();
    expect(sessionStorage.getItem("voxelry-selected-studies")).toBe('[{"id":2,"project":7,"series_count":4},{"id":9,"project":7,"series_count":4}]');
    setActivePinia(createPinia());
    const selection = useSelection();
    expect(selection.studies.map(({ id }) => id)).toEqual([2, 9]);
    vi.mocked(listSeries).mockImplementation(({ study: id }) => Promise.resolve({ items: ROWS.filter((each) => each.study_id === id && id === 2), count: 0 }));
    await selection.learnStudies();
    // The other study was deleted meanwhile.
    expect([selection.studies.map(({ id }) => id), selection.rows.map(({ id }) => id)]).toEqual([[2], [1, 2, 5]]);
  });
});
