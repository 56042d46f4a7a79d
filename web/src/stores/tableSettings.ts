import { defineStore } from "pinia";
import { ref, watch } from "vue";

import { type Column, type ColumnName, COLUMNS, columnsFor, columnsFrom } from "@/core/studyColumns";
import { readStored, writeStored } from "@/stores/browserStorage";

export const PAGE_SIZES = [25, 50, 100, 200] as const;
const DEFAULT_PAGE_SIZE = 50;
/** Kept in the browser: names of columns, a number and a switch; nothing of a patient. */
const STORAGE_KEY = "voxelry-table";

interface Stored {
  readonly columns?: unknown;
  readonly pageSize?: unknown;
  readonly grouped?: unknown;
}

function storedSettings(): Stored {
  const stored = readStored("browser", STORAGE_KEY);
  return typeof stored === "object" && stored !== null ? stored : {};
}

/** How the table of studies is shown in this browser. */
export const useTableSettings = defineStore("tableSettings", () => {
  const stored = storedSettings();
  /** The columns that the user chose; null: those that fit. */
  const columns = ref<ColumnName[] | null>(columnsFrom(stored.columns));
  const pageSize = ref<number>(PAGE_SIZES.find((size) => size === stored.pageSize) ?? DEFAULT_PAGE_SIZE);
  /** Whether the studies of a patient stand below the patient. */
  const grouped = ref(stored.grouped === true);

  /** The columns of the table, of those that are there for this user. */
  function shownColumns(room: number, hidden: readonly ColumnName[]): Column[] {
    const there = COLUMNS.filter(({ name }) => !hidden.includes(name));
    const { value: chosen } = columns;
    return chosen ? there.filter(({ name }) => chosen.includes(name)) : columnsFor(room, there);
  }

  watch([columns, pageSize, grouped], () => writeStored("browser", STORAGE_KEY, { columns: columns.value, pageSize: pageSize.value, grouped: grouped.value }));

  return { columns, pageSize, grouped, shownColumns };
});
