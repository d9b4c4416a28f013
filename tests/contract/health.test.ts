import { describe, expect, it } from 'vitest';
import { contractApi } from './contract-target.js';

describe('GET health', () => {
  const api = contractApi();

  it('reports that the app is healthy, and lists its agents', async () => {
    const answer = await api.call('GET', 'health');
    expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' } });
    const health = JSON.parse(answer.text);
    expect(Object.keys(health).slice(0, 3)).toEqual(['status', 'agents', 'agent_count']);
    expect(health).toMatchObject({ status: 'healthy', agent_count: health.agents.length });
    const agent = health.agents.find(({ name }: { name: string }) => name === 'CallbackAgent');
    expect(JSON.stringify(agent)).toMatch(
      /^\{"name":"CallbackAgent","type":"ChatAgent","http_endpoint_enabled":true,"mcp_tool_enabled":false[,}]/,
    );
  });

  it('ignores case in the path', async () => {
    expect(await api.call('GET', 'HEALTH')).toMatchObject({ status: 200 });
  });

  it.each([
    ['POST', 'health'],
    ['GET', 'agents/CallbackAgent/run'],
    ['POST', 'agents/CallbackAgent/callbacks/some-thread'],
    ['POST', 'agents/UnknownAgent/run'],
    ['GET', 'agents'],
  ])('is not confused with %s %s, which returns 404', async (method, path) => {
    expect(await api.call(method, path, { 'content-type': 'text/plain' }, '')).toMatchObject({ status: 404 });
  });
});
