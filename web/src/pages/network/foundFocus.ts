import { computed, nextTick, type Ref, ref } from "vue";
import { useRouter } from "vue-router";

import { type RowCommand, rowCommandFor } from "@/core/rowKeys";
import { useNodeQuery } from "@/stores/nodeQuery";

/** The keyboard of the table of what a node has: one row at a time takes the focus, and keys act on it. */
export function useFoundFocus(table: Readonly<Ref<HTMLElement | null>>) {
  const query = useNodeQuery();
  const router = useRouter();
  const active = ref("");
  /** The rows that can take the focus; what stands for series that are not known cannot. */
  const rows = computed(() => query.rows.filter(({ kind }) => kind !== "unknown"));
  const index = computed(() => Math.max(0, rows.value.findIndex(({ key }) => key === active.value)));
  const isActive = (key: string): boolean => rows.value.at(index.value)?.key === key;

  const keyOf = (target: EventTarget | null): string | undefined => (target instanceof Element ? target.closest<HTMLElement>("tr[data-key]")?.dataset.key : undefined);

  async function focusOn(position: number): Promise<void> {
    const row = rows.value.at(Math.max(0, Math.min(rows.value.length - 1, position)));
    if (!row) return;
    active.value = row.key;
    await nextTick();
    const element = table.value?.querySelector<HTMLElement>(`tr[data-key="${row.key}"]`);
    element?.focus({ preventScroll: true });
    element?.scrollIntoView({ block: "nearest" });
  }

  function onFocusIn({ target }: FocusEvent): void {
    active.value = keyOf(target) ?? active.value;
  }

  function expand(wanted: boolean): void {
    const row = rows.value[index.value];
    const { study_instance_uid: uid } = row.study;
    if (row.kind === "study" && row.open !== wanted) query.toggleOpen(uid);
    else if (row.kind === "study" && wanted) void focusOn(index.value + 1);
    else if (row.kind === "series" && !wanted) void focusOn(rows.value.findIndex(({ key }) => key === uid));
  }

  function select(extend: boolean): void {
    const row = rows.value[index.value];
    if (row.kind === "study") query.toggle(row.key, extend);
    else if (row.kind === "series") query.toggleSeries(row.study.study_instance_uid, row.series.series_instance_uid);
  }

  /** Opens what is here; shows the series of a study that is not. */
  function open(): void {
    const row = rows.value[index.value];
    if (row.kind === "series" && row.series.series !== null) void router.push(`/series/${row.series.series}`);
    else if (row.kind === "study" && row.study.study !== null) void router.push(`/studies/${row.study.study}`);
    else if (row.kind === "study") query.toggleOpen(row.key);
  }

  function run(command: RowCommand): boolean {
    if (command.do === "move") void focusOn(index.value + command.by);
    else if (command.do === "first") void focusOn(0);
    else if (command.do === "last") void focusOn(rows.value.length - 1);
    else if (command.do === "expand" || command.do === "collapse") expand(command.do === "expand");
    else if (command.do === "select" || command.do === "extend") select(command.do === "extend");
    else if (command.do === "selectAll") query.toggleAll();
    else if (command.do === "clear") query.unselect();
    else if (command.do === "open") open();
    else return false;
    return true;
  }

  function onKey(event: KeyboardEvent): void {
    const { target, key } = event;
    if (!(target instanceof Element) || keyOf(target) === undefined) return;
    // Links, buttons and boxes use these keys themselves.
    if (target.closest("a, button") && (key === " " || key === "Enter")) return;
    if (target instanceof HTMLInputElement && key === " ") return;
    const command = rowCommandFor(event);
    if (!command || !run(command)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  return { isActive, onKey, onFocusIn };
}
