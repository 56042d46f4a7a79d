/** The viewer's tools, in the order of the row and of the panel. Nothing else names them. */

import { cine } from "@/tools/cine/tool";
import { crosshair } from "@/tools/crosshair/tool";
import { facts } from "@/tools/facts/tool";
import { links } from "@/tools/links/tool";
import { measure } from "@/tools/measure/tool";
import { picture } from "@/tools/picture/tool";
import { run } from "@/tools/run/tool";
import { slab } from "@/tools/slab/tool";
import type { ViewerTool } from "@/tools/viewerTool";
import { windowing } from "@/tools/windowing/tool";

export const TOOLS: readonly ViewerTool[] = [windowing, crosshair, slab, links, picture, cine, measure, run, facts];
