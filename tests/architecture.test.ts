import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

const source = path.resolve(__dirname, '../src');
const base = ['durable-agents/index.ts', 'functions/', 'storage/key-value-store'];

/** The imports that docs/architecture.md allows each room, besides its own files. */
const rooms: Readonly<Record<string, readonly string[]>> = {
  'functions/': [],
  'storage/': ['functions/'],
  'durable-agents/': ['functions/', 'storage/key-value-store', 'storage/memory/'],
  'openai/': base,
  'dashboard/page/': [],
  'dashboard/': base,
  'audit/domain/': base,
  'audit/store/': [...base, 'audit/domain/', 'storage/'],
  'audit/recording/': [...base, 'audit/domain/', 'audit/store/callback-event-store', 'storage/storage-error'],
  'audit/http/': [
    ...base,
    'audit/domain/',
    'audit/recording/',
    'audit/store/callback-event-store',
    'storage/storage-error',
  ],
  'api/': [...base, 'audit/http/callback-request'],
  'agents/': [...base, 'openai/', 'audit/', 'dashboard/'],
  'settings/': [...base, 'openai/', 'audit/', 'storage/', 'telemetry/'],
  'telemetry/': base,
  'index.ts': [''],
};

/** The relative imports of each source file, as paths inside `src`. */
const importsOf = new Map(
  readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => {
      const imports = readFileSync(path.join(source, file), 'utf8').matchAll(/(?:from|import) ?\(?'(\.[^']+)'/g);
      const name = file.replaceAll('\\', '/');
      return [name, [...imports].map(([, target = '']) => path.posix.join(path.posix.dirname(name), target))];
    }),
);

it('each room imports only the rooms below it', () => {
  const violations = [...importsOf].flatMap(([file, targets]) => {
    const [room, allowed] = Object.entries(rooms).find(([prefix]) => file.startsWith(prefix)) ?? [file, []];
    const isAllowed = (target: string): boolean =>
      [room, ...allowed].some((prefix) => target.startsWith(prefix.replace('.ts', '.js')));
    return targets
      .filter((target) => !isAllowed(target) || target.startsWith('../'))
      .map((target) => `${file} → ${target}`);
  });
  expect(violations).toEqual([]);
});

it('the app does not load the helpers for tests', () => {
  const testing = 'durable-agents/testing/';
  expect(importsOf.has(`${testing}index.ts`)).toBe(true);
  const users = [...importsOf].filter(([, targets]) => targets.some((target) => target.startsWith(testing)));
  expect(users.map(([file]) => file).filter((file) => !file.startsWith(testing))).toEqual([]);
});

it('the commands of package.json run without Vitest, which works in its own processes only', () => {
  const project = path.resolve(source, '..');
  const { scripts } = JSON.parse(readFileSync(path.join(project, 'package.json'), 'utf8')) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  const programs = Object.values(scripts).flatMap((script) => /node dist\/(\S+)\.js/.exec(script)?.[1] ?? []);
  expect(programs).toContain('tests/crash/main');
  const loaded = new Set(programs.map((program) => `${program}.ts`));
  const users: string[] = [];
  for (const file of loaded) {
    const text = readFileSync(path.join(project, file), 'utf8');
    for (const [, target = ''] of text.matchAll(/^(?:import|export) (?!type )[^;]*?from '([^']+)';$/gm)) {
      if (target.startsWith('vitest')) users.push(file);
      if (target.startsWith('.')) loaded.add(path.posix.join(path.posix.dirname(file), target.replace(/\.js$/, '.ts')));
    }
  }
  expect(loaded).toContain('tests/support/local-app.ts');
  expect(users).toEqual([]);
});
