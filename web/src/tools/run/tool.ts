import RunTool from "@/tools/run/RunTool.vue";
import type { ViewerTool } from "@/tools/viewerTool";

export const run: ViewerTool = { name: "run", title: "Run", panel: { component: RunTool, open: false } };
