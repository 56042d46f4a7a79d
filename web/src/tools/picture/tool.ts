import PictureTool from "@/tools/picture/PictureTool.vue";
import type { ViewerTool } from "@/tools/viewerTool";

export const picture: ViewerTool = { name: "picture", title: "Picture and link", bar: PictureTool };
