import { computed, reactive, ref, shallowRef } from "vue";

import type { SliceOverlays } from "@/api/overlays";
import type { Series, Volume } from "@/api/series";
import { anatomyOf } from "@/core/edgeLetters";
import { type Plane, sliceOfPlane, toPatient } from "@/core/geometry";
import type { CountedRule } from "@/core/countedPixels";
import type { PaddingRange } from "@/core/paint";
import { pixelOfCut, pointOfCut, sameFrame, toIndex } from "@/core/plane";
import type { Rotation } from "@/core/rotation";
import { nearestSlice } from "@/core/slicePlaces";
import { FITTED, fromStage, type Layout, mirrored, type PictureShape, type Point, type Size, stageTransform, toStage, type Transform, turnedRight, zoomAbout } from "@/core/stageTransform";
import { dot, moved, type Vector } from "@/core/vectors";
import { type VoiChoice, voiChoices } from "@/core/voiChoices";
import { dragWindow, type Voi, type Window, windowOfRange } from "@/core/windowing";
import type { FusedLayer } from "@/scene/layers";
import { holdVolume, releaseVolume } from "@/scene/volumePool";
import type { PlaneRequest, VolumeSource } from "@/scene/volumeSource";
import { useHistograms } from "@/stores/histograms";
import { usePlaneWords } from "@/views/planeLetters";
import { type Slab, usePlane } from "@/views/planeOfView";
import { usePlayback } from "@/views/playback";
import { useScale } from "@/views/scaleOfView";

export interface Probe {
  /** The pixel of the picture. */
  readonly row: number;
  readonly column: number;
  /** The point in LPS millimetres; null where it is unknown. */
  readonly point: Vector | null;
  /** One for greyscale, three for colour; null until it is known, and outside the volume. */
  readonly values: readonly number[] | null;
}

/** Where a pointer is over a view, in CSS pixels of its stage. */
export interface StagePointer extends Point {
  /** "mouse", "pen" or "touch". */
  readonly kind: string;
}

/** What there is to draw over the slice on the canvas. */
export interface OverlaysOfPicture extends SliceOverlays {
  readonly state: "loading" | "ready" | "failed";
}

/** The voxels that count, and are tinted. */
export interface TintedVoxels extends CountedRule {
  /** The same in words, for a picture that leaves the viewer. */
  readonly words: string;
}

/** A segment of a mask over the image, as it is drawn. */
export interface SegmentUnder {
  readonly segmentationId: number;
  readonly number: number;
  readonly label: string;
  readonly colour: string;
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

const NO_CHOICE: VoiChoice = { name: "", voi: windowOfRange(0, 1) };

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
  const probe = shallowRef<Probe | null>(null);
  const pointer = shallowRef<StagePointer | null>(null);
  const tint = shallowRef<TintedVoxels | null>(null);
  const fused = shallowRef<readonly FusedLayer[]>([]);
  /** The overlay planes of the slice on the canvas; null if it has none. */
  const overlays = shallowRef<OverlaysOfPicture | null>(null);
  /** Where the picture is drawn. */
  const canvas = shallowRef<HTMLCanvasElement | null>(null);
  /** The values of the fused images under the pointer; null outside of one. */
  const fusedValues = shallowRef<readonly (readonly number[] | null)[]>([]);
  /** The segments that are drawn under the pointer. */
  const segmentsUnder = shallowRef<readonly SegmentUnder[]>([]);
  /** Those of the segmentation that is being edited. */
  const draftUnder = shallowRef<readonly SegmentUnder[]>([]);
  /** The request whose picture is on the canvas. */
  const drawn = shallowRef<PlaneRequest | null>(null);
  /** One of how many rows and columns of it is drawn. */
  const drawnEvery = shallowRef(1);

  const volume = computed<Volume | null>(() => series.value?.volumes[volumeIndex.value] ?? null);
  /** Whose planes and directions have names: a person's, or those of an animal's trunk, head or limb. */
  const anatomy = computed(() => anatomyOf(volume.value?.quadruped ?? false, series.value?.body_part ?? ""));
  const shownPlane = usePlane({ volume, anatomy, plane, place, ownIndex, straightened, slab, smooth, turn: neighbours.turn, turning: neighbours.turning });
  const { grid, facts, gridAffine, gridInverse, ownFrame, frame, track, count, clamped, index, cut, request, lookedAt, refusal, unavailable } = shownPlane;
  const shape = computed<PictureShape>(() => {
    if (frame.value && cut.value) return { rows: cut.value.rows, columns: cut.value.columns, aspect: 1, lean: 0 };
    const { rows, columns, aspect, lean } = facts.value ?? { rows: 1, columns: 1, aspect: 1, lean: 0 };
    return { rows, columns, aspect, lean };
  });
  const transformOf = (of: PictureShape): Transform => stageTransform(of, stage.value, layout.value);
  const transform = computed<Transform>(() => transformOf(shape.value));
  const { regions, pixelsPerMm, bars } = useScale({ volume, plane, index, facts, frame, cut, stage, transform });

  const choices = computed(() => {
    const [record, shown] = [series.value, volume.value];
    if (!record || !shown || shown.colour) return [];
    return voiChoices(shown, { modality: record.modality, histogram: useHistograms().of(record.id, shown) });
  });
  /** The window or table of the current slice. */
  const voi = computed(() => voiOf(plane.value, index.value));
  const { edges, sliceWords, planeName, acquiredName } = usePlaneWords({ series, volume, anatomy, plane, index, frame, gridAffine, cut, refusal, layout, stage, transform });
  const playback = usePlayback({ volume, plane, index, count, direction, moveToIndex });
  const range = computed(() => {
    const { min, max } = volume.value ?? { min: null, max: null };
    return min !== null && max !== null && max > min ? max - min : 1;
  });
  /** The space of `place`: points of one Frame of Reference are the same places; empty if it is unknown. */
  const space = computed(() => volume.value?.frame_of_reference_uid ?? "");

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
    playback.playing.value = false;
    choice.value = NO_CHOICE;
    playback.takeRate(null);
    probe.value = null;
    pointer.value = null;
    tint.value = null;
    fused.value = [];
    fusedValues.value = [];
    segmentsUnder.value = [];
    draftUnder.value = [];
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
      playback.takeRate(chosen);
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

  /** True if the picture of a slice is at hand, or failed: the cine waits for it. */
  function isReady(at: number): boolean {
    if (frame.value || !source.value) return true;
    return source.value.settled({ kind: "grid", plane: plane.value, index: at });
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
    probe,
    pointer,
    tint,
    fused,
    fusedValues,
    segmentsUnder,
    draftUnder,
    overlays,
    drawn,
    drawnEvery,
    canvas,
    volume,
    facts,
    ownFrame,
    frame,
    count,
    index,
    cut,
    cutAt: shownPlane.cutAt,
    request,
    planeStep: shownPlane.planeStep,
    slabSpan: shownPlane.slabSpan,
    shape,
    transform,
    transformOf,
    regions,
    pixelsPerMm,
    bars,
    choices,
    voi,
    edges,
    sliceWords,
    planeName,
    anatomy,
    acquiredName,
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
    moveTo,
    follow,
    goTo,
    step,
    isReady,
    playing: playback.playing,
    fps: playback.fps,
    hasFrameRate: playback.hasFrameRate,
    nextPlayedIndex: playback.nextPlayedIndex,
    playNext: playback.playNext,
    shownMs: playback.shownMs,
    togglePlaying: playback.togglePlaying,
    choosePreset,
    zoom,
    zoomAt,
    resize: (size: Size) => (stage.value = size),
    point: (at: StagePointer | null) => (pointer.value = at),
    drawOn: (element: HTMLCanvasElement | null) => (canvas.value = element),
    noteDrawn(request: PlaneRequest | null, every = 1): void {
      drawn.value = request;
      drawnEvery.value = every;
    },
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
