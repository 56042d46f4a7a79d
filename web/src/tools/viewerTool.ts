/** What a tool of the viewer is. */

import type { Component } from "vue";

import type { BeginDrag, TakeWheel, Tap } from "@/views/gestures";
import type { KeyCommand } from "@/views/commands";
import type { View } from "@/views/view";

/**
 * A tool of the viewer: each part is optional, and the page puts it where it belongs.
 *
 * Components take no properties, but for `overlay`, whose `view` is the view that it is drawn over.
 */
export interface ViewerTool {
  readonly name: string;
  readonly title: string;
  /** In the row of tools. */
  readonly bar?: Component;
  /** Beside the scroll bar. */
  readonly foot?: Component;
  /** A section of the side panel. */
  readonly panel?: { readonly component: Component; readonly open: boolean; readonly regularOnly?: boolean; readonly shown?: (view: View) => boolean };
  /** Beside all pictures, or over them: renders nothing while it is closed. */
  readonly beside?: Component;
  /** Over each picture. */
  readonly overlay?: Component;
  /** Takes a drag with the main button, or leaves it. */
  readonly beginDrag?: BeginDrag;
  /** Takes a turn of the wheel, or leaves it. */
  readonly wheel?: TakeWheel;
  /** Takes a finger's tap on a picture. */
  readonly tap?: Tap;
  readonly keys?: readonly KeyCommand[];
}
