import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { BenchApp } from '../bench-app.js';
import { readRun } from './load-reader.js';

const CHUNKS = 20;
const PAUSE_MS = 250;
const MESSAGE = `chunks=${CHUNKS} pauseMs=${PAUSE_MS}`;
/** The scripted model's answer to it. */
const ANSWER = Array.from({ length: CHUNKS }, (_, index) => ` word${index}`).join('');

export interface LoadRunOptions {
  readonly threadId: string;
  /** Runs the agent. */
  readonly host: BenchApp;
  /** Shares the store with `host`, and cancels the run. */
  readonly otherHost: BenchApp;
  readonly readers: number;
  /** Between 0 and 1. */
  readonly cutShare: number;
  readonly isCancelled: boolean;
}

export interface LoadRunReport {
  readonly end: 'final' | 'cancelled' | 'none';
  /** Problems that must not occur. */
  readonly lost: number;
  readonly doubled: number;
  readonly problems: readonly string[];
  readonly cuts: number;
  readonly latenciesMs: readonly number[];
}

/** Starts a run, follows it with readers at both hosts, and checks the events of each reader. */
export async function loadRun(options: LoadRunOptions): Promise<LoadRunReport> {
  const { threadId, host, otherHost, readers, cutShare, isCancelled } = options;
  const hosts = [host, otherHost];
  const reading = Array.from({ length: readers }, () => {
    const cutAfter = Math.random() < cutShare ? 1 + randomInt(CHUNKS - 2) : undefined;
    return readRun(`${hosts[randomInt(2)]?.eventsUrl(threadId)}/stream`, cutAfter);
  });
  const correlationId = await host.accept(threadId, MESSAGE);
  if (isCancelled) {
    await delay(randomInt(CHUNKS * PAUSE_MS));
    await otherHost.cancel(threadId, correlationId);
  }
  const reports = await Promise.all(reading);
  const end = reports[0]?.end;
  const problems: string[] = [];
  let lost = 0;
  let doubled = 0;
  for (const report of reports) {
    const distinct = new Set(report.sequences);
    doubled += report.sequences.length - distinct.size;
    lost += Math.max(0, ...report.sequences) - distinct.size;
    if (report.end !== end) problems.push(`${threadId}: readers saw different ends, ${report.end} and ${end}`);
    if (report.end === 'final' && report.text !== ANSWER)
      problems.push(`${threadId}: the text differs from the answer`);
    if (!ANSWER.startsWith(report.text)) problems.push(`${threadId}: the text is not the beginning of the answer`);
  }
  const isEnded = end === 'final' || (isCancelled && end === 'cancelled');
  if (!isEnded) problems.push(`${threadId}: the run ended as ${end}`);
  return {
    end: end === 'final' || end === 'cancelled' ? end : 'none',
    lost,
    doubled,
    problems,
    cuts: reports.reduce((sum, { cutCount }) => sum + cutCount, 0),
    latenciesMs: reports.flatMap(({ latenciesMs }) => latenciesMs),
  };
}
