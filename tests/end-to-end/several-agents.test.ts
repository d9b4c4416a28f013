import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CallbackEvent } from '../../src/audit/domain/callback-event.js';
import { newThreadId } from '../support/agent-api.js';
import { type AppWithModel, startAppWithModel } from '../support/app-with-model.js';
import { echoed } from '../support/echoed.js';
import type { ModelAnswer, ModelRequest } from '../support/scripted-model.js';

const THREADS = 20;

/** Arguments for the tools of the sample agents. They differ for each message, such as `Number 7`. */
const TOOL_ARGUMENTS: Readonly<Record<string, (message: string) => object>> = {
  get_weather: (message) => ({ location: message }),
  calculate: (message) => ({ expression: `1000 + ${message.replace('Number ', '')}` }),
  lookup_order: (message) => ({ order_id: message }),
};

/** Calls the first offered tool that the test knows, then answers with its result. */
function callsATool(message: string, { messages, tools = [] }: ModelRequest['body']): ModelAnswer {
  const last = messages.at(-1);
  if (last?.role === 'tool') return { pieces: ['The tool ', 'says: ', last.content] };
  const name = (tools as readonly { function: { name: string } }[])
    .map((tool) => tool.function.name)
    .find((offered) => offered in TOOL_ARGUMENTS);
  const args = name === undefined ? undefined : TOOL_ARGUMENTS[name]?.(message);
  if (name === undefined || args === undefined) return echoed(message);
  return { pieces: ['Let me see.'], toolCalls: [{ id: 'call-1', name, arguments: args }] };
}

/** The text that an answer to `Number 7` must contain. */
const EXPECTED: Readonly<Record<string, (number: number) => string>> = {
  CallbackAgent: (number) => `Your message has arrived: Number ${number}`,
  WeatherAgent: (number) => `"location":"Number ${number}"`,
  MathAgent: (number) => `"value":${1000 + number}}`,
  RefundAgent: (number) => `Number ${number}`,
};

interface AnsweredRun {
  readonly agentName: string;
  readonly number: number;
  readonly threadId: string;
  readonly correlationId: string;
  readonly response: string;
}

describe('the agents of an app on one host', () => {
  let target: AppWithModel;
  let agentNames: readonly string[];

  beforeAll(async () => {
    // A busy machine may need longer than the default wait for all of the runs.
    target = await startAppWithModel(callsATool, { AGENT_WAIT_SECONDS: '200' });
    const health: { agents: { name: string }[] } = JSON.parse((await target.api.call('GET', 'health')).text);
    agentNames = health.agents.map(({ name }) => name);
  });

  afterAll(() => target.stop());

  async function ask(agentName: string, number: number, threadId: string): Promise<AnsweredRun> {
    const { text } = await target.api.run({ message: `Number ${number}`, thread_id: threadId }, { agentName });
    const { status, response, correlation_id: correlationId } = JSON.parse(text);
    if (status !== 'success') throw new Error(`${agentName} did not answer in ${threadId}: ${text}`);
    return { agentName, number, threadId, correlationId, response };
  }

  async function eventsOf({ agentName, threadId }: AnsweredRun): Promise<CallbackEvent[]> {
    return JSON.parse((await target.api.callbacks('GET', threadId, agentName)).text);
  }

  async function conversationOf({ agentName, threadId }: AnsweredRun): Promise<unknown> {
    const { status, text } = await target.api.call('GET', `agents/${agentName}/threads/${threadId}`);
    return status === 200 ? JSON.parse(text) : status;
  }

  async function runsOf({ agentName, threadId }: AnsweredRun): Promise<unknown[]> {
    return JSON.parse((await target.api.runs('GET', threadId, '', agentName)).text);
  }

  async function stateOf(run: AnsweredRun): Promise<readonly unknown[]> {
    return [await eventsOf(run), await conversationOf(run), await runsOf(run)];
  }

  it('isolate 20 simultaneous threads of each of 4 agents with the same thread ids', async () => {
    const prefix = newThreadId();
    const numbers = Array.from({ length: THREADS }, (_, index) => index + 1);

    const runs = await Promise.all(
      agentNames.flatMap((agentName) => numbers.map((number) => ask(agentName, number, `${prefix}-${number}`))),
    );

    expect(runs.map(({ agentName }) => agentName)).toEqual(
      Object.keys(EXPECTED).flatMap((agentName) => numbers.map(() => agentName)),
    );
    for (const run of runs) {
      const { agentName, number, correlationId, response } = run;
      expect(response).toContain(EXPECTED[agentName]?.(number) ?? agentName);
      const events = await eventsOf(run);
      expect(new Set(events.map(({ correlation_id: id }) => id))).toEqual(new Set([correlationId]));
      expect(events.filter(({ event_type: type }) => type !== 'stream')).toMatchObject([
        { event_type: 'final', agent_name: agentName, response_text: response },
      ]);
      const toolKinds = events.flatMap((event) =>
        event.event_type === 'stream' && event.update_kind.startsWith('tool') ? [event.update_kind] : [],
      );
      expect(toolKinds).toEqual(agentName === 'CallbackAgent' ? [] : ['tool_call', 'tool_result']);
      expect(await runsOf(run)).toMatchObject([{ correlation_id: correlationId, status: 'completed' }]);
      const said = toolKinds.length === 0 ? [response] : ['Let me see.', response];
      expect(await conversationOf(run)).toMatchObject({
        agent_name: agentName,
        messages: [`Number ${number}`, ...said].map((text) => ({ text, correlation_id: correlationId })),
      });
    }
  });

  it('lose nothing when another agent deletes its thread with the same id', async () => {
    const threadId = newThreadId();
    const [deleted, ...others] = await Promise.all(agentNames.map((agentName) => ask(agentName, 1, threadId)));
    if (deleted === undefined) throw new Error('The app has no agent.');
    const before = await Promise.all(others.map(stateOf));

    const { status } = await target.api.call('DELETE', `agents/${deleted.agentName}/threads/${threadId}`);

    expect(status).toBe(204);
    expect(await stateOf(deleted)).toEqual([[], 404, []]);
    expect(await Promise.all(others.map(stateOf))).toEqual(before);
  });
});
