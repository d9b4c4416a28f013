import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { findFreePort } from '../../local/loopback-port.js';
import { startProgram, type Program, type RunningProgram } from '../../local/running-program.js';

const readyWithinMs = 30_000;
const lookEveryMs = 10;
const startsAtMost = 5;

/** What {@link startLoopbackService} starts. */
export interface ServiceProgram {
  /** For messages and the name of the folder. */
  readonly name: string;
  /** The command that serves on this port of loopback, with its data in this folder. */
  command(port: number, folder: string): Pick<Program, 'command' | 'commandArguments' | 'environment'>;
  /** The line with which it says that it listens: only the program that got the port prints it. */
  readonly readyLine: RegExp;
}

/** A program that serves on a port of loopback, and keeps its data in a temporary folder of its own. */
export interface LoopbackService {
  readonly port: number;
  /** Ends the program. Its folder stays. */
  stop(): Promise<void>;
  /** Starts it again after {@link stop}, on the same port and folder. */
  start(): Promise<void>;
  /** Ends it for good, and removes its folder. */
  close(): Promise<void>;
}

/**
 * Starts a program on a free port, and returns when it has said that it listens there. When another program was
 * faster to take that port, it takes another one.
 *
 * @throws Error with what the program printed when it does not come up
 */
export async function startLoopbackService(program: ServiceProgram): Promise<LoopbackService> {
  const folder = await mkdtemp(path.join(tmpdir(), `${program.name}-`));
  const removeFolder = (): Promise<void> => rm(folder, { recursive: true, force: true, maxRetries: 5 });
  try {
    const first = await startRepeatedly(program, folder, () => findFreePort(0));
    const { port } = first;
    let { running } = first;
    return {
      port,
      stop: () => running.end(),
      start: async () => {
        ({ running } = await startRepeatedly(program, folder, () => Promise.resolve(port)));
      },
      close: async () => {
        await running.end();
        await removeFolder();
      },
    };
  } catch (error) {
    await removeFolder();
    throw error;
  }
}

interface StartedService {
  readonly port: number;
  readonly running: RunningProgram;
}

async function startRepeatedly(
  program: ServiceProgram,
  folder: string,
  choosePort: () => Promise<number>,
): Promise<StartedService> {
  for (let start = 1; ; start += 1) {
    const port = await choosePort();
    const lines: string[] = [];
    const running = startProgram({ ...program.command(port, folder), folder, onLine: (line) => lines.push(line) });
    if (await isReady(running, () => lines.some((line) => program.readyLine.test(line)))) return { port, running };
    const how = running.howEnded() ?? `was not ready within ${readyWithinMs / 1000} s`;
    await running.end();
    const isPortTaken = lines.some((line) => /address already in use|EADDRINUSE/i.test(line));
    if (isPortTaken && start < startsAtMost) continue;
    throw new Error(`${program.name} ${how}.\n${lines.join('\n')}`);
  }
}

async function isReady(running: RunningProgram, hasSaidSo: () => boolean): Promise<boolean> {
  const deadline = Date.now() + readyWithinMs;
  while (Date.now() < deadline) {
    if (hasSaidSo()) return true;
    if (running.howEnded() !== undefined) return false;
    await wait(lookEveryMs);
  }
  return false;
}
