import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { findFreePort } from '../../local/loopback-port.js';
import { startProgram, type Program, type RunningProgram } from '../../local/running-program.js';

const readyWithinMs = 30_000;
const lookEveryMs = 10;
const startsAtMost = 5;

/** The program that {@link startLoopbackService} starts. */
export interface ServiceProgram {
  /** For messages and the folder name. */
  readonly name: string;
  /** The command that serves on this loopback port, with its data in this folder. */
  command(port: number, folder: string): Pick<Program, 'command' | 'commandArguments' | 'environment'>;
  /** The line that reports that it listens. Only the program that got the port prints it. */
  readonly readyLine: RegExp;
}

/**
 * A program that serves on a loopback port and keeps its data in its own temporary folder. If this process exits
 * without closing it, the program ends and its folder is removed.
 */
export interface LoopbackService {
  readonly port: number;
  /** Stops the program. Its folder remains. */
  stop(): Promise<void>;
  /** Restarts it after {@link stop}, with the same port and folder. */
  start(): Promise<void>;
  /** Stops it for good, and removes its folder. */
  close(): Promise<void>;
}

/**
 * Starts a program on a free port, and returns when it reports that it listens. Uses another port if a different
 * program has taken the first one.
 *
 * @throws Error with the program's output if it fails to start
 */
export async function startLoopbackService(program: ServiceProgram): Promise<LoopbackService> {
  const folder = await mkdtemp(path.join(tmpdir(), `${program.name}-`));
  const removeAtExit = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', removeAtExit);
  const removeFolder = async (): Promise<void> => {
    process.off('exit', removeAtExit);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
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
