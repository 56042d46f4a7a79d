/** Colour maps: 256 colours for grey levels, as 32-bit words in the byte order of ImageData on little-endian machines. */

export type ColourMapName = "grey" | "inverted" | "hot" | "hotIron" | "rainbow" | "even";

/** Red, green and blue of a level from 0 to 1; each from 0 to 1, beyond which they are cut off. */
type Colour = readonly [number, number, number];

/** A straight ramp that is 0 at `from` and 1 at `to`. */
const ramp = (x: number, from: number, to: number): number => (x - from) / (to - from);

const COLOURS: Readonly<Record<ColourMapName, (level: number) => Colour>> = {
  grey: (x) => [x, x, x],
  inverted: (x) => [1 - x, 1 - x, 1 - x],
  // From black over red and yellow to white.
  hot: (x) => [ramp(x, 0, 3 / 8), ramp(x, 3 / 8, 6 / 8), ramp(x, 6 / 8, 1)],
  // Hot Iron of PS3.6 B.1.1: green begins in the middle, blue at three quarters.
  hotIron: (x) => [(x * 255 * 2) / 255, (x * 255 * 2 - 256) / 255, (x * 255 * 4 - 768) / 255],
  // From dark blue over cyan, green and yellow to dark red.
  rainbow: (x) => [1.5 - Math.abs(4 * x - 3), 1.5 - Math.abs(4 * x - 2), 1.5 - Math.abs(4 * x - 1)],
  even: evenColour,
};

export const COLOUR_MAP_NAMES: Readonly<Record<ColourMapName, string>> = {
  grey: "Grey",
  inverted: "Grey, inverted",
  hot: "Hot",
  hotIron: "Hot iron (PET)",
  rainbow: "Rainbow",
  even: "Even steps",
};
export const COLOUR_MAPS = Object.keys(COLOUR_MAP_NAMES) as readonly ColourMapName[];

export const isColourMap = (name: string): name is ColourMapName => Object.hasOwn(COLOURS, name);

/** Lightness grows evenly to the eye, from dark violet over blue and green to yellow; chroma is as large as the screen allows, to a limit. */
function evenColour(x: number): Colour {
  const [lightness, hue] = [0.22 + 0.7 * x, ((305 - 200 * x) * Math.PI) / 180];
  for (let chroma = 0.16; ; chroma *= 0.97) {
    const colour = colourOf(lightness, chroma * Math.cos(hue), chroma * Math.sin(hue));
    if (chroma < 0.01 || colour.every((part) => part >= 0 && part <= 1)) return colour;
  }
}

/** A colour of OKLab, whose lightness is even to the eye, as sRGB. */
function colourOf(lightness: number, a: number, b: number): Colour {
  const long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const short = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    encoded(4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short),
    encoded(-1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short),
    encoded(-0.0041960863 * long - 0.7034186147 * medium + 1.707614701 * short),
  ];
}

/** The transfer curve of sRGB (IEC 61966-2-1); negative parts stay negative. */
const encoded = (linear: number): number => (linear <= 0.0031308 ? 12.92 * linear : 1.055 * linear ** (1 / 2.4) - 0.055);

const made = new Map<ColourMapName, Uint32Array>();

/** The 256 opaque colours of a map. */
export function colourTable(name: ColourMapName): Uint32Array {
  const known = made.get(name);
  if (known) return known;
  const bytes = new Uint8ClampedArray(256 * 4);
  for (let level = 0; level < 256; level += 1) bytes.set([...COLOURS[name](level / 255).map((part) => part * 255), 255], level * 4);
  const table = new Uint32Array(bytes.buffer);
  made.set(name, table);
  return table;
}

/** The colours of a map as a gradient of CSS, dark end first. */
export function cssGradient(name: ColourMapName): string {
  const bytes = new Uint8Array(colourTable(name).buffer);
  const stops = Array.from({ length: 17 }, (_, i) => Math.min(255, i * 16) * 4);
  return `linear-gradient(to right, ${stops.map((at) => `rgb(${bytes[at]} ${bytes[at + 1]} ${bytes[at + 2]})`).join(", ")})`;
}
