/**
 * A closed surface around the voxels of a segment ("surface nets", Gibson 1998).
 *
 * Each cell between eight neighbouring voxels that the border passes gets one point; points of neighbouring cells are
 * joined. Smoothing moves each point towards its neighbours and back again, so that the body does not shrink (Taubin
 * 1995), but never out of its cell: the surface never lies further than one voxel from the border.
 */

import { type Affine, columnOf } from "@/core/geometry";
import { cross, dot } from "@/core/vectors";

/** How much of each block lies in the segment: 0 to 255. Outside of the grid there is nothing of it. */
export interface Coverage {
  readonly values: Uint8Array;
  /** Slices, rows, columns. */
  readonly shape: readonly [number, number, number];
}

export interface SurfaceMesh {
  /** Three coordinates for each point. */
  readonly points: Float32Array<ArrayBuffer>;
  /** Three points for each triangle, counterclockwise seen from outside. */
  readonly triangles: Uint32Array<ArrayBuffer>;
  /** A unit vector outwards for each point. */
  readonly normals: Float32Array<ArrayBuffer>;
}

/** A block belongs to the segment if it holds at least half of it. */
const HALF = 127.5;
/** Each turn goes there and back. */
const SMOOTHING_TURNS = 10;
const THERE = 0.5;
const BACK = -0.53;

/** The surface in the millimetres of `affine`, which leads from (slice, row, column) of the coverage to the patient. */
export function surfaceNet(coverage: Coverage, affine: Affine, turns = SMOOTHING_TURNS): SurfaceMesh {
  const net = netOf(padded(coverage));
  smooth(net, turns);
  const points = placed(net.points, affine);
  const triangles = trianglesOf(net.quads, isMirrored(affine));
  return { points, triangles, normals: normalsOf(points, triangles) };
}

interface Net {
  /** (slice, row, column) of the points, in voxels of the padded grid. */
  readonly points: Float32Array<ArrayBuffer>;
  /** The first corner of each point's cell. */
  readonly cells: Int32Array;
  /** Four points for each quad, around an edge from inside to outside. */
  readonly quads: Uint32Array;
}

/** One more voxel on each side, so that the surface is closed at the edges of the grid. */
function padded({ values, shape: [slices, rows, columns] }: Coverage): Coverage {
  const shape = [slices + 2, rows + 2, columns + 2] as const;
  const wider = new Uint8Array(shape[0] * shape[1] * shape[2]);
  for (let i = 0; i < slices; i += 1) {
    for (let j = 0; j < rows; j += 1) {
      const from = (i * rows + j) * columns;
      wider.set(values.subarray(from, from + columns), ((i + 1) * shape[1] + j + 1) * shape[2] + 1);
    }
  }
  return { values: wider, shape };
}

/** The corners of a cell as bits (slice 4, row 2, column 1), and its twelve edges as pairs of them. */
const EDGES: readonly (readonly [number, number])[] = [1, 2, 4].flatMap((bit) => [0, 1, 2, 3, 4, 5, 6, 7].filter((corner) => !(corner & bit)).map((corner) => [corner, corner | bit] as const));

function netOf({ values, shape }: Coverage): Net {
  const [, rows, columns] = shape;
  const steps = [rows * columns, columns, 1] as const;
  const corners = [0, 1, 2, 3, 4, 5, 6, 7].map((corner) => (corner & 4 ? steps[0] : 0) + (corner & 2 ? steps[1] : 0) + (corner & 1 ? 1 : 0));
  const pointOfCell = new Int32Array(values.length).fill(-1);
  const points: number[] = [];
  const cells: number[] = [];
  const quads: number[] = [];
  const isIn = (voxel: number): boolean => values[voxel] > HALF;
  for (let i = 0; i + 1 < shape[0]; i += 1) {
    for (let j = 0; j + 1 < rows; j += 1) {
      for (let k = 0, cell = i * steps[0] + j * columns; k + 1 < columns; k += 1, cell += 1) {
        let bits = 0;
        for (let corner = 0; corner < 8; corner += 1) if (isIn(cell + corners[corner])) bits |= 1 << corner;
        if (bits === 0 || bits === 255) continue;
        pointOfCell[cell] = cells.length / 3;
        cells.push(i, j, k);
        pushCrossing(points, [i, j, k], bits, (corner) => values[cell + corners[corner]]);
      }
    }
  }
  // The four cells around each edge that the border crosses; the edges of the outermost voxels are all outside.
  for (let i = 1; i + 1 < shape[0]; i += 1) {
    for (let j = 1; j + 1 < rows; j += 1) {
      for (let k = 1, voxel = i * steps[0] + j * columns + 1; k + 1 < columns; k += 1, voxel += 1) {
        if (!isIn(voxel)) continue;
        for (let axis = 0; axis < 3; axis += 1) {
          const [next, after] = [steps[(axis + 1) % 3], steps[(axis + 2) % 3]];
          for (const up of [true, false]) {
            if (isIn(up ? voxel + steps[axis] : voxel - steps[axis])) continue;
            const cell = up ? voxel : voxel - steps[axis];
            const around = [cell - next - after, cell - after, cell, cell - next];
            if (!up) around.reverse();
            for (const each of around) quads.push(pointOfCell[each]);
          }
        }
      }
    }
  }
  return { points: Float32Array.from(points), cells: Int32Array.from(cells), quads: Uint32Array.from(quads) };
}

/** Adds the mean of the places where the border crosses the edges of a cell. */
function pushCrossing(points: number[], cell: readonly number[], bits: number, valueAt: (corner: number) => number): void {
  const sum = [0, 0, 0];
  let count = 0;
  for (const [a, b] of EDGES) {
    if (((bits >> a) & 1) === ((bits >> b) & 1)) continue;
    const [low, high] = [valueAt(a), valueAt(b)];
    const part = (HALF - low) / (high - low);
    for (let axis = 0; axis < 3; axis += 1) {
      const bit = 4 >> axis;
      sum[axis] += (a & bit ? 1 : 0) + (a & bit ? 0 : b & bit ? part : 0);
    }
    count += 1;
  }
  for (let axis = 0; axis < 3; axis += 1) points.push(cell[axis] + sum[axis] / count);
}

/** Moves points towards the means of their neighbours and back, within their cells. */
function smooth(net: Net, turns: number): void {
  const sums = new Float32Array(net.points.length);
  const counts = new Uint16Array(net.points.length / 3);
  for (let turn = 0; turn < turns; turn += 1) for (const part of [THERE, BACK]) moveTowardsNeighbours(net, part, sums, counts);
}

function moveTowardsNeighbours({ points, cells, quads }: Net, part: number, sums: Float32Array, counts: Uint16Array): void {
  sums.fill(0);
  counts.fill(0);
  for (let q = 0; q < quads.length; q += 4) {
    for (let side = 0; side < 4; side += 1) {
      const [a, b] = [quads[q + side], quads[q + ((side + 1) & 3)]];
      counts[a] += 1;
      counts[b] += 1;
      for (let axis = 0; axis < 3; axis += 1) {
        sums[a * 3 + axis] += points[b * 3 + axis];
        sums[b * 3 + axis] += points[a * 3 + axis];
      }
    }
  }
  for (let i = 0; i < points.length; i += 1) {
    const count = counts[Math.floor(i / 3)];
    const moved = count > 0 ? points[i] + part * (sums[i] / count - points[i]) : points[i];
    points[i] = Math.min(cells[i] + 1, Math.max(cells[i], moved));
  }
}

/** Points of the padded grid in the patient. */
function placed(points: Float32Array, affine: Affine): Float32Array<ArrayBuffer> {
  const out = new Float32Array(points.length);
  for (let p = 0; p < points.length; p += 3) {
    const [i, j, k] = [points[p] - 1, points[p + 1] - 1, points[p + 2] - 1];
    for (let axis = 0; axis < 3; axis += 1) {
      const row = affine[axis];
      out[p + axis] = row[0] * i + row[1] * j + row[2] * k + row[3];
    }
  }
  return out;
}

/** True if the affine mirrors: what is counterclockwise in the grid is clockwise in the patient. */
const isMirrored = (affine: Affine): boolean => dot(cross(columnOf(affine, 0), columnOf(affine, 1)), columnOf(affine, 2)) < 0;

function trianglesOf(quads: Uint32Array, mirrored: boolean): Uint32Array<ArrayBuffer> {
  const triangles = new Uint32Array((quads.length / 4) * 6);
  for (let q = 0, t = 0; q < quads.length; q += 4, t += 6) {
    const [a, b, c, d] = mirrored ? [quads[q], quads[q + 3], quads[q + 2], quads[q + 1]] : [quads[q], quads[q + 1], quads[q + 2], quads[q + 3]];
    triangles.set([a, b, c, a, c, d], t);
  }
  return triangles;
}

/** The mean of the triangles' normals around each point, by their areas. */
function normalsOf(points: Float32Array, triangles: Uint32Array): Float32Array<ArrayBuffer> {
  const normals = new Float32Array(points.length);
  for (let t = 0; t < triangles.length; t += 3) {
    const [a, b, c] = [triangles[t] * 3, triangles[t + 1] * 3, triangles[t + 2] * 3];
    const [ux, uy, uz] = [points[b] - points[a], points[b + 1] - points[a + 1], points[b + 2] - points[a + 2]];
    const [vx, vy, vz] = [points[c] - points[a], points[c + 1] - points[a + 1], points[c + 2] - points[a + 2]];
    const [x, y, z] = [uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx];
    for (const p of [a, b, c]) {
      normals[p] += x;
      normals[p + 1] += y;
      normals[p + 2] += z;
    }
  }
  for (let p = 0; p < normals.length; p += 3) {
    const length = Math.hypot(normals[p], normals[p + 1], normals[p + 2]) || 1;
    for (let axis = 0; axis < 3; axis += 1) normals[p + axis] /= length;
  }
  return normals;
}

/** What six times the tetrahedra from the origin to the triangles hold, divided by six: the volume inside, in mm3. */
export function meshVolume({ points, triangles }: SurfaceMesh): number {
  let sum = 0;
  for (let t = 0; t < triangles.length; t += 3) {
    const [a, b, c] = [0, 1, 2].map((corner) => {
      const p = triangles[t + corner] * 3;
      return [points[p], points[p + 1], points[p + 2]] as const;
    });
    sum += dot(a, cross(b, c));
  }
  return sum / 6;
}
