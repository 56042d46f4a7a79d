import OverlayKey from "@/tools/overlays/OverlayKey.vue";
import OverlaysTool from "@/tools/overlays/OverlaysTool.vue";
import type { ViewerTool } from "@/tools/viewerTool";

/** Overlay planes (60xx) over the slices that they belong to. */
export const overlays: ViewerTool = {
  name: "overlays",
  title: "Overlays",
  bar: OverlaysTool,
  overlay: OverlayKey,
  keys: [{ keys: ["Shift+o"], shown: "Shift + O", title: "Hide and show the overlays", group: "Picture", run: (views) => (views.showOverlays = !views.showOverlays) }],
};
