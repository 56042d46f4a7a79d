import EditOverlay from "@/tools/edit/EditOverlay.vue";
import EditTool from "@/tools/edit/EditTool.vue";
import { EDIT_MODES, type EditMode } from "@/tools/edit/model";
import { useDraftSaving } from "@/views/draftSaving";
import { useEdit } from "@/tools/edit/store";
import type { ViewerTool } from "@/tools/viewerTool";
import { laterPanel } from "@/ui/laterPanel";
import type { KeyCommand } from "@/views/commands";
import { useDrafts } from "@/views/drafts";

const GROUP = "While segments are edited";
const editing = (): boolean => useEdit().isEditing;
const used = (): boolean => useEdit().isUsed;
const brushing = (): boolean => editing() && useEdit().isBrush;
const outlining = (): boolean => editing() && useEdit().outline !== null;

const choosing = ({ mode, title, key }: { mode: EditMode; title: string; key: string }): KeyCommand => ({
  keys: [key],
  shown: key.toUpperCase(),
  title,
  group: GROUP,
  only: editing,
  run: () => useEdit().choose(mode),
});

export const edit: ViewerTool = {
  name: "edit",
  title: "Edit segments",
  bar: EditTool,
  panel: { component: laterPanel(() => import("@/tools/edit/EditPanel.vue")), open: true },
  overlay: EditOverlay,
  beginDrag: (view, point, event) => useEdit().dragAt(view, point, event),
  wheel: (_, event) => {
    if (!event.shiftKey || !brushing()) return false;
    // With Shift some browsers turn the wheel sideways.
    useEdit().resize(Math.sign(event.deltaY || event.deltaX) * -1);
    return true;
  },
  keys: [
    ...EDIT_MODES.map(choosing),
    { keys: ["["], shown: "[ ], Shift + wheel", title: "Smaller and larger brush", group: GROUP, only: brushing, run: () => useEdit().resize(-1) },
    { keys: ["]"], title: "Larger brush", group: GROUP, only: brushing, run: () => useEdit().resize(1) },
    { keys: ["Shift+d"], shown: "Shift + D", title: "Disc in the plane, or ball", group: GROUP, only: brushing, run: () => (useEdit().settings.shape = useEdit().settings.shape === "ball" ? "disc" : "ball") },
    { keys: [" "], shown: "Space", title: "Paint, fill or set a corner at the cursor, which Alt + arrows move", group: GROUP, only: used, run: ({ active }) => void useEdit().stamp(active) },
    { keys: ["Shift+ "], shown: "Shift + Space", title: "Paint from the last place to the cursor", group: GROUP, only: used, run: ({ active }) => void useEdit().stamp(active, { onwards: true }) },
    { keys: ["Enter"], shown: "Enter, double click", title: "Close the outline", group: GROUP, only: outlining, run: () => void useEdit().closeOutline() },
    { keys: ["Backspace"], shown: "Backspace", title: "Take back the last corner", group: GROUP, only: outlining, run: () => useEdit().dropCorner() },
    { keys: ["Escape"], shown: "Escape", title: "Leave the outline, or the tool", group: GROUP, only: used, run: () => useEdit().leave() },
    { keys: ["j"], shown: "J", title: "Next segment", group: GROUP, only: editing, run: () => useEdit().chooseNextSegment(1) },
    { keys: ["e"], shown: "E", title: "Hide and show the edited segments", group: GROUP, only: editing, run: () => useDrafts().changeLook({ visible: !useDrafts().look.visible }) },
    { keys: ["y"], shown: "Y", title: "Edited segments filled or outlined", group: GROUP, only: editing, run: () => useDrafts().changeLook({ outlined: !useDrafts().look.outlined }) },
    { keys: ["Ctrl+ArrowDown"], shown: "Ctrl + ↑ ↓", title: "Copy this slice to the previous or next one, and show it", group: GROUP, only: editing, run: ({ active }) => void useEdit().copyOn(active, 1) },
    { keys: ["Ctrl+ArrowUp"], title: "Copy this slice to the previous one", group: GROUP, only: editing, run: ({ active }) => void useEdit().copyOn(active, -1) },
    { keys: ["Ctrl+z"], shown: "Ctrl + Z", title: "Undo", group: GROUP, only: editing, run: () => void useEdit().undo() },
    { keys: ["Ctrl+Shift+z", "Ctrl+y"], shown: "Ctrl + Shift + Z, Ctrl + Y", title: "Redo", group: GROUP, only: editing, run: () => void useEdit().redo() },
    { keys: ["Ctrl+s"], shown: "Ctrl + S", title: "Save the segmentation", group: GROUP, only: editing, run: () => void useDraftSaving().save() },
  ],
};
