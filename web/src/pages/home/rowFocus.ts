import { computed, nextTick, type Ref, ref, watch } from "vue";
import { useRouter } from "vue-router";

import type { StudyListed } from "@/api/generated/validators";
import { nameOfSeries } from "@/core/names";
import { type RowCommand, rowCommandFor } from "@/core/rowKeys";
import { whyNeverRunnable } from "@/core/runnable";
import type { Row } from "@/pages/home/row";
import { useNotices } from "@/stores/notices";
import { useOpenStudies } from "@/stores/openStudies";
import { useSelection } from "@/stores/selection";
import { useStudyTable } from "@/stores/studyTable";

interface Table {
  readonly rows: Readonly<Ref<readonly Row[]>>;
  /** The studies from top to bottom. */
  readonly studies: Readonly<Ref<readonly StudyListed[]>>;
  readonly scroller: Readonly<Ref<HTMLElement | null>>;
  readonly togglePatient: (id: number) => void;
  readonly remove: (study: StudyListed) => void;
}

/** The keyboard of the table: one row at a time takes the focus, and keys act on it. */
export function useRowFocus({ rows, studies, scroller, togglePatient, remove }: Table) {
  const router = useRouter();
  const table = useStudyTable();
  const opened = useOpenStudies();
  const selection = useSelection();
  const notices = useNotices();
  const active = ref("");

  const index = computed(() => rows.value.findIndex(({ key }) => key === active.value));
  /** The row that Tab comes to. */
  const current = computed<Row | undefined>(() => rows.value[Math.max(0, index.value)]);
  const isActive = (key: string): boolean => current.value?.key === key;

  const rowOf = (target: EventTarget | null): HTMLElement | null => (target instanceof Element ? target.closest<HTMLElement>("tr[data-key]") : null);
  const elementOf = (key: string): HTMLElement | null => scroller.value?.querySelector(`tr[data-key="${key}"]`) ?? null;

  async function focusOn(position: number): Promise<void> {
    const row = rows.value.at(Math.max(0, Math.min(rows.value.length - 1, position)));
    if (!row) return;
    active.value = row.key;
    await nextTick();
    const element = elementOf(row.key);
    element?.focus({ preventScroll: true });
    // The sticky head covers the top (scroll-margin).
    element?.scrollIntoView({ block: "nearest" });
  }

  function onFocusIn({ target }: FocusEvent): void {
    const key = rowOf(target)?.dataset.key;
    if (key) active.value = key;
  }

  // A row that goes away while it has the focus leaves it to its neighbour.
  watch(
    rows,
    async (now, before) => {
      const held = rowOf(document.activeElement)?.dataset.key;
      if (!held || now.some(({ key }) => key === held)) return;
      const at = before.findIndex(({ key }) => key === held);
      await nextTick();
      await focusOn(at);
    },
    { flush: "pre" },
  );

  function open(row: Row): void {
    if (row.kind === "patient") void router.push(`/patients/${row.patient.id}`);
    else if (row.kind === "series") void router.push(`/series/${row.series.id}`);
    else void router.push(`/studies/${row.study.id}`);
  }

  function expand(row: Row, wanted: boolean): void {
    if (row.kind === "patient") {
      if (row.open !== wanted) togglePatient(row.patient.id);
      else if (wanted) void focusOn(index.value + 1);
    } else if (row.kind === "study") {
      if (row.open !== wanted) opened.toggle(row.study.id);
      else void focusOn(wanted ? index.value + 1 : parentOf(index.value));
    } else if (!wanted) void focusOn(parentOf(index.value));
  }

  const levelOf = (row: Row): number => (row.kind === "patient" ? 1 : row.level);
  /** The position of the row that a row stands below; its own if there is none. */
  function parentOf(position: number): number {
    const level = levelOf(rows.value[position]);
    const above = rows.value.slice(0, position).findLastIndex((row) => levelOf(row) < level);
    return above < 0 ? position : above;
  }

  function select(row: Row, extend: boolean): void {
    if (row.kind === "study") selection.toggleStudy(row.study, studies.value, extend);
    else if (row.kind === "patient") selection.toggleStudies(row.studies);
    else if (row.kind === "series") {
      const why = selection.has(row.series.id) ? "" : whyNeverRunnable(row.series);
      if (why) notices.tell(`No step can be run on ${nameOfSeries(row.series)}: ${why}.`, "bad");
      else selection.toggle(row.series, extend);
    }
  }

  const isSelected = (row: Row): boolean =>
    row.kind === "series" ? selection.has(row.series.id) : row.kind === "study" ? selection.hasStudy(row.study.id) : false;

  /** Moves, and with Shift selects the rows that it comes from and to. */
  async function move(by: number, shift: boolean): Promise<void> {
    if (shift && current.value && !isSelected(current.value)) select(current.value, false);
    await focusOn(index.value < 0 ? 0 : index.value + by);
    if (shift && current.value && !isSelected(current.value)) select(current.value, true);
  }

  /** Does what a key asks of the rows; false if it is for somebody else. */
  function run(command: RowCommand, shift = false): boolean {
    const row = current.value;
    if (!row) return false;
    if (command.do === "move") void move(command.by, shift);
    else if (command.do === "first") void focusOn(0);
    else if (command.do === "last") void focusOn(rows.value.length - 1);
    else if (command.do === "open") open(row);
    else if (command.do === "expand" || command.do === "collapse") expand(row, command.do === "expand");
    else if (command.do === "select" || command.do === "extend") select(row, command.do === "extend");
    else if (command.do === "selectAll") selection.setStudies(table.studies, true);
    else if (command.do === "delete" && row.kind === "study" && selection.studies.length === 0) remove(row.study);
    else return false;
    return true;
  }

  function onKey(event: KeyboardEvent): void {
    if (event.defaultPrevented || usesKey(event)) return;
    const command = rowCommandFor(event);
    if (!command || !rowOf(event.target) || !run(command, event.shiftKey)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  const enter = (): void => void focusOn(Math.max(0, index.value));

  return { isActive, onKey, onFocusIn, run, enter };
}

/** True if the control that has the focus uses the key itself. */
function usesKey({ target, key }: KeyboardEvent): boolean {
  if (!(target instanceof Element)) return false;
  if (target.closest("a, button")) return key === " " || key === "Enter";
  return target instanceof HTMLInputElement && key === " ";
}
