import { parseArgs, type ParseArgsConfig } from 'node:util';
import { LaunchError } from './launch-error.js';

/** The options of a command, as for `parseArgs`. If an option is repeated, the last one wins. */
export type OptionTypes = NonNullable<ParseArgsConfig['options']>;

/** A parsed command line. */
export interface CommandLine<Name extends string> {
  /** Options by name. Options without a value have the empty string. */
  readonly given: ReadonlyMap<Name, string>;
  /** Arguments that belong to no option. */
  readonly positionals: readonly string[];
  /** Problems found so far, one sentence each. The caller adds its own, then calls {@link refuseProblems}. */
  readonly problems: string[];
}

/**
 * Parses a command line without the program name. Reports unknown options, missing values and extra arguments.
 *
 * @param maxPositionals - maximum number of arguments that belong to no option
 */
export function parseCommandLine<Types extends OptionTypes>(
  commandLine: readonly string[],
  optionTypes: Types,
  maxPositionals = 0,
): CommandLine<keyof Types & string> {
  // Not strict, because parseArgs would stop at the first problem and all must be reported.
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
    // An argument after an unknown option is probably its value, so report only the option.
    if (token.kind === 'positional' && !afterUnknownOption) {
      if (positionals.length < maxPositionals) positionals.push(token.value);
      else problems.push(`${token.value}: unexpected argument`);
    }
    afterUnknownOption = token.kind === 'option' && !isOptionName(token.name);
    if (token.kind !== 'option') continue;
    if (!isOptionName(token.name)) {
      problems.push(`${token.rawName}: unknown option`);
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

/** @throws LaunchError listing all problems and the help command, if there are any */
export function refuseProblems(problems: readonly string[], command: string): void {
  if (problems.length === 0) return;
  throw new LaunchError(`${problems.join('\n')}\n${command} -- --help lists the options.`, { exitCode: 2 });
}
