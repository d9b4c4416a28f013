import { findOnPath } from './find-on-path.js';
import { LaunchError } from './launch-error.js';
import { startProgram } from './running-program.js';

const oldestMajor = 4;

/** The Core Tools found on this machine. */
export type CoreTools =
  | { readonly kind: 'usable'; readonly command: string; readonly version: string }
  | { readonly kind: 'too old'; readonly command: string; readonly version: string }
  | { readonly kind: 'broken'; readonly command: string; readonly problem: string }
  | { readonly kind: 'missing' };

/** Finds `func` on PATH and gets its version. */
export async function findCoreTools(environment: NodeJS.ProcessEnv = process.env): Promise<CoreTools> {
  const command = await findOnPath('func', environment);
  if (command === undefined) return { kind: 'missing' };

  const lines: string[] = [];
  const program = startProgram({
    command,
    commandArguments: ['--version'],
    folder: process.cwd(),
    environment,
    onLine: (line) => lines.push(line),
  });
  const end = await program.ended;
  const version = lines.find((line) => /^\d+\.\d+/.test(line.trim()))?.trim();
  if (version === undefined)
    return { kind: 'broken', command, problem: [`func --version ${end}`, ...lines].join('\n') };
  return { kind: Number.parseInt(version, 10) >= oldestMajor ? 'usable' : 'too old', command, version };
}

/** Describes in one sentence whether Core Tools can be used. */
export function describeCoreTools(coreTools: CoreTools): string {
  switch (coreTools.kind) {
    case 'usable':
      return `Core Tools ${coreTools.version}`;
    case 'too old':
      return `func on PATH (${coreTools.command}) is version ${coreTools.version}; version ${oldestMajor} or later is required`;
    case 'broken':
      return `func on PATH (${coreTools.command}) does not work: ${coreTools.problem}`;
    case 'missing':
      return 'Core Tools (func) are not on PATH';
  }
}

/** @throws LaunchError if Core Tools cannot be used */
export function requireCoreTools(coreTools: CoreTools): Extract<CoreTools, { kind: 'usable' }> {
  if (coreTools.kind === 'usable') return coreTools;
  throw new LaunchError(`${describeCoreTools(coreTools)}.\nTo continue without them, use --host local.`);
}
