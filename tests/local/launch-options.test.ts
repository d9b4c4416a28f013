import { describe, expect, it } from 'vitest';
import { LaunchError } from '../../local/launch-error.js';
import { localHostReason, parseLaunchOptions } from '../../local/launch-options.js';

const nothingAsked = {
  help: false,
  port: undefined,
  host: undefined,
  model: undefined,
  keys: false,
  app: undefined,
  ephemeral: false,
  data: undefined,
};

describe('the command line of npm start', () => {
  it('may be empty', () => {
    expect(parseLaunchOptions([])).toEqual(nothingAsked);
  });

  it('accepts each option, with its value after a space or an equals sign', () => {
    expect(parseLaunchOptions(['--port', '0', '--host=local', '--model', 'offline', '--keys', '--app=other'])).toEqual({
      help: false,
      port: 0,
      host: 'local',
      model: 'offline',
      keys: true,
      app: 'other',
      ephemeral: false,
      data: undefined,
    });
    expect(parseLaunchOptions(['--ephemeral'])).toEqual({ ...nothingAsked, ephemeral: true });
    expect(parseLaunchOptions(['--data', 'folder'])).toEqual({ ...nothingAsked, data: 'folder' });
    expect(parseLaunchOptions(['-h'])).toEqual({ ...nothingAsked, help: true });
  });

  it.each(['70000', '-1', '1.5', 'http', '0x10', '1e3'])('rejects the port %s', (port) => {
    expect(() => parseLaunchOptions([`--port=${port}`])).toThrow(
      `--port must be a whole number from 0 to 65535, not ${port}`,
    );
  });

  it('reports all mistakes in one error', () => {
    const commandLine = [
      '--port',
      'x',
      '--host',
      'azure',
      '--model',
      'gpt',
      '--keys=no',
      '--hots',
      'func',
      'more',
      '--app',
    ];
    let error: unknown;
    try {
      parseLaunchOptions(commandLine);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(LaunchError);
    expect(error).toMatchObject({ exitCode: 2 });
    expect(String(error).split('\n')).toEqual([
      'LaunchError: --keys takes no value',
      '--hots: unknown option',
      'more: unexpected argument',
      '--app needs a value',
      '--port must be a whole number from 0 to 65535, not x',
      '--host must be func or local, not azure',
      '--model must be azure or offline, not gpt',
      'npm start -- --help lists the options.',
    ]);
  });

  it('does not mistake the next option for a value', () => {
    expect(() => parseLaunchOptions(['--app', '--keys'])).toThrow('--app needs a value');
  });

  it('rejects --keys with Core Tools, which accept every key', () => {
    expect(() => parseLaunchOptions(['--keys', '--host', 'func'])).toThrow('--keys requires --host local');
  });

  it('rejects options that Core Tools do not have', () => {
    expect(() => parseLaunchOptions(['--data', 'x', '--host', 'func'])).toThrow('--data requires --host local');
    expect(() => parseLaunchOptions(['--ephemeral', '--host', 'func'])).toThrow('--ephemeral requires --host local');
  });

  it('rejects --data together with --ephemeral', () => {
    expect(() => parseLaunchOptions(['--ephemeral', '--data', 'x'])).toThrow(
      '--data and --ephemeral exclude each other',
    );
  });

  it.each([
    [[], undefined],
    [['--host', 'func'], undefined],
    [['--host', 'local', '--ephemeral'], '--host local'],
    [['--keys'], '--keys'],
    [['--data', 'x'], '--data'],
    [['--ephemeral'], '--ephemeral'],
  ])('%j implies the local Functions host because of the option %s', (commandLine, reason) => {
    expect(localHostReason(parseLaunchOptions(commandLine))).toBe(reason);
  });
});
