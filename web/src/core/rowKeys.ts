/** The keys of the table of studies. */

import type { HelpLine } from "@/core/keyHelp";

export type RowCommand =
  | { readonly do: "move"; readonly by: number }
  | { readonly do: "first" | "last" | "open" | "expand" | "collapse" | "select" | "extend" | "selectAll" | "delete" | "search" | "clear" | "nextPage" | "previousPage" | "help" };

/** How many rows Page Up and Page Down move. */
const PAGE = 10;

const KEYS: Readonly<Record<string, RowCommand>> = {
  ArrowDown: { do: "move", by: 1 },
  j: { do: "move", by: 1 },
  ArrowUp: { do: "move", by: -1 },
  k: { do: "move", by: -1 },
  PageDown: { do: "move", by: PAGE },
  PageUp: { do: "move", by: -PAGE },
  Home: { do: "first" },
  End: { do: "last" },
  Enter: { do: "open" },
  o: { do: "open" },
  ArrowRight: { do: "expand" },
  ArrowLeft: { do: "collapse" },
  " ": { do: "select" },
  x: { do: "select" },
  Delete: { do: "delete" },
  "/": { do: "search" },
  Escape: { do: "clear" },
  n: { do: "nextPage" },
  p: { do: "previousPage" },
  "?": { do: "help" },
};

export const ROW_KEY_HELP: readonly HelpLine[] = [
  { shown: "↑ ↓, K J", title: "Previous and next row", group: "Rows" },
  { shown: "Page Up, Page Down", title: "Ten rows", group: "Rows" },
  { shown: "Home, End", title: "First and last row", group: "Rows" },
  { shown: "→ ←", title: "Show and hide the series of a study", group: "Rows" },
  { shown: "Enter, O", title: "Open the study or the series", group: "Rows" },
  { shown: "Space, X", title: "Select; with Shift the rows since the last one", group: "Selection" },
  { shown: "Ctrl + A", title: "Select all studies of the page", group: "Selection" },
  { shown: "Escape", title: "Unselect all", group: "Selection" },
  { shown: "Delete", title: "Move the selected studies to the trash", group: "Selection" },
  { shown: "/", title: "Search", group: "List" },
  { shown: "N, P", title: "Next and previous page", group: "List" },
  { shown: "?", title: "This help", group: "List" },
];

export interface KeyPress {
  readonly key: string;
  readonly shiftKey: boolean;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
}

/** The command of a key that is pressed on a row or on the page; null for keys of the browser. */
export function rowCommandFor({ key, shiftKey, ctrlKey, metaKey, altKey }: KeyPress): RowCommand | null {
  if (altKey) return null;
  if (ctrlKey || metaKey) return key.toLowerCase() === "a" && !shiftKey ? { do: "selectAll" } : null;
  const known = key.length === 1 ? key.toLowerCase() : key;
  if (!Object.hasOwn(KEYS, known)) return null;
  const command = KEYS[known];
  return command.do === "select" && shiftKey ? { do: "extend" } : command;
}

/** The commands that work wherever the focus is outside of a field; the others belong to the rows. */
export const ON_PAGE: ReadonlySet<RowCommand["do"]> = new Set(["search", "help", "nextPage", "previousPage", "clear", "move"]);
