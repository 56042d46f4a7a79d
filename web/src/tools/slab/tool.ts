import SlabTool from "@/tools/slab/SlabTool.vue";
import { useSlab } from "@/tools/slab/store";
import type { ViewerTool } from "@/tools/viewerTool";

const GROUP = "Slab";
const NEXT = { off: "max", max: "min", min: "mean", mean: null } as const;

export const slab: ViewerTool = {
  name: "slab",
  title: "Slab",
  bar: SlabTool,
  keys: [
    { keys: ["Shift+m"], shown: "Shift + M", title: "Slab: MIP, MinIP, mean, off", group: GROUP, run: (views) => useSlab().choose(NEXT[views.active.slab?.mode ?? "off"]) },
    { keys: ["Alt+Home"], shown: "Alt + Home, End", title: "Slab thinner and thicker by a plane", group: GROUP, run: () => useSlab().grow(-1) },
    { keys: ["Alt+End"], title: "Slab thicker by a plane", group: GROUP, run: () => useSlab().grow(1) },
  ],
};
