import type { ViewerTool } from "@/tools/viewerTool";
import type { KeyCommand } from "@/views/commands";
import WindowTool from "@/tools/windowing/WindowTool.vue";

const AUTO: KeyCommand = {
  keys: ["u"],
  shown: "U",
  title: "Automatic window: from the 1st to the 99th percentile",
  group: "Picture",
  run: ({ active }) => active.choosePreset(active.choices.findIndex(({ name }) => name === "Auto")),
};

export const windowing: ViewerTool = { name: "windowing", title: "Window", bar: WindowTool, keys: [AUTO] };
