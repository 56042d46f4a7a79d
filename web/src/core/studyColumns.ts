/** The columns of the table of studies, with their widths in CSS pixels; the description takes what is left. */

export const COLUMNS = [
  { name: "thumbnail", title: "Picture", order: null, numeric: false, width: 48 },
  { name: "patient", title: "Patient", order: "patient", numeric: false, width: 190 },
  { name: "patient_id", title: "Patient ID", order: "patient_id", numeric: false, width: 110 },
  { name: "birth_date", title: "Born", order: null, numeric: false, width: 112 },
  { name: "date", title: "Study date", order: "date", numeric: false, width: 112 },
  { name: "modalities", title: "Modality", order: null, numeric: false, width: 106 },
  { name: "description", title: "Description", order: "description", numeric: false, width: 240 },
  { name: "accession", title: "Accession", order: "accession", numeric: false, width: 112 },
  { name: "series", title: "Series", order: "series", numeric: true, width: 84 },
  { name: "instances", title: "Images", order: "instances", numeric: true, width: 90 },
  { name: "size", title: "Size", order: "size", numeric: true, width: 94 },
  { name: "project", title: "Project", order: null, numeric: false, width: 130 },
  { name: "arrived", title: "Arrived", order: "arrived", numeric: false, width: 112 },
] as const;

export type Column = (typeof COLUMNS)[number];
export type ColumnName = Column["name"];
export type StudyOrder = NonNullable<Column["order"]>;

/** The column that says whose a row is; it cannot be hidden. */
export const ALWAYS_SHOWN: ColumnName = "patient";

/** The columns whose greatest or latest values people want first. */
const DESCENDING_FIRST: readonly StudyOrder[] = ["arrived", "date", "series", "instances", "size"];

export interface Sorting {
  readonly order: StudyOrder;
  readonly descending: boolean;
}

export const NEWEST_FIRST: Sorting = { order: "arrived", descending: true };

/** The sorting after a click on a column: its usual direction, then the other one. */
export const sortedBy = (now: Sorting, order: StudyOrder): Sorting =>
  now.order === order ? { order, descending: !now.descending } : { order, descending: DESCENDING_FIRST.includes(order) };

/** The columns whose names are in a stored list, in the table's order; null if no list is stored. */
export function columnsFrom(stored: unknown): ColumnName[] | null {
  if (!Array.isArray(stored)) return null;
  return COLUMNS.map(({ name }) => name).filter((name) => name === ALWAYS_SHOWN || stored.includes(name));
}

/** The width of the columns that are always there: tick, opener and actions. */
export const WIDTH_OF_REST = 46 + 38 + 78;

export const widthOf = (columns: readonly Column[]): number => columns.reduce((sum, { width }) => sum + width, WIDTH_OF_REST);

/** What is left out first where there is too little room. */
const LEFT_OUT_FIRST: readonly ColumnName[] = ["size", "birth_date", "accession", "instances", "series", "project", "patient_id", "arrived"];

/** The columns that fit into a width. */
export function columnsFor(room: number, columns: readonly Column[]): Column[] {
  let fitting = [...columns];
  for (const name of LEFT_OUT_FIRST) {
    if (widthOf(fitting) <= room) break;
    fitting = fitting.filter((column) => column.name !== name);
  }
  return fitting;
}
