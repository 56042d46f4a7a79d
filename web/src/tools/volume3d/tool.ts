import BodyTool from "@/tools/volume3d/BodyTool.vue";
import BodyPane from "@/tools/volume3d/BodyPane.vue";
import { useBodies } from "@/tools/volume3d/store";
import type { ViewerTool } from "@/tools/viewerTool";

export const volume3d: ViewerTool = {
  name: "volume3d",
  title: "3-D",
  bar: BodyTool,
  beside: BodyPane,
  keys: [{ keys: ["Shift+t"], shown: "Shift + T", title: "3-D beside the views", group: "3-D", run: () => useBodies().toggle() }],
};
