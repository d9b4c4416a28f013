import { setTimeout as delay } from 'node:timers/promises';
import type { FaultProxy } from '../support/fault-proxy.js';
import type { Fault } from '../support/fault.js';
import type { SeededRandom } from './seeded-random.js';

/** One fault of the connection to a service. Resolves when the fault is over. */
export type RepeatedFault = (proxy: FaultProxy, random: SeededRandom) => Promise<void>;

/** Delays every byte. */
export const delays: RepeatedFault = (proxy, random) =>
  hold(
    proxy,
    { kind: 'delay', requestMs: random.between(20, 200), answerMs: random.between(20, 200) },
    random.between(100, 600),
  );

export const cuts: RepeatedFault = async (proxy) => proxy.cut();

export const resets: RepeatedFault = async (proxy) => proxy.reset();

/** The service carries out requests, but loses its response: usually a single one, sometimes all for a while. */
export const lostAnswers: RepeatedFault = async (proxy, random) => {
  if (random.between(1, 5) === 1) return hold(proxy, { kind: 'lose-answers' }, random.between(50, 400));
  await proxy.setFault({ kind: 'lose-answers', count: 1 });
  // A writer can only continue if it can read the result of its last change.
  await delay(random.between(60, 200));
};

export const blackHoles: RepeatedFault = (proxy, random) =>
  hold(proxy, { kind: 'black-hole' }, random.between(100, 1200));

export const refusals: RepeatedFault = (proxy, random) => hold(proxy, { kind: 'refuse' }, random.between(50, 600));

/** The answers of an overloaded HTTP service, with and without Retry-After. */
export const overload: RepeatedFault = (proxy, random) => {
  const status = random.between(0, 1) === 0 ? 429 : 503;
  const retryAfter = random.between(0, 1) === 0 ? {} : { retryAfterSeconds: random.between(1, 30) };
  return hold(proxy, { kind: 'answer', status, ...retryAfter }, random.between(50, 600));
};

async function hold(proxy: FaultProxy, fault: Fault, ms: number): Promise<void> {
  await proxy.setFault(fault);
  await delay(ms);
  await proxy.setFault({ kind: 'none' });
}

/**
 * Causes faults at random moments until `ended` is aborted, then ends the last one.
 *
 * @param maxFaultMs the longest total duration, which must be shorter than the writer's patience
 */
export async function makeFaults(
  proxy: FaultProxy,
  fault: RepeatedFault,
  random: SeededRandom,
  ended: AbortSignal,
  maxFaultMs = 3000,
): Promise<void> {
  const deadline = performance.now() + maxFaultMs;
  while (!ended.aborted && performance.now() < deadline) {
    await delay(random.between(5, 100));
    await fault(proxy, random);
  }
  await proxy.setFault({ kind: 'none' });
}
