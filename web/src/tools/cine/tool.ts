import CineTool from "@/tools/cine/CineTool.vue";
import type { ViewerTool } from "@/tools/viewerTool";

export const cine: ViewerTool = {
  name: "cine",
  title: "Cine",
  foot: CineTool,
  keys: [{ keys: [" "], shown: "Space", title: "Play and stop", group: "Slices", run: (views) => views.active.togglePlaying() }],
};
