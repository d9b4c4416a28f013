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

  it('names only files that exist or that it asks the reader to create', () => {
    const written = [...text.matchAll(/^```\w+\n\/\/ (\S+)$/gm)].map(([, file]) => file);
    const named = codeIn(text).flatMap(
      (code) => code.match(/(?<![\w./-])(?:src|local|tests|bench|docs|examples)\/[\w./-]*\w/g) ?? [],
    );
    const missing = named.filter((file) => !written.includes(file) && !existsSync(path.join(projectFolder, file)));
    expect(missing).toEqual([]);
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
