/** The viewer's tools, in the order of the row and of the panel. Nothing else names them. */

import { cine } from "@/tools/cine/tool";
import { crosshair } from "@/tools/crosshair/tool";
import { edit } from "@/tools/edit/tool";
import { facts } from "@/tools/facts/tool";
import { fusion } from "@/tools/fusion/tool";
import { links } from "@/tools/links/tool";
import { measure } from "@/tools/measure/tool";
import { overlays } from "@/tools/overlays/tool";
import { picture } from "@/tools/picture/tool";
import { run } from "@/tools/run/tool";
import { segments } from "@/tools/segments/tool";
import { slab } from "@/tools/slab/tool";
import { time } from "@/tools/time/tool";
import type { ViewerTool } from "@/tools/viewerTool";
import { volume3d } from "@/tools/volume3d/tool";
import { windowing } from "@/tools/windowing/tool";

// Fusion comes before the crosshair: its drags are those with Alt. So do measuring, whose regions are taken where lines cross
// them, and editing, which paints over all of them.
export const TOOLS: readonly ViewerTool[] = [windowing, fusion, edit, measure, crosshair, slab, overlays, links, picture, volume3d, cine, time, segments, run, facts];
