import type { PatientOut, SeriesRow, StudyListed } from "@/api/generated/validators";
import type { TableRow } from "@/core/tableRows";

/** A row of the table of studies. */
export type Row = TableRow<PatientOut, StudyListed, SeriesRow>;
export type RowOf<Kind extends Row["kind"]> = Extract<Row, { kind: Kind }>;
