import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fixtureFolder, startHostProcess, type HostProcess } from './support/host-process.js';
import { exchange } from './support/raw-http.js';
import {
  actualAnswer,
  expectedAnswer,
  readRecording,
  toRawRequest,
  type RecordedExchange,
} from './support/recordings.js';

type Recording = Readonly<Record<string, RecordedExchange>>;

/** A signal that the recorded task hub had received before the recording. */
interface UnrecordedSignal {
  readonly key: string;
  readonly amount: number;
}

/** Signals to send before an exchange, by its name. */
type UnrecordedSignals = Readonly<Record<string, readonly UnrecordedSignal[]>>;

const leftByEarlierRecordings = [
  ...Array.from({ length: 20 }, (_value, index) => `lat-default-gap500-${index}`),
  ...Array.from({ length: 6 }, (_value, index) => `lat-default-idle10s-${index}`),
  'lat-same',
].map((key) => ({ key, amount: 1 }));

const once = (keys: readonly string[]): UnrecordedSignal[] => keys.map((key) => ({ key, amount: 1 }));

const beforeDurableHttpApi: UnrecordedSignals = {
  'signal-json': leftByEarlierRecordings,
  'key-read-pctslash': once(['a+b', 'a:b', "a'b", 'a&b', 'k'.repeat(255)]),
};

const beforeDurableClient: UnrecordedSignals = {
  'client-signal-slash': [
    ...leftByEarlierRecordings,
    ...once(['', 'UPPER', 'a b', 'a"b', 'a%2Fb', 'a%2Fb', 'a%FFb', 'a%b', 'a&b', "a'b", 'a+b', 'a:b', 'a;b', 'a@b']),
    ...once(['k'.repeat(255), 'k'.repeat(503), 'kéy-你好', 'x@y@z', '😀']),
    ...['a b', 'a%2Fb', 'a&b=c', 'a+b'].map((key) => ({ key, amount: 7 })),
  ],
};

describe.each([
  { name: 'http-buffered', unrecorded: {} },
  { name: 'http-streaming', environment: { RECORD_STREAM: '1' }, unrecorded: {} },
  { name: 'durable-http-api', unrecorded: beforeDurableHttpApi },
  { name: 'durable-client', unrecorded: beforeDurableClient },
] satisfies { name: string; environment?: Record<string, string>; unrecorded: UnrecordedSignals }[])(
  'the local host answers like the real host in the recording $name',
  async ({ name, environment, unrecorded }) => {
    const recording = await readRecording<Recording>(name);
    let host: HostProcess;

    beforeAll(async () => {
      host = await startHostProcess(fixtureFolder('app'), { keys: true, ...(environment && { environment }) });
    });

    afterAll(async () => host.end());

    test.each(Object.entries(recording))('%s', async (exchangeName, recorded) => {
      await sendUnrecorded(host, (unrecorded as UnrecordedSignals)[exchangeName] ?? []);
      const answer = actualAnswer(
        await exchange(host.port, toRawRequest(recorded, systemKey(host)), giveUp(host, recorded)),
      );
      expect(answer).toEqual(expectedAnswer(recorded));
    });
  },
);

function systemKey(host: HostProcess): string {
  return host.keys?.system ?? '';
}

/** Resolves when the host reports that the client will get no response. Undefined if the recorded client got one. */
function giveUp(host: HostProcess, { response }: RecordedExchange): Promise<void> | undefined {
  if (response.statusLine !== null && !response.body?.endsWith('<<INCOMPLETE CHUNKED>>')) return undefined;
  const complaints = (): number => host.log.filter(({ message }) => /NO RESPONSE|unfinished/.test(message)).length;
  const before = complaints();
  return host.until(() => complaints() > before);
}

async function sendUnrecorded(host: HostProcess, signals: readonly UnrecordedSignal[]): Promise<void> {
  for (const { key, amount } of signals) {
    const path = `/runtime/webhooks/durabletask/entities/counter/${encodeURIComponent(key)}`;
    const response = await fetch(`http://localhost:${host.port}${path}?op=add&code=${systemKey(host)}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ n: amount }),
    });
    expect(response.status).toBe(202);
  }
}
