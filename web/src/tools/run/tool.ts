import { laterPanel } from "@/ui/laterPanel";
import type { ViewerTool } from "@/tools/viewerTool";

export const run: ViewerTool = { name: "run", title: "Run", panel: { component: laterPanel(() => import("@/tools/run/RunTool.vue")), open: false } };
