import { existsSync } from 'node:fs';

/** Whether to skip tests that need a program. With CI=true they fail instead. */
export function isProgramMissing(file: string): boolean {
  return !existsSync(file) && process.env['CI'] !== 'true';
}
