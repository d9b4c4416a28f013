const encoder = new TextEncoder();

/** Formats the size of a text in UTF-8. */
export function formatBytes(text: string): string {
  const bytes = encoder.encode(text).length;
  return bytes < 1000 ? `${bytes} B` : `${(bytes / 1000).toFixed(1)} kB`;
}
