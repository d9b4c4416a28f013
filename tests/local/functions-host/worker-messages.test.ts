import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fixtureFolder, startHostProcess, type HostProcess } from './support/host-process.js';
import { comparableMessage, readBytes, type ProtocolMessage } from './support/protocol-messages.js';
import { exchange } from './support/raw-http.js';
import { readRecording } from './support/recordings.js';

interface RecordedHttp {
  readonly method: string;
  readonly url: string;
  readonly nullableHeaders: Readonly<Record<string, { readonly value: string }>>;
  readonly body: { readonly bytes: unknown } | null;
}

interface Samples {
  readonly functionMetadataResponse: { readonly functionMetadataResults: readonly { readonly name: string }[] };
  readonly [invocation: string]: ProtocolMessage;
}

describe('messages of the worker protocol equal those of a real host:', async () => {
  const { samples } = await readRecording<{ samples: Samples }>('worker-messages');
  const numbers = Object.keys(samples).flatMap((name) => name.split('invocationRequest-')[1] ?? []);
  let host: HostProcess;

  beforeAll(async () => {
    host = await startHostProcess(fixtureFolder('recording-app'), { keys: true });
  });

  afterAll(async () => host.end());

  test('the functions of the app', () => {
    const told = samples.functionMetadataResponse.functionMetadataResults;
    expect(host.functions.map(({ name }) => name)).toEqual(told.map(({ name }) => name));
  });

  test.each(numbers)('request and response of %s', async (sample) => {
    const request = samples[`invocationRequest-${sample}`] ?? {};
    const { result, ...response } = samples[`invocationResponse-${sample}`] ?? {};
    const isFailure = (result as { readonly status: number }).status === 0;
    const before = host.invocations.length;
    await sendAgain(host, request, before + (isFailure ? 1 : 2));

    const [actualRequest, actualResponse] = host.invocations.slice(before);
    expect(comparableMessage(actualRequest?.request)).toEqual(comparableMessage(request));
    expect(comparableMessage(actualResponse?.response)).toEqual(isFailure ? undefined : comparableMessage(response));
  });
});

/** Sends the HTTP request behind a recorded invocation, and waits for the given total number of messages. */
async function sendAgain(host: HostProcess, request: ProtocolMessage, messageCount: number): Promise<void> {
  const [input] = request['inputData'] as readonly { readonly data: { readonly http: RecordedHttp } }[];
  if (input === undefined) throw new Error('The recorded request has no input.');
  const { method, url, nullableHeaders, body } = input.data.http;
  const headers = Object.entries(nullableHeaders).map(([name, { value }]) => [capitalize(name), value]);
  await exchange(
    host.port,
    {
      line: `${method} ${url.replace(/^http:\/\/[^/]*/, '')} HTTP/1.1`,
      headers: Object.fromEntries(headers),
      ...(body === null ? {} : { body: readBytes(body.bytes) }),
    },
    host.until(() => host.invocations.length >= messageCount),
  );
}

function capitalize(name: string): string {
  return name.replaceAll(/\b[a-z]/g, (letter) => letter.toUpperCase());
}
