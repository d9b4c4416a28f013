import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeFolder } from '../support/folders.js';
import { fixtureFolder, startHostProcess, type HostProcess } from './support/host-process.js';

const rounds = 3;
const timeout = 10_000;
const entityKeys = ['Thread', 'thread', 'other'];

/** The progress of a sender that sends the operations 1, 2, 3 … to its entity one after another. */
interface Sent {
  accepted: number;
  tried: number;
}

describe('a host with a journal that is killed while it receives operations', () => {
  test.each(Array.from({ length: rounds }, (_value, index) => index + 1))(
    'loses no accepted operation, and continues from the stored states (round %i)',
    { timeout: 60_000 },
    async () => {
      const folder = await makeFolder();
      const runLog = path.join(folder, 'runs');
      const settings = { journalFolder: path.join(folder, 'journal'), environment: { RUN_LOG: runLog } };
      const first = await startHostProcess(fixtureFolder('kept-app'), settings);
      const killAfter = 1 + Math.floor(Math.random() * 150);
      const sent = await sendUntilKilled(first, killAfter);

      const second = await startHostProcess(fixtureFolder('kept-app'), settings);
      for (const [key, { accepted, tried }] of sent) {
        const message = `${key}: ${accepted} accepted of ${tried}, killed after ${killAfter} in all`;
        const length = async (): Promise<number> => (await readState(second, key)).length;
        await expect.poll(length, { message, timeout }).toBeGreaterThanOrEqual(accepted);
        const state = await readState(second, key);
        expect({ message, state }).toEqual({ message, state: countTo(state.length) });
        expect(state.length).toBeLessThanOrEqual(tried);

        const copies = async (): Promise<number[]> => [...new Set(await readState(second, `${key}-copy`))];
        await expect.poll(copies, { message, timeout }).toEqual(state);
      }
      await second.end();
      const runs = (await readFile(runLog, 'utf8')).split('\n');
      for (const [key, { accepted }] of sent) {
        const inputs = runs.filter((line) => line.startsWith(`${key} `)).map((line) => Number(line.split(' ')[1]));
        expect([...new Set(inputs)].slice(0, accepted)).toEqual(countTo(accepted));
      }
    },
  );
});

test('a host rejects operations that it cannot store', async () => {
  const folder = await makeFolder();
  const journalFolder = path.join(folder, 'journal');
  const settings = { journalFolder, environment: { RUN_LOG: path.join(folder, 'runs') } };
  const host = await startHostProcess(fixtureFolder('kept-app'), settings);
  const url = entityUrl(host, 'a');
  const post = async (): Promise<number> => (await fetch(`${url}?op=note`, { method: 'POST' })).status;
  expect(await post()).toBe(202);
  await expect.poll(() => readState(host, 'a'), { timeout }).toHaveLength(1);
  await rm(journalFolder, { recursive: true });
  await writeFile(journalFolder, 'a file in its place');
  expect(await post()).toBe(500);
  const errors = (): string[] => host.log.filter(({ level }) => level === 'error').map(({ message }) => message);
  await host.until(() => errors().length > 0);
  expect(errors()).toEqual([
    expect.stringMatching(/^An operation of @kept@a was rejected because it could not be stored\. .*EEXIST[^\n]*$/),
  ]);
  await rm(journalFolder);
  expect(await post()).toBe(202);
  await host.end();
});

/** Sends operations to several entities at once, and kills the host after it has accepted the given number. */
async function sendUntilKilled(host: HostProcess, killAfter: number): Promise<Map<string, Sent>> {
  const sent = new Map(entityKeys.map((key): [string, Sent] => [key, { accepted: 0, tried: 0 }]));
  let acceptedInAll = 0;
  let killing: Promise<void> | undefined;
  const send = async (key: string, counts: Sent): Promise<void> => {
    for (;;) {
      counts.tried += 1;
      try {
        const response = await fetch(entityUrl(host, key, '?op=relay'), {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: String(counts.tried),
        });
        expect(response.status).toBe(202);
      } catch (error) {
        if (killing === undefined) throw error;
        return;
      }
      counts.accepted += 1;
      acceptedInAll += 1;
      if (acceptedInAll >= killAfter) killing ??= host.kill();
    }
  };
  await Promise.all([...sent].map(async ([key, counts]) => send(key, counts)));
  await killing;
  return sent;
}

async function readState(host: HostProcess, key: string): Promise<number[]> {
  const response = await fetch(entityUrl(host, key));
  return response.ok ? ((await response.json()) as number[]) : [];
}

function entityUrl({ port }: HostProcess, key: string, query = ''): string {
  return `http://localhost:${port}/runtime/webhooks/durabletask/entities/kept/${key}${query}`;
}

function countTo(last: number): number[] {
  return Array.from({ length: last }, (_value, index) => index + 1);
}
