/** Which plane of the volume a view looks at: its place in the patient, and the request for its picture. */

import { computed, type Ref } from "vue";

import type { PlaneOut } from "@/api/generated/validators";
import type { Volume } from "@/api/series";
import type { Anatomy } from "@/core/edgeLetters";
import { type Affine, columnOf, type Plane, planeAffine, sliceAffine, stepOf, toPatient } from "@/core/geometry";
import { ascent, type Cut, cutOfSlice, cutThrough, type Frame, gridFrame, inverseAffine, naturalStep, PATIENT_FRAMES, sameCut, scrollRange, toIndex } from "@/core/plane";
import { axisWord } from "@/core/planeNames";
import { type Rotation, turnedPlane } from "@/core/rotation";
import { cross, dot, moved, scaled, type Vector } from "@/core/vectors";
import { slabPlanes as projectedPlanes } from "@/scene/neededSlices";
import type { PlaneRequest, SlabMode } from "@/scene/volumeSource";

export interface Slab {
  readonly mode: SlabMode;
  readonly mm: number;
}

/** What decides which plane is looked at. */
export interface PlaneChoice {
  readonly volume: Readonly<Ref<Volume | null>>;
  /** Whose planes have names. */
  readonly anatomy: Readonly<Ref<Anatomy>>;
  readonly plane: Readonly<Ref<Plane>>;
  /** The point that is looked at, in LPS millimetres; null for volumes without a place in the patient. */
  readonly place: Readonly<Ref<Vector | null>>;
  /** The slice of a volume without an affine. */
  readonly ownIndex: Readonly<Ref<number>>;
  readonly straightened: Readonly<Ref<boolean>>;
  readonly slab: Readonly<Ref<Slab | null>>;
  readonly smooth: Readonly<Ref<boolean>>;
  /** How the linked planes are turned about the cursor; null if they lie along the volume's own grid. */
  readonly turn: () => Rotation | null;
  /** True while planes are being turned. */
  readonly turning: () => boolean;
}

const MOST_SLAB_DEPTH = 256;
/** How much larger the pixels of oblique pictures are while something is dragged. */
const COARSE = 2;

/** The plane of a view, as far as its volume knows places. */
export function usePlane({ volume, anatomy, plane, place, ownIndex, straightened, slab, smooth, turn: turnOfPlanes, turning }: PlaneChoice) {
  const grid = computed(() => {
    const shown = volume.value;
    return shown?.affine ? { affine: shown.affine, shape: shown.shape, inverse: inverseAffine(shown.affine) } : null;
  });
  const facts = computed<PlaneOut | null>(() => volume.value?.planes[plane.value] ?? null);
  const gridAffine = computed<Affine | null>(() => {
    const shown = grid.value;
    return shown && planeAffine(shown.affine, shown.shape, plane.value);
  });
  const gridInverse = computed(() => gridAffine.value && inverseAffine(gridAffine.value));

  /** How the plane lies before it is turned; null where slices have no grid. */
  const ownFrame = computed<Frame | null>(() => {
    const shown = grid.value;
    if (!shown) return null;
    return straightened.value && plane.value !== "acquired" ? PATIENT_FRAMES[plane.value] : gridFrame(shown.affine, plane.value);
  });
  /** The frame of an oblique or straightened plane; null if the volume's own grid is shown. */
  const frame = computed<Frame | null>(() => {
    const [own, turn] = [ownFrame.value, turnOfPlanes()];
    if (!own || plane.value === "acquired") return null;
    const turned = turn ? turnedPlane(turn, own) : own;
    return turned === own && !straightened.value ? null : turned;
  });
  /** The planes of `frame` that one scrolls through: the direction in which they are numbered, the first and the step in millimetres. */
  const track = computed(() => {
    const [shown, cutFrame] = [grid.value, frame.value];
    if (!shown || !cutFrame) return null;
    const normal = ascent(cutFrame);
    return { normal, ...scrollRange(shown, normal) };
  });
  const count = computed(() => track.value?.count ?? facts.value?.count ?? 0);
  const clamped = (wanted: number) => Math.max(0, Math.min(count.value - 1, Math.round(wanted)));
  const index = computed(() => {
    const at = place.value;
    if (!at) return clamped(ownIndex.value);
    if (track.value) return clamped((dot(at, track.value.normal) - track.value.first) / track.value.step);
    return gridInverse.value ? clamped(toIndex(gridInverse.value, at)[0]) : clamped(ownIndex.value);
  });

  /** The rectangle of the patient that the picture shows; null if it is unknown. */
  const cut = computed<Cut | null>((before) => {
    const [shown, cutFrame, at] = [grid.value, frame.value, place.value];
    if (shown && cutFrame && at) {
      const coarse = turning() ? COARSE : 1;
      const fresh = cutThrough(at, cutFrame, shown, naturalStep(shown.affine, cutFrame) * coarse);
      return before && sameCut(before, fresh) ? before : fresh;
    }
    return sliceCut(index.value);
  });

  /** The rectangle of another plane of those that one scrolls through, at full resolution; null if it is unknown. */
  function cutAt(wanted: number): Cut | null {
    const [shown, cutFrame, at, planes] = [grid.value, frame.value, place.value, track.value];
    if (!shown || !cutFrame || !at || !planes) return sliceCut(wanted);
    const through = moved(at, planes.normal, planes.first + wanted * planes.step - dot(at, planes.normal));
    return cutThrough(through, cutFrame, shown, naturalStep(shown.affine, cutFrame));
  }

  /** The rectangle of a plane of the volume's own grid. */
  function sliceCut(at: number): Cut | null {
    const size = facts.value;
    const affine = size && sliceAffineOf(at);
    return affine && cutOfSlice(affine, gridAffine.value ? at : 0, size);
  }

  const request = computed<PlaneRequest | null>(() => {
    if (count.value === 0) return null;
    const [cutFrame, wanted] = [frame.value, slab.value];
    if (cutFrame && cut.value && grid.value) {
      const method = smooth.value ? "linear" : "nearest";
      if (!wanted) return { kind: "cut", cut: cut.value, method };
      return { kind: "cut", cut: cut.value, method, slab: { mode: wanted.mode, depth: slabPlanes.value, step: scaled(cutFrame.normal, planeStep.value ?? 0) } };
    }
    const planes = slabPlanes.value;
    const base = { kind: "grid", plane: plane.value, index: index.value } as const;
    return wanted && planes > 1 ? { ...base, slab: { mode: wanted.mode, planes } } : base;
  });
  /** Millimetres between the shown planes; null if unknown. */
  const planeStep = computed(() => {
    const affine = gridAffine.value;
    if (track.value) return track.value.step;
    return affine && stepOf(affine);
  });
  /** How many planes the slab is made of, before it is cut off at the volume's ends. */
  const slabPlanes = computed(() => {
    const [wanted, step] = [slab.value, planeStep.value];
    return wanted && step ? Math.max(1, Math.min(MOST_SLAB_DEPTH, Math.round(wanted.mm / step))) : 1;
  });
  /** The slab that is really projected: its planes, its thickness, and where it begins and ends along the picture's normal, in mm from its plane; null for one plane. */
  const slabSpan = computed(() => {
    const [wanted, step] = [slabPlanes.value, planeStep.value];
    if (!slab.value || wanted === 1 || !step) return null;
    const affine = gridAffine.value;
    if (frame.value || !affine) return { planes: wanted, mm: wanted * step, from: (-wanted / 2) * step, to: (wanted / 2) * step };
    const [first, last] = projectedPlanes(index.value, wanted, count.value);
    const up = dot(cross(columnOf(affine, 2), columnOf(affine, 1)), columnOf(affine, 0)) < 0 ? -step : step;
    return { planes: last - first + 1, mm: (last - first + 1) * step, from: (first - index.value - 0.5) * up, to: (last - index.value + 0.5) * up };
  });

  /** The point that is looked at; of an irregular volume the middle of its slice. Null if it is unknown. */
  const lookedAt = computed<Vector | null>(() => {
    if (place.value) return place.value;
    const [affine, size] = [sliceAffineOf(index.value), facts.value];
    return affine && size ? toPatient(affine, [0, (size.rows - 1) / 2, (size.columns - 1) / 2]) : null;
  });

  /** The matrix of the shown slice; of an irregular volume that of its own place. */
  function sliceAffineOf(at: number): Affine | null {
    if (gridAffine.value) return gridAffine.value;
    const shown = volume.value;
    const [, row, column] = shown?.spacing_mm ?? [null, null, null];
    const { position, orientation } = shown?.slice_places?.[at] ?? { position: null, orientation: null };
    return position && orientation && row !== null && column !== null ? sliceAffine(position, orientation, [row, column]) : null;
  }

  /** Why the chosen plane cannot be shown; empty if it can. */
  const refusal = computed(() => unavailable(plane.value));

  /** Why a plane cannot be shown; empty if it can. */
  function unavailable(wanted: Plane): string {
    const shown = volume.value;
    if (!shown || shown.planes[wanted]) return "";
    const word = wanted === "acquired" ? wanted : axisWord(wanted, anatomy.value);
    if (shown.problem) return `No ${word} plane: ${shown.problem.message}`;
    return `No ${word} plane: the position of the slices in the patient is unknown`;
  }

  return { grid, facts, gridAffine, gridInverse, ownFrame, frame, track, count, clamped, index, cut, cutAt, request, planeStep, slabSpan, lookedAt, refusal, unavailable };
}
