import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RouteTemplate } from '../../../local/functions-host/route-template.js';

describe('a route template matches', () => {
  test.each([
    ['hello', '/hello', {}],
    ['hello', '/HELLO/', {}],
    ['', '/', {}],
    ['opt/{a}/{b?}', '/opt/1', { a: '1' }],
    ['opt/{a}/{b?}', '/opt/1/2', { a: '1', b: '2' }],
    ['opt/{a=5}', '/opt', { a: '5' }],
    ['all/{*rest}', '/all', {}],
    ['all/{*rest}', '/all/', {}],
    ['all/{*rest}', '/all/a/b%2Fc/d', { rest: 'a/b%2Fc/d' }],
    ['all/{**rest}', '/all/a//b/', { rest: 'a//b/' }],
    ['files/{name}.{extension?}', '/files/a.b.c', { name: 'a.b', extension: 'c' }],
    ['files/{name}.{extension?}', '/files/a', { name: 'a' }],
    ['v{version:int}/{from}-{to}', '/v2/x-y-z', { version: '2', from: 'x-y', to: 'z' }],
    ['{{literal}}', '/{literal}', {}],
    [String.raw`{ssn:regex(^\d{{3}}-(\d{{2}}/)?\d$)}`, '/123-4', { ssn: '123-4' }],
    ['{id:int:min(2)?}', '/', {}],
    ['{id:int:min(2)?}', '/2', { id: '2' }],
  ])('%s: %s', (template, path, expected) => {
    expect(new RouteTemplate(template).match(path)).toEqual(expected);
  });
});

describe('a route template does not match', () => {
  test.each([
    ['hello', '/hello/there'],
    ['hello', '//hello'],
    ['hello', '/'],
    ['', '/x'],
    ['a/{b}', '/a'],
    ['a/{b}', '/a/'],
    ['a/{b}/c', '/a//c'],
    ['all/{*rest}', '/all//x'],
    ['all/{*rest:int}', '/all'],
    ['v{version:int}', '/vx'],
    ['{from}-{to}', '/x-'],
    ['{id:int:min(2)?}', '/1'],
  ])('%s: %s', (template, path) => {
    expect(new RouteTemplate(template).match(path)).toBeUndefined();
  });
});

test.each(['a/{b', 'a//b', '{}', '{*rest}/more', '{a:nosuch}', '{a:min(x)}', '{a:length(1,2,3)}'])(
  'rejects the route template %s',
  (text) => {
    expect(() => new RouteTemplate(text)).toThrow(Error);
  },
);

test.each([
  ['int', ['0', '-5', '+7', ' 12 ', '2147483647', '-2147483648'], ['', 'a', '1.5', '2147483648', '99999999999', '--1']],
  ['long', ['9223372036854775807'], ['9223372036854775808', 'x']],
  ['bool', ['true', 'FALSE'], ['1', 'yes']],
  [
    'guid',
    [
      '12345678-1234-abcd-ABCD-1234567890ab',
      '123456781234abcdabcd1234567890ab',
      '{12345678-1234-abcd-abcd-1234567890ab}',
    ],
    ['1234', 'g2345678-1234-abcd-abcd-1234567890ab'],
  ],
  ['alpha', ['abc', 'ABC'], ['a1', 'é']],
  ['decimal', ['1', '1.5', '-1,000.25', '.5'], ['1e5', 'x']],
  ['double', ['1e5', '-1.5', 'NaN'], ['x', '1e']],
  ['datetime', ['2026-11-22', '2026-11-22T07:32:04Z'], ['soon']],
  ['length(3)', ['abc'], ['ab', 'abcd']],
  ['length(2,3)', ['ab', 'abc'], ['a', 'abcd']],
  ['minlength(2)', ['ab'], ['a']],
  ['maxlength(2)', ['ab'], ['abc']],
  ['min(2)', ['2', '100'], ['1', 'x']],
  ['max(2)', ['2', '-100'], ['3', 'x']],
  ['range(2,4)', ['2', '4'], ['1', '5']],
  ['regex(^a?b$)', ['b', 'AB'], ['abc']],
])('the route constraint %s accepts and rejects the expected values', (constraint, accepted, refused) => {
  const template = new RouteTemplate(`{value:${constraint}}`);
  const isAccepted = (value: string): boolean => template.match(`/${value}`) !== undefined;
  expect([...accepted, ...refused].filter(isAccepted)).toEqual(accepted);
});

const text = fc.stringMatching(/^[a-z0-9 %é.@;-]{1,8}$/);
const literal = fc.stringMatching(/^[a-z]{1,6}$/);

test('a route template matches any path built from its literals and values, with or without a trailing slash', () => {
  const parts = fc.array(fc.record({ literal, name: literal, value: text }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(parts, fc.boolean(), (segments, hasSlash) => {
      const names = segments.map(({ name }, index) => `${name}${index}`);
      const template = segments.map((segment, index) => `${segment.literal}/{${names[index]}}`).join('/');
      const path = segments.map((segment) => `/${segment.literal.toUpperCase()}/${segment.value}`).join('');
      const expected = Object.fromEntries(segments.map(({ value }, index) => [names[index], value]));
      expect(new RouteTemplate(template).match(path + (hasSlash ? '/' : ''))).toEqual(expected);
    }),
  );
});

test('route templates are tried from the most to the least specific, in any order of registration', () => {
  const ordered = ['a/b', 'a/{id:int}', 'a/{id}', 'a/{*rest:length(3)}', 'a/{*rest}', '{first}', '{first}/b', '{*all}'];
  fc.assert(
    fc.property(fc.shuffledSubarray(ordered, { minLength: ordered.length }), (shuffled) => {
      const templates = shuffled.map((template) => new RouteTemplate(template)).toSorted(RouteTemplate.compare);
      expect(templates.map((template) => template.text)).toEqual(ordered);
    }),
  );
});
