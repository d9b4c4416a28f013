import { randomInt } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startLocalApp } from '../support/local-app.js';
import { startScriptedModel } from '../support/scripted-model.js';
import { type AcceptedRun, checkCancelled, checkThread, phaseOfKill } from './check-thread.js';
import { crashSettings, KilledHost, SETTLE_WITHIN_MS, type Settings } from './killed-host.js';
import { ThreadApi, type ThreadView } from './thread-api.js';

const CHUNKS = 200;
const CHUNK_PAUSE_MS = 5;
/** Longer than a run with {@link CHUNKS} chunks takes. */
const KILL_WITHIN_MS = 1800;

export interface CrashOptions {
  readonly rounds: number;
  /** Settings of the app that choose its store. */
  readonly storeSettings: Settings;
  /** Called after each round. */
  readonly onRound?: (line: string) => void;
}

/** The result of all rounds. */
export interface CrashReport {
  readonly rounds: number;
  readonly kills: number;
  readonly runs: number;
  /** How often a kill hit a run in each phase. */
  readonly phases: Readonly<Record<string, number>>;
  /** The number of runs by their number of attempts. */
  readonly attempts: Readonly<Record<string, number>>;
  /** The number of cancelled runs by their final status. */
  readonly cancelledRuns: Readonly<Record<string, number>>;
  readonly deletedThreads: number;
  /** Empty if there are no violations. */
  readonly violations: readonly string[];
}

/**
 * Kills the host with SIGKILL at random moments while runs stream their answers, and restarts it. Checks that every
 * accepted run ends with exactly one answer, that the conversation contains this answer, and that no other events
 * change. At random moments it also cancels a run, which must end once, and deletes a thread, which must leave nothing
 * behind. A second host with its own entities reads the same store.
 */
export async function runCrashRounds({ rounds, storeSettings, onRound }: CrashOptions): Promise<CrashReport> {
  const dataFolder = await mkdtemp(path.join(tmpdir(), 'crash-'));
  let modelCalls = 0;
  // Each piece contains the number of its call, so that mixed answers are detected.
  const model = await startScriptedModel(() => {
    modelCalls += 1;
    const call = modelCalls;
    return { pieces: Array.from({ length: CHUNKS }, (_, index) => `${call}.${index} `), pauseMs: CHUNK_PAUSE_MS };
  });
  const settings = crashSettings(model, storeSettings);
  const other = await startLocalApp(settings);
  const host = await KilledHost.start(settings, { dataFolder });
  try {
    const report = {
      rounds: 0,
      kills: 0,
      runs: 0,
      phases: {},
      attempts: {},
      cancelledRuns: {},
      deletedThreads: 0,
      violations: [],
    } as MutableReport;
    const earlier: { threadId: string; view: ThreadView }[] = [];
    const deleted: string[] = [];
    const api = (): ThreadApi => new ThreadApi(host.baseUrl);
    for (let round = 1; round <= rounds; round += 1) {
      const threadIds = [`round-${round}-a`, `round-${round}-b`];
      const runs = await accept(api(), threadIds);
      const toCancel = await api().accept(`round-${round}-cancelled`, 'four');
      const toDelete = `round-${round}-deleted`;
      await api().accept(toDelete, 'five');
      await api().accept(toDelete, 'six');
      const cancelling = delay(randomInt(KILL_WITHIN_MS)).then(() =>
        insist(async () => new ThreadApi(await host.upUrl()).cancel(toCancel)),
      );
      const deleting = delay(randomInt(KILL_WITHIN_MS)).then(() =>
        insist(async () => new ThreadApi(await host.upUrl()).delete(toDelete)),
      );
      const killedAt = await host.killAtRandom(KILL_WITHIN_MS);
      const problems: string[] = [];
      await cancelling;
      if ((await deleting) !== 204) problems.push(`${toDelete} could not be deleted`);
      deleted.push(toDelete);
      for (const threadId of deleted.slice(-3)) problems.push(...(await api().remains(threadId)));
      const cancelledView = await api().settled(toCancel.threadId, 1, SETTLE_WITHIN_MS);
      const status = await api().statusOf(toCancel);
      problems.push(...checkCancelled(cancelledView, toCancel, status));
      count(report.cancelledRuns, status);
      report.deletedThreads += 1;
      for (const threadId of threadIds) {
        const accepted = runs.filter((run) => run.threadId === threadId);
        const view = await api().settled(threadId, accepted.length, SETTLE_WITHIN_MS);
        problems.push(...checkThread(view, accepted));
        const seenByOther = await new ThreadApi(other.baseUrl).view(threadId);
        if (seenByOther.visibleJson !== view.visibleJson)
          problems.push(`${threadId} looks different on the other host`);
        for (const run of accepted) {
          count(report.phases, phaseOfKill(view, run, killedAt));
          count(report.attempts, String(view.attemptOf(run.correlationId)));
        }
        earlier.push({ threadId, view });
      }
      // Checks a few earlier threads, which must not change any more.
      for (const { threadId, view } of earlier.slice(0, -threadIds.length).slice(-4)) {
        const now = await api().view(threadId);
        if (now.allJson !== view.allJson) problems.push(`${threadId} of an earlier round has changed`);
      }
      if (problems.length > 0) problems.push(...host.storeWarnings());
      report.rounds += 1;
      report.kills += killedAt.length;
      report.runs += runs.length;
      report.violations.push(...problems.map((problem) => `round ${round}: ${problem}`));
      onRound?.(
        `round ${round}: ${killedAt.length} kill(s), ${problems.length === 0 ? 'nothing lost' : problems.join('; ')}`,
      );
    }
    return report;
  } finally {
    await host.kill();
    await other.kill();
    await model.close();
    await rm(dataFolder, { recursive: true, force: true });
  }
}

type MutableReport = {
  -readonly [Key in keyof CrashReport]: CrashReport[Key] extends readonly string[]
    ? string[]
    : CrashReport[Key] extends number
      ? number
      : Record<string, number>;
};

/** Counts one more of the things with this name. */
export function count(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}

/** Starts two consecutive runs on the first thread and one on the second, at different moments. */
async function accept(api: ThreadApi, [first = '', second = '']: readonly string[]): Promise<AcceptedRun[]> {
  const runs = [await api.accept(first, 'one'), await api.accept(first, 'two')];
  await delay(randomInt(300));
  return [...runs, await api.accept(second, 'three')];
}

/** Sends a request until a host answers it with anything but 503. */
async function insist(send: () => Promise<number>): Promise<number> {
  const deadline = Date.now() + SETTLE_WITHIN_MS;
  for (;;) {
    // The host may have been killed.
    const status = await send().catch(() => 503);
    if (status < 500 || Date.now() > deadline) return status;
    await delay(100);
  }
}
