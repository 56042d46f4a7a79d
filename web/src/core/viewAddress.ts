/**
 * The viewer's state in an address: by UID and millimetre, never by row or slice number, which a late slice changes.
 *
 * Only what differs from the usual is written. What cannot be read is left out and named, so that a part that was cut
 * off by somebody's mail program never shows something else than it says.
 */

import type { Plane, Vector } from "@/core/geometry";
import { type MaskInAddress, maskOfText, maskText } from "@/core/maskAddress";
import { FITTED } from "@/core/stageTransform";

/** One view. */
export interface ViewInAddress {
  /** Series Instance UID; empty for an empty view. */
  readonly series: string;
  /** What tells the volume from the others of its series: its label; empty for an only one. */
  readonly volume: string;
  readonly plane: Plane;
  /** The place that is looked at, in LPS millimetres. */
  readonly at: Vector | null;
  /** The slice, from 1, of a volume without a place in the patient. */
  readonly slice: number | null;
  /** The window, or the name of what the volume offers. */
  readonly window: WindowInAddress | null;
  readonly inverted: boolean;
  readonly pixels: boolean;
  readonly straightened: boolean;
  readonly slab: { readonly mode: "max" | "min" | "mean"; readonly mm: number } | null;
  readonly zoom: number;
  /** The offset of the picture's centre, in parts of the stage's shorter side. */
  readonly pan: readonly [number, number];
  readonly rotation: 0 | 90 | 180 | 270;
  readonly flipped: boolean;
  readonly layers: readonly LayerInAddress[];
}

export type WindowInAddress =
  | { readonly kind: "values"; readonly center: number; readonly width: number; readonly function: "LINEAR" | "LINEAR_EXACT" | "SIGMOID" }
  | { readonly kind: "named"; readonly name: string };

/** An image over a view's own. */
export interface LayerInAddress {
  readonly series: string;
  readonly volume: string;
  readonly window: WindowInAddress | null;
  readonly colourMap: string;
  readonly opacity: number;
  /** True if low values are transparent; null in addresses that do not say it. */
  readonly fading: boolean | null;
  readonly visible: boolean;
  /** Added to a point of the view's image to get the same place in this one, LPS mm, if they were linked by hand. */
  readonly offset: Vector | null;
}

/** Two views, by their places from 1, whose places were linked by hand. */
export interface LinkInAddress {
  readonly from: number;
  readonly to: number;
  /** Added to a point of the first to get the same place in the second, LPS mm. */
  readonly offset: Vector;
}

/** What views that lie side by side have in common when one of them moves. */
export const FOLLOWED = ["place", "zoom", "window"] as const;
export type Followed = (typeof FOLLOWED)[number];
const USUALLY_FOLLOWED: readonly Followed[] = ["place"];

export interface ViewsInAddress {
  readonly layout: string;
  /** The place of the active view among the views, from 1. */
  readonly active: number;
  readonly expanded: boolean;
  /** The images of the unit vectors to left and posterior; null if planes are not turned. */
  readonly turn: readonly [Vector, Vector] | null;
  readonly links: readonly LinkInAddress[];
  readonly follow: readonly Followed[];
  /** Masks over all images at their places. */
  readonly masks: readonly MaskInAddress[];
  readonly views: readonly ViewInAddress[];
}

export interface ReadAddress extends ViewsInAddress {
  /** The names of the parts that could not be read, as a reader is told of them. */
  readonly unread: readonly string[];
}

export const EMPTY_VIEW: ViewInAddress = {
  series: "",
  volume: "",
  plane: "acquired",
  at: null,
  slice: null,
  window: null,
  inverted: false,
  pixels: false,
  straightened: false,
  slab: null,
  zoom: FITTED.zoom,
  pan: [0, 0],
  rotation: 0,
  flipped: false,
  layers: [],
};

const PLANES: readonly string[] = ["acquired", "axial", "coronal", "sagittal"];
const MODES: readonly string[] = ["max", "min", "mean"];
const FUNCTIONS: readonly string[] = ["LINEAR", "LINEAR_EXACT", "SIGMOID"];
const NOTHING = "nothing";
const UID = /^[0-9][0-9.]{0,63}$/;

/** A number with at most `digits` behind the point, and without a tail of zeros. */
const short = (value: number, digits = 3): string => String(Number(value.toFixed(digits)));
const numbers = (values: readonly number[], digits = 3): string => values.map((value) => short(value, digits)).join(",");
/** `;`, `:` and `|` separate parts, and `%` begins what stands for them. */
const escaped = (text: string): string => text.replace(/[%;:|~]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
const unescaped = (text: string): string => text.replace(/%(25|3B|3A|7C|7E)/g, (_, code: string) => String.fromCharCode(parseInt(code, 16)));

function windowText(window: WindowInAddress): string {
  if (window.kind === "named") return `=${escaped(window.name)}`;
  return `${Number(window.center.toPrecision(9))},${Number(window.width.toPrecision(9))}${window.function === "LINEAR" ? "" : `,${window.function}`}`;
}

function layerText({ series, volume, window, colourMap, opacity, fading, visible, offset }: LayerInAddress): string {
  const paint = fading === null ? "" : fading ? "fading" : "solid";
  const parts = [series, escaped(volume), window ? windowText(window) : "", escaped(colourMap), short(opacity, 2), paint, visible ? "" : "hidden", offset ? numbers(offset) : ""];
  while (parts.at(-1) === "") parts.pop();
  return parts.join("~");
}

function viewText(view: ViewInAddress): string {
  const { series, volume, plane, at, slice, window, slab, zoom, pan, rotation, layers } = view;
  const parts: (string | false)[] = [
    series,
    volume !== "" && `volume:${escaped(volume)}`,
    plane !== "acquired" && `plane:${plane}`,
    at !== null && `at:${numbers(at)}`,
    slice !== null && `slice:${slice}`,
    window !== null && `window:${windowText(window)}`,
    view.inverted && "inverted",
    view.pixels && "pixels",
    view.straightened && "straightened",
    slab !== null && `slab:${slab.mode},${short(slab.mm)}`,
    zoom !== 1 && `zoom:${short(zoom)}`,
    (pan[0] !== 0 || pan[1] !== 0) && `pan:${numbers(pan, 4)}`,
    rotation !== 0 && `turned:${rotation}`,
    view.flipped && "mirrored",
    layers.length > 0 && `over:${layers.map(layerText).join("|")}`,
  ];
  return parts.filter((part) => part !== false).join(";");
}

/** The query of an address that shows the same. */
export function queryOfViews({ layout, active, expanded, turn, links, follow, masks, views }: ViewsInAddress): Record<string, string | string[]> {
  return {
    ...(layout === "1" ? {} : { layout }),
    ...(active === 1 ? {} : { active: String(active) }),
    ...(expanded ? { alone: "1" } : {}),
    ...(turn ? { turned: numbers([...turn[0], ...turn[1]], 6) } : {}),
    ...(links.length ? { hand: links.map(({ from, to, offset }) => numbers([from, to, ...offset])) } : {}),
    ...(follow.join() === USUALLY_FOLLOWED.join() ? {} : { follow: follow.join() || NOTHING }),
    ...(masks.length ? { mask: masks.map(maskText) } : {}),
    view: views.length === 1 ? viewText(views[0]) : views.map(viewText),
  };
}

type AddressQuery = Readonly<Record<string, string | null | readonly (string | null)[] | undefined>>;
const listed = (value: AddressQuery[string]): string[] => (Array.isArray(value) ? (value as (string | null)[]) : [value as string | null | undefined]).filter((each) => typeof each === "string");
const finite = (text: string, count: number): number[] | null => {
  const parts = text.split(",").map((part) => (part.trim() === "" ? NaN : Number(part)));
  return parts.length === count && parts.every(Number.isFinite) ? parts : null;
};
const vectorOf = (text: string): Vector | null => finite(text, 3) as Vector | null;

function windowOf(text: string): WindowInAddress | null {
  if (text.startsWith("=")) return { kind: "named", name: unescaped(text.slice(1)) };
  const [center, width, kind = "LINEAR"] = text.split(",");
  const values = finite(`${center},${width}`, 2);
  if (!values || !(values[1] > 0) || !FUNCTIONS.includes(kind)) return null;
  return { kind: "values", center: values[0], width: values[1], function: kind as "LINEAR" };
}

function layerOf(text: string): LayerInAddress | null {
  const [series, volume = "", window = "", colourMap = "", opacity = "", paint = "", shown = "", offset = ""] = text.split("~");
  const part = finite(opacity, 1);
  const [voi, place] = [window === "" ? null : windowOf(window), offset === "" ? null : vectorOf(offset)];
  if (!UID.test(series) || !part || part[0] < 0 || part[0] > 1) return null;
  // Beside its place, or in colours that say something else, an image is worse than none.
  if ((window !== "" && !voi) || (offset !== "" && !place) || !["", "fading", "solid"].includes(paint) || !["", "hidden"].includes(shown)) return null;
  const fading = paint === "" ? null : paint === "fading";
  return { series, volume: unescaped(volume), window: voi, colourMap: unescaped(colourMap), opacity: part[0], fading, visible: shown === "", offset: place };
}

type Parts = Partial<{ -readonly [name in keyof ViewInAddress]: ViewInAddress[name] }>;
const read = <T>(value: T | null, parts: (value: T) => Parts): Parts | null => (value === null ? null : parts(value));
const READERS: Readonly<Record<string, (value: string) => Parts | null>> = {
  volume: (value) => ({ volume: unescaped(value) }),
  plane: (value) => (PLANES.includes(value) ? { plane: value as Plane } : null),
  at: (value) => read(vectorOf(value), (at) => ({ at })),
  slice: (value) => (/^[1-9]\d{0,8}$/.test(value) ? { slice: Number(value) } : null),
  window: (value) => read(windowOf(value), (window) => ({ window })),
  inverted: () => ({ inverted: true }),
  pixels: () => ({ pixels: true }),
  straightened: () => ({ straightened: true }),
  slab: (value) => {
    const [mode, mm] = value.split(",");
    const thickness = Number(mm);
    return MODES.includes(mode) && thickness > 0 && thickness < 1e5 ? { slab: { mode: mode as "max", mm: thickness } } : null;
  },
  zoom: (value) => (Number(value) > 0 && Number(value) < 1e3 ? { zoom: Number(value) } : null),
  pan: (value) => read(finite(value, 2), ([x, y]) => ({ pan: [x, y] })),
  turned: (value) => (["90", "180", "270"].includes(value) ? { rotation: Number(value) as 90 } : null),
  mirrored: () => ({ flipped: true }),
};

/** A view of an address; what is wrong with it is told to `unread`. */
function viewOf(text: string, unread: (part: string) => void): ViewInAddress {
  const [series, ...parts] = text.split(";");
  if (!UID.test(series)) {
    if (text !== "") unread("the series");
    return EMPTY_VIEW;
  }
  let view: ViewInAddress = { ...EMPTY_VIEW, series };
  for (const part of parts) {
    const at = part.indexOf(":");
    const [name, value] = at < 0 ? [part, ""] : [part.slice(0, at), part.slice(at + 1)];
    if (name === "over") {
      const layers = value.split("|").map(layerOf);
      if (layers.includes(null)) unread("a fused image");
      view = { ...view, layers: layers.filter((layer) => layer !== null) };
      continue;
    }
    const parsed = Object.hasOwn(READERS, name) ? READERS[name](value) : null;
    if (!parsed) unread(Object.hasOwn(READERS, name) ? name : "an unknown part");
    view = { ...view, ...parsed };
  }
  return view;
}

/** What follows; null if a word of it is unknown. */
function followedOf(text: string): readonly Followed[] | null {
  const words = text === NOTHING ? [] : text.split(",");
  return words.every((word) => FOLLOWED.some((known) => known === word)) ? FOLLOWED.filter((known) => words.includes(known)) : null;
}

function linkOf(text: string, count: number): LinkInAddress | null {
  const [from, to, ...offset] = finite(text, 5) ?? [];
  const isPlace = (place: number): boolean => Number.isInteger(place) && place >= 1 && place <= count;
  return isPlace(from) && isPlace(to) && from !== to ? { from, to, offset: offset as unknown as Vector } : null;
}

/** What a query asks for; null if it names no series. */
export function viewsOfQuery(query: AddressQuery): ReadAddress | null {
  const unread: string[] = [];
  const texts = listed(query.view);
  const views = texts.map((text, i) => viewOf(text, (part) => unread.push(texts.length > 1 ? `${part} of view ${i + 1}` : part)));
  if (!views.some(({ series }) => series !== "")) return null;
  const [turnText, activeText] = [listed(query.turned).at(0), listed(query.active).at(0)];
  const turned = finite(turnText ?? "", 6);
  if (turnText !== undefined && !turned) unread.push("how the planes are turned");
  const active = Number(activeText ?? 1);
  const isActive = Number.isInteger(active) && active >= 1 && active <= views.length;
  if (!isActive) unread.push("which view is active");
  const links = listed(query.hand).map((text) => linkOf(text, views.length));
  if (links.includes(null)) unread.push("a link made by hand");
  const followText = listed(query.follow).at(0);
  const follow = followText === undefined ? USUALLY_FOLLOWED : followedOf(followText);
  if (!follow) unread.push("what views follow");
  const masks = listed(query.mask).map(maskOfText);
  if (masks.includes(null)) unread.push("a mask");
  return {
    layout: listed(query.layout)[0] ?? "1",
    active: isActive ? active : 1,
    expanded: listed(query.alone)[0] === "1",
    turn: turned && [turned.slice(0, 3) as unknown as Vector, turned.slice(3) as unknown as Vector],
    links: links.filter((link) => link !== null),
    follow: follow ?? USUALLY_FOLLOWED,
    masks: masks.filter((mask) => mask !== null),
    views,
    unread,
  };
}
