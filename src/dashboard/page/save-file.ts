/** Offers a file for download. */
export function saveFile(content: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  // The browser has read the content once the click is handled.
  setTimeout(() => URL.revokeObjectURL(link.href), 0);
}
