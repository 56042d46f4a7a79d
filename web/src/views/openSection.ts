import type { InjectionKey } from "vue";

/** Opens a section of the side panel by its name: a tool's, or "report". */
export const OPEN_SECTION: InjectionKey<(name: string) => void> = Symbol("open section");
