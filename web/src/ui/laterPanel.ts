/** Panels whose programs are loaded when they are shown: the first picture does not wait for them. */

import { type Component, defineAsyncComponent } from "vue";

import PanelMissing from "@/ui/PanelMissing.vue";

const TRIES = 3;

export const laterPanel = (loader: () => Promise<{ readonly default: Component }>): Component =>
  defineAsyncComponent({
    loader,
    errorComponent: PanelMissing,
    onError: (_, retry, fail, attempts) => (attempts < TRIES ? retry() : fail()),
  });
