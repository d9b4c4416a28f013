import { get } from 'node:http';

/** The response at an address. */
export interface ProbeAnswer {
  readonly status: number;
  /** The `server` header, or an empty string. */
  readonly server: string;
  readonly body: string;
}

const timeoutMs = 2000;
const nobodyAnswers = new Set(['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EPIPE', 'HPE_INVALID_CONSTANT']);

/** Sends one request. @returns undefined if there is no HTTP response within two seconds */
export function probeHttp(address: string): Promise<ProbeAnswer | undefined> {
  return new Promise((resolve, reject) => {
    const request = get(address, { agent: false, timeout: timeoutMs }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', failed);
      response.once('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          server: String(response.headers['server'] ?? ''),
          body: Buffer.concat(chunks).toString(),
        }),
      );
    });
    request.once('timeout', () => request.destroy(Object.assign(new Error('No answer'), { code: 'ETIMEDOUT' })));
    request.once('error', failed);

    function failed(error: NodeJS.ErrnoException): void {
      if (nobodyAnswers.has(error.code ?? '')) resolve(undefined);
      else reject(error);
    }
  });
}
