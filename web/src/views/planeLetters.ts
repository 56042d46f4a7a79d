/** A view's words: the letters at its edges, and what its plane and its slice are called. */

import { computed, type Ref } from "vue";

import type { Series, Volume } from "@/api/series";
import { type Anatomy, type EdgeLetters, edgeLettersFromOrientation, letters, turnedLetters } from "@/core/edgeLetters";
import { acquiredOrientation, type Affine, type Axis, columnOf, type Plane, sliceAffine } from "@/core/geometry";
import { type Cut, cutOfSlice, describedFrame, type Frame, frameOf } from "@/core/plane";
import { axisWord, planeTitle } from "@/core/planeNames";
import { gapText, sidesOf, sideText } from "@/core/sliceRecords";
import { fromStage, type Layout, type Size, type Transform } from "@/core/stageTransform";
import { add, cross, scaled, type Vector } from "@/core/vectors";

/** What the words are about. */
export interface ShownPlane {
  readonly series: Readonly<Ref<Series | null>>;
  readonly volume: Readonly<Ref<Volume | null>>;
  /** Whose letters and names: of a person, or of an animal's trunk, head or limb. */
  readonly anatomy: Readonly<Ref<Anatomy>>;
  readonly plane: Readonly<Ref<Plane>>;
  readonly index: Readonly<Ref<number>>;
  readonly frame: Readonly<Ref<Frame | null>>;
  readonly gridAffine: Readonly<Ref<Affine | null>>;
  readonly cut: Readonly<Ref<Cut | null>>;
  /** Why the chosen plane cannot be shown; empty if it can. */
  readonly refusal: Readonly<Ref<string>>;
  readonly layout: Readonly<Ref<Layout>>;
  readonly stage: Readonly<Ref<Size>>;
  readonly transform: Readonly<Ref<Transform>>;
}

/** The affine of one slice with a slice step along its normal. */
function withNormalStep(affine: Affine): Affine {
  const normal = cross(columnOf(affine, 2), columnOf(affine, 1));
  return affine.map((row, i) => [normal[i], row[1], row[2], row[3]]);
}

export function usePlaneWords({ series, volume, anatomy, plane, index, frame, gridAffine, cut, refusal, layout, stage, transform }: ShownPlane) {
  const wordOf = (axis: Axis): string => axisWord(axis, anatomy.value);
  /** The letters at the stage's edges, as the picture is turned and flipped. */
  const edges = computed<EdgeLetters | null>(() => {
    const turned = { right: screenStep(1, 0), down: screenStep(0, 1) };
    const rectangle = cut.value ?? (refusal.value ? null : orientationCut(index.value));
    if (rectangle) {
      const toPatientStep = ({ row, column }: { row: number; column: number }): Vector => add(scaled(rectangle.down, row), scaled(rectangle.right, column));
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
    if (frame.value) return describedFrame(frame.value, wordOf);
    if (plane.value === "acquired") return acquiredName.value;
    // The volume's own plane that lies nearest: it is called by the plane's name only if it is that plane.
    const words = gridAffine.value ? describedFrame(frameOf(columnOf(gridAffine.value, 2), columnOf(gridAffine.value, 1)), wordOf) : wordOf(plane.value);
    return words === wordOf(plane.value) ? planeTitle(plane.value, anatomy.value) : words;
  });
  /** The orientation of the acquired slices as text. */
  const acquiredName = computed(() => {
    const shown = volume.value;
    if (shown?.affine) return acquiredOrientation(shown.affine, wordOf);
    const orientation = shown?.slice_places?.[0]?.orientation;
    return orientation ? acquiredOrientation(withNormalStep(sliceAffine([0, 0, 0], orientation, [1, 1])), wordOf) : "";
  });
  function orientationCut(at: number): Cut | null {
    const orientation = volume.value?.slice_places?.[at]?.orientation;
    return orientation ? cutOfSlice(sliceAffine([0, 0, 0], orientation, [1, 1]), 0, { rows: 1, columns: 1 }) : null;
  }

  /** A step to the right, or down, on the stage, in pixels of the picture. */
  function screenStep(x: number, y: number): { row: number; column: number } {
    const at = fromStage({ ...transform.value, e: 0, f: 0 }, { x, y });
    return stage.value.width === 0 ? { row: y, column: x } : at;
  }

  return { edges, sliceWords, planeName, acquiredName };
}
