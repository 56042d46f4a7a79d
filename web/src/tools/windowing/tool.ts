import type { ViewerTool } from "@/tools/viewerTool";
import WindowTool from "@/tools/windowing/WindowTool.vue";

export const windowing: ViewerTool = { name: "windowing", title: "Window", bar: WindowTool };
