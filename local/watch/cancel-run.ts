import { z } from 'zod';
import { LaunchError } from '../launch-error.js';
import { errorOfAnswer } from './stream-error.js';
import type { ThreadAddress } from './thread-address.js';

const run = z.object({ correlation_id: z.string(), status: z.string(), message: z.string() });

const OPEN_STATUSES = ['running', 'waiting_for_approval', 'queued'];

/**
 * Cancels the running run of a thread, or the newest queued one.
 *
 * @returns a sentence that says what happened
 * @throws LaunchError if the app rejects the request or does not respond
 */
export async function cancelRun(address: ThreadAddress, signal: AbortSignal): Promise<string> {
  const { base, agentName, threadId, key } = address;
  const runs = `${base}/api/agents/${encodeURIComponent(agentName)}/threads/${encodeURIComponent(threadId)}/runs`;
  const send = async (url: string, method: string): Promise<Response> => {
    const headers = key === undefined ? {} : { 'x-functions-key': key };
    try {
      return await fetch(url, { method, headers, redirect: 'manual', signal });
    } catch (error) {
      throw new LaunchError(`${base} cannot be reached.`, { cause: error });
    }
  };
  const listed = await send(runs, 'GET');
  if (listed.status !== 200) throw new LaunchError((await errorOfAnswer(listed, address)).message);
  const all = z.array(run).parse(await listed.json());
  const open = OPEN_STATUSES.flatMap((status) => all.filter((one) => one.status === status)).at(0);
  if (open === undefined) return 'This thread has no active run.';
  const cancelled = await send(`${runs}/${open.correlation_id}/cancel`, 'POST');
  if (cancelled.status === 409) return 'The run ended before it could be cancelled.';
  if (!cancelled.ok) throw new LaunchError((await errorOfAnswer(cancelled, address)).message);
  return `Run ${open.correlation_id} is cancelled.`;
}
