import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import type { StudyListed } from "@/api/generated/validators";
import { ServerProblem } from "@/api/http";
import { searchStudies, type StudyQuestion } from "@/api/studyList";
import { useStudyTable } from "@/stores/studyTable";

import { STUDY } from "../examples";

vi.mock("@/api/studyList");

const study = (id: number): StudyListed => ({ ...STUDY, id });
const page = (ids: number[], more = {}) => ({ items: ids.map(study), count: ids.length, more_than: false, next: null, previous: null, ...more });
const asked = (): StudyQuestion => vi.mocked(searchStudies).mock.lastCall?.[0] as StudyQuestion;

beforeEach(() => {
  setActivePinia(createPinia());
  vi.mocked(searchStudies).mockResolvedValue(page([1, 2]));
});
afterEach(() => vi.resetAllMocks());

it("drops the answer to an earlier question", async () => {
  const table = useStudyTable();
  let answer: (value: ReturnType<typeof page>) => void = () => undefined;
  vi.mocked(searchStudies).mockImplementationOnce(() => new Promise((resolve) => (answer = resolve)));
  table.setFilter({ search: "d" });
  const slow = table.load();
  table.setFilter({ search: "do" });
  await table.load();
  answer(page([99]));
  await slow;
  expect(table.studies.map(({ id }) => id)).toEqual([1, 2]);
  expect([asked().filter.search, table.asking]).toEqual(["do", false]);
  expect(vi.mocked(searchStudies).mock.calls[0][1]?.aborted).toBe(true);
});

it("turns pages by their cursors, and begins anew with another filter or order", async () => {
  const table = useStudyTable();
  vi.mocked(searchStudies).mockResolvedValueOnce(page([1, 2], { count: 5, next: "n1" }));
  await table.load();
  vi.mocked(searchStudies).mockResolvedValueOnce(page([3, 4], { count: 5, next: "n2", previous: "p1" }));
  await table.turn("next");
  expect([asked().after, table.before]).toEqual(["n1", 2]);
  await table.sortBy("patient");
  expect([asked().after, asked().order, asked().descending, table.before]).toEqual(["", "patient", false, 0]);
  await table.turn("next");
  expect(asked().after).toBe("");
  expect(table.setFilter({ modalities: ["CT"] })).toBe(true);
  expect(table.setFilter({ search: " " })).toBe(false);
});

it("keeps what it shows when the server is away, and says so", async () => {
  const table = useStudyTable();
  await table.load();
  vi.mocked(searchStudies).mockRejectedValueOnce(new ServerProblem(0, "unreachable", "Away."));
  await table.load();
  expect([table.studies.length, table.error, table.loaded]).toEqual([2, "Away.", true]);
  await table.load();
  expect(table.error).toBe("");
});

it("shows a patient's studies, and finds the list as it was on the way back", async () => {
  const table = useStudyTable();
  table.setFilter({ search: "doe" });
  vi.mocked(searchStudies).mockResolvedValueOnce(page([1], { count: 2, next: "n1" }));
  await table.load();
  vi.mocked(searchStudies).mockResolvedValueOnce(page([2], { count: 2, previous: "p1" }));
  await table.turn("next");
  table.show(8);
  expect([table.filter.search, table.filter.patient, table.sorting.order, table.studies]).toEqual(["", 8, "date", []]);
  await table.load();
  table.show(null);
  await table.load();
  expect([asked().filter.search, asked().filter.patient, asked().after]).toEqual(["doe", null, "n1"]);
});

it("leaves deleted studies out at once", async () => {
  const table = useStudyTable();
  await table.load();
  table.leaveOut([1]);
  expect([table.studies.map(({ id }) => id), table.count]).toEqual([[2], 1]);
});
