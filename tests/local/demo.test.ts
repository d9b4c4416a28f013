import { describe, expect, it } from 'vitest';
import { probeHttp } from '../../local/probe-http.js';
import { launchApp } from './support/launched.js';

describe('npm run demo', () => {
  it('shows answers, a lost connection, tool calls, an approval, a structured answer and next steps, and exits', async () => {
    const demo = launchApp([], { AZURE_OPENAI_ENDPOINT: 'https://not-asked.example' }, 'demo');
    const base =
      /http:\/\/localhost:\d+/.exec(await demo.printed(/The app is running at http:\/\/localhost:\d+\.\n/))?.[0] ?? '';
    expect((await probeHttp(`${base}/api/health`))?.status).toBe(200);
    expect(await demo.ended).toBe(0);

    const output = demo.output();
    const answers = output.replaceAll(/\n\[.*\](?=\n)/g, '').replaceAll('\n', '');
    expect(answers.match(/\(Canned answer of the offline model, turn \d; no real model was asked\.\)/g)).toEqual(
      [1, 2, 3].map((turn) => `(Canned answer of the offline model, turn ${turn}; no real model was asked.)`),
    );
    expect(
      output.match(/^first update \d+\.\d\d s · total \d+\.\d\d s · \d+\.\d tokens\/s · \d+ updates$/gm),
    ).toHaveLength(7);
    expect(output).toMatch(/^calls get_weather \{"location":"Paris"\}$/m);
    expect(output).toMatch(/^calculate returned \{"expression":"2 \* \(3 \+ 4\)\^2","value":98\}$/m);
    const refund = String.raw`issue_refund \{"order_id":"A-1001",.*\}`;
    expect(output).toMatch(
      new RegExp(
        String.raw`^waits for approval: ${refund}\napproval_id: \w{32}\napproved: ${refund}\nissue_refund returned \{.*\}\nThe tool says: `,
        'm',
      ),
    );
    expect(output).toContain('{"title":"My invoice of May is wrong.","category":"billing"}');
    expect(output).toMatch(/^\[No connection: The demo cut its own connection\. /m);
    expect(output).toMatch(/^\d+ events in order: none missing, none repeated\.$/m);
    for (const hint of ['npm start', '/api/dashboard', 'npm run watch:thread -- ID']) expect(output).toContain(hint);
    expect(output).not.toContain('\u001B');
    expect(
      output
        .split('\n')
        .filter((line) => line.startsWith(' '))
        .every((line) => line.length <= 80),
    ).toBe(true);

    expect(await probeHttp(`${base}/api/health`)).toBeUndefined();
  });

  it('stops what it started on Ctrl-C', async () => {
    const demo = launchApp([], {}, 'demo');
    const output = await demo.printed(/turn|Hello! Your/);
    demo.signal('SIGINT');
    expect(await demo.ended).toBe(0);
    expect(demo.output()).not.toContain('What to try next');
    expect(await probeHttp(`${/http:\/\/localhost:\d+/.exec(output)?.[0]}/api/health`)).toBeUndefined();
  });

  it('accepts no options', async () => {
    const demo = launchApp(['--port', '1'], {}, 'demo');
    expect(await demo.ended).toBe(2);
    expect(demo.output()).toBe('--port: npm run demo takes no options.\n');
  });
});
