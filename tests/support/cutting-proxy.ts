import { once } from 'node:events';
import http from 'node:http';
import { listenOnLoopback } from './listen-on-loopback.js';

export interface CuttingProxy {
  readonly baseUrl: string;
  /** The number of cut answers so far. */
  readonly cutCount: number;
  close(): Promise<void>;
}

/**
 * Forwards requests to `targetUrl`, and cuts the connection of a stream after some bytes of its body.
 *
 * @param bytesBeforeCut called for each stream; `undefined` does not cut it
 */
export async function startCuttingProxy(
  targetUrl: string,
  bytesBeforeCut: () => number | undefined,
): Promise<CuttingProxy> {
  let cutCount = 0;
  const server = http.createServer((request, response) => {
    const { method, url = '', headers } = request;
    const onward = http.request(`${targetUrl}${url}`, { method, headers, agent: false }, (answer) => {
      const limit = /\/stream\b/.test(url) ? (bytesBeforeCut() ?? Infinity) : Infinity;
      let passed = 0;
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      response.flushHeaders();
      answer.on('data', (chunk: Buffer) => {
        const bytes = chunk.subarray(0, limit - passed);
        passed += bytes.length;
        response.write(bytes, () => {
          if (passed < limit || response.destroyed) return;
          cutCount += 1;
          response.destroy();
        });
      });
      answer.on('end', () => response.end());
      answer.on('error', () => response.destroy());
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  });
  return {
    baseUrl: await listenOnLoopback(server),
    get cutCount() {
      return cutCount;
    },
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
