/** What a node is asked for, and the rows of its answer. */

/** The fields of the form; an empty one asks for nothing. */
export interface NodeQueryForm {
  readonly patient_name: string;
  readonly patient_id: string;
  readonly accession_number: string;
  /** The first and the last day, as 2003-12-31; empty: open. */
  readonly date_from: string;
  readonly date_to: string;
  readonly modality: string;
  readonly description: string;
}

export const NO_QUERY: NodeQueryForm = { patient_name: "", patient_id: "", accession_number: "", date_from: "", date_to: "", modality: "", description: "" };

export const isEmptyQuery = (form: NodeQueryForm): boolean => Object.values(form).every((value: string) => !value.trim());

/** How much of what a node has is here; empty if nothing is. */
export function hereInWords({ here, instance_count: all }: { readonly here: number; readonly instance_count: number | null }): string {
  if (here === 0) return "";
  return all !== null && here < all ? `${here} of ${all}` : "all";
}

export type FoundRow<S, R> =
  | { readonly kind: "study"; readonly key: string; readonly study: S; readonly open: boolean }
  | { readonly kind: "series"; readonly key: string; readonly study: S; readonly series: R }
  /** Stands for series that are not known yet, or could not be asked for. */
  | { readonly kind: "unknown"; readonly key: string; readonly study: S; readonly error: string };

interface FoundState<R> {
  readonly open: ReadonlySet<string>;
  readonly seriesOf: ReadonlyMap<string, readonly R[]>;
  readonly errors: ReadonlyMap<string, string>;
}

/** The rows from top to bottom: studies, and the series of open ones. */
export function foundRows<S extends { readonly study_instance_uid: string }, R extends { readonly series_instance_uid: string }>(
  studies: readonly S[],
  { open, seriesOf, errors }: FoundState<R>,
): FoundRow<S, R>[] {
  return studies.flatMap((study): FoundRow<S, R>[] => {
    const uid = study.study_instance_uid;
    const head: FoundRow<S, R> = { kind: "study", key: uid, study, open: open.has(uid) };
    if (!head.open) return [head];
    const series = seriesOf.get(uid);
    if (!series) return [head, { kind: "unknown", key: `${uid}/series`, study, error: errors.get(uid) ?? "" }];
    return [head, ...series.map((each): FoundRow<S, R> => ({ kind: "series", key: `${uid}/${each.series_instance_uid}`, study, series: each }))];
  });
}

/** What is chosen of an answer: of each study either the whole of it, or some series. */
export interface ChosenParts {
  readonly studies: ReadonlySet<string>;
  readonly series: ReadonlyMap<string, ReadonlySet<string>>;
}

export const NOTHING_CHOSEN: ChosenParts = { studies: new Set(), series: new Map() };

/** Chooses whole studies, or leaves them out; their series are not chosen by themselves then. */
export function withStudies({ studies, series }: ChosenParts, uids: readonly string[], wanted: boolean): ChosenParts {
  const whole = new Set(studies);
  const parts = new Map(series);
  for (const uid of uids) {
    parts.delete(uid);
    if (wanted) whole.add(uid);
    else whole.delete(uid);
  }
  return { studies: whole, series: parts };
}

/** Chooses a series, or leaves it out. `all` are the series of its study: of a whole study the others stay, and all of them are the whole study. */
export function withSeriesToggled(chosen: ChosenParts, study: string, uid: string, all: readonly string[]): ChosenParts {
  const own = new Set(chosen.studies.has(study) ? all : chosen.series.get(study));
  if (!own.delete(uid)) own.add(uid);
  const rest = withStudies(chosen, [study], own.size > 0 && own.size === all.length);
  return own.size === 0 || own.size === all.length ? rest : { ...rest, series: new Map(rest.series).set(study, own) };
}

export const stateOfStudy = ({ studies, series }: ChosenParts, uid: string): boolean | "mixed" => studies.has(uid) || (series.has(uid) ? "mixed" : false);
export const isSeriesChosen = ({ studies, series }: ChosenParts, study: string, uid: string): boolean => studies.has(study) || (series.get(study)?.has(uid) ?? false);
