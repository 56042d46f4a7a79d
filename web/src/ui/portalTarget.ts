/** Where menus and sheets are put: inside the part of the page that may fill the screen, so that they are seen then too. */

import type { InjectionKey, Ref } from "vue";

export const PORTAL_TARGET: InjectionKey<Readonly<Ref<HTMLElement | null>>> = Symbol("portal target");
