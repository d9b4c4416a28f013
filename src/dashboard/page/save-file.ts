/** Hands a file to the person at the screen. */
export function saveFile(content: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  // The browser has taken over the content when the click is handled.
  setTimeout(() => URL.revokeObjectURL(link.href), 0);
}
