import RegionOverlay from "@/tools/measure/RegionOverlay.vue";
import { useThreshold } from "@/tools/measure/store";
import { laterPanel } from "@/ui/laterPanel";
import type { ViewerTool } from "@/tools/viewerTool";

const GROUP = "Threshold";

export const measure: ViewerTool = {
  name: "measure",
  title: "Measure",
  panel: { component: laterPanel(() => import("@/tools/measure/MeasureTool.vue")), open: true },
  overlay: RegionOverlay,
  beginDrag: (view, point, event) => useThreshold().dragAt(view, point, event.pointerType === "touch" ? "touch" : "mouse"),
  keys: [
    { keys: ["d"], shown: "D", title: "Tint what counts", group: GROUP, run: () => (useThreshold().tinting = !useThreshold().tinting) },
    { keys: ["b"], shown: "B", title: "Count in a sphere: the next drag draws it", group: GROUP, run: () => useThreshold().draw("sphere") },
    { keys: ["w"], shown: "W", title: "Count in a box: the next drag draws it", group: GROUP, run: () => useThreshold().draw("box") },
    { keys: ["q"], shown: "Q", title: "Count only the piece that is pressed next", group: GROUP, run: () => useThreshold().draw("piece") },
    { keys: ["g"], shown: "G", title: "Bring the region to where the views look", group: GROUP, run: () => useThreshold().bringRegion() },
  ],
};
