import CrosshairOverlay from "@/tools/crosshair/CrosshairOverlay.vue";
import CrosshairTool from "@/tools/crosshair/CrosshairTool.vue";
import { useCrosshair } from "@/tools/crosshair/store";
import type { ViewerTool } from "@/tools/viewerTool";
import type { KeyCommand } from "@/views/commands";

const GROUP = "Linked planes";
/** Picture pixels. */
const FAR = 10;
const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] } as const;
const ARROWS = Object.keys(DIRECTIONS) as (keyof typeof DIRECTIONS)[];

const nudging = (prefix: string, by: number, help: Pick<KeyCommand, "shown" | "title">): KeyCommand => ({
  ...help,
  keys: ARROWS.map((arrow) => `${prefix}${arrow}`),
  group: GROUP,
  run: (views, key) => {
    const [right, down] = DIRECTIONS[key.slice(prefix.length) as keyof typeof DIRECTIONS];
    useCrosshair().nudge(views.active, right * by, down * by);
  },
});
const turning = (keys: readonly string[], degrees: number, help: Pick<KeyCommand, "shown" | "title">): KeyCommand => ({
  ...help,
  keys,
  group: GROUP,
  run: (views) => useCrosshair().turnAbout(views.active, degrees),
});

export const crosshair: ViewerTool = {
  name: "crosshair",
  title: "Linked planes",
  bar: CrosshairTool,
  overlay: CrosshairOverlay,
  beginDrag: (view, point, event) => useCrosshair().dragAt(view, point, event.pointerType === "touch" ? "touch" : "mouse", event.shiftKey),
  tap: (view, point) => useCrosshair().placeAt(view, point),
  keys: [
    nudging("Alt+", 1, { shown: "Alt + ↑ ↓ ← →", title: "Move the cursor by a pixel within the plane" }),
    nudging("Shift+Alt+", FAR, { shown: "Shift + Alt + ↑ ↓ ← →", title: "Move the cursor by ten pixels" }),
    turning(["["], -1, { shown: "[ ]", title: "Turn the other planes by 1° about the active one" }),
    turning(["]"], 1, { title: "Turn the other planes by 1°" }),
    turning(["{", "Alt+PageUp"], -5, { shown: "{ }, Alt + Page Up, Page Down", title: "Turn the other planes by 5°" }),
    turning(["}", "Alt+PageDown"], 5, { title: "Turn the other planes by 5°" }),
    { keys: ["0"], shown: "0", title: "Reset the planes to the grid", group: GROUP, run: () => useCrosshair().resetPlanes() },
    { keys: ["x"], shown: "X", title: "Lines of the other planes", group: GROUP, run: () => (useCrosshair().visible = !useCrosshair().visible) },
    { keys: ["Shift+x"], shown: "Shift + X", title: "A press puts the cursor there, in all views", group: GROUP, run: () => (useCrosshair().placing = !useCrosshair().placing) },
    {
      keys: ["Shift+e"],
      shown: "Shift + E",
      title: "Planes along the patient's axes: straightens tilted stacks",
      group: GROUP,
      run: ({ active }) => (active.straightened = !active.straightened),
    },
  ],
};
