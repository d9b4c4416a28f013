import http, { type IncomingHttpHeaders } from 'node:http';
import https from 'node:https';

export interface HttpCall {
  readonly method: string;
  /** Sent unchanged: neither normalized nor encoded. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Sends exactly the given headers and path, which fetch would modify, and reads the whole answer. */
export function exchange(baseUrl: string, { method, path, headers, body }: HttpCall): Promise<HttpAnswer> {
  const { protocol, hostname, port } = new URL(baseUrl);
  const { request } = protocol === 'https:' ? https : http;
  return new Promise((resolve, reject) => {
    const call = request({ protocol, hostname, port, method, path, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () =>
        resolve({
          status: answer.statusCode ?? 0,
          headers: answer.headers,
          text: Buffer.concat(chunks).toString(),
        }),
      );
    });
    call.on('error', reject);
    call.end(body);
  });
}
