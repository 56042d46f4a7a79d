import { computed, reactive, ref, shallowRef } from "vue";

import type { PlaneOut } from "@/api/generated/validators";
import type { Series, Volume } from "@/api/series";
import { anatomyOf, type EdgeLetters, edgeLettersFromOrientation, letters, turnedLetters } from "@/core/edgeLetters";
import { acquiredOrientation, type Affine, columnOf, type Plane, PLANE_NAMES, planeAffine, sliceAffine, sliceOfPlane, stepOf, toPatient, type Vector } from "@/core/geometry";
import type { PaddingRange, Tint } from "@/core/paint";
import {
  ascent,
  type Cut,
  cutThrough,
  describedFrame,
  type Frame,
  frameOf,
  gridFrame,
  inverseAffine,
  naturalStep,
  PATIENT_FRAMES,
  pixelOfCut,
  pointOfCut,
  scrollRange,
  toIndex,
} from "@/core/plane";
import { type Rotation, turnedPlane } from "@/core/rotation";
import { nearestSlice } from "@/core/slicePlaces";
import { cross, dot, moved, scaled } from "@/core/vectors";
import { FITTED, fromStage, type Layout, mirrored, type PictureShape, type Point, type Size, stageTransform, toStage, type Transform, turnedRight, zoomAbout } from "@/core/stageTransform";
import { gapText, sidesOf, sideText } from "@/core/sliceRecords";
import { type VoiChoice, voiChoices } from "@/core/voiChoices";
import { dragWindow, type Voi, type Window, windowOfRange } from "@/core/windowing";
import type { FusedLayer } from "@/scene/layers";
import { slabPlanes as projectedPlanes } from "@/scene/neededSlices";
import { holdVolume, releaseVolume } from "@/scene/volumePool";
import { useHistograms } from "@/stores/histograms";
import type { PlaneRequest, SlabMode, VolumeSource } from "@/scene/volumeSource";

export interface Probe {
  /** The pixel of the picture. */
  readonly row: number;
  readonly column: number;
  /** The point in LPS millimetres; null where it is unknown. */
  readonly point: Vector | null;
  /** One for greyscale, three for colour; null until it is known, and outside the volume. */
  readonly values: readonly number[] | null;
}

export interface Slab {
  readonly mode: SlabMode;
  readonly mm: number;
}

/** What a view needs of its neighbours. */
export interface Neighbours {
  /** How the linked planes are turned about the cursor; null if they lie along the volume's own grid. */
  readonly turn: () => Rotation | null;
  /** True while planes are being turned: oblique pictures are drawn at half the resolution, and marked so. */
  readonly turning: () => boolean;
  /** Tells the other views the point that this one was moved to. */
  readonly moved: (view: string, point: Vector) => void;
  /** Where the views that are linked with this one are; null if there are none. */
  readonly place: (view: string) => Vector | null;
}

/** The rate for headers without one. */
const DEFAULT_FPS = 15;
const NO_CHOICE: VoiChoice = { name: "", voi: windowOfRange(0, 1) };
const MOST_SLAB_DEPTH = 256;
/** How much larger the pixels of oblique pictures are while something is dragged. */
const COARSE = 2;
const SAME_DIRECTION = 1e-9;
const SAME_PLACE_MM = 1e-6;

/** The affine of one slice with a slice step along its normal. */
function withNormalStep(affine: Affine): Affine {
  const [down, right] = [1, 2].map((j) => affine.map((row) => row[j]));
  const normal = [0, 1, 2].map((i) => right[(i + 1) % 3] * down[(i + 2) % 3] - right[(i + 2) % 3] * down[(i + 1) % 3]);
  return affine.map((row, i) => [normal[i], row[1], row[2], row[3]]);
}

/** The state of one view: the series, the volume, plane and slice shown, and how they are shown. */
export function createView(id: string, neighbours: Neighbours) {
  const series = shallowRef<Series | null>(null);
  const volumeIndex = ref(0);
  const source = shallowRef<VolumeSource | null>(null);
  const plane = ref<Plane>("acquired");
  /** The point that is looked at, in LPS millimetres; null for volumes without a place in the patient. */
  const place = shallowRef<Vector | null>(null);
  /** The slice of a volume without an affine. */
  const ownIndex = ref(0);
  /** The direction of the last step; fetching follows it. */
  const direction = ref<-1 | 0 | 1>(0);
  /** Axial, coronal and sagittal planes lie along the patient's axes, instead of the axes of a tilted or oblique grid. */
  const straightened = ref(false);
  const slab = shallowRef<Slab | null>(null);
  /** The chosen window or table for all slices, or each slice's own. */
  const choice = shallowRef<VoiChoice>(NO_CHOICE);
  const invert = ref(false);
  const smooth = ref(true);
  const layout = shallowRef<Layout>(FITTED);
  const stage = shallowRef<Size>({ width: 0, height: 0 });
  const playing = ref(false);
  /** Frames per second; null for the header's rate. */
  const fps = ref<number | null>(DEFAULT_FPS);
  const backwards = ref(false);
  const probe = shallowRef<Probe | null>(null);
  const tint = shallowRef<Tint | null>(null);
  const fused = shallowRef<readonly FusedLayer[]>([]);
  /** Where the picture is drawn. */
  const canvas = shallowRef<HTMLCanvasElement | null>(null);
  /** The values of the fused images under the pointer; null outside of one. */
  const fusedValues = shallowRef<readonly (readonly number[] | null)[]>([]);
  /** The request whose picture is on the canvas. */
  const drawn = shallowRef<PlaneRequest | null>(null);

  const volume = computed<Volume | null>(() => series.value?.volumes[volumeIndex.value] ?? null);
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
    const [own, turn] = [ownFrame.value, neighbours.turn()];
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
      const coarse = neighbours.turning() ? COARSE : 1;
      const fresh = cutThrough(at, cutFrame, shown, naturalStep(shown.affine, cutFrame) * coarse);
      return before && sameCut(before, fresh) ? before : fresh;
    }
    const size = facts.value;
    const affine = size && sliceAffineOf(index.value);
    return affine && cutOfSlice(affine, gridAffine.value ? index.value : 0, size);
  });

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

  const shape = computed<PictureShape>(() => {
    if (frame.value && cut.value) return { rows: cut.value.rows, columns: cut.value.columns, aspect: 1, lean: 0 };
    const { rows, columns, aspect, lean } = facts.value ?? { rows: 1, columns: 1, aspect: 1, lean: 0 };
    return { rows, columns, aspect, lean };
  });
  const transformOf = (of: PictureShape): Transform => stageTransform(of, stage.value, layout.value);
  const transform = computed<Transform>(() => transformOf(shape.value));
  const pixelsPerMm = computed(() => {
    const mm = frame.value && cut.value ? Math.hypot(...cut.value.right) : (facts.value?.spacing_mm[1] ?? null);
    const { a, b } = transform.value;
    return mm === null || stage.value.width === 0 ? null : Math.hypot(a, b) / mm;
  });

  const choices = computed(() => {
    const [record, shown] = [series.value, volume.value];
    if (!record || !shown || shown.colour) return [];
    return voiChoices(shown, { modality: record.modality, histogram: useHistograms().of(record.id, shown) });
  });
  /** The window or table of the current slice. */
  const voi = computed(() => voiOf(plane.value, index.value));
  /** Whose letters: of a person, or of an animal's trunk, head or limb. */
  const anatomy = computed(() => anatomyOf(volume.value?.quadruped ?? false, series.value?.body_part ?? ""));
  /** The letters at the stage's edges, as the picture is turned and flipped. */
  const edges = computed<EdgeLetters | null>(() => {
    const turned = { right: screenStep(1, 0), down: screenStep(0, 1) };
    const rectangle = cut.value ?? (refusal.value ? null : orientationCut(index.value));
    if (rectangle) {
      const toPatientStep = ({ row, column }: { row: number; column: number }): Vector =>
        [0, 1, 2].map((i) => rectangle.down[i] * row + rectangle.right[i] * column) as unknown as Vector;
      const [right, down] = [toPatientStep(turned.right), toPatientStep(turned.down)];
      const lettersTo = (direction: Vector) => letters(direction, anatomy.value);
      return { left: lettersTo(scaled(right, -1)), right: lettersTo(right), top: lettersTo(scaled(down, -1)), bottom: lettersTo(down) };
    }
    const said = volume.value && sidesOf(volume.value, index.value)?.patient_orientation;
    const own = edgeLettersFromOrientation(said ?? series.value?.metadata.PatientOrientation, anatomy.value);
    return own && turnedLetters(own, layout.value);
  });
  /** What is said of an acquired slice alone: "left, cranio-caudal", "gap 10 mm"; empty where there is nothing to say. */
  const sliceWords = computed(() => {
    if (!volume.value || plane.value !== "acquired" || frame.value) return "";
    const sides = sidesOf(volume.value, index.value);
    return [sides ? sideText(sides) : "", gapText(volume.value, index.value)].filter((words) => words !== "").join(" · ");
  });
  /** The plane in words: "Axial"; "oblique, 17° from axial". */
  const planeName = computed(() => {
    if (frame.value) return describedFrame(frame.value);
    if (plane.value === "acquired") return acquiredName.value;
    // The volume's own plane that lies nearest: it is called by the plane's name only if it is that plane.
    const words = gridAffine.value ? describedFrame(frameOf(columnOf(gridAffine.value, 2), columnOf(gridAffine.value, 1))) : plane.value;
    return words === plane.value ? PLANE_NAMES[plane.value] : words;
  });
  /** The orientation of the acquired slices as text. */
  const acquiredName = computed(() => {
    const shown = volume.value;
    if (shown?.affine) return acquiredOrientation(shown.affine);
    const orientation = shown?.slice_places?.[0]?.orientation;
    return orientation ? acquiredOrientation(withNormalStep(sliceAffine([0, 0, 0], orientation, [1, 1]))) : "";
  });
  /** True if the header gives a frame rate for the current plane. */
  const hasFrameRate = computed(() => volume.value?.frame_rate !== null && volume.value?.frame_rate !== undefined && plane.value === "acquired");
  const range = computed(() => {
    const { min, max } = volume.value ?? { min: null, max: null };
    return min !== null && max !== null && max > min ? max - min : 1;
  });
  /** The space of `place`: points of one Frame of Reference are the same places; empty if it is unknown. */
  const space = computed(() => volume.value?.frame_of_reference_uid ?? "");

  /** The point that is looked at; of an irregular volume the middle of its slice. Null if it is unknown. */
  const lookedAt = computed<Vector | null>(() => {
    if (place.value) return place.value;
    const [affine, size] = [sliceAffineOf(index.value), facts.value];
    return affine && size ? toPatient(affine, [0, (size.rows - 1) / 2, (size.columns - 1) / 2]) : null;
  });

  function orientationCut(at: number): Cut | null {
    const orientation = volume.value?.slice_places?.[at]?.orientation;
    return orientation ? cutOfSlice(sliceAffine([0, 0, 0], orientation, [1, 1]), 0, { rows: 1, columns: 1 }) : null;
  }

  /** The matrix of the shown slice; of an irregular volume that of its own place. */
  function sliceAffineOf(at: number): Affine | null {
    if (gridAffine.value) return gridAffine.value;
    const shown = volume.value;
    const [, row, column] = shown?.spacing_mm ?? [null, null, null];
    const { position, orientation } = shown?.slice_places?.[at] ?? { position: null, orientation: null };
    return position && orientation && row !== null && column !== null ? sliceAffine(position, orientation, [row, column]) : null;
  }

  /** A step to the right, or down, on the stage, in pixels of the picture. */
  function screenStep(x: number, y: number): { row: number; column: number } {
    const at = fromStage({ ...transform.value, e: 0, f: 0 }, { x, y });
    return stage.value.width === 0 ? { row: y, column: x } : at;
  }

  /** Why the chosen plane cannot be shown; empty if it can. */
  const refusal = computed(() => unavailable(plane.value));

  /** Why a plane cannot be shown; empty if it can. */
  function unavailable(wanted: Plane): string {
    const shown = volume.value;
    if (!shown || shown.planes[wanted]) return "";
    if (shown.problem) return `No ${wanted} plane: ${shown.problem.message}`;
    return `No ${wanted} plane: the position of the slices in the patient is unknown`;
  }

  /** The window or table of a slice. */
  function voiOf(slicePlane: Plane, sliceIndex: number): Voi {
    const shown = volume.value;
    if (choice.value.voi) return choice.value.voi;
    if (!shown) return windowOfRange(0, 1);
    const slice = frame.value ? null : sliceOfPlane(shown.affine, shown.shape, slicePlane, sliceIndex);
    const own = slice === null ? null : (shown.slice_views?.slices[slice] ?? null);
    return own === null ? shown.default_view : (shown.slice_views?.views[own] ?? shown.default_view);
  }

  /** The padding values of a slice. */
  function paddingOf(slicePlane: Plane, sliceIndex: number): PaddingRange | null {
    const shown = volume.value;
    const ranges = shown?.padding_ranges;
    if (!shown || !ranges || (frame.value && ranges.length > 1)) return null;
    const slice = ranges.length === 1 ? 0 : sliceOfPlane(shown.affine, shown.shape, slicePlane, sliceIndex);
    return slice === null ? null : ranges[slice];
  }

  /** Shows a series, or the record of the shown one that was loaded again. */
  function show(loaded: Series, wanted = 0): void {
    const fresh = series.value?.id !== loaded.id || series.value.volumes.length === 0;
    const before = { space: space.value, point: place.value };
    const label = volume.value?.label;
    series.value = loaded;
    if (fresh) {
      chooseVolume(Math.min(wanted, Math.max(0, loaded.volumes.length - 1)), { anew: true, before });
      return;
    }
    // A late slice may have made other volumes: the shown one is the one of its label.
    const same = loaded.volumes.findIndex((each) => each.label === label);
    if (same >= 0) volumeIndex.value = same;
    else volumeIndex.value = Math.max(0, Math.min(volumeIndex.value, loaded.volumes.length - 1));
    hold();
  }

  /** Takes the source of the shown volume, and gives back the one before. */
  function hold(): void {
    const [shown, before] = [volume.value, source.value];
    source.value = series.value && shown ? holdVolume(series.value.id, shown) : null;
    if (before) {
      if (before !== source.value) before.withdraw(id);
      releaseVolume(before);
    }
  }

  function close(): void {
    series.value = null;
    volumeIndex.value = 0;
    plane.value = "acquired";
    place.value = null;
    ownIndex.value = 0;
    playing.value = false;
    choice.value = NO_CHOICE;
    fps.value = DEFAULT_FPS;
    probe.value = null;
    tint.value = null;
    fused.value = [];
    fusedValues.value = [];
    slab.value = null;
    straightened.value = false;
    invert.value = false;
    layout.value = FITTED;
    drawn.value = null;
    hold();
  }

  function chooseVolume(wanted: number, { anew = false, before = { space: space.value, point: place.value } } = {}): void {
    const previous = anew ? null : volume.value;
    volumeIndex.value = wanted;
    const chosen = volume.value;
    hold();
    if (!chosen) return;
    if (!chosen.planes[plane.value]) plane.value = "acquired";
    // Volumes of one shape (phases, echoes) are compared at the same slice; others start at their middle.
    const comparable = previous !== null && previous !== chosen && previous.shape.join() === chosen.shape.join();
    if (choice.value.voi === null && choices.value.every((offered) => offered.voi !== null)) choosePreset(0);
    if (!comparable) {
      fps.value = chosen.frame_rate === null ? DEFAULT_FPS : null;
      layout.value = FITTED;
      place.value = null;
      begin(before);
      choosePreset(0);
    }
    direction.value = 0;
  }

  /** Looks at the place of the linked views, or that of the volume shown before, if it lies in the volume; else at its middle. */
  function begin(before: { readonly space: string; readonly point: Vector | null }): void {
    const known = neighbours.place(id) ?? (before.space !== "" && before.space === space.value ? before.point : null);
    if (known && isInside(known)) follow(known);
    else toMiddle();
  }

  /** Looks at the middle of the volume; the linked views stay where they are. */
  function toMiddle(): void {
    const shown = volume.value;
    if (!shown) return;
    const middle = shown.shape.slice(0, 3).map((size) => Math.floor((size - 1) / 2)) as unknown as Vector;
    if (shown.affine) follow(toPatient(shown.affine, middle));
    else ownIndex.value = middle[0];
  }

  /** True if a point lies in one of the volume's voxels. */
  function isInside(point: Vector): boolean {
    const shown = grid.value;
    return shown !== null && toIndex(shown.inverse, point).every((at, axis) => at >= -0.5 && at < shown.shape[axis] - 0.5);
  }

  /**
   * Shows another plane of the volume, turned and zoomed anew unless it is the same picture by another name.
   *
   * A plane that the volume does not have is left alone, or with `evenIfMissing` the view says why it is empty.
   */
  function choosePlane(wanted: Plane, { evenIfMissing = false } = {}): void {
    if ((!volume.value?.planes[wanted] && !evenIfMissing) || wanted === plane.value) return;
    const before = ownFrame.value;
    plane.value = wanted;
    direction.value = 0;
    probe.value = null;
    if (!sameFrame(before, ownFrame.value)) layout.value = FITTED;
  }

  /** Shows the slices as acquired if the volume does not have the plane. */
  function leaveMissingPlane(): void {
    if (volume.value && !facts.value) choosePlane("acquired");
  }

  /** Looks at a point, and tells the linked views. */
  function moveTo(point: Vector): void {
    follow(point);
    neighbours.moved(id, point);
  }

  /** Looks at a point that another view was moved to. */
  function follow(point: Vector): void {
    const shown = volume.value;
    if (!shown) return;
    if (shown.affine) place.value = point;
    else if (shown.slice_places) ownIndex.value = nearestSlice(shown.slice_places, point) ?? ownIndex.value;
  }

  function goTo(wanted: number): void {
    const reached = clamped(wanted);
    if (reached === index.value) return;
    direction.value = reached > index.value ? 1 : -1;
    moveToIndex(reached);
  }

  function moveToIndex(reached: number): void {
    const at = place.value;
    if (at && track.value) {
      const { normal, first, step: spacing } = track.value;
      moveTo(moved(at, normal, first + reached * spacing - dot(at, normal)));
    } else if (at && gridAffine.value && gridInverse.value) {
      const [, row, column] = toIndex(gridInverse.value, at);
      moveTo(toPatient(gridAffine.value, [reached, row, column]));
    } else {
      ownIndex.value = reached;
      if (lookedAt.value) neighbours.moved(id, lookedAt.value);
    }
  }

  const step = (by: number): void => goTo(index.value + by);

  /** The slice that is played next: after the last the first, or back and forth if the header says so. */
  function nextPlayedIndex(): number {
    const last = count.value - 1;
    const sweeping = hasFrameRate.value && fps.value === null && (volume.value?.frame_sweep ?? false);
    if (!sweeping) return (index.value + 1) % count.value;
    const back = index.value >= last || (backwards.value && index.value > 0);
    return back ? index.value - 1 : index.value + 1;
  }

  function playNext(): void {
    if (count.value < 2) return;
    const next = nextPlayedIndex();
    backwards.value = next === index.value - 1;
    direction.value = backwards.value ? -1 : 1;
    moveToIndex(next);
  }

  /** How long the current slice is shown while playing, in milliseconds. */
  function shownMs(): number {
    const shown = volume.value;
    if (fps.value !== null || !hasFrameRate.value || !shown) return 1000 / (fps.value ?? DEFAULT_FPS);
    return shown.frame_times_ms?.[index.value] ?? 1000 / (shown.frame_rate ?? DEFAULT_FPS);
  }

  /** True if the picture of a slice is at hand, or failed: the cine waits for it. */
  function isReady(at: number): boolean {
    if (frame.value || !source.value) return true;
    return source.value.settled({ kind: "grid", plane: plane.value, index: at });
  }

  function togglePlaying(): void {
    playing.value = !playing.value && count.value > 1;
  }

  function choosePreset(number: number): void {
    if (number >= 0 && number < choices.value.length) choice.value = choices.value[number];
  }

  function zoomAt(factor: number, point: Point): void {
    layout.value = zoomAbout(layout.value, factor, point, stage.value);
  }

  const zoom = (factor: number): void => zoomAt(factor, { x: stage.value.width / 2, y: stage.value.height / 2 });

  function reset(): void {
    choosePreset(0);
    layout.value = FITTED;
    invert.value = false;
  }

  function showWindow(window: Window): void {
    choice.value = { name: window.name, voi: window };
  }

  const dragWindowFrom = (start: Window, right: number, down: number): void => showWindow(dragWindow(start, right, down, range.value));

  /** The point of the patient under a point of the stage; null if it is unknown. */
  function pointAt(at: Point): Vector | null {
    if (!cut.value) return null;
    const { row, column } = fromStage(transform.value, at);
    return pointOfCut(cut.value, row - 0.5, column - 0.5);
  }

  /** Where a point of the patient lies on the stage, and its distance from the plane in millimetres. */
  function stagePoint(point: Vector): (Point & { readonly distance: number }) | null {
    if (!cut.value) return null;
    const { row, column, distance } = pixelOfCut(cut.value, point);
    return { ...toStage(transform.value, row + 0.5, column + 0.5), distance };
  }

  return reactive({
    id,
    series,
    volumeIndex,
    source,
    plane,
    place,
    direction,
    straightened,
    slab,
    choice,
    invert,
    smooth,
    layout,
    stage,
    playing,
    fps,
    probe,
    tint,
    fused,
    fusedValues,
    drawn,
    canvas,
    volume,
    facts,
    ownFrame,
    frame,
    count,
    index,
    cut,
    request,
    planeStep,
    slabPlanes,
    slabSpan,
    shape,
    transform,
    transformOf,
    pixelsPerMm,
    choices,
    voi,
    edges,
    sliceWords,
    planeName,
    acquiredName,
    hasFrameRate,
    range,
    space,
    lookedAt,
    unavailable,
    voiOf,
    paddingOf,
    show,
    close,
    chooseVolume,
    choosePlane,
    leaveMissingPlane,
    refusal,
    toMiddle,
    isInside,
    moveTo,
    follow,
    goTo,
    step,
    nextPlayedIndex,
    playNext,
    shownMs,
    isReady,
    togglePlaying,
    choosePreset,
    zoom,
    zoomAt,
    resize: (size: Size) => (stage.value = size),
    drawOn: (element: HTMLCanvasElement | null) => (canvas.value = element),
    noteDrawn: (request: PlaneRequest | null) => (drawn.value = request),
    turnRight: () => (layout.value = turnedRight(layout.value)),
    flip: () => (layout.value = mirrored(layout.value)),
    reset,
    showWindow,
    dragWindowFrom,
    pointAt,
    stagePoint,
  });
}

export type View = ReturnType<typeof createView>;

/** The rectangle of one slice. */
const cutOfSlice = (affine: Affine, index: number, { rows, columns }: { rows: number; columns: number }): Cut => ({
  origin: toPatient(affine, [index, 0, 0]),
  right: columnOf(affine, 2),
  down: columnOf(affine, 1),
  rows,
  columns,
});
const near = (a: Vector, b: Vector, tolerance: number): boolean => a.every((part, i) => Math.abs(part - b[i]) <= tolerance);
const sameFrame = (a: Frame | null, b: Frame | null): boolean =>
  a !== null && b !== null && near(a.right, b.right, SAME_DIRECTION) && near(a.down, b.down, SAME_DIRECTION);
/** True for cuts that differ by rounding errors only: a point moved within its plane. */
const sameCut = (a: Cut, b: Cut): boolean =>
  a.rows === b.rows && a.columns === b.columns && near(a.right, b.right, 0) && near(a.down, b.down, 0) && near(a.origin, b.origin, SAME_PLACE_MM);
