import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { operations } from '../../src/api/operations.js';
import { parseModelEndpoint } from '../../src/openai/model-endpoint.js';
import { settingNames } from '../../src/settings/load-settings.js';

const root = path.resolve(__dirname, '../..');
const settings = readFileSync(path.join(root, 'docs/settings.md'), 'utf8');
const troubleshooting = readFileSync(path.join(root, 'docs/troubleshooting.md'), 'utf8');

/** The code spans in the first column of a page's tables. */
function firstColumn(page: string): string[] {
  return [...page.matchAll(/^\| `([^`]+)`/gm)].map(([, name = '']) => name);
}

/** Every error code of a run in the source code. */
function errorCodes(): string[] {
  const sources = readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(path.join(root, 'src', file), 'utf8'));
  const made = /new AgentError\(\s*'(\w+)'|\bas\('(\w+)'|readonly code = '(\w+)'|\berrorCode: '(\w+)'/g;
  const written = sources.flatMap((source) =>
    [...source.matchAll(made)].map(([, ...codes]) => codes.find(Boolean) ?? ''),
  );
  const all = sources.join('\n');
  const named = [...all.matchAll(/new AgentError\(\s*([A-Z_]+),/g)].map(
    ([, name]) => new RegExp(`const ${name} = '(\\w+)'`).exec(all)?.[1] ?? '',
  );
  return [...written, ...named];
}

/** Every route of the app, as the tables of the docs write them. */
const routes = operations.map(({ method, path: route }) =>
  `${method.toUpperCase()} ${route.slice(1)}`.replace('{agentName}', '{agent}'),
);

function routesIn(file: string): string[] {
  const page = readFileSync(path.join(root, file), 'utf8');
  return firstColumn(page).filter((text) => /^(?:GET|POST|DELETE) [^…]*$/.test(text));
}

describe('docs/api.md', () => {
  it('lists each route of the app once, and no other', () => {
    expect(routesIn('docs/api.md').toSorted()).toEqual(routes.toSorted());
  });
});

describe('README.md', () => {
  it('lists only routes of the app', () => {
    const listed = routesIn('README.md');
    expect(listed.length).toBeGreaterThan(10);
    expect(listed.filter((route) => !routes.includes(route))).toEqual([]);
  });
});

describe('docs/settings.md', () => {
  it('lists each setting that the app reads, and no other', () => {
    const listed = firstColumn(settings).filter((name) => /^[A-Za-z_]+$/.test(name));
    expect(listed.toSorted()).toEqual(settingNames.toSorted());
  });

  it('shows the request URL for each kind of endpoint', () => {
    const rows = [...settings.matchAll(/^\| `(https?:[^`]+)`\s*\| `([^`]+)`/gm)];
    expect(rows.length).toBeGreaterThan(6);
    for (const [, pasted = '', documented = ''] of rows) {
      const { endpoint } = parseModelEndpoint(pasted);
      const called =
        endpoint.api === 'v1'
          ? `${endpoint.baseUrl}/chat/completions`
          : `${endpoint.baseUrl}/deployments/DEPLOYMENT/chat/completions?api-version=…`;
      expect(called.toLowerCase()).toBe(documented.toLowerCase());
    }
  });
});

describe('docs/troubleshooting.md', () => {
  it('lists each error code once, with cause and remedy', () => {
    const codes = [...new Set(errorCodes())].toSorted();
    expect(codes.length).toBeGreaterThan(20);
    const listed = [...troubleshooting.matchAll(/^\| `(\w+)`\s*\| \S.* \| \S.* \|$/gm)].map(([, code = '']) => code);
    expect(listed.toSorted()).toEqual(codes);
  });
});
