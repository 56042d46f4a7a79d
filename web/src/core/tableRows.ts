/** The rows of the table of studies, from top to bottom: patients, studies and series. */

export interface KeyedPatient {
  readonly id: number;
}

interface StudyOfPatient<P extends KeyedPatient> {
  readonly id: number;
  readonly patient: P;
}

export type TableRow<P extends KeyedPatient, S extends StudyOfPatient<P>, R> =
  | { readonly kind: "patient"; readonly key: string; readonly patient: P; readonly studies: readonly S[]; readonly open: boolean }
  | { readonly kind: "study"; readonly key: string; readonly study: S; readonly open: boolean; readonly level: number }
  | { readonly kind: "series"; readonly key: string; readonly series: R; readonly study: S; readonly level: number }
  /** Stands for series that are not known. */
  | { readonly kind: "unknown"; readonly key: string; readonly study: S; readonly error: string; readonly level: number };

export interface TableState<R> {
  readonly open: ReadonlySet<number>;
  readonly seriesOf: ReadonlyMap<number, readonly R[]>;
  readonly errors: ReadonlyMap<number, string>;
  /** Whether studies stand below their patients. */
  readonly grouped: boolean;
  readonly closedPatients: ReadonlySet<number>;
}

export const patientKey = (id: number): string => `patient-${id}`;
export const studyKey = (id: number): string => `study-${id}`;
export const seriesKey = (id: number): string => `series-${id}`;

export function tableRows<P extends KeyedPatient, S extends StudyOfPatient<P>, R extends { readonly id: number }>(
  studies: readonly S[],
  state: TableState<R>,
): TableRow<P, S, R>[] {
  if (!state.grouped) return studies.flatMap((study) => studyRows<P, S, R>(study, state, 1));
  return [...byPatient<P, S>(studies).values()].flatMap((own) => {
    const { patient } = own[0];
    const open = !state.closedPatients.has(patient.id);
    const head: TableRow<P, S, R> = { kind: "patient", key: patientKey(patient.id), patient, studies: own, open };
    return [head, ...(open ? own.flatMap((study) => studyRows<P, S, R>(study, state, 2)) : [])];
  });
}

function studyRows<P extends KeyedPatient, S extends StudyOfPatient<P>, R extends { readonly id: number }>(
  study: S,
  { open, seriesOf, errors }: TableState<R>,
  level: number,
): TableRow<P, S, R>[] {
  const isOpen = open.has(study.id);
  const head: TableRow<P, S, R> = { kind: "study", key: studyKey(study.id), study, open: isOpen, level };
  if (!isOpen) return [head];
  const series = seriesOf.get(study.id);
  if (!series) return [head, { kind: "unknown", key: `unknown-${study.id}`, study, error: errors.get(study.id) ?? "", level: level + 1 }];
  return [head, ...series.map((each): TableRow<P, S, R> => ({ kind: "series", key: seriesKey(each.id), series: each, study, level: level + 1 }))];
}

/** The studies of each patient, in the order in which the patients come first. */
function byPatient<P extends KeyedPatient, S extends StudyOfPatient<P>>(studies: readonly S[]): Map<number, S[]> {
  const groups = new Map<number, S[]>();
  for (const study of studies) groups.set(study.patient.id, [...(groups.get(study.patient.id) ?? []), study]);
  return groups;
}
