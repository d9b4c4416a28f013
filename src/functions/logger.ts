/** Where a component reports what happened; one finished line per call. */
export interface Logger {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}
