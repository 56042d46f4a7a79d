import CurvePanel from "@/tools/time/CurvePanel.vue";
import { useTime } from "@/tools/time/store";
import TimeTool from "@/tools/time/TimeTool.vue";
import type { ViewerTool } from "@/tools/viewerTool";

const GROUP = "Volumes of one grid";

export const time: ViewerTool = {
  name: "time",
  title: "Curve through the volumes",
  foot: TimeTool,
  panel: { component: CurvePanel, open: true, shown: ({ series }) => (series?.volumes.length ?? 0) > 1 },
  keys: [
    { keys: ["Shift+ArrowRight"], shown: "Shift + ← →", title: "Next and previous volume: phase, time, echo", group: GROUP, run: () => useTime().step(1) },
    { keys: ["Shift+ArrowLeft"], title: "Previous volume", group: GROUP, run: () => useTime().step(-1) },
    { keys: ["Shift+y"], shown: "Shift + Y", title: "The other axis of volumes with two: echo and time, b-value and direction", group: GROUP, only: () => useTime().isGrid, run: () => useTime().chooseAxis(useTime().along + 1) },
    { keys: ["Shift+ "], shown: "Shift + space", title: "Play through the volumes", group: GROUP, run: () => useTime().toggle() },
  ],
};
