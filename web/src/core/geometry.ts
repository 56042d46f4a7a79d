/** Planes of a volume and their place in the patient. Coordinates are LPS millimetres. */

export type Axis = "axial" | "coronal" | "sagittal";
export type Plane = Axis | "acquired";
export type Vector = readonly [number, number, number];
/** 4 x 4, from a (slice, row, column) index to LPS millimetres. */
export type Affine = readonly (readonly number[])[];

export const PLANES: readonly Plane[] = ["acquired", "axial", "coronal", "sagittal"];
export const PLANE_NAMES: Readonly<Record<Plane, string>> = {
  acquired: "As acquired",
  axial: "Axial",
  coronal: "Coronal",
  sagittal: "Sagittal",
};

const LEFT = 0;
const POSTERIOR = 1;
const SUPERIOR = 2;

// For each plane: the patient axis looked along (its index ascends), then those of rows and of columns with the
// direction in which row and column numbers grow.
const LAYOUT: Readonly<Record<Axis, readonly [number, readonly [number, number], readonly [number, number]]>> = {
  axial: [SUPERIOR, [POSTERIOR, 1], [LEFT, 1]],
  coronal: [POSTERIOR, [SUPERIOR, -1], [LEFT, 1]],
  sagittal: [LEFT, [SUPERIOR, -1], [POSTERIOR, 1]],
};
const ORDERS = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
] as const;

const column = (affine: Affine, j: number): Vector => [affine[0][j], affine[1][j], affine[2][j]];

function unit([x, y, z]: Vector): Vector {
  const length = Math.hypot(x, y, z) || 1;
  return [x / length, y / length, z / length];
}

/** For left, posterior and superior: the index axis nearest to it, and whether that index falls towards it. */
export function patientAxes(affine: Affine): { axis: number; sign: 1 | -1 }[] {
  const directions = [0, 1, 2].map((j) => unit(column(affine, j)));
  let best: readonly number[] = ORDERS[0];
  let most = -1;
  for (const order of ORDERS) {
    const fit = [0, 1, 2].reduce((sum, axis) => sum + Math.abs(directions[order[axis]][axis]), 0);
    if (fit > most) {
      most = fit;
      best = order;
    }
  }
  return [0, 1, 2].map((axis) => ({ axis: best[axis], sign: directions[best[axis]][axis] >= 0 ? 1 : -1 }));
}

/** The patient plane that slices as acquired lie nearest to. */
export function acquiredAxis(affine: Affine): Axis {
  const names: Axis[] = ["sagittal", "coronal", "axial"];
  return names[patientAxes(affine).findIndex(({ axis }) => axis === 0)];
}

/** Angles up to this many degrees are those of a patient who does not lie quite straight. */
const STRAIGHT = 0.5;

/** How slices lie, in words: "axial"; "oblique, 17° from axial"; "axial, tilted by 12°". */
export function acquiredWords(affine: Affine): string {
  const [name, oblique, tilt] = [acquiredAxis(affine), obliqueDegrees(affine), tiltDegrees(affine)];
  const plane = oblique > STRAIGHT ? `oblique, ${degrees(oblique)} from ${name}` : name;
  return tilt > STRAIGHT ? `${plane}, tilted by ${degrees(tilt)}` : plane;
}

const degrees = (angle: number): string => `${angle < 10 ? Math.round(angle * 10) / 10 : Math.round(angle)}°`;

/** From a (plane, row, column) index of a plane to LPS millimetres. */
export function planeAffine(affine: Affine, shape: readonly number[], plane: Plane): Affine {
  if (plane === "acquired") return affine;
  const axes = patientAxes(affine);
  const [along, [row, rowWay], [col, colWay]] = LAYOUT[plane];
  const turns = [
    { old: axes[along].axis, backwards: axes[along].sign < 0 },
    { old: axes[row].axis, backwards: axes[row].sign !== rowWay },
    { old: axes[col].axis, backwards: axes[col].sign !== colWay },
  ];
  return [0, 1, 2].map((i) => {
    let offset = affine[i][3];
    const steps = turns.map(({ old, backwards }) => {
      if (backwards) offset += affine[i][old] * (shape[old] - 1);
      return backwards ? -affine[i][old] : affine[i][old];
    });
    return [...steps, offset];
  });
}

/** Which slice as acquired a plane is; null where planes cross the slices. */
export function sliceOfPlane(affine: Affine | null, shape: readonly number[], plane: Plane, index: number): number | null {
  if (plane === "acquired") return index;
  if (!affine) return null;
  const { axis, sign } = patientAxes(affine)[LAYOUT[plane][0]];
  if (axis !== 0) return null;
  return sign < 0 ? shape[0] - 1 - index : index;
}

/** Of one slice: from (0, row, column) to LPS millimetres; `orientation` has the cosines of rows, then of columns. */
export function sliceAffine(
  position: Vector,
  orientation: readonly [number, number, number, number, number, number],
  [row, column]: readonly [number, number],
): Affine {
  return [0, 1, 2].map((i) => [0, orientation[3 + i] * row, orientation[i] * column, position[i]]);
}

/** The angle in degrees between a slice and the patient plane that it lies nearest to. */
export function obliqueDegrees(affine: Affine): number {
  const [a, b, c] = column(affine, 1);
  const [x, y, z] = column(affine, 2);
  const normal = unit([b * z - c * y, c * x - a * z, a * y - b * x]);
  return (Math.acos(Math.min(1, Math.max(...normal.map(Math.abs)))) * 180) / Math.PI;
}

/** The angle in degrees by which a stack's slices are shifted from straight above each other. */
export function tiltDegrees(affine: Affine): number {
  const [a, b, c] = column(affine, 1);
  const [x, y, z] = column(affine, 2);
  const normal = unit([b * z - c * y, c * x - a * z, a * y - b * x]);
  const step = unit(column(affine, 0));
  const along = Math.abs(normal[0] * step[0] + normal[1] * step[1] + normal[2] * step[2]);
  return (Math.acos(Math.min(1, along)) * 180) / Math.PI;
}

export function toPatient(affine: Affine, [i, j, k]: Vector): Vector {
  const at = (row: readonly number[]) => row[0] * i + row[1] * j + row[2] * k + row[3];
  return [at(affine[0]), at(affine[1]), at(affine[2])];
}

/** Directions below this part of the whole are left out of the letters: about 11 degrees. */
const SLIGHT = 0.2;

/** The way a direction points in the patient, the strongest first: "R", or "RA" where it is oblique. */
export function letters(direction: Vector): string {
  const named = unit(direction).map((part, axis) => ({ size: Math.abs(part), letter: "LRPASI"[axis * 2 + (part < 0 ? 1 : 0)] }));
  return named
    .filter(({ size }) => size > SLIGHT)
    .sort((a, b) => b.size - a.size)
    .map(({ letter }) => letter)
    .join("");
}

function straightDown(down: Vector, right: Vector): Vector {
  const lean = (down[0] * right[0] + down[1] * right[1] + down[2] * right[2]) / (right[0] ** 2 + right[1] ** 2 + right[2] ** 2);
  return [down[0] - lean * right[0], down[1] - lean * right[1], down[2] - lean * right[2]];
}

const OPPOSITE: Readonly<Record<string, string>> = { L: "R", R: "L", A: "P", P: "A", S: "I", I: "S" };

/** From Patient Orientation (0020,0020): what the right and the bottom show; null where it says nothing of a person. */
export function lettersOf(patientOrientation: unknown): EdgeLetters | null {
  const parts = typeof patientOrientation === "string" ? patientOrientation.split("\\") : patientOrientation;
  if (!Array.isArray(parts) || parts.length !== 2) return null;
  const [right, bottom] = parts.map((part: unknown) => (typeof part === "string" ? part.trim().replaceAll("H", "S").replaceAll("F", "I") : ""));
  if (!/^[LRAPSI]{1,3}$/.test(right) || !/^[LRAPSI]{1,3}$/.test(bottom)) return null;
  const turned = (letters: string) => Array.from(letters, (letter) => OPPOSITE[letter]).join("");
  return { left: turned(right), right, top: turned(bottom), bottom };
}

export interface EdgeLetters {
  readonly left: string;
  readonly right: string;
  readonly top: string;
  readonly bottom: string;
}

/** What the edges of a plane's picture show; a leaning one goes straight down across its columns. */
export function edgeLetters(plane: Affine): EdgeLetters {
  const right = column(plane, 2);
  const down = straightDown(column(plane, 1), right);
  const opposite = ([x, y, z]: Vector): Vector => [-x, -y, -z];
  return { left: letters(opposite(right)), right: letters(right), top: letters(opposite(down)), bottom: letters(down) };
}
