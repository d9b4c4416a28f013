/** Whether the operating system has refused something: the message of such an error says what, and why. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}
