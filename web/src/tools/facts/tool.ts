import VolumeFacts from "@/tools/facts/VolumeFacts.vue";
import type { ViewerTool } from "@/tools/viewerTool";

export const facts: ViewerTool = { name: "facts", title: "Geometry and values", panel: { component: VolumeFacts, open: true } };
