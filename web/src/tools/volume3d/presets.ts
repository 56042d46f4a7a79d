/** Presets of volume rendering: which values are seen, in which colour. */

export type PresetName = "bone" | "soft" | "lungs" | "vessels" | "window" | "mip" | "none";

/** A value with the colour (0 to 1) and the opacity (of a millimetre) that it is drawn with; between two of them both are lerped. */
export interface TransferPoint {
  readonly value: number;
  readonly colour: readonly [number, number, number];
  readonly opacity: number;
}

export interface TransferFunctions {
  /** In ascending order of their values. */
  readonly points: readonly TransferPoint[];
  /** Rays add up what they pass, or show the largest value. */
  readonly blend: "composite" | "max";
  /** True if surfaces are lit from the viewer. */
  readonly lit: boolean;
}

interface Preset {
  readonly title: string;
  /** True if the values must be Hounsfield units. */
  readonly hounsfield: boolean;
  readonly blend: TransferFunctions["blend"];
  readonly lit: boolean;
  /** Of Hounsfield units; of others, parts of the view's window from 0 to 1. */
  readonly points: readonly TransferPoint[];
}

const point = (value: number, opacity: number, red: number, green: number, blue: number): TransferPoint => ({ value, opacity, colour: [red, green, blue] });
/** From the lower end of the window to the upper one: black to white. */
const GREYS = [point(0, 0, 0, 0, 0), point(1, 1, 1, 1, 1)];

export const PRESETS: Readonly<Record<PresetName, Preset>> = {
  bone: {
    title: "CT bone",
    hounsfield: true,
    blend: "composite",
    lit: true,
    points: [point(140, 0, 0.45, 0.2, 0.12), point(220, 0.12, 0.72, 0.46, 0.3), point(350, 0.5, 0.9, 0.78, 0.6), point(700, 0.85, 0.98, 0.93, 0.82), point(1600, 0.95, 1, 1, 0.98)],
  },
  soft: {
    title: "CT soft tissue",
    hounsfield: true,
    blend: "composite",
    lit: true,
    points: [
      point(-240, 0, 0.6, 0.4, 0.3),
      point(-120, 0.02, 0.85, 0.62, 0.48),
      point(-20, 0.06, 0.86, 0.56, 0.44),
      point(40, 0.25, 0.72, 0.3, 0.24),
      point(130, 0.35, 0.8, 0.42, 0.33),
      point(250, 0.55, 0.95, 0.82, 0.66),
      point(800, 0.9, 1, 0.98, 0.92),
    ],
  },
  lungs: {
    title: "CT lungs",
    hounsfield: true,
    blend: "composite",
    lit: true,
    points: [
      point(-1000, 0, 0.1, 0.3, 0.5),
      point(-940, 0, 0.2, 0.45, 0.7),
      point(-850, 0.03, 0.35, 0.6, 0.8),
      point(-650, 0.1, 0.8, 0.62, 0.6),
      point(-450, 0.14, 0.9, 0.6, 0.52),
      point(-350, 0, 0.9, 0.6, 0.5),
    ],
  },
  vessels: {
    title: "CT angiography",
    hounsfield: true,
    blend: "composite",
    lit: true,
    points: [point(120, 0, 0.5, 0.06, 0.05), point(180, 0.18, 0.75, 0.12, 0.1), point(280, 0.6, 0.93, 0.32, 0.22), point(450, 0.8, 1, 0.72, 0.5), point(900, 0.9, 1, 0.96, 0.88)],
  },
  window: {
    title: "By the window",
    hounsfield: false,
    blend: "composite",
    lit: true,
    points: [point(0, 0, 0.16, 0.12, 0.12), point(0.22, 0, 0.28, 0.22, 0.2), point(0.45, 0.07, 0.6, 0.5, 0.44), point(0.75, 0.28, 0.86, 0.78, 0.7), point(1, 0.6, 1, 0.97, 0.92)],
  },
  mip: { title: "MIP: largest values", hounsfield: false, blend: "max", lit: false, points: GREYS },
  none: { title: "Only segments", hounsfield: false, blend: "composite", lit: false, points: [] },
};

/** The presets for a unit of values, in the order of the list. */
export function presetsFor(unit: string): PresetName[] {
  return (Object.keys(PRESETS) as PresetName[]).filter((name) => !PRESETS[name].hounsfield || unit === "HU");
}

/** The preset that a volume begins with. */
export const firstPreset = (modality: string, unit: string): PresetName => (unit === "HU" ? "bone" : modality === "PT" || modality === "NM" ? "mip" : "window");

export interface TransferChoice {
  readonly preset: PresetName;
  /** Added to all values; in the volume's unit. */
  readonly shift: number;
  /** Times the preset's own opacity. */
  readonly opacity: number;
  /** The ends of the view's window. */
  readonly window: readonly [number, number];
}

/** The transfer function of a choice; null if no volume is drawn. */
export function transferOf({ preset, shift, opacity, window: [low, high] }: TransferChoice): TransferFunctions | null {
  const { points, hounsfield, blend, lit } = PRESETS[preset];
  if (points.length === 0) return null;
  const width = Math.max(high - low, Number.EPSILON);
  const valueOf = (value: number): number => (hounsfield ? value : low + value * width) + shift;
  const opacityOf = (own: number): number => (blend === "composite" ? Math.min(1, own * opacity) : Math.min(1, opacity));
  return { points: points.map((each) => ({ ...each, value: valueOf(each.value), opacity: opacityOf(each.opacity) })), blend, lit };
}
