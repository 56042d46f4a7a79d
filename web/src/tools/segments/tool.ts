import { useSegments } from "@/tools/segments/store";
import SegmentsOverlay from "@/tools/segments/SegmentsOverlay.vue";
import { laterPanel } from "@/ui/laterPanel";
import type { ViewerTool } from "@/tools/viewerTool";
import { useMaskLayers } from "@/views/maskLayers";

const GROUP = "Segments";

/** Masks over images: their segments, how they look, and where they are. */
export const segments: ViewerTool = {
  name: "segments",
  title: "Segments",
  panel: { component: laterPanel(() => import("@/tools/segments/SegmentsPanel.vue")), open: true },
  overlay: SegmentsOverlay,
  keys: [
    { keys: ["e"], shown: "E", title: "Hide and show the segments", group: GROUP, run: () => useMaskLayers().toggle() },
    { keys: ["y"], shown: "Y", title: "Segments filled or outlined", group: GROUP, run: () => useMaskLayers().toggleOutlines() },
    { keys: ["Shift+j"], shown: "Shift + J", title: "To the middle of the chosen segment", group: GROUP, run: () => useSegments().withChosen((view, { record, segment }) => useSegments().jumpTo(view, record, segment)) },
    { keys: ["Shift+PageDown"], shown: "Shift + Page Up, Page Down", title: "Previous and next slice with the chosen segment", group: GROUP, run: () => useSegments().withChosen((view, found) => void useSegments().stepTo(view, found, 1)) },
    { keys: ["Shift+PageUp"], title: "Previous slice with the chosen segment", group: GROUP, run: () => useSegments().withChosen((view, found) => void useSegments().stepTo(view, found, -1)) },
  ],
};
