import FusionOverlay from "@/tools/fusion/FusionOverlay.vue";
import FusionTool from "@/tools/fusion/FusionTool.vue";
import { useFusion } from "@/tools/fusion/store";
import type { ViewerTool } from "@/tools/viewerTool";

const GROUP = "Fusion";
const STEP = 0.1;

export const fusion: ViewerTool = {
  name: "fusion",
  title: "Fusion",
  bar: FusionTool,
  overlay: FusionOverlay,
  beginDrag: (view, _, event) => (event.altKey ? useFusion().windowDrag(view) : null),
  keys: [
    { keys: ["l"], shown: "L", title: "Hide and show the fused layer", group: GROUP, run: ({ active }) => useFusion().toggle(active) },
    { keys: ["Shift+ArrowUp"], shown: "Shift + ↑ ↓", title: "Opacity of the fused image", group: GROUP, run: ({ active }) => useFusion().stepOpacity(active, STEP) },
    { keys: ["Shift+ArrowDown"], title: "Less opacity", group: GROUP, run: ({ active }) => useFusion().stepOpacity(active, -STEP) },
  ],
};
