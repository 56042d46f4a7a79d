/** Numbers, dates, durations and attribute values as text. All numbers have English notation: "143,280.029". */

const whole = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
const three = new Intl.NumberFormat("en-GB", { minimumFractionDigits: 3, maximumFractionDigits: 3 });

export const formatCount = (count: number): string => whole.format(count);

/** Cubic millimetres with three decimals. */
export const formatVolume = (mm3: number): string => `${three.format(mm3)} mm³`;

/** Cubic millimetres as millilitres; larger volumes have fewer decimals. */
export function formatMillilitres(mm3: number): string {
  const ml = mm3 / 1000;
  const digits = ml >= 100 ? 1 : ml >= 1 ? 2 : 3;
  return `${new Intl.NumberFormat("en-GB", { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(ml)} ml`;
}

/** Up to `digits` decimals, no trailing zeros, with the typographic minus sign. */
export function formatNumber(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return "–";
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return minus(value.toLocaleString("en-GB", { useGrouping: false }));
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) return minus(value.toExponential(3).replace(/\.?0+(?=e)/, ""));
  return minus(value.toLocaleString("en-GB", { maximumFractionDigits: digits, useGrouping: false }));
}

const minus = (text: string): string => text.replace(/^-/, "−");

export function formatSpacing(mm: number | null): string {
  return mm === null ? "unknown" : formatNumber(mm, 4);
}

export function formatBytes(bytes: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let size = bytes;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${units[unit]}`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** A DICOM date (20031231) or an ISO one (2003-12-31) as "31 Dec 2003"; anything else as it stands. */
export function formatDate(date: string | null): string {
  const found = /^(\d{4})-?(\d{2})-?(\d{2})/.exec(date ?? "");
  if (!found) return date ?? "";
  const month = MONTHS[Number(found[2]) - 1];
  return month ? `${Number(found[3])} ${month} ${found[1]}` : (date ?? "");
}

/** How long ago; a date if it is more than a day. */
export function formatAgo(iso: string | null, now: number): string {
  if (iso === null) return "";
  const seconds = Math.max(0, (now - Date.parse(iso)) / 1000);
  if (!Number.isFinite(seconds)) return "";
  if (seconds < 10) return "just now";
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return formatDate(iso);
}

const SEX: Readonly<Record<string, string>> = { F: "female", M: "male", O: "other" };
export const formatSex = (sex: string): string => SEX[sex] ?? sex;

export const formatPercent = (fraction: number): string => `${Math.round(Math.min(1, Math.max(0, fraction)) * 100)} %`;

/** A share of a whole; small shares keep two digits, so that a few pixels of millions are not "0 %". */
export function formatShare(fraction: number): string {
  const percent = Math.min(1, Math.max(0, fraction)) * 100;
  if (percent === 0 || percent >= 10) return `${Math.round(percent)} %`;
  return percent < 0.001 ? "< 0.001 %" : `${Number(percent.toPrecision(2))} %`;
}

/** "min_size_mm" as "Min size mm". */
export function sentenceCase(name: string): string {
  const spaced = name.replaceAll("_", " ");
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

/** Parameters on one line: "sigma 2, tidy yes". */
export function formatParams(params: Readonly<Record<string, unknown>>): string {
  return Object.entries(params)
    .filter(([, value]) => value !== null && value !== "")
    .map(([name, value]) => `${name.replaceAll("_", " ")} ${formatParam(value)}`)
    .join(", ");
}

export function formatParam(value: unknown): string {
  if (value === null || value === undefined) return "not given";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return formatNumber(value, 6);
  if (Array.isArray(value)) return value.map(formatParam).join(" × ");
  return formatValue(value);
}

/** The time between two moments; `to` may be the present in milliseconds. */
export function formatDuration(from: string | null, to: string | number | null): string {
  if (from === null || to === null) return "";
  const seconds = Math.max(0, ((typeof to === "number" ? to : Date.parse(to)) - Date.parse(from)) / 1000);
  return Number.isFinite(seconds) ? formatSeconds(seconds) : "";
}

export function formatSeconds(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const all = Math.round(seconds);
  const minutes = Math.floor(all / 60);
  const rest = all % 60;
  return minutes < 60 ? `${minutes} min${rest ? ` ${rest} s` : ""}` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A DICOM keyword with spaces: "PixelSpacing" becomes "Pixel Spacing", "SOPClassUID" becomes "SOP Class UID". */
export function formatKeyword(keyword: string): string {
  return keyword.replace(/([a-z0-9])([A-Z])/g, "$1 $2").replace(/([A-Z]+)([A-Z][a-z])/g, "$1 $2");
}

/** A metadata value on one line. */
export function formatValue(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value)) {
    const nested = value.some((item) => typeof item === "object" && item !== null);
    return nested ? value.map((item) => `{${formatValue(item)}}`).join(" ") : value.map(formatValue).join(" \\ ");
  }
  if (typeof value === "object") return Object.entries(value).map(([key, item]) => `${key}: ${formatValue(item)}`).join("; ");
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}
