import { describe, expect, it } from 'vitest';
import { describeReadyApp } from '../../local/ready-message.js';
import type { ServedApp } from '../../local/served-app.js';

const app: ServedApp = {
  port: 7071,
  functions: [
    { name: 'http-CallbackAgent', kind: 'http', detail: 'POST /api/agents/CallbackAgent/run' },
    { name: 'dafx-CallbackAgent', kind: 'entity', detail: '' },
    { name: 'nightly', kind: 'not served', detail: 'timerTrigger' },
  ],
  keys: undefined,
  ended: new Promise(() => {}),
};

describe('the output when an app is ready', () => {
  it('starts with a line for scripts', () => {
    expect(describeReadyApp(app).split('\n')[0]).toBe('listening http://localhost:7071');
  });

  it('contains the address of the dashboard, if there is one', () => {
    const dashboard = { name: 'dashboard', kind: 'http', detail: 'GET /api/dashboard' };
    expect(describeReadyApp({ ...app, functions: [...app.functions, dashboard] })).toContain(
      'Dashboard  http://localhost:7071/api/dashboard\n',
    );
    expect(describeReadyApp(app)).not.toContain('ashboard');
  });

  it('lists the functions, and separately those that are not served', () => {
    const [served, notServed] = describeReadyApp(app).split('Not served by the local Functions host');
    expect(served).toContain(
      '  http-CallbackAgent  POST /api/agents/CallbackAgent/run\n  dafx-CallbackAgent  entity\n',
    );
    expect(served).not.toContain('nightly');
    expect(notServed).toContain('nightly  timerTrigger');
  });

  it('shows requests for bash and for PowerShell, one per line', () => {
    const lines = describeReadyApp(app).split('\n');
    const body = `'{"message":"Tell me about the weather in Paris and mention the streaming callbacks.","thread_id":"first-thread"}'`;
    const run = 'http://localhost:7071/api/agents/CallbackAgent/run';
    expect(lines).toContain(`  curl -s -X POST ${run} -H 'content-type: application/json' -d ${body}`);
    expect(lines).toContain(
      `  Invoke-RestMethod -Method Post -Uri ${run} -ContentType 'application/json' -Body ${body}`,
    );
    expect(lines).toContain('  curl -s http://localhost:7071/api/agents/CallbackAgent/callbacks/first-thread');
  });

  it('takes the path of the requests from the route', () => {
    const functions = [{ name: 'http-Other', kind: 'http', detail: 'POST /prefix/agents/Other/run' }];
    expect(describeReadyApp({ ...app, functions })).toContain(
      '-Uri http://localhost:7071/prefix/agents/Other/callbacks/',
    );
  });

  it('adds the function key to the requests if keys are on', () => {
    const keys = { function: 'f-key', master: 'm-key', system: 's-key' };
    const text = describeReadyApp({ ...app, keys });
    expect(text.match(/-H 'x-functions-key: f-key'/g)).toHaveLength(2);
    expect(text.match(/-Headers @\{ 'x-functions-key' = 'f-key' \}/g)).toHaveLength(2);
    expect(text).toContain('m-key');
    expect(text).toContain('s-key');
  });

  it('shows no request for an app without an agent', () => {
    const functions = [{ name: 'hello', kind: 'http', detail: 'GET /api/hello' }];
    expect(describeReadyApp({ ...app, functions })).not.toContain('curl');
  });
});
