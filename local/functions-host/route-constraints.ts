/** Returns whether a route parameter's decoded value is valid. */
export type RouteConstraint = (value: string) => boolean;

/**
 * Creates the inline constraint `name(argumentsText)` of a route template, with the rules of ASP.NET Core, which the real
 * host uses for routing: https://learn.microsoft.com/aspnet/core/fundamentals/routing#route-constraints
 *
 * @throws Error for an unknown constraint or invalid arguments
 */
export function createRouteConstraint(name: string, argumentsText: string | undefined): RouteConstraint {
  const key = name.toLowerCase();
  const create = Object.hasOwn(constraints, key) ? constraints[key] : undefined;
  if (create === undefined) throw new Error(`Unknown route constraint "${name}".`);
  return create(argumentsText ?? '');
}

const matching =
  (pattern: RegExp): RouteConstraint =>
  (value) =>
    pattern.test(value);

const wholeNumber = /^\s*[+-]?\d+\s*$/;

const constraints: Readonly<Record<string, (argumentsText: string) => RouteConstraint>> = {
  int: () => integerBetween(-(2n ** 31n), 2n ** 31n - 1n),
  long: () => integerBetween(-(2n ** 63n), 2n ** 63n - 1n),
  min: (text) => integerBetween(toInteger(text), 2n ** 63n - 1n),
  max: (text) => integerBetween(-(2n ** 63n), toInteger(text)),
  range: (text) => {
    const [minimum, maximum] = twoIntegers(text);
    return integerBetween(minimum, maximum);
  },
  bool: () => matching(/^\s*(?:true|false)\s*$/i),
  decimal: () => matching(/^\s*[+-]?(?:\d[\d,]*\.?\d*|\.\d+)[+-]?\s*$/),
  double: () => matching(/^\s*[+-]?(?:(?:\d[\d,]*\.?\d*|\.\d+)(?:e[+-]?\d+)?|infinity|∞|nan)\s*$/i),
  float: () => matching(/^\s*[+-]?(?:(?:\d[\d,]*\.?\d*|\.\d+)(?:e[+-]?\d+)?|infinity|∞|nan)\s*$/i),
  datetime: () => (value) => !Number.isNaN(Date.parse(value)),
  guid: () => isGuid,
  alpha: () => matching(/^[a-z]*$/i),
  minlength: (text) => lengthBetween(toInteger(text), 2n ** 31n - 1n),
  maxlength: (text) => lengthBetween(0n, toInteger(text)),
  length(text) {
    if (!text.includes(',')) return lengthBetween(toInteger(text), toInteger(text));
    const [minimum, maximum] = twoIntegers(text);
    return lengthBetween(minimum, maximum);
  },
  regex: (text) => matching(new RegExp(text, 'i')),
  required: () => (value) => value.length > 0,
};

function integerBetween(minimum: bigint, maximum: bigint): RouteConstraint {
  return (value) => {
    if (!wholeNumber.test(value)) return false;
    const number = toInteger(value);
    return number >= minimum && number <= maximum;
  };
}

function lengthBetween(minimum: bigint, maximum: bigint): RouteConstraint {
  return (value) => value.length >= minimum && value.length <= maximum;
}

function isGuid(value: string): boolean {
  const text = value.trim();
  const inside = /^\{.*\}$|^\(.*\)$/.test(text) ? text.slice(1, -1) : text;
  const withDashes = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(inside);
  return withDashes || /^[\da-f]{32}$/i.test(text);
}

function toInteger(text: string): bigint {
  if (!wholeNumber.test(text)) throw new Error(`"${text}" is not a whole number.`);
  return BigInt(text.trim().replace('+', ''));
}

function twoIntegers(text: string): [bigint, bigint] {
  const [first, second, ...others] = text.split(',');
  if (first === undefined || second === undefined || others.length > 0)
    throw new Error(`"${text}" is not a pair of numbers.`);
  return [toInteger(first), toInteger(second)];
}
