import { once } from 'node:events';
import http from 'node:http';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { TableClient } from '@azure/data-tables';
import { createClient } from 'redis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openTableAccount } from './azurite-table-server.js';
import { eventually } from './eventually.js';
import { startFaultProxy, type FaultProxy } from './fault-proxy.js';
import { listenForTest } from './listen-for-test.js';
import { isRedisMissing, startRedisServer } from './redis-server.js';

/** A line-based server: stores each line and answers `did LINE`. */
async function startLineServer(): Promise<{ port: number; taken: string[]; openCount: () => number }> {
  const taken: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.setEncoding('utf8').on('data', (lines: string) => {
      for (const line of lines.trimEnd().split('\n')) {
        taken.push(line);
        socket.write(`did ${line}\n`);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, taken, openCount: () => sockets.size };
}

async function startProxyForTest(targetPort: number): Promise<FaultProxy> {
  const proxy = await startFaultProxy(targetPort);
  onTestFinished(() => proxy.close());
  return proxy;
}

/** An open connection, and how it ended. */
class LineClient {
  readonly ended: Promise<string>;
  received = '';
  readonly #socket: Socket;

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1' });
    this.#socket.setEncoding('utf8').on('data', (lines: string) => (this.received += lines));
    this.ended = new Promise((resolve) => {
      this.#socket.once('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)));
      this.#socket.once('close', () => resolve('closed'));
    });
    onTestFinished(() => void this.#socket.destroy());
  }

  say(line: string): void {
    this.#socket.write(`${line}\n`);
  }

  leave(): void {
    this.#socket.destroy();
  }

  async hears(line: string): Promise<void> {
    await eventually(
      () => {
        if (!this.received.includes(`${line}\n`)) throw new Error(`Received ${this.received} without ${line}`);
      },
      { intervalMs: 5 },
    );
  }

  async ask(line: string): Promise<void> {
    this.say(line);
    await this.hears(`did ${line}`);
  }
}

/** Waits until this many bytes have arrived from clients. */
async function takes(proxy: FaultProxy, sent: string): Promise<void> {
  await expect.poll(() => proxy.takenBytes, { interval: 1 }).toBe(sent.length);
}

async function startTalk() {
  const server = await startLineServer();
  const proxy = await startProxyForTest(server.port);
  const client = new LineClient(proxy.port);
  await client.ask('hello');
  return { server, proxy, client };
}

describe('the fault proxy', () => {
  it('forwards everything while there is no fault', async () => {
    const { server } = await startTalk();
    expect(server.taken).toEqual(['hello']);
  });

  it('ends open connections with FIN or RST, and accepts new ones', async () => {
    const { proxy, client } = await startTalk();
    proxy.cut();
    expect(await client.ended).toBe('closed');
    const second = new LineClient(proxy.port);
    await second.ask('again');
    proxy.reset();
    expect(await second.ended).toBe('ECONNRESET');
    await new LineClient(proxy.port).ask('once more');
  });

  it('refuses connections, and accepts them again on the same port', async () => {
    const { proxy, client } = await startTalk();
    await proxy.setFault({ kind: 'refuse' });
    expect(await client.ended).toBe('closed');
    expect(await new LineClient(proxy.port).ended).toBe('ECONNREFUSED');
    await proxy.setFault({ kind: 'none' });
    await new LineClient(proxy.port).ask('back');
  });

  it('delays both directions, and keeps the order when the delay ends', async () => {
    const { proxy, client, server } = await startTalk();
    await proxy.setFault({ kind: 'delay', requestMs: 60, answerMs: 60 });
    const start = performance.now();
    client.say('slow');
    await expect.poll(() => server.taken, { interval: 1 }).toContain('slow');
    expect(performance.now() - start).toBeGreaterThan(50);
    await client.hears('did slow');
    expect(performance.now() - start).toBeGreaterThan(110);
    client.say('first');
    await takes(proxy, 'hello\nslow\nfirst\n');
    await proxy.setFault({ kind: 'none' });
    await client.ask('second');
    expect(server.taken.slice(-2)).toEqual(['first', 'second']);
  });

  it('delivers data even if its sender has left meanwhile', async () => {
    const { proxy, client, server } = await startTalk();
    await proxy.setFault({ kind: 'delay', requestMs: 50 });
    client.say('from the grave');
    await takes(proxy, 'hello\nfrom the grave\n');
    client.leave();
    await expect.poll(() => server.taken, { interval: 5 }).toContain('from the grave');
    await expect.poll(() => server.openCount(), { interval: 5 }).toBe(0);
  });

  it('drops all data in a black hole, and resets the affected connections when it ends', async () => {
    const { proxy, client, server } = await startTalk();
    const idle = new LineClient(proxy.port);
    await idle.ask('waiting');
    await proxy.setFault({ kind: 'black-hole' });
    const late = new LineClient(proxy.port);
    client.say('lost');
    late.say('lost too');
    await takes(proxy, 'hello\nwaiting\nlost\nlost too\n');
    expect(server.taken).toEqual(['hello', 'waiting']);
    await proxy.setFault({ kind: 'none' });
    expect(await Promise.all([client.ended, late.ended])).toEqual(['ECONNRESET', 'ECONNRESET']);
    await idle.ask('still here');
  });

  it('loses the given number of responses to executed requests', async () => {
    const { proxy, client, server } = await startTalk();
    await proxy.setFault({ kind: 'lose-answers', count: 2 });
    client.say('one');
    expect(await client.ended).toBe('ECONNRESET');
    const second = new LineClient(proxy.port);
    second.say('two');
    expect(await second.ended).toBe('ECONNRESET');
    await new LineClient(proxy.port).ask('three');
    expect(server.taken).toEqual(['hello', 'one', 'two', 'three']);
    expect(proxy.lostAnswers).toBe(2);
  });

  it('answers HTTP requests in place of the server, even on a keep-alive connection', async () => {
    let count = 0;
    const origin = http.createServer((request, response) => {
      void text(request).then((body) => response.end(`${body} ${(count += 1)}`));
    });
    const proxy = await startProxyForTest(Number(new URL(await listenForTest(origin)).port));
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    const post = async (): Promise<string> => {
      const request = http.request({ port: proxy.port, host: '127.0.0.1', method: 'POST', agent });
      request.end('x'.repeat(100_000));
      const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
      const body = await text(answer);
      return `${answer.statusCode} ${answer.headers['retry-after']} ${body.slice(-2)} ${request.reusedSocket}`;
    };

    expect(await post()).toBe('200 undefined  1 false');
    await proxy.setFault({ kind: 'answer', status: 429, retryAfterSeconds: 1 });
    expect(await post()).toBe('429 1  true');
    await proxy.setFault({ kind: 'answer', status: 503 });
    expect(await post()).toBe('503 undefined  true');
    await proxy.setFault({ kind: 'none' });
    expect(await post()).toBe('200 undefined  2 true');
    expect(proxy.ownAnswers).toBe(2);
  });
});

describe.skipIf(isRedisMissing)('the fault proxy in front of Redis (needs /usr/bin/redis-server)', () => {
  it('hides whether a command whose response was lost was executed', async () => {
    const redis = await startRedisServer();
    onTestFinished(() => redis.close());
    const proxy = await startProxyForTest(redis.port);
    const client = createClient({ url: redis.urlThrough(proxy.port) });
    const errors: unknown[] = [];
    client.on('error', (error) => errors.push(error));
    onTestFinished(() => client.destroy());
    await client.connect();

    await proxy.setFault({ kind: 'lose-answers', count: 1 });
    await expect(client.incr('count')).rejects.toThrow('ECONNRESET');
    expect(await client.get('count')).toBe('1');
    await proxy.setFault({ kind: 'refuse' });
    await expect.poll(() => client.isReady, { interval: 5 }).toBe(false);
    await proxy.setFault({ kind: 'none' });
    expect(await client.incr('count')).toBe(2);
    expect(errors).not.toEqual([]);
  });

  it('reaches the data of a durable Redis after a restart', async () => {
    const redis = await startRedisServer({ isDurable: true });
    onTestFinished(() => redis.close());
    const client = createClient({ url: redis.url });
    const errors: unknown[] = [];
    client.on('error', (error) => errors.push(error));
    onTestFinished(() => client.destroy());
    await client.connect();
    await client.set('kept', 'yes');
    await redis.stop();
    await redis.start();
    expect(await client.get('kept')).toBe('yes');
  });
});

describe('the fault proxy in front of Azurite', () => {
  it('forwards signed requests, and can throttle them or lose their responses', async () => {
    const account = await openTableAccount();
    const proxy = await startProxyForTest(account.port);
    const table = TableClient.fromConnectionString(account.connectionStringThrough(proxy.port), 'events', {
      allowInsecureConnection: true,
      retryOptions: { maxRetries: 0 },
    });
    await table.createTable();

    await proxy.setFault({ kind: 'answer', status: 429, retryAfterSeconds: 1 });
    await expect(table.createEntity({ partitionKey: 'p', rowKey: '1' })).rejects.toMatchObject({ statusCode: 429 });
    await proxy.setFault({ kind: 'lose-answers' });
    await expect(table.createEntity({ partitionKey: 'p', rowKey: '2' })).rejects.toMatchObject({ code: 'ECONNRESET' });
    await proxy.setFault({ kind: 'none' });
    await expect(table.createEntity({ partitionKey: 'p', rowKey: '2' })).rejects.toMatchObject({ statusCode: 409 });
    await expect(table.getEntity('p', '1')).rejects.toMatchObject({ statusCode: 404 });
  });
});
