import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { createPrinter, type Printer } from '../../local/printer.js';

async function printedBy(print: (printer: Printer) => void, isColored: boolean): Promise<string> {
  const output = new PassThrough();
  print(createPrinter(output, output, isColored));
  return text(output.end());
}

describe('the log of the functions', () => {
  const entries = [
    { level: 'information', category: 'Function.run.User', functionName: 'run', message: 'chunk' },
    { level: 'warning', category: 'Function.run.User', functionName: 'run', message: 'slow callback' },
    { level: 'error', category: 'Host', message: 'no answer' },
  ] as const;

  it('names the function, and the level of warnings and errors', async () => {
    const output = await printedBy((printer) => entries.forEach((entry) => printer.functionLog(entry)), false);
    expect(output.replaceAll(/^\d\d:\d\d:\d\d\.\d{3}/gm, 'TIME').split('\n')).toEqual([
      'TIME run: chunk',
      'TIME warning  run: slow callback',
      'TIME error  no answer',
      '',
    ]);
  });

  it('is colored on a terminal only', async () => {
    const outputs = [true, false].map((isColored) =>
      printedBy((printer) => printer.functionLog(entries[1]), isColored),
    );
    const [colored, plain] = await Promise.all(outputs);
    expect(colored).toContain('\u001B[33mwarning');
    expect(plain).not.toContain('\u001B');
  });
});
