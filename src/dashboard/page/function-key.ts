const NAME = 'function-key';

/** The function key that was entered in this tab; `null` when none was. */
export function readKey(): string | null {
  return sessionStorage.getItem(NAME);
}

/** Keeps a key until the tab is closed. */
export function keepKey(key: string): void {
  sessionStorage.setItem(NAME, key);
}
