/** A mask over images in the viewer's address: which it is, and what differs from how it looks at first. */

/** A mask by its SOP Instance UID; segments by their numbers. */
export interface MaskInAddress {
  readonly uid: string;
  readonly opacity: number;
  readonly outlined: boolean;
  readonly visible: boolean;
  /** UIDs of the series over which it lies only because somebody says so. */
  readonly assumedOver: readonly string[];
  readonly hidden: readonly number[];
  /** Segments that are outlined, and those that are filled, where all others are not. */
  readonly lines: readonly number[];
  readonly fills: readonly number[];
  /** "#rrggbb" by segment number. */
  readonly colours: Readonly<Record<number, string>>;
}

const UID = /^[0-9][0-9.]{0,63}$/;
/** The largest segment number (PS3.3 C.8.20.2: US). */
const LARGEST = 65_535;

/** "1-5,9" */
export function rangesText(numbers: readonly number[]): string {
  const sorted = [...new Set(numbers)].sort((a, b) => a - b);
  const parts: string[] = [];
  for (let i = 0; i < sorted.length; i += 1) {
    const first = sorted[i];
    while (i + 1 < sorted.length && sorted[i + 1] === sorted[i] + 1) i += 1;
    parts.push(first === sorted[i] ? `${first}` : `${first}-${sorted[i]}`);
  }
  return parts.join(",");
}

/** The numbers of "1-5,9"; null if it is something else. */
export function numbersOfRanges(text: string): readonly number[] | null {
  const numbers: number[] = [];
  for (const part of text.split(",")) {
    const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part) ?? [];
    const [from, to] = [Number(first), Number(last)];
    if (!(from >= 1 && from <= to && to <= LARGEST) || numbers.length + to - from >= LARGEST) return null;
    for (let number = from; number <= to; number += 1) numbers.push(number);
  }
  return numbers;
}

export function maskText({ uid, opacity, outlined, visible, assumedOver, hidden, lines, fills, colours }: MaskInAddress): string {
  const painted = Object.entries(colours).map(([number, colour]) => `${number}=${colour.slice(1)}`);
  const parts: (string | false)[] = [
    uid,
    `opacity:${Number(opacity.toFixed(2))}`,
    outlined && "outlined",
    !visible && "hidden",
    assumedOver.length > 0 && `assumed:${assumedOver.join(",")}`,
    hidden.length > 0 && `without:${rangesText(hidden)}`,
    lines.length > 0 && `lines:${rangesText(lines)}`,
    fills.length > 0 && `fills:${rangesText(fills)}`,
    painted.length > 0 && `colours:${painted.join(",")}`,
  ];
  return parts.filter((part) => part !== false).join(";");
}

function coloursOf(text: string): Record<number, string> | null {
  const colours: Record<number, string> = {};
  for (const part of text.split(",")) {
    const [, number, colour] = /^([1-9]\d{0,4})=([0-9a-f]{6})$/i.exec(part) ?? [];
    if (!number || !colour) return null;
    colours[Number(number)] = `#${colour}`;
  }
  return colours;
}

type MaskParts = Partial<{ -readonly [name in keyof MaskInAddress]: MaskInAddress[name] }>;
const READERS: Readonly<Record<string, (value: string) => MaskParts | null>> = {
  opacity: (value) => (value !== "" && Number(value) >= 0 && Number(value) <= 1 ? { opacity: Number(value) } : null),
  outlined: () => ({ outlined: true }),
  hidden: () => ({ visible: false }),
  assumed: (value) => (value.split(",").every((uid) => UID.test(uid)) ? { assumedOver: value.split(",") } : null),
  without: (value) => withNumbers(value, (hidden) => ({ hidden })),
  lines: (value) => withNumbers(value, (lines) => ({ lines })),
  fills: (value) => withNumbers(value, (fills) => ({ fills })),
  colours: (value) => {
    const colours = coloursOf(value);
    return colours && { colours };
  },
};

function withNumbers(text: string, parts: (numbers: readonly number[]) => MaskParts): MaskParts | null {
  const numbers = numbersOfRanges(text);
  return numbers && parts(numbers);
}

/** A mask of an address; null if a part of it cannot be read: what looks like something else is worse than nothing. */
export function maskOfText(text: string): MaskInAddress | null {
  const [uid, ...parts] = text.split(";");
  if (!UID.test(uid)) return null;
  let mask: MaskInAddress = { uid, opacity: 0.5, outlined: false, visible: true, assumedOver: [], hidden: [], lines: [], fills: [], colours: {} };
  for (const part of parts) {
    const at = part.indexOf(":");
    const [name, value] = at < 0 ? [part, ""] : [part.slice(0, at), part.slice(at + 1)];
    const read = Object.hasOwn(READERS, name) ? READERS[name](value) : null;
    if (!read) return null;
    mask = { ...mask, ...read };
  }
  return mask;
}
