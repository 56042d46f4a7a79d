import MeasureTool from "@/tools/measure/MeasureTool.vue";
import type { ViewerTool } from "@/tools/viewerTool";

export const measure: ViewerTool = { name: "measure", title: "Measure", panel: { component: MeasureTool, open: true } };
