/** The keys of the table of studies. */

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

export const ROW_KEY_HELP: readonly (readonly [string, string])[] = [
  ["↑ ↓, K J", "Previous and next row"],
  ["Page Up, Page Down", "Ten rows"],
  ["Home, End", "First and last row"],
  ["→ ←", "Show and hide the series of a study"],
  ["Enter, O", "Open the study or the series"],
  ["Space, X", "Select; with Shift the rows since the last one"],
  ["Ctrl + A", "Select all studies of the page"],
  ["Escape", "Unselect all"],
  ["Delete", "Move the selected studies to the trash"],
  ["/", "Search"],
  ["N, P", "Next and previous page"],
  ["?", "This help"],
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
