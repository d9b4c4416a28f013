import { parseArgs, type ParseArgsConfig } from 'node:util';
import { LaunchError } from './launch-error.js';

/** The options of a command, in the form of `parseArgs`; each is given once at most, or the last one counts. */
export type OptionTypes = NonNullable<ParseArgsConfig['options']>;

/** What is on a command line. */
export interface CommandLine<Name extends string> {
  /** Options by name; those that take no value have the empty one. */
  readonly given: ReadonlyMap<Name, string>;
  /** What stands there without an option. */
  readonly positionals: readonly string[];
  /** What is wrong so far, one sentence each. The caller adds what it finds, then has {@link refuseProblems} tell. */
  readonly problems: string[];
}

/**
 * Reads a command line without the program's name, and finds unknown options, missing values and what is too much.
 *
 * @param maxPositionals - how many may stand there without an option.
 */
export function parseCommandLine<Types extends OptionTypes>(
  commandLine: readonly string[],
  optionTypes: Types,
  maxPositionals = 0,
): CommandLine<keyof Types & string> {
  // Not strict: parseArgs would stop at the first mistake, and all of them are to be named.
  const { tokens } = parseArgs({
    args: [...commandLine],
    options: optionTypes,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const isOptionName = (name: string): name is keyof Types & string => Object.hasOwn(optionTypes, name);
  const problems: string[] = [];
  const positionals: string[] = [];
  const given = new Map<keyof Types & string, string>();
  let afterUnknownOption = false;
  for (const token of tokens) {
    // What follows an unknown option is its value, most likely: one mistake, named once.
    if (token.kind === 'positional' && !afterUnknownOption) {
      if (positionals.length < maxPositionals) positionals.push(token.value);
      else problems.push(`${token.value}: not expected here`);
    }
    afterUnknownOption = token.kind === 'option' && !isOptionName(token.name);
    if (token.kind !== 'option') continue;
    if (!isOptionName(token.name)) {
      problems.push(`${token.rawName}: no such option`);
    } else if (optionTypes[token.name]?.type === 'boolean') {
      if (token.value === undefined) given.set(token.name, '');
      else problems.push(`${token.rawName} takes no value`);
    } else if (
      token.value === undefined ||
      token.value === '' ||
      (!token.inlineValue && token.value.startsWith('--'))
    ) {
      problems.push(`${token.rawName} needs a value`);
    } else {
      given.set(token.name, token.value);
    }
  }
  return { given, positionals, problems };
}

/** @throws LaunchError that names every problem, and the command that explains the options. */
export function refuseProblems(problems: readonly string[], command: string): void {
  if (problems.length === 0) return;
  throw new LaunchError(`${problems.join('\n')}\n${command} -- --help lists the options.`, { exitCode: 2 });
}
