/** The scene in its element: made when the element is there, made anew when the graphics card has lost it, given back at the end. */

import { onBeforeUnmount, onMounted, ref, type Ref, shallowRef, watch } from "vue";

import type { Orbit } from "@/core/orbit";
import type { Size } from "@/core/stageTransform";
import { canDrawBodies } from "@/tools/volume3d/graphics";
import { SolidScene } from "@/tools/volume3d/solidScene";

export type StageState = "ready" | "missing" | "lost";

export function useSolidStage(element: Readonly<Ref<HTMLElement | null>>, orbit: Readonly<Ref<Orbit | null>>) {
  const scene = shallowRef<SolidScene | null>(null);
  const state = ref<StageState>("ready");
  const size = shallowRef<Size>({ width: 0, height: 0 });
  /** Counts the pictures drawn: tests wait for it. */
  const drawn = ref(0);
  /** What the graphics card has forgotten; it is kept to hear that it may draw again. */
  let lost: SolidScene | null = null;
  const observer = new ResizeObserver(measure);

  function measure(): void {
    const box = element.value?.getBoundingClientRect();
    if (!box || box.width === 0) return;
    size.value = { width: box.width, height: box.height };
    scene.value?.resize(size.value);
  }

  function start(): void {
    if (!element.value) return;
    forget();
    if (!canDrawBodies()) {
      state.value = "missing";
      return;
    }
    const made = new SolidScene(element.value, () => (drawn.value += 1));
    made.canvas?.addEventListener("webglcontextlost", () => scene.value === made && lose());
    made.canvas?.addEventListener("webglcontextrestored", () => lost === made && start());
    scene.value = made;
    state.value = "ready";
    measure();
    if (orbit.value) made.look(orbit.value);
  }

  /** The graphics card has forgotten everything; what was made of the series is still here. */
  function lose(): void {
    lost = scene.value;
    scene.value = null;
    state.value = "lost";
  }

  function forget(): void {
    lost?.close();
    lost = null;
  }

  function end(): void {
    forget();
    const before = scene.value;
    scene.value = null;
    before?.close();
  }

  watch(orbit, (now) => now && scene.value?.look(now), { flush: "sync" });
  onMounted(() => {
    start();
    if (element.value) observer.observe(element.value);
  });
  onBeforeUnmount(() => {
    observer.disconnect();
    end();
  });

  return { scene, state, size, drawn, start };
}
