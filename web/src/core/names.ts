/** What series, volumes, inputs and patients are called in lists. */

import { formatKeyword, plural } from "@/core/formatting";

/** The size of a series: the slices of its only volume, else its instances. */
export function sizeOfSeries(series: { instance_count: number; volume_count: number; shape: readonly number[] | null }): string {
  const slices = series.volume_count === 1 ? series.shape?.[0] : undefined;
  return slices === undefined ? plural(series.instance_count, "instance") : plural(slices, "slice");
}

/** The order of series in a list: by their numbers. */
export const bySeriesNumber = (a: { id: number; number: number | null }, b: { id: number; number: number | null }): number =>
  (a.number ?? Infinity) - (b.number ?? Infinity) || a.id - b.id;

/** The name of a patient in a list. */
export const nameOfPatient = (patient: { name: string; patient_id: string }): string =>
  formatPerson(patient.name) || patient.patient_id || "Unnamed patient";

/** The name of a series in a list. */
export const nameOfSeries = (series: { id: number; number: number | null; description: string }): string =>
  series.description || `Series ${series.number ?? series.id}`;

/** The number of volumes of a series and their names: "3 volumes: axial, sagittal, coronal"; empty for a single one. */
export function volumesOfSeries({ volume_count: count, volume_labels: labels }: { volume_count: number; volume_labels: readonly string[] }): string {
  if (count < 2) return "";
  const names = labels.slice(0, LABELS_SHOWN).map(nameOfVolume).join(", ");
  const more = names && count > Math.min(labels.length, LABELS_SHOWN) ? ", …" : "";
  return `${plural(count, "volume")}${names ? `: ${names}${more}` : ""}`;
}
const LABELS_SHOWN = 4;

/** A volume's label with spaces in its keyword: "TemporalPositionIdentifier 1" becomes "Temporal Position 1". */
export const nameOfVolume = (label: string): string =>
  label.replace(/(?<=^|, )[A-Z][A-Za-z]+(?= \S)/g, (keyword) => formatKeyword(keyword).replace(/ Identifier$/, ""));

/** The name of a step's input: the series and which of its volumes. */
export const nameOfInput = (input: { series: number; description: string; volume: string }): string =>
  [input.description || `Series ${input.series}`, nameOfVolume(input.volume)].filter(Boolean).join(", ");

/** A DICOM person name for display: "DOE^JANE^^DR" becomes "DOE, JANE". The first component group that is not empty counts. */
export function formatPerson(name: string): string {
  const [family = "", given = "", middle = ""] = (name.split("=").find((part) => part !== "") ?? "").split("^").map((part) => part.trim());
  const rest = [given, middle].filter(Boolean).join(" ");
  return [family, rest].filter(Boolean).join(", ");
}

/** A message without the file name in front, for lists that show the name themselves. */
export const withoutName = (message: string, name: string): string =>
  message.startsWith(`${name}: `) ? message.slice(name.length + 2) : message;
