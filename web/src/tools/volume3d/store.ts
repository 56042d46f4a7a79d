import { defineStore } from "pinia";
import { computed, ref, shallowRef, watch } from "vue";

import type { BodyTarget } from "@/tools/volume3d/bodyTarget";
import type { View } from "@/views/view";
import { useViews } from "@/views/views";

const targetOf = ({ series, volume }: View): BodyTarget | null => (series && volume ? { series, volume } : null);
const keyOf = (target: BodyTarget | null): string => (target ? `${target.series.id}/${target.volume.index}/${target.volume.version}` : "");

/** Which volume is shown in 3-D. How it is shown is loaded with the pane. */
export const useBodies = defineStore("bodies", () => {
  const views = useViews();
  const open = ref(false);
  /** Over the views instead of beside them. */
  const whole = ref(false);
  /** The volume that is shown; it stays when another view becomes active. */
  const target = shallowRef<BodyTarget | null>(null);

  /** The view that shows the volume, the active one first. */
  const shownIn = computed<View | null>(() => {
    const key = keyOf(target.value);
    return [views.active, ...views.views].find((view) => keyOf(targetOf(view)) === key) ?? null;
  });
  /** The active view's volume, if it is another one. */
  const other = computed<BodyTarget | null>(() => {
    const active = targetOf(views.active);
    return keyOf(active) === keyOf(target.value) ? null : active;
  });

  /** Shows the active view's volume. */
  function follow(): void {
    target.value = targetOf(views.active);
  }

  function toggle(): void {
    open.value = !open.value;
    if (open.value) follow();
    else close();
  }

  function close(): void {
    open.value = false;
    whole.value = false;
    target.value = null;
  }

  // A volume that no view shows any more gives way to the active view's.
  watch(
    () => open.value && shownIn.value === null && targetOf(views.active) !== null,
    (gone) => gone && follow(),
  );
  // Nothing is shown when the viewer is left.
  watch(
    () => views.views.every(({ series }) => series === null),
    (empty) => empty && close(),
  );

  return { open, whole, target, shownIn, other, follow, toggle, close };
});
