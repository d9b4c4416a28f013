import http from 'node:http';
import { SseEvents } from './sse-events.js';

export interface CutRead {
  readonly status: number;
  /** The complete events among the bytes that were read. */
  readonly read: SseEvents;
  readonly byteCount: number;
}

/** Reads this many bytes of an answer at most, or up to the end of a run, and disconnects. */
export function readBytes(url: string, byteCount: number, lastId?: string): Promise<CutRead> {
  return new Promise((resolve, reject) => {
    const headers = lastId === undefined ? {} : { 'last-event-id': lastId };
    const request = http.get(url, { headers, agent: false }, (answer) => {
      const read = new SseEvents();
      let received = 0;
      const done = (): void => resolve({ status: answer.statusCode ?? 0, read, byteCount: received });
      answer.on('data', (chunk: Buffer) => {
        const bytes = chunk.subarray(0, byteCount - received);
        read.feed(bytes);
        received += bytes.length;
        if (received < byteCount && read.events.at(-1)?.event !== 'final') return;
        done();
        request.destroy();
      });
      answer.on('end', done);
      answer.on('error', reject);
    });
    request.on('error', reject);
  });
}
