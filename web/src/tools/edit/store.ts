import { defineStore } from "pinia";
import { computed, reactive, ref, shallowRef, watch } from "vue";

import { errorText, isAbort } from "@/api/http";
import type { EditChange, SegmentChanges } from "@/core/editing/draftSegment";
import type { BrushSettings, EditCommand, EditPlane } from "@/core/editing/editCommand";
import type { Point } from "@/core/stageTransform";
import type { Limits } from "@/core/valueLimits";
import type { Vector } from "@/core/vectors";
import type { StoredDraft } from "@/scene/draft";
import { normalOf, type PlacedBrush, steppedRadius } from "@/tools/edit/brushShape";
import { type EditMode, freshColour, freshName, lockedWords, NO_CODES, rangeOf, type TypedRange, typedRange, whyUnchangeable } from "@/tools/edit/model";
import { canClose, closesAt, type DrawnOutline, LEAST_DRAWN, thinnedPath } from "@/tools/edit/outline";
import { useDrafts } from "@/views/drafts";
import type { Drag } from "@/views/gestures";
import type { View } from "@/views/view";
import { useViews } from "@/views/views";

/** How edits are done, until somebody says otherwise. */
interface EditSettings {
  /** Millimetres. */
  radius: number;
  /** A disc in the plane, or a ball. */
  shape: "disc" | "ball";
  /** Fills what is connected in the plane, or in all directions. */
  fillIn: "plane" | "volume";
  /** Only voxels with values between the typed limits. */
  isBound: boolean;
  range: TypedRange;
  overOthers: boolean;
  /** Outlines count through the whole volume. */
  through: boolean;
  scissors: "cut" | "keep";
}

const FIRST_SETTINGS: EditSettings = { radius: 5, shape: "disc", fillIn: "plane", isBound: false, range: { lower: "", upper: "" }, overOthers: true, through: false, scissors: "cut" };
/** Milliseconds after which an edit is said to be under way. */
const LONG_MS = 250;
const NOT_MEANT: Drag = { move: () => undefined, atOnce: true };

/** The tools that change a draft by pointer and by keyboard. */
export const useEdit = defineStore("edit", () => {
  const [drafts, views] = [useDrafts(), useViews()];
  /** What a press does; null: what it does without the tool. */
  const mode = ref<EditMode | null>(null);
  const settings = reactive<EditSettings>({ ...FIRST_SETTINGS });
  const wanted = ref<number | null>(null);
  const outline = shallowRef<DrawnOutline | null>(null);
  /** What could not be done, and what an edit left alone; in words. */
  const problem = ref("");
  const notice = ref("");
  /** True if the cursor was moved last, and not the pointer. */
  const byKeys = ref(false);
  /** Where the keyboard painted last. */
  let stamped: Vector | null = null;
  let editing: AbortController | null = null;

  const segments = computed(() => drafts.state?.segments ?? []);
  /** The segment that is edited. */
  const chosen = computed(() => segments.value.find(({ number }) => number === wanted.value) ?? segments.value.at(0) ?? null);
  /** True while a draft lies over the active view's image. */
  const isEditing = computed(() => drafts.isOver(views.active));
  const isBusy = computed(() => Boolean(drafts.state?.running));
  /** A long edit that is under way: short ones end before anybody could read of them. */
  const running = computed(() => (isLong.value ? (drafts.state?.running ?? null) : null));
  const isLong = ref(false);
  let patience: number | undefined;
  const isUsed = computed(() => isEditing.value && mode.value !== null);
  const isBrush = computed(() => mode.value === "brush" || mode.value === "eraser");
  /** The limits that edits are bound to; null for none. A sentence where they are wrong. */
  const range = computed<Limits | string | null>(() => (settings.isBound ? rangeOf(settings.range) : null));

  watch(
    () => views.visible.map(({ pointer }) => pointer),
    () => (byKeys.value = false),
    { flush: "sync" },
  );
  watch(
    () => views.active.place,
    () => (byKeys.value = true),
    { flush: "sync" },
  );
  watch(isBusy, (busy) => {
    window.clearTimeout(patience);
    isLong.value = false;
    if (busy) patience = window.setTimeout(() => (isLong.value = true), LONG_MS);
  });
  const sliceOf = ({ index, plane }: View): string => `${index} ${plane}`;
  // An outline belongs to its plane. The press that sets its first corner may make its view the active one.
  watch(
    () => {
      const { active } = views;
      return outline.value !== null && (outline.value.view !== active.id || outline.value.slice !== sliceOf(active));
    },
    (isLeft) => isLeft && (outline.value = null),
  );
  watch(
    () => [mode.value, drafts.draft?.id].join(),
    () => (outline.value = null),
  );
  watch(
    () => drafts.draft,
    () => {
      wanted.value = null;
      problem.value = notice.value = "";
      stamped = null;
    },
  );

  /** Chooses what a press does; once more: nothing. */
  function choose(what: EditMode): void {
    mode.value = mode.value === what ? null : what;
    problem.value = "";
  }

  function chooseSegment(number: number): void {
    wanted.value = number;
    problem.value = "";
  }

  function chooseNextSegment(by: number): void {
    const all = segments.value;
    const at = all.findIndex((segment) => segment === chosen.value);
    if (all.length) chooseSegment(all[(at + by + all.length) % all.length].number);
  }

  /** Begins a new segmentation over the active view, with a first segment to paint. */
  async function begin(): Promise<void> {
    if (!(await drafts.start(views.active, "Segmentation"))) return;
    await addSegment();
    mode.value = "brush";
  }

  async function resume(kept: StoredDraft): Promise<void> {
    if (await drafts.resume(views.active, kept)) mode.value ??= "brush";
  }

  async function addSegment(): Promise<void> {
    const draft = drafts.draft;
    if (!draft) return;
    const all = segments.value;
    await attempt(async () => {
      wanted.value = await draft.addSegment({ ...NO_CODES, label: freshName(all), colour: freshColour(all), locked: false, algorithmType: "MANUAL", algorithm: "" });
    });
  }

  const changeSegment = (number: number, changes: SegmentChanges): Promise<void> => attempt(async () => drafts.draft?.changeSegment(number, changes));

  const removeSegment = (number: number): Promise<void> => attempt(async () => drafts.draft?.removeSegment(number));

  const undo = (): Promise<void> => attempt(async () => (drafts.state?.undo ? drafts.draft?.undo() : undefined));
  const redo = (): Promise<void> => attempt(async () => (drafts.state?.redo ? drafts.draft?.redo() : undefined));

  /** Tells what went wrong, and what locks have prevented. */
  async function attempt(task: () => Promise<unknown>): Promise<void> {
    problem.value = notice.value = "";
    try {
      await task();
    } catch (failure) {
      if (!isAbort(failure)) problem.value = errorText(failure);
    }
  }

  /** Runs an edit of the chosen segment; the function makes it of the segment's number and the values that it is bound to. */
  function apply(commandOf: (segment: number, range: Limits | null) => EditCommand | null): Promise<void> {
    return attempt(async () => {
      const segment = ready();
      const command = segment === null ? null : commandOf(segment, limits());
      if (!command || !drafts.draft) return;
      editing = new AbortController();
      tell(await drafts.draft.run(command, { signal: editing.signal }));
    });
  }

  const cancel = (): void => editing?.abort();

  function tell({ lockedVoxels, voxels }: EditChange): void {
    notice.value = lockedWords(lockedVoxels) || (voxels === 0 ? "Nothing changed." : "");
  }

  const limits = (): Limits | null => (typeof range.value === "string" ? null : range.value);

  /** The number of the segment, if it can be changed now; else it is told why not. */
  function ready(): number | null {
    problem.value = whyUnchangeable(chosen.value) || (typeof range.value === "string" ? range.value : "");
    return problem.value ? null : (chosen.value?.number ?? null);
  }

  /** The plane that a view shows. */
  const planeOf = ({ cut }: View): EditPlane | null => cut && { point: cut.origin, normal: normalOf(cut) };

  function brushFor(view: View, erases: boolean): BrushSettings | null {
    const segment = ready();
    if (segment === null || !view.cut) return null;
    const shape = settings.shape === "ball" ? ({ kind: "ball" } as const) : ({ kind: "disc", normal: normalOf(view.cut) } as const);
    return { segment, shape, radius: settings.radius, erase: (mode.value === "eraser") !== erases, range: limits(), overOthers: settings.overOthers };
  }

  /** A drag of the tool; null if it leaves it to others. */
  function dragAt(view: View, point: Point, event: Pick<PointerEvent, "shiftKey" | "altKey" | "ctrlKey" | "metaKey">): Drag | null {
    if (!mode.value || !drafts.isOver(view) || event.shiftKey || event.altKey) return null;
    const at = view.pointAt(point);
    if (!at) return null;
    if (isBrush.value) return strokeDrag(view, at, event.ctrlKey || event.metaKey);
    if (mode.value === "polygon" || mode.value === "scissors") return ready() === null ? NOT_MEANT : outlineDrag(view, point, at);
    void pressAt(view, at);
    return NOT_MEANT;
  }

  function strokeDrag(view: View, at: Vector, erases: boolean): Drag {
    const brush = brushFor(view, erases);
    const draft = drafts.draft;
    if (!brush || !draft) return NOT_MEANT;
    notice.value = "";
    const stroke = draft.beginStroke(brush);
    stroke.add([at]);
    stamped = at;
    return {
      atOnce: true,
      move: (_, __, path) => {
        const points = path.map((point) => view.pointAt(point)).filter((point) => point !== null);
        if (points.length) stroke.add(points);
        stamped = points.at(-1) ?? stamped;
      },
      end: () => void attempt(async () => tellStroke(await stroke.end())),
      cancel: () => void attempt(() => stroke.cancel()),
    };
  }

  /** A stroke that touches nothing says nothing: the picture shows it. */
  function tellStroke({ lockedVoxels }: EditChange): void {
    notice.value = lockedWords(lockedVoxels);
  }

  function outlineDrag(view: View, start: Point, at: Vector): Drag {
    const before = outline.value?.view === view.id ? outline.value : null;
    if (before && closesAt(before, start, (point) => view.stagePoint(point))) {
      void closeOutline();
      return NOT_MEANT;
    }
    addCorners(view, [at]);
    let [last, length] = [start, 0];
    return {
      atOnce: true,
      move: (_, __, path) => {
        const points = thinnedPath(last, path);
        for (const point of points) {
          length += Math.hypot(point.x - last.x, point.y - last.y);
          last = point;
        }
        if (length >= LEAST_DRAWN) addCorners(view, points.map((point) => view.pointAt(point)).filter((point) => point !== null));
      },
      // Drawn in one go, it is closed where the drag ends.
      end: () => {
        if (!before && length >= LEAST_DRAWN && canClose(outline.value)) void closeOutline();
      },
      cancel: () => (outline.value = before),
    };
  }

  function addCorners(view: View, points: readonly Vector[]): void {
    const plane = planeOf(view);
    if (!plane) return;
    const drawn = outline.value?.view === view.id ? outline.value : { view: view.id, slice: sliceOf(view), plane, points: [] };
    outline.value = { ...drawn, points: [...drawn.points, ...points] };
  }

  function dropCorner(): void {
    const drawn = outline.value;
    if (drawn) outline.value = drawn.points.length > 1 ? { ...drawn, points: drawn.points.slice(0, -1) } : null;
  }

  async function closeOutline(): Promise<void> {
    const drawn = outline.value;
    if (!canClose(drawn)) return;
    outline.value = null;
    const how = mode.value === "scissors" ? settings.scissors : "fill";
    const { through, overOthers } = settings;
    await apply((segment, bound) => ({ kind: "polygon", segment, plane: drawn.plane, points: drawn.points, how, through, range: how === "fill" ? bound : null, overOthers }));
  }

  /** What a press does that is no drag. */
  async function pressAt(view: View, point: Vector): Promise<void> {
    if (mode.value === "island") await apply((segment) => ({ kind: "islands", segment, keep: { kind: "at", point } }));
    else await apply((segment, bound) => ({ kind: "fill", segment, point, plane: settings.fillIn === "plane" ? planeOf(view) : null, range: bound, overOthers: settings.overOthers }));
  }

  /** By the keyboard: what a press does, at the cursor of a view; `onwards` from where the keyboard painted last. */
  async function stamp(view: View, { onwards = false } = {}): Promise<void> {
    const at = view.place;
    if (!at || !mode.value || !drafts.isOver(view)) return;
    byKeys.value = true;
    if (!isBrush.value) {
      if (mode.value === "polygon" || mode.value === "scissors") addCorners(view, [at]);
      else await pressAt(view, at);
      return;
    }
    const brush = brushFor(view, false);
    const from = onwards ? stamped : null;
    stamped = at;
    if (brush) await attempt(async () => drafts.draft && tellStroke(await drafts.draft.run({ kind: "brush", ...brush, points: from ? [from, at] : [at] })));
  }

  /** Copies the segment of the shown slice to the next one, and shows that. */
  async function copyOn(view: View, by: -1 | 1): Promise<void> {
    const [from, next] = [planeOf(view), view.cutAt(view.index + by)];
    if (!from || !next || view.index + by < 0 || view.index + by >= view.count) return;
    await apply((segment) => ({ kind: "copySlice", segment, from, to: next.origin, overOthers: settings.overOthers }));
    if (!problem.value) view.step(by);
  }

  /** Leaves what is under way: the outline, then the tool. */
  function leave(): void {
    if (outline.value) outline.value = null;
    else mode.value = null;
  }

  const resize = (steps: number): void => void (settings.radius = steppedRadius(settings.radius, steps));

  /** Takes the limits of the threshold that the active view shows. */
  function takeThreshold(): void {
    const { tint } = views.active;
    if (!tint) return;
    settings.range = typedRange(tint.limits);
    settings.isBound = true;
  }

  /** Where the brush is: under the pointer, or at the cursor; null if there is none. */
  const placed = computed<PlacedBrush | null>(() => {
    if (!isBrush.value || !drafts.draft) return null;
    const over = byKeys.value ? undefined : views.visible.find((view) => view.pointer && view.pointer.kind !== "touch" && drafts.isOver(view));
    const view = over ?? views.active;
    const at = over?.pointer ? over.pointAt(over.pointer) : view.place;
    if (!at || !view.cut || !drafts.isOver(view)) return null;
    return { at, radiusMm: settings.radius, shape: settings.shape, normal: normalOf(view.cut), planeStep: view.planeStep ?? 1 };
  });

  return {
    mode,
    settings,
    segments,
    chosen,
    outline,
    problem,
    notice,
    byKeys,
    isEditing,
    isUsed,
    isBusy,
    running,
    isBrush,
    range,
    placed,
    choose,
    chooseSegment,
    chooseNextSegment,
    begin,
    resume,
    addSegment,
    changeSegment,
    removeSegment,
    undo,
    redo,
    attempt,
    apply,
    cancel,
    dragAt,
    dropCorner,
    closeOutline,
    stamp,
    copyOn,
    leave,
    resize,
    takeThreshold,
    planeOf,
  };
});
