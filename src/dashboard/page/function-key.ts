const NAME = 'function-key';

/** Returns the function key entered in this tab, or `null`. */
export function readKey(): string | null {
  return sessionStorage.getItem(NAME);
}

/** Stores a key until the tab closes. */
export function keepKey(key: string): void {
  sessionStorage.setItem(NAME, key);
}
