import { createRouteConstraint, type RouteConstraint } from './route-constraints.js';

/** Values of a route's parameters by name. Optional parameters that the path omits are missing. */
export type RouteParameters = Readonly<Record<string, string>>;

interface Literal {
  readonly kind: 'literal';
  readonly text: string;
}

interface Parameter {
  readonly kind: 'parameter';
  readonly name: string;
  readonly isOptional: boolean;
  readonly isCatchAll: boolean;
  readonly defaultValue: string | undefined;
  readonly constraints: readonly RouteConstraint[];
}

type Segment = readonly (Literal | Parameter)[];

/**
 * A route template such as `items/{id:int:min(2)?}` or `files/{*path}`, with the rules of ASP.NET Core. Matches text
 * case-insensitively and accepts one trailing slash.
 */
export class RouteTemplate {
  readonly text: string;
  readonly #segments: readonly Segment[];
  readonly #precedence: readonly number[];

  /** @throws Error for a malformed template or an unknown constraint */
  constructor(text: string) {
    this.text = text;
    this.#segments = splitSegments(text).map(parseSegment);
    this.#precedence = this.#segments.map(rankSegment);
    for (const segment of this.#segments.slice(0, -1)) {
      if (segment.some((part) => part.kind === 'parameter' && part.isCatchAll)) {
        throw new Error(`A catch-all parameter must be the last segment of the route "${text}".`);
      }
    }
  }

  /**
   * Orders templates by precedence, segment by segment: literals, then parameters with constraints, then parameters without,
   * then catch-alls.
   */
  static compare(this: void, first: RouteTemplate, second: RouteTemplate): number {
    const length = Math.max(first.#precedence.length, second.#precedence.length);
    for (let index = 0; index < length; index++) {
      const difference = (first.#precedence[index] ?? 0) - (second.#precedence[index] ?? 0);
      if (difference !== 0) return difference;
    }
    return 0;
  }

  get parameterNames(): readonly string[] {
    return this.#segments.flat().flatMap((part) => (part.kind === 'parameter' ? [part.name] : []));
  }

  /** Returns the parameters of a decoded path, which starts with a slash, or undefined if the path does not match. */
  match(path: string): RouteParameters | undefined {
    const parts = path.replace(/^\//, '').replace(/\/$/, '').split('/');
    const given = parts.length === 1 && parts[0] === '' ? [] : parts;
    const parameters: Record<string, string> = {};
    for (const [index, segment] of this.#segments.entries()) {
      const [part] = segment;
      const value = given[index];
      if (value === '') return undefined;
      if (part?.kind === 'parameter' && part.isCatchAll) {
        const rest = path.replace(/^\//, '').split('/').slice(index).join('/');
        return accept(part, value === undefined ? undefined : rest, parameters) ? parameters : undefined;
      }
      if (!matchSegment(segment, value, parameters)) return undefined;
    }
    return given.length > this.#segments.length ? undefined : parameters;
  }
}

function matchSegment(segment: Segment, value: string | undefined, parameters: Record<string, string>): boolean {
  const [part] = segment;
  if (segment.length === 1 && part?.kind === 'parameter') return accept(part, value, parameters);
  if (value === undefined) return false;
  const match = segmentPattern(segment).exec(value);
  const names = segment.filter((each) => each.kind === 'parameter');
  return match !== null && names.every((name, index) => accept(name, match[index + 1], parameters));
}

function accept(parameter: Parameter, value: string | undefined, parameters: Record<string, string>): boolean {
  const actual = value ?? parameter.defaultValue;
  if (actual === undefined) {
    return parameter.isOptional || (parameter.isCatchAll && parameter.constraints.length === 0);
  }
  parameters[parameter.name] = actual;
  return parameter.constraints.every((constraint) => constraint(actual));
}

function segmentPattern(segment: Segment): RegExp {
  const source = segment.map((part, index) => {
    if (part.kind === 'parameter') return part.isOptional ? '' : '(.+)';
    const next = segment[index + 1];
    const text = part.text.replace(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
    // In `{name}.{extension?}`, the dot before the optional parameter is optional too.
    return next?.kind === 'parameter' && next.isOptional ? `(?:${text}([^${text}]+))?` : text;
  });
  return new RegExp(`^${source.join('').replace(/\(\.\+\)(?=\(\?:)/, '(.+?)')}$`, 'i');
}

function rankSegment(segment: Segment): number {
  const [part] = segment;
  if (segment.length > 1) return 2;
  if (part?.kind !== 'parameter') return 1;
  return (part.isCatchAll ? 5 : 3) - (part.constraints.length > 0 ? 1 : 0);
}

/** Splits at slashes outside of braces. */
function splitSegments(text: string): string[] {
  const trimmed = text.replace(/^\/|\/$/g, '');
  if (trimmed === '') return [];
  const segments = [''];
  let isInside = false;
  for (const token of trimmed.match(/\{\{|\}\}|[^]/g) ?? []) {
    if (token === '{') isInside = true;
    if (token === '}') isInside = false;
    if (token === '/' && !isInside) segments.push('');
    else segments[segments.length - 1] += token;
  }
  if (isInside || segments.includes('')) throw new Error(`The route "${text}" is malformed.`);
  return segments;
}

function parseSegment(text: string): Segment {
  const parts = text.match(/\{(?!\{)(?:\{\{|\}\}|[^{}])*\}|(?:\{\{|\}\}|[^{}])+/g) ?? [];
  if (parts.join('') !== text) throw new Error(`"${text}" in a route is malformed.`);
  return parts.map((part) => {
    const unescaped = part.replaceAll('{{', '{').replaceAll('}}', '}');
    const isParameter = /^\{(?!\{)/.test(part);
    return isParameter ? parseParameter(unescaped.slice(1, -1)) : { kind: 'literal', text: unescaped };
  });
}

function parseParameter(text: string): Parameter {
  const match =
    /^(?<stars>\**)(?<name>[^:=?*]+)(?<constraints>(?::[^:=(?]+(?:\(.*?\)(?=[:=?]|$))?)*)(?:=(?<value>.*?))?(?<optional>\?)?$/.exec(
      text,
    );
  const { stars = '', name = '', constraints = '', value, optional } = match?.groups ?? {};
  if (match === null || name.trim() === '') throw new Error(`"{${text}}" in a route is malformed.`);
  return {
    kind: 'parameter',
    name,
    isOptional: optional !== undefined,
    isCatchAll: stars !== '',
    defaultValue: value,
    constraints: [...constraints.matchAll(/:([^:(]+)(?:\((.*?)\)(?=:|$))?/g)].map(
      ([, constraint = '', argumentsText]) => createRouteConstraint(constraint, argumentsText),
    ),
  };
}
