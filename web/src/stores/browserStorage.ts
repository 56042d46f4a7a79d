/** What the browser keeps, of this tab or of all: never anything of a patient. */
const STORAGES = { tab: () => sessionStorage, browser: () => localStorage } as const;
type Keeper = keyof typeof STORAGES;

/** The value under a key; null if there is none, or none that can be read. */
export function readStored(keeper: Keeper, key: string): unknown {
  try {
    return JSON.parse(STORAGES[keeper]().getItem(key) ?? "null") as unknown;
  } catch {
    return null;
  }
}

/** Keeps a value; without storage it is lost when the page is reloaded. */
export function writeStored(keeper: Keeper, key: string, value: unknown): void {
  try {
    STORAGES[keeper]().setItem(key, JSON.stringify(value));
  } catch {
    // The browser allows no storage, or it is full.
  }
}
