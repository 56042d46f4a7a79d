import LinkMark from "@/tools/links/LinkMark.vue";
import LinksTool from "@/tools/links/LinksTool.vue";
import type { ViewerTool } from "@/tools/viewerTool";

export const links: ViewerTool = {
  name: "links",
  title: "Views that follow each other",
  bar: LinksTool,
  overlay: LinkMark,
  keys: [
    { keys: ["k"], shown: "K", title: "Views follow each other by place", group: "Views", run: (views) => (views.linkPlace = !views.linkPlace) },
    { keys: ["Shift+k"], shown: "Shift + K", title: "Views follow each other in zoom", group: "Views", run: (views) => (views.linkZoom = !views.linkZoom) },
    { keys: ["j"], shown: "J", title: "Views follow each other in the window", group: "Views", run: (views) => (views.linkWindow = !views.linkWindow) },
  ],
};
