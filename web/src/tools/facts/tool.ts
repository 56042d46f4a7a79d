import { laterPanel } from "@/ui/laterPanel";
import type { ViewerTool } from "@/tools/viewerTool";

export const facts: ViewerTool = { name: "facts", title: "Geometry and values", panel: { component: laterPanel(() => import("@/tools/facts/VolumeFacts.vue")), open: true } };
