import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const projectFolder = path.resolve(__dirname, '..');
const { scripts } = JSON.parse(readFileSync(path.join(projectFolder, 'package.json'), 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>;
};

const documents = ['.', 'docs', 'local', 'local/functions-host', 'examples/chat']
  .flatMap((folder) => readdirSync(path.join(projectFolder, folder)).map((name) => path.posix.join(folder, name)))
  .filter((file) => file.endsWith('.md'));

function read(file: string): string {
  return readFileSync(path.join(projectFolder, file), 'utf8');
}

/** Text between triple or single backticks. */
function codeIn(text: string): string[] {
  return [...text.matchAll(/^( *)```\w*\n(.*?)^\1```$|`([^`\n]+)`/gms)].map(
    ([, , block, inline]) => block ?? inline ?? '',
  );
}

/** The anchors that GitHub gives to the headings of a document. */
function anchorsOf(file: string): string[] {
  const withoutCode = read(file).replaceAll(/^```.*?^```$/gms, '');
  return [...withoutCode.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** Every word of the code, its tests and its settings. */
const words = new Set(
  ['src', 'local', 'tests', 'examples', 'infra']
    .flatMap((folder) =>
      readdirSync(path.join(projectFolder, folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && /\.(?:m?ts|bicep|json)$/.test(entry.name))
        .map((entry) => path.relative(projectFolder, path.join(entry.parentPath, entry.name))),
    )
    .concat('host.json', 'package.json')
    .flatMap((file) => read(file).match(/[A-Za-z\d]+/g) ?? []),
);
const wordsOfTheOriginal = ['AgentResponseCallbackProtocol'];

describe.each(documents)('%s', (document) => {
  const text = read(document);
  const folder = path.posix.dirname(document);

  it('links only to files and headings that exist', () => {
    const withoutCode = text.replaceAll(/^```.*?^```$|`[^`\n]*`/gms, '');
    const links = [...withoutCode.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
    const broken = links.filter((link) => {
      if (/^https?:/.test(link)) return false;
      const [target = '', anchor] = link.split('#');
      const file = target === '' ? document : path.posix.join(folder, target);
      if (!existsSync(path.join(projectFolder, file))) return true;
      return anchor !== undefined && !anchorsOf(file).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  it('links to the file that the text of a link names', () => {
    const withoutBlocks = text.replaceAll(/^```.*?^```$/gms, '');
    const links = [
      ...withoutBlocks.matchAll(/\[`?([\w./-]+\.(?:ts|mjs|html|json|md|http|bicep|yml))`?\]\(([^)\s#]+)/g),
    ];
    const misleading = links.filter(
      ([, named = '', target = '']) => !path.posix.join('/', target).endsWith(`/${named}`),
    );
    expect(misleading.map(([link]) => link)).toEqual([]);
  });

  it('names only files that exist or that it asks the reader to create', () => {
    const written = [...text.matchAll(/^```\w+\n\/\/ (\S+)$/gm)].map(([, file]) => file);
    const named = codeIn(text).flatMap(
      (code) => code.match(/(?<![\w./-])(?:src|local|tests|bench|docs|examples)\/[\w./-]*\w/g) ?? [],
    );
    const missing = named.filter((file) => !written.includes(file) && !existsSync(path.join(projectFolder, file)));
    expect(missing).toEqual([]);
  });

  it('names only identifiers that the code or an example on the page has', () => {
    const blocks = [...text.matchAll(/^ *```.*?^ *```$/gms)].map(([block]) => block).join('\n');
    const known = new Set([...words, ...wordsOfTheOriginal, ...(blocks.match(/[A-Za-z\d]+/g) ?? [])]);
    const inline = [...text.replaceAll(/^ *```.*?^ *```$/gms, '').matchAll(/`([^`\n]+)`/g)].map(
      ([, code = '']) => code,
    );
    const named = inline.flatMap((code) => code.match(/\b(?:[a-z]+|[A-Z][a-z\d]+)[A-Z][A-Za-z\d]*/g) ?? []);
    expect(named.filter((name) => !known.has(name))).toEqual([]);
  });

  it('shows files of this repository as they are', () => {
    const shown = [...text.matchAll(/^```\w+\n\/\/ (\S+)\n(.*?)^```$/gms)]
      .map(([, file = '', code = '']) => ({ file, code }))
      .filter(({ file }) => existsSync(path.join(projectFolder, file)));
    expect(shown).toEqual(shown.map(({ file }) => ({ file, code: read(file) })));
  });

  it('shows only commands that exist', () => {
    const code = codeIn(text).join('\n');
    const runScripts = [...code.matchAll(/\bnpm run (?:-s |--silent )?([\w:-]+)/g)].map(([, name = '']) => name);
    const shortScripts = [...code.matchAll(/\bnpm (start|test)\b/g)].map(([, name = '']) => name);
    const programs = [...code.matchAll(/\bnpx ([\w-]+)/g)].map(([, name = '']) => name);
    const files = [...code.matchAll(/\bnode ([\w./-]+\.m?js)\b/g)].map(([, file = '']) => file);
    expect([...runScripts, ...shortScripts].filter((name) => scripts[name] === undefined)).toEqual([]);
    expect(programs.filter((name) => !existsSync(path.join(projectFolder, 'node_modules/.bin', name)))).toEqual([]);
    expect(files.filter((file) => !existsSync(path.join(projectFolder, file)))).toEqual([]);
  });
});

it.each([
  { document: 'AGENTS.md', folder: 'src' },
  { document: 'docs/architecture.md', folder: 'src' },
  { document: 'docs/architecture.md', folder: 'src/durable-agents' },
])('$document lists every room of $folder', ({ document, folder }) => {
  const listed = [...read(document).matchAll(new RegExp(`^\\| \`${folder}/([\\w-]+)/`, 'gm'))].map(
    ([, room = '']) => room,
  );
  const entries = readdirSync(path.join(projectFolder, folder), { withFileTypes: true });
  const rooms = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  expect([...new Set(listed)].toSorted()).toEqual(rooms.toSorted());
});

it('README.md starts with the front matter of the Azure samples gallery', () => {
  const [, frontMatter = ''] = /^<!--\n---\n(.*?)\n---\n-->\n\n# /s.exec(read('README.md')) ?? [];
  const { name } = JSON.parse(read('package.json')) as { readonly name: string };
  expect(parse(frontMatter)).toEqual({
    name: expect.stringMatching(/^.{10,80}$/),
    description: expect.stringMatching(/^.{50,200}\.$/),
    page_type: 'sample',
    languages: ['azdeveloper', 'bicep', 'nodejs', 'typescript'],
    products: ['azure-functions', 'azure-openai', 'azure-storage', 'azure-monitor'],
    urlFragment: name,
  });
});
